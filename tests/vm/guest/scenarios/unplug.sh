# The camera goes away during a burst and comes back.

driver=/sys/bus/platform/drivers/vivid
show_car
start
press
await 10 "the light to go on" is_on $LIGHT
echo vivid.0 >$driver/unbind
now
gone=$NOW
release
await 10 "the light to go off" is_off $LIGHT
say "     the light went off $(since $gone) s after the camera"
await_read 10 1
expect outcome no_read
expect kind camera
say "     $(of_read message)"
await 5 "a degraded status" is_state degraded
await 5 "the NG lamp" is_on $NG

press
usleep 100000
release
await_read 10 2
expect reason no_frame
say "     $(of_read message)"

hide
echo vivid.0 >$driver/bind
show_car
press
await 10 "the light to go on again" is_on $LIGHT
release
await_read 200 3
expect outcome accepted
expect vin $VIN
await 5 "a status without a cause" is_state online
say "     the next trigger was read: $(of_read vin)"
