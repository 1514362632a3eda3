#!/bin/sh
# A file has at most 500 lines, a test with its tables 600, a function at most 60
# (DESIGN 2.2).
set -u
bad=$(
    find src include tests -name node_modules -prune -o \
        \( -name '*.cc' -o -name '*.h' -o -name '*.py' \) -print | while read -r file; do
        lines=$(wc -l <"$file")
        case $file in tests/*) most=600 ;; *) most=500 ;; esac
        [ "$lines" -le "$most" ] || echo "$file: $lines lines"
    done
    find src include \( -name '*.cc' -o -name '*.h' \) -print |
        ctags --languages=C++ --kinds-C++=f --fields=+ne -x \
            --_xformat='%{line} %{end} %F %{name}' -L - |
        awk '$2 - $1 + 1 > 60 { print $3 ":" $1 ": " $4 " has " $2 - $1 + 1 " lines" }'
)
[ -z "$bad" ] || { echo "$bad"; exit 1; }
