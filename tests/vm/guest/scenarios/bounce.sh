# Presses with bounces, ten a second, come to as many triggers as there were presses: each is a read, or is counted in the
# `missed_triggers` of the read that it came in.
#
# A bounce is meant to take a millisecond. When this computer has better things to do, it can be drawn out until its ups and
# downs are presses of their own; those presses may count twice.

drawn_out=0

# bounce COMMAND...: does them at once, and notices if that took as long as the trigger's debounce, or nearly.
bounce() {
    now
    local before=$NOW command
    for command in "$@"; do $command; done
    now
    [ $((NOW - before)) -lt 2 ] || drawn_out=$((drawn_out + 1))
}

presses=$(kernel_option presses)
show_car
start 's/^frames = .*/frames = 1/'
now
began=$NOW
pressed=0
while [ $pressed -lt $presses ]; do
    bounce press release press release press
    usleep 50000
    bounce release press release
    pressed=$((pressed + 1))
    # The rest of this press's tenth of a second, but long enough for the release to count.
    now
    left=$((began + pressed * 10 - NOW))
    [ $left -ge 5 ] || left=5
    usleep ${left}0000
done
say "     $pressed presses in $(since $began) s, $drawn_out of them drawn out by the emulator"

counted() {
    sed 's/.*"missed_triggers":\([0-9]*\).*/\1/' $READS | awk '{ sum += $1 + 1 } END { print sum + 0 }'
}
all_counted() { [ "$(counted)" -ge $presses ]; }
( await 120 "the last of $presses triggers" all_counted ) || fail "$(counted) triggers came of $presses"
# One too many may be on its way.
sleep 5
[ "$(counted)" -le $((presses + drawn_out)) ] || fail "$(counted) triggers of $presses presses"
say "     $(counted) triggers in $(wc -l <$READS) reads"
