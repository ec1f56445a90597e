# The camera is away for a while between two reads, while nobody looks, and comes back under its name.

driver=/sys/bus/platform/drivers/vivid
show_car
start
press
await_read 200 1
expect outcome accepted
release

hide
echo vivid.0 >$driver/unbind
await 2 "a degraded status" is_state degraded
echo vivid.0 >$driver/bind
show_car
await 2 "a status without a cause" is_state online
press
await_read 200 2
expect outcome accepted
release
say "     read before and after: $(of_read vin)"
