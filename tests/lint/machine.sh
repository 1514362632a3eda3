#!/bin/sh
# Nothing names the machine it was written on: no home directory, no registry.
set -u
fail=0
grep -rnE --exclude-dir=node_modules --exclude-dir=build --exclude-dir=.git --exclude=.git --exclude-dir=__pycache__ --exclude=machine.sh \
    '(^|[^a-zA-Z0-9_.-])/(work|farm|root|home/[a-z]+)/' . && fail=1
grep -nE '"resolved"|registry' tests/peers/package-lock.json && fail=1
exit $fail
