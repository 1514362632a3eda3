#!/bin/sh
# Replays each fuzz target's corpus through its plain driver: one target, one result.
# Drivers are in $OUT/replay (make fuzz-replay).
set -u
cd "$(dirname "$0")/../.." || exit 1
passed=0 failed=0
for source in tests/fuzz/*.cc; do
    target=$(basename "$source" .cc)
    [ "$target" = replay ] && continue
    set --
    for input in "tests/fuzz/corpus/$target"/*; do
        [ -f "$input" ] && set -- "$@" "$input"
    done
    if [ $# = 0 ]; then
        echo "FAIL $target: tests/fuzz/corpus/$target is empty"
        failed=$((failed + 1))
    elif said=$(timeout 120 "$OUT/replay/$target" "$@" 2>&1); then
        echo "ok   $target: $said"
        passed=$((passed + 1))
    else
        printf 'FAIL %s\n%s\n' "$target" "$said"
        failed=$((failed + 1))
    fi
done
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
