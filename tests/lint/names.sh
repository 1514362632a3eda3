#!/bin/sh
# One name, one class: two definitions of one name in one namespace of ours, in different
# files, are one class to the linker, which takes the functions of either (ODR). Anonymous
# namespaces hold their own, and so do classes. clang-format (format.sh) leaves in the first
# column what stands in a namespace, and names the end of each.
set -u
# shellcheck disable=SC2046  # no blanks in our paths
twice=$(awk '
    FNR == 1 { space = hidden = name = "" }
    /^}  \/\/ namespace$/ { hidden = ""; next }
    { sub(/\/\/.*/, "") }
    /^namespace [a-z:]+ \{/ { space = $2 "::"; next }
    /^namespace \{/ { hidden = "yes"; next }
    space == "" || hidden { next }
    /^(template .*> )?(class|struct|union|enum) / {
        name = $0
        sub(/^template .*> /, "", name)
        sub(/^(enum )?(class|struct|union|enum) /, "", name)
        sub(/^\[\[[^]]*\]\] /, "", name)
        match(name, /^[A-Za-z0-9_:]+(<[^{]*>)?/)
        name = space substr(name, 1, RLENGTH)
        line = FNR
    }
    name && match($0, /[{;]/) {  # a definition, or a declaration
        if (substr($0, RSTART, 1) == "{") {
            if (name in place && place[name] != FILENAME) {
                print FILENAME ":" line ": " name " is defined in " place[name] " too"
            }
            place[name] = FILENAME
        }
        name = ""
    }
' $(find src include tests/unit -name '*.h' -o -name '*.cc'))
[ -z "$twice" ] || { echo "$twice"; exit 1; }
