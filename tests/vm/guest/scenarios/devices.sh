# `devices` tells the camera and the pins in the words of a configuration, and who has taken them; not the camera's output side.

told=/run/devices

tells() { grep -q "$1" $told || fail "no '$1' in: $(cat $told)"; }
tells_not() { ! grep -q "$1" $told || fail "'$1' in: $(cat $told)"; }

$PROGRAM devices >$told
tells '^camera /dev/video0: .*(vivid, platform:vivid-'
tells_not /dev/video1
tells 'format = "yuyv": '
tells 'formats that vinspect does not read: .*RGB3'
tells 'gain = 0 to 255, by default 100, now [0-9]'
tells_not exposure_us
tells 'free: TRIGGER, LIGHT, OK, NG, BUSY'
tells_not note:

start
$PROGRAM devices >$told
tells 'used: TRIGGER (by "vinspect trigger"), LIGHT (by "vinspect output")'
$PROGRAM devices --json >$told
tells '"used_by": "vinspect trigger"'
say "     $(grep -c fourcc $told) formats, $(grep -c '"key"' $told) controls, $(grep -c used_by $told) lines"
