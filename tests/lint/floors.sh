#!/bin/sh
# A file includes its own module or a lower floor (DESIGN 2.2); siblings do not know
# each other; every module has a floor.
set -u
floors='base 0 loop 1 wire 1 conf 1 net 2 mcp 3 front 4 back 4 fleet 4 daemon 5 cli 6'
bad=$(grep -rnoE --include='*.cc' --include='*.h' '#include "neurond/[a-z]+/' src include |
    awk -v floors="$floors" '
        BEGIN { n = split(floors, f, " "); for (i = 1; i < n; i += 2) { floor[f[i]] = f[i + 1] } }
        {
            split($0, part, ":")
            path = part[1]
            sub(/^src\//, "", path)
            sub(/^include\/neurond\//, "", path)
            from = path
            sub(/\/.*/, "", from)
            to = $0
            sub(/.*"neurond\//, "", to)
            sub(/\/.*/, "", to)
            if (!(from in floor) || !(to in floor)) {
                print part[1] ":" part[2] ": no floor is known for " from " or " to
            } else if (from != to && floor[to] >= floor[from]) {
                print part[1] ":" part[2] ": " from " includes " to
            }
        }')
[ -z "$bad" ] || { echo "$bad"; exit 1; }
