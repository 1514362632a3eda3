#!/bin/sh
# The binary needs libssl, libcrypto, libcjson, libc, libstdc++, libgcc and nothing else,
# and carries the hardening it was built with.
set -u
bin=$OUT/neurond
fail=0
for lib in $(readelf -d "$bin" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p'); do
    case $lib in
        libssl.so.*|libcrypto.so.*|libcjson.so.*|libc.so.*|libstdc++.so.*|libgcc_s.so.*) ;;
        *) echo "$bin needs $lib"; fail=1 ;;
    esac
done
readelf -h "$bin" | grep -q 'Type:.*DYN' || { echo "$bin is not position-independent"; fail=1; }
readelf -d "$bin" | grep -q 'Flags:.*NOW' || { echo "$bin is not bound at start"; fail=1; }
readelf -lW "$bin" | grep -q GNU_RELRO || { echo "$bin has no RELRO"; fail=1; }
readelf -lW "$bin" | grep -q 'GNU_STACK.* RW ' || { echo "$bin has an executable stack"; fail=1; }
exit $fail
