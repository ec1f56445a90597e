# The bench that vinspect stands on: pins, a camera that sees the light, a broker; and words for the scenarios.
#
# The camera is vivid: what is written to its output /dev/video1 comes out of its capture side /dev/video0. The pins are
# gpio-sim: `pull` is what happens at an input, `value` is the level that the kernel holds a line at. A camera of JPEGs is
# v4l2loopback, see `use_jpeg_camera`.

SITE=bench
STATION=vm
READS=/run/reads
STATES=/run/states
export RUST_LOG_STYLE=never
# How the camera gives its pictures, as `format` of the configuration has it.
FORMAT=yuyv
# What vinspect opens, and what the pictures for it are written to.
CAMERA=/dev/video0
SCREEN=/dev/video1
# What the car's picture says.
VIN=WBA5A7C52FG142687
PIN=
# By the loader and the libraries that `run` has put there.
PROGRAM="/vinspect/lib/ld-linux-* --library-path /vinspect/lib /vinspect/vinspect"

say() { echo "$*" >&3; echo "=== $*"; }

# Ends the scenario.
fail() { say "     $*"; exit 1; }

kernel_option() { sed "s/.*\b$1=\([^ ]*\).*/\1/" /proc/cmdline; }

# Hundredths of a second since the start, in NOW. Not `$(now)`: the fork would cost an emulated processor more than the rest.
now() { read -r NOW _ </proc/uptime; NOW=${NOW%.*}${NOW#*.}; }

# since HUNDREDTHS: how many seconds ago that was.
since() { now; echo $((NOW - $1)) | sed 's/^.$/0&/;s/\(..\)$/.\1/;s/^\./0./'; }

# await SECONDS WHAT COMMAND...: until the command succeeds.
await() {
    now
    local end=$((NOW + $1 * 100)) what=$2
    shift 2
    until "$@"; do
        usleep 50000
        now
        [ "$NOW" -lt $end ] || fail "waited in vain for $what"
    done
}

set_up_pins() {
    local chip=/sys/kernel/config/gpio-sim/bench
    modprobe gpio-sim || fail "no gpio-sim"
    mount -t configfs none /sys/kernel/config
    mkdir -p $chip/bank
    echo 5 >$chip/bank/num_lines
    local offset=0 name
    for name in TRIGGER LIGHT OK NG BUSY; do
        mkdir $chip/bank/line$offset
        echo $name >$chip/bank/line$offset/name
        offset=$((offset + 1))
    done
    echo 1 >$chip/live
    PIN=/sys/devices/platform/$(cat $chip/dev_name)/$(cat $chip/bank/chip_name)/sim_gpio
    TRIGGER=${PIN}0 LIGHT=${PIN}1 OK=${PIN}2 NG=${PIN}3 BUSY=${PIN}4
}

# A button to ground.
press() { echo pull-down >$TRIGGER/pull; }
release() { echo pull-up >$TRIGGER/pull; }

is_on() { read -r level <"$1/value"; [ "$level" = 1 ]; }
is_off() { ! is_on "$1"; }

set_up_camera() {
    modprobe vivid node_types=0x101 num_inputs=1 input_types=3 num_outputs=1 output_types=1 vid_cap_nr=0 vid_out_nr=1 ||
        fail "no vivid"
}

# vivid's two sides, as if by a cable. A race in the driver now and then pulls it out again at once.
is_connected() {
    v4l2-ctl -d $CAMERA -c osd_text_mode=2,hdmi_000_0_is_connected_to=2
    usleep 100000
    v4l2-ctl -d $CAMERA -C hdmi_000_0_is_connected_to | grep -q ': 2'
}

# Whether its first pictures, which no pipe can hold, were taken.
is_shown() { [ -e /run/shown ]; }

# The camera gives JPEGs from now on, and has an exposure that can be set. It repeats its picture, as vivid does.
use_jpeg_camera() {
    [ -e /v4l2loopback.ko ] || fail "no v4l2loopback for this processor"
    [ -e /dev/video2 ] || insmod /v4l2loopback.ko video_nr=2 max_buffers=8 exclusive_caps=1 || fail "v4l2loopback does not load"
    FORMAT=mjpeg CAMERA=/dev/video2 SCREEN=/dev/video2
    is_connected() { v4l2-ctl -d $CAMERA -c sustain_framerate=1; }
    is_shown() { grep -q capture /sys/class/video4linux/video2/state; }
}

fourcc() { echo $FORMAT | tr a-z A-Z | sed 's/MJPEG/MJPG/'; }

# What the camera sees, in SEEN: a car, but only while the light is on.
look() {
    read -r level <$LIGHT/value
    case $level in 1) SEEN=car ;; *) SEEN=dark ;; esac
}

# The camera sees it from now on. It repeats the last of its pictures, so it gets one only when what it sees changes. Eight dark
# ones fill its queue, and go round once: v4l2loopback repeats the first four with the time at which they came.
show_car() {
    await 5 "the camera" test -c $CAMERA -a -c $SCREEN
    await 5 "the camera's cable" is_connected
    rm -f /run/shown
    {
        four="/dark.$FORMAT /dark.$FORMAT /dark.$FORMAT /dark.$FORMAT"
        cat $four $four && touch /run/shown
        before=dark
        while usleep 50000; do
            look
            [ $SEEN = $before ] || cat /$SEEN.$FORMAT || break
            before=$SEEN
        done
    } | v4l2-ctl -d $SCREEN --set-fmt-video-out=width=1280,height=720,pixelformat=$(fourcc) \
        --stream-out-mmap=4 --stream-from-hdr=- >/run/shown.log 2>&1 &
    await 20 "the camera's picture" is_shown
}

# The camera sees nothing any more.
hide() {
    killall -q v4l2-ctl
    await 10 "v4l2-ctl to let go of the camera" is_hidden
}

is_hidden() { ! pidof v4l2-ctl >/dev/null; }

# start [SED-EXPRESSION]: vinspect, with a change of its configuration.
start() {
    sed "s,^device = .*,device = \"$CAMERA\",;s/^format = .*/format = \"$FORMAT\"/;${1:-}" /vinspect.toml >/run/vinspect.toml
    rm -rf /run/store $READS $STATES
    mosquitto_sub -t "vinspect/$SITE/$STATION/read" >$READS &
    mosquitto_sub -t "vinspect/$SITE/$STATION/status" >$STATES &
    $PROGRAM run --config /run/vinspect.toml &
    VINSPECT=$!
    # The processor is slow, and pins and kernel come first: or the bench, not vinspect, would lose edges.
    renice -n 19 -p $VINSPECT
    await 200 "vinspect to come online" grep -qE '"(online|degraded)"' $STATES
}

# Whether the last status says so.
is_state() { tail -n 1 $STATES | grep -q "\"state\":\"$1\""; }

# await_read SECONDS N: the Nth read of this start, in READ.
await_read() {
    await "$1" "read $2" has_reads "$2"
    READ=$(sed -n "$2p" $READS)
}

has_reads() { [ "$(wc -l <$READS)" -ge "$1" ]; }

# expect KEY VALUE: of the READ.
expect() {
    [ "$(of_read "$1")" = "$2" ] || fail "$1 is $(of_read "$1"), not $2, in $READ"
}

# The first value of this name, without its quotes.
of_read() { echo "$READ" | grep -o "\"$1\":\(\"[^\"]*\|[^,}]*\)" | head -n 1 | sed 's/^[^:]*://;s/"//g'; }
