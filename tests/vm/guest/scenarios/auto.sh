# Nobody says how the camera gives its pictures: one that can is asked for grey ones, one that cannot for JPEGs.

as_it_likes='s/^format = .*/format = "auto"/'

# reads FOURCC: a car, by pictures of this kind.
reads() {
    show_car
    start "$as_it_likes" 2>/run/log
    press
    await_read 200 1
    release
    cat /run/log
    expect outcome accepted
    expect vin $VIN
    grep -q "camera $CAMERA gives 1280×720 pixels as $1," /run/log || fail "no $1"
    say "     $(of_read vin) by $1"
    kill $VINSPECT
    wait $VINSPECT
    hide
}

FORMAT=grey
reads GREY
use_jpeg_camera
reads MJPG
