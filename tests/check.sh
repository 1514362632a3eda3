#!/bin/sh
# What `make check` runs: every layer of tests, in order, cheapest first. A layer ends in
# "N passed, N failed"; the sum is the last line. A layer that dies without saying counts
# as one failure. From the Makefile: OUT, SAN, MAKE.
set -u
cd "$(dirname "$0")/.." || exit 1
passed=0 failed=0
logs=$OUT/check
mkdir -p "$logs"

layer() {
    name=$1
    shift
    log=$logs/$name.log
    began=$(date +%s)
    "$@" >"$log" 2>&1
    code=$?
    tally=$(sed -n 's/^\([0-9][0-9]* passed, [0-9][0-9]* failed\)$/\1/p' "$log" | tail -n 1)
    if [ -z "$tally" ] || { [ "$code" != 0 ] && [ "${tally#*, }" = "0 failed" ]; }; then
        tally="${tally%% *}"
        tally="${tally:-0} passed, 1 failed"
    fi
    p=${tally%% *}
    f=${tally#*, }
    f=${f%% *}
    passed=$((passed + p))
    failed=$((failed + f))
    if [ "$f" != 0 ]; then
        sed 's/^/    /' "$log"
    else
        grep '^note: ' "$log"
    fi
    echo "$name: $p passed, $f failed ($(($(date +%s) - began)) s)"
    return "$f"
}

compile() {
    # shellcheck disable=SC2086  # MAKE carries arguments
    $MAKE all "$OUT/unit" fuzz-replay && echo "1 passed, 0 failed"
}

if layer build compile; then
    [ -n "$SAN" ] || layer lint tests/lint/run.sh
    layer unit "$OUT/unit" --no-intro
    layer fuzz tests/fuzz/replay.sh
    NEUROND_BIN=$OUT/neurond
    export NEUROND_BIN OUT
    layer it tests/it/run.py
    [ -n "$SAN" ] || layer peers tests/it/run.py -C tests/peers
    [ -n "$SAN" ] || layer conformance tests/it/run.py -C tests/conformance
    [ -n "$SAN" ] || [ -z "${NEUROND_LONG:-}" ] ||
        layer package tests/it/run.py -C tests/package
fi

echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
