# The same as `read` with a camera that gives JPEGs.

use_jpeg_camera
. /scenarios/read.sh
