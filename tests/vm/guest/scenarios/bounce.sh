# Presses with bounces, ten a second, come to as many triggers as there were presses: each is a read, or is counted in the
# `missed_triggers` of the read that it came in.

presses=$(kernel_option presses)
show_car
start 's/^frames = .*/frames = 1/'
now
began=$NOW
pressed=0
while [ $pressed -lt $presses ]; do
    press; release; press; release; press
    usleep 40000
    release; press; release
    pressed=$((pressed + 1))
    # The rest of this press's tenth of a second, but long enough for the release to count.
    now
    left=$((began + pressed * 10 - NOW))
    [ $left -ge 4 ] || left=4
    usleep ${left}0000
done
say "     $pressed presses in $(since $began) s"
counted() {
    sed 's/.*"missed_triggers":\([0-9]*\).*/\1/' $READS | awk '{ sum += $1 + 1 } END { print sum + 0 }'
}
all_counted() { [ "$(counted)" -ge $presses ]; }
( await 120 "the last of $presses triggers" all_counted ) || fail "$(counted) triggers came of $presses"
# One too many may be on its way.
sleep 5
[ "$(counted)" = $presses ] || fail "$(counted) triggers of $presses presses"
say "     $(counted) triggers in $(wc -l <$READS) reads"
