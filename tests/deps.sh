#!/bin/sh
# Installs what building and testing need and is missing: Debian packages, and npm's from
# tests/peers/package-lock.json. Does nothing, quickly, when nothing is missing.
#
# usage: tests/deps.sh build | check | bench | develop     (the last two include check)
set -eu
cd "$(dirname "$0")/.."
want=${1:-check}

# package, and a command or file whose presence shows that it, or its equal, is there
build='
g++ g++
make make
pkg-config pkg-config
libssl-dev /usr/include/openssl/ssl.h
libcjson-dev /usr/include/cjson/cJSON.h
'
check='
binutils readelf
busybox busybox
ca-certificates /etc/ssl/certs/ca-certificates.crt
clang-14 clang++-14
curl curl
debootstrap /usr/sbin/debootstrap
doctest-dev /usr/include/doctest/doctest.h
libclang-rt-14-dev /usr/lib/llvm-14/lib/clang/*/lib/linux/libclang_rt.asan-*.a
logrotate /usr/sbin/logrotate
mandoc mandoc
npm npm
openssl openssl
procps ps
python3 python3
shellcheck shellcheck
systemd systemd-analyze
universal-ctags ctags
'
# of make check-long
long='
lintian lintian
'
develop='
clang-format-14 clang-format-14
clang-tidy-14 clang-tidy-14
'
bench='
haproxy haproxy
'
case $want in
    build) rows=$build ;;
    check) rows="$build$check" ;;
    develop) rows="$build$check$develop" ;;
    bench) rows="$build$check$bench" ;;
    *) echo "usage: $0 build|check|bench|develop" >&2; exit 64 ;;
esac
[ -z "${NEUROND_LONG:-}" ] || [ "$want" = build ] || rows="$rows$long"

# shellcheck disable=SC2086  # a file probe may be a pattern
is_there() {
    case $1 in
        /*) set -- $1; [ -e "$1" ] ;;
        *) command -v "$1" >/dev/null 2>&1 ;;
    esac
}

missing=$(echo "$rows" | while read -r package probe; do
    [ -z "$package" ] || is_there "$probe" || printf ' %s' "$package"
done)

if [ -n "$missing" ]; then
    install="apt-get install -y --no-install-recommends$missing"
    if ! command -v apt-get >/dev/null 2>&1; then
        echo "deps: missing, and there is no apt-get here to install it:$missing" >&2
        exit 1
    elif [ "$(id -u)" = 0 ]; then
        sudo=
    elif sudo -n true 2>/dev/null; then
        sudo="sudo -n"
    else
        echo "deps: missing; as root run:  apt-get update && $install" >&2
        exit 1
    fi
    echo "deps: installing$missing"
    $sudo apt-get update -qq
    # shellcheck disable=SC2086  # a list of words
    $sudo env DEBIAN_FRONTEND=noninteractive $install -qq >/dev/null
fi

# Services that the tests start themselves: unpacked, because what is installed may be
# started by the system.
unpack() {
    [ ! -e "tests/tools/$1" ] || return 0
    echo "deps: unpacking $1 in tests/tools"
    new=$(mktemp -d tests/tools/new.XXXXXX)
    if (cd "$new" && apt-get download -qq "$1" 2>/dev/null && dpkg -x "$1"_*.deb .); then
        rm -f "$new"/*.deb
        mv "$new" "tests/tools/$1"
    else
        rm -rf "$new"
        echo "deps: $1 cannot be had; what needs it says so" >&2
    fi
}
[ "$want" = build ] || unpack prometheus

# Programs of the ecosystem that the tests talk to. The stamp is a copy of the lock file.
lock=tests/peers/package-lock.json
stamp=tests/peers/node_modules/.installed-lock
if [ "$want" != build ] && ! cmp -s "$lock" "$stamp"; then
    echo "deps: installing the npm packages of $lock"
    (cd tests/peers && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error)
    cp "$lock" "$stamp"
fi
