# The camera is set as configured, and again when it was away. What it has not is told in the status, and cars are read.

driver=/sys/bus/platform/drivers/vivid

# is_set CONTROL VALUE: whether the kernel holds it so.
is_set() { [ "$(v4l2-ctl -d /dev/video0 -C "$1")" = "$1: $2" ]; }

is_set gain_automatic 1 || fail "the camera's gain is not automatic from the start"
show_car
start 's/^fps = .*/fps = 30\ngain = 77\nexposure_us = 5000/'
is_set gain_automatic 0 || fail "the automatic is still on"
is_set gain 77 || fail "$(v4l2-ctl -d /dev/video0 -C gain), not 77"
await 5 "a degraded status" is_state degraded
READ=$(tail -n 1 $STATES)
expect cause camera_settings
say "     $(of_read message)"
press
await_read 200 1
release
expect outcome accepted
is_state degraded || fail "the status is not degraded any more"

hide
echo vivid.0 >$driver/unbind
await 2 "the camera to be missed" grep -q '"cause":"camera"' $STATES
echo vivid.0 >$driver/bind
show_car
is_set gain 77 && fail "the camera kept its gain"
press
await_read 200 2
release
expect outcome accepted
is_set gain 77 || fail "$(v4l2-ctl -d /dev/video0 -C gain) after it was away, not 77"
say "     set again after it was away; read: $(of_read vin), $(of_read skipped_frames) frames skipped"
