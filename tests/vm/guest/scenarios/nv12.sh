# The same as `read` with a camera that gives the brightness first and then the colours.

FORMAT=nv12
. /scenarios/read.sh
