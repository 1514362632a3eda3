#!/bin/sh
# Shell scripts pass shellcheck; Python files compile.
set -u
find tests contrib .ci -name node_modules -prune -o \
    \( -name '*.sh' -o -path .ci/run -o -path contrib/init.d/neurond \) \
    -exec shellcheck {} + || exit 1
# These are called as Debian and OpenRC want it, without .sh.
shellcheck -s sh contrib/debian/postinst contrib/debian/prerm contrib/debian/postrm \
    contrib/openrc/neurond || exit 1
find tests -name node_modules -prune -o -name '*.py' -print | while read -r file; do
    python3 -c 'import sys; compile(open(sys.argv[1]).read(), sys.argv[1], "exec")' "$file" ||
        exit 1
done
