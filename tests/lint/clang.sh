#!/bin/sh
# The second compiler has no warning either.
set -u
# shellcheck disable=SC2086  # MAKE carries arguments
exec $MAKE -k clang-check
