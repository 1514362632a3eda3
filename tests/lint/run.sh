#!/bin/sh
# Runs every lint of this directory; each is a program that says what is wrong and fails.
# Each is given the binary. From the Makefile: OUT, MAKE.
set -u
cd "$(dirname "$0")/../.." || exit 1
OUT=${OUT:-build} MAKE=${MAKE:-make}
LC_ALL=C.UTF-8
export OUT MAKE LC_ALL
passed=0 failed=0
for lint in tests/lint/*.sh; do
    name=$(basename "$lint" .sh)
    [ "$name" = run ] && continue
    if said=$("$lint" "$OUT/neurond" 2>&1); then
        echo "ok   $name"
        passed=$((passed + 1))
    else
        printf 'FAIL %s\n%s\n' "$name" "$said"
        failed=$((failed + 1))
    fi
done
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
