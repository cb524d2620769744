#!/bin/sh
# test_day.sh - the sample day of `make demo` runs to its end on the programs of this build.
#
# The story checks itself (tools/sample/day): the oversell must be refused, the cart must expire, the
# digest must be the same after kill -9.
set -eu
cd "$(dirname "$0")/../.."
tools/sample/day demo
echo "ok the sample day"
