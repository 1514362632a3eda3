#!/bin/sh
# Shell scripts pass shellcheck, Python files compile, tests are executable where run.
set -u
git ls-files -z '*.sh' .ci/run | xargs -0 shellcheck || exit 1
git ls-files '*.py' | while read -r file; do
    python3 -c 'import sys; compile(open(sys.argv[1]).read(), sys.argv[1], "exec")' "$file" || exit 1
done
