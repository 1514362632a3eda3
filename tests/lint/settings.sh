#!/bin/sh
# Every setting of the schema stands in the manual and in the sample, and nothing else
# does: all three know the same sections and keys.
set -u
"$OUT/neurond" --dump-schema | cut -f 1 | sort >"$OUT/settings.schema"
# In the manual: ".Ss [section NAME]", then ".It Ic key".
awk '
    /^\.Ss / { s = $2; gsub(/[][]/, "", s); gsub(/"/, "", s); inside = ($2 ~ /^"?\[/) }
    /^\.S[hs] / && !/^\.Ss "?\[/ { inside = 0 }
    inside && /^\.It Ic / { print s "." $3 }
' neurond.8 | sort >"$OUT/settings.manual"
# In the sample: "[section …]" and "key = …", each perhaps behind one "#".
awk '
    { sub(/^#/, "") }
    /^\[[a-z]+( [^]]*)?\]/ { s = $1; gsub(/[][]/, "", s) }
    /^[a-z_]+(\.[A-Za-z_*-]+)? = / {
        key = $1
        if (key ~ /^(env|timeout)\./) { sub(/\..*/, ".*", key) }
        print s "." key
    }
' etc/neurond.conf | sort -u >"$OUT/settings.sample"
fail=0
for where in manual sample; do
    diff "$OUT/settings.schema" "$OUT/settings.$where" >"$OUT/settings.diff" || {
        echo "schema (<) and $where (>) differ:"
        grep '^[<>]' "$OUT/settings.diff"
        fail=1
    }
done
exit $fail
