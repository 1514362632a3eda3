#!/bin/sh
# 88 columns (92 where a comment's last word sticks out), no tabs, no blanks at the end of a line, a newline at the end of a file.
set -u
bad=$(
    git ls-files src include tests '*.sh' '*.py' | grep -E '\.(cc|h|sh|py|mjs)$' |
        while read -r file; do
            [ -e "$file" ] || continue
            grep -nP '\t|[ \t]+$' "$file" | sed "s|^|$file: tab or trailing blank: |"
            [ -z "$(tail -c 1 "$file")" ] || echo "$file: no newline at the end"
        done
    git ls-files src include tests/unit tests/fuzz | grep -E '\.(cc|h)$' | while read -r file; do
        [ -e "$file" ] || continue
        grep -nP '^.{93,}' "$file" | sed "s|^|$file: over 92 columns: |"
    done
)
[ -z "$bad" ] || { echo "$bad"; exit 1; }
