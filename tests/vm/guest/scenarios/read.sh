# A picture goes through V4L2 into vinspect, and its VIN arrives at the broker. The bay is dark unless the light is on, so
# a VIN also shows that the light was on before the burst.

show_car
start
is_off $LIGHT || fail "the light is on before the trigger"
press
now
began=$NOW
await 10 "the light to go on" is_on $LIGHT
now
lit=$NOW
rise=$(since $began)
release
await 200 "the light to go off" is_off $LIGHT
say "     the light rose ${rise} s after the edge and was on for $(since $lit) s"
await_read 10 1
expect outcome accepted
expect vin $VIN
expect trigger gpio
await 5 "the OK lamp" is_on $OK
is_off $NG || fail "the NG lamp is lit"
say "     $(of_read vin) with confidence $(of_read confidence) in $(of_read frames) frames"
