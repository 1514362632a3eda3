#!/bin/sh
# No tabs, no blanks at the end of a line, a newline at the end of a file; 88 columns (92
# where a comment's last word sticks out).
set -u
bad=$(
    find src include tests -name node_modules -prune -o \
        \( -name '*.cc' -o -name '*.h' -o -name '*.sh' -o -name '*.py' -o -name '*.mjs' \) \
        -print | while read -r file; do
        grep -nP '\t|[ \t]+$' "$file" | sed "s|^|$file: tab or trailing blank: |"
        [ -z "$(tail -c 1 "$file")" ] || echo "$file: no newline at the end"
    done
    find src include tests/unit tests/fuzz \( -name '*.cc' -o -name '*.h' \) \
        -exec grep -nP '^.{93,}' {} + | grep -v 'R"' | sed 's|^|over 92 columns: |'
)
[ -z "$bad" ] || { echo "$bad"; exit 1; }
