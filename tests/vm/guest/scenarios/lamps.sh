# BUSY is lit from the trigger until the verdict is kept; then OK, or NG, is lit for its time, and goes out by itself.

# shows BUSY OK NG: whether the lamps are so.
shows() {
    local lamp level
    for lamp in $BUSY $OK $NG; do
        read -r level <$lamp/value
        [ "$level" = "$1" ] || return 1
        shift
    done
}

# ends_with OK NG: what the lamps are when BUSY goes out, and that is when the verdict is on the disk.
ends_with() {
    await 200 "BUSY to go out" is_off $BUSY
    now
    local lit=$NOW
    shows 0 "$@" || fail "not OK $1, NG $2 after BUSY"
    rm -rf /run/kept
    cp -r /run/store /run/kept
    await 10 "the pulse to end" shows 0 0 0
    LASTED=$(since $lit)
}

kept() { sed 's,/run/store,/run/kept,' /run/vinspect.toml >/run/kept.toml; $PROGRAM export --config /run/kept.toml --since 2000-01-01 --format jsonl; }

look() {
    read -r level <$LIGHT/value
    [ $level = 1 ] && [ ! -e /run/gone ] && SEEN=car || SEEN=dark
}

rm -f /run/gone
show_car
start 's/^busy_line = .*/&\nok_pulse_ms = 3000\nng_pulse_ms = 2000/;s/^frames = .*/frames = 3/'
shows 0 0 0 || fail "a lamp is lit before the trigger"
press
await 5 "BUSY" shows 1 0 0
release
await 10 "the light to go on" is_on $LIGHT
shows 1 0 0 || fail "not BUSY alone in the burst"
ends_with 1 0
[ "$(kept | grep -c $VIN)" = 1 ] || fail "kept when BUSY went out: $(kept)"
say "     BUSY until the read was kept, then OK for $LASTED s"

# The car has gone.
touch /run/gone
press
await 5 "BUSY" shows 1 0 0
release
ends_with 0 1
[ "$(kept | wc -l)" = 2 ] || fail "kept when BUSY went out: $(kept)"
say "     BUSY until the no_read was kept, then NG for $LASTED s"
