#!/bin/sh
# Every key of the schema stands in neurond.8, with its type and default, and in
# etc/neurond.conf, live or commented out with its default; and nothing else stands there.
#
# usage: settings.sh NEUROND_BINARY
set -eu

binary=$1
root=$(cd "$(dirname "$0")/../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0

# compare HAVE WANT NAME: two lists of lines, in any order, must be the same.
compare() {
    sort -u "$work/$1" >"$work/have"
    sort -u "$work/$2" >"$work/want"
    missing=$(comm -13 "$work/have" "$work/want")
    unknown=$(comm -23 "$work/have" "$work/want")
    if [ -n "$missing" ]; then
        printf '%s lacks:\n%s\n' "$3" "$missing"
        failed=1
    fi
    if [ -n "$unknown" ]; then
        printf '%s has, but the schema has not:\n%s\n' "$3" "$unknown"
        failed=1
    fi
}

"$binary" --dump-schema >"$work/schema"
cut -f1 "$work/schema" >"$work/keys"
tr '\t' ' ' <"$work/schema" | sed 's/ $//' >"$work/rows"

# In the manual: ".It Ic key Pq type : default" (or ".It Ic env. Ns Ar NAME Pq type")
# below ".Ss [section NAME]".
awk '
    /^\.Sh / { section = "" }
    /^\.Ss \[/ { section = $2; gsub(/[][]/, "", section) }
    section != "" && /^\.It Ic / {
        row = substr($0, 8)
        gsub(/\\&/, "", row)
        sub(/ Ns Ar [A-Z]+/, "*", row)
        sub(/ Pq /, " ", row)
        sub(/ : /, " ", row)
        print section "." row
    }' "$root/neurond.8" >"$work/manual"
compare manual rows neurond.8

# In the sample: "key = value" or "# key = value" below "[section NAME]" or "# [section".
awk '
    { live = !sub(/^# /, "") }
    /^\[[a-z]+[] ]/ { section = $1; gsub(/[][]/, "", section); next }
    live && /^#/ { next }
    /^[a-z0-9_]+(\.[^ =]+)? = |^[a-z0-9_]+ =$/ {
        key = $1
        sub(/^env\..*/, "env.*", key)
        sub(/^timeout\..*/, "timeout.*", key)
        sub(/^header\..*/, "header.*", key)
        print section "." key
    }' "$root/etc/neurond.conf" >"$work/sample"
compare sample keys etc/neurond.conf

# What is commented out in the sample stands there with its default, if it has one.
awk -F '\t' '$1 !~ /\*$/ { print $1 " = " ($3 == "" && $2 != "list" ? "\"\"" : $3) }' \
    "$work/schema" | sed 's/ = $/ =/' >"$work/defaults"
awk '
    /^# \[[a-z]+ / { section = $2; sub(/\[/, "", section); next }
    /^\[/ { section = $1; gsub(/[][]/, "", section); next }
    FNR == NR { if ($3 == "required") { required[$1] = 1 } next }
    /^# [a-z_]+ =/ {
        sub(/^# /, "")
        if (!(section "." $1 in required)) { print section "." $0 }
    }' FS='\t' "$work/schema" FS=' ' "$root/etc/neurond.conf" >"$work/commented"
sort -u "$work/commented" >"$work/have"
sort -u "$work/defaults" >"$work/want"
wrong=$(comm -23 "$work/have" "$work/want")
if [ -n "$wrong" ]; then
    printf 'etc/neurond.conf shows a default the schema has not:\n%s\n' "$wrong"
    failed=1
fi

exit "$failed"
