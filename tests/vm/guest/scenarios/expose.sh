# The banks of a burst are tried in turn: in the first one's exposure all is white, in the second one's the car shows.

use_jpeg_camera

control() { v4l2-ctl -d $CAMERA -C "$1" | sed 's/.*: //'; }

look() {
    local before=$SEEN
    read -r level <$LIGHT/value
    # Seldom in the light: asking for the control takes the processor from vinspect.
    [ $level = 0 ] || sleep 1
    case $level$([ $level = 0 ] || control exposure_time_absolute) in
    0) SEEN=dark ;;
    150) SEEN=car ;;
    *) SEEN=white ;;
    esac
    [ $SEEN = $before ] || echo $SEEN >>/run/seen
}

SEEN=dark
rm -f /run/seen
show_car
start 's/^frames = .*/frames = 4\n[[burst.banks]]\nexposure_us = 40000\n[[burst.banks]]\nexposure_us = 5000/;s/^longest_on_ms = .*/longest_on_ms = 600000/'
press
# The first three frames are white: what nobody can read takes longest.
await_read 600 1
release
expect outcome accepted
expect vin $VIN
[ "$(control auto_exposure)" = "1 (Manual Mode)" ] || fail "auto_exposure is $(control auto_exposure)"
[ "$(control exposure_time_absolute)" = 50 ] || fail "exposure_time_absolute is $(control exposure_time_absolute)"
await 5 "the light to be seen going off" grep -q dark /run/seen
[ "$(cat /run/seen | tr '\n' ' ')" = "white car dark " ] || fail "seen: $(cat /run/seen)"
say "     white at 40 ms, $(of_read vin) at 5 ms, in $(of_read frames) frames"
