# vinspect is killed while the light is on: the kernel takes the line back, and gpio-sim lets it fall.

show_car
start
press
await 10 "the light to go on" is_on $LIGHT
kill -9 $VINSPECT
now
killed=$NOW
release
await 5 "the light to go off" is_off $LIGHT
say "     the light fell $(since $killed) s after the kill"
