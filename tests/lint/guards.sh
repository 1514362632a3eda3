#!/bin/sh
# include/neurond/MODULE/NAME.h is guarded by NEUROND_MODULE_NAME_H; a source begins by
# saying why it exists, and includes its own header first.
set -u
bad=$(
    for header in include/neurond/*.h include/neurond/*/*.h; do
        guard=$(echo "${header#include/}" | tr 'a-z/.' 'A-Z__')
        grep -q "^#ifndef $guard\$" "$header" || echo "$header: guard is not $guard"
    done
    for source in src/*/*.cc; do
        own=neurond/${source#src/}
        own=${own%.cc}.h
        head -n 1 "$source" | grep -q '^//' || echo "$source: does not say why it exists"
        [ -e "include/$own" ] || continue
        first=$(grep -m 1 '^#include' "$source")
        [ "$first" = "#include \"$own\"" ] || echo "$source: first include is not its own header"
    done
)
[ -z "$bad" ] || { echo "$bad"; exit 1; }
