#!/bin/sh
# Builds OUT/neurond_VERSION_ARCH.deb from what `make` has built, with dpkg-deb alone.
# `make deb` calls it; nobody needs to be root.
#
# usage: contrib/debian/build.sh [VERSION-SUFFIX]     from the environment: OUT, MAKE
set -eu
cd "$(dirname "$0")/../.."
OUT=${OUT:-build}
ours=contrib/debian
version=$(sed -n 's/.*kVersion = "\(.*\)";/\1/p' include/neurond/base/version.h)${1:-}
[ -n "$version" ] || { echo "deb: no version in include/neurond/base/version.h" >&2; exit 1; }
arch=$(dpkg --print-architecture)
root=$OUT/deb
rm -rf "$root"
mkdir -p "$root/DEBIAN"
umask 022

${MAKE:-make} install DESTDIR="$root" PREFIX=/usr >/dev/null
strip --strip-unneeded "$root/usr/bin/neurond"
mkdir -p "$root/lib/systemd"  # Debian's place
mv "$root/usr/lib/systemd/system" "$root/lib/systemd/"
rm -rf "$root/usr/lib"
install -D -m 0755 contrib/init.d/neurond "$root/etc/init.d/neurond"
sed -i 's#/usr/local/bin/#/usr/bin/#' "$root/etc/init.d/neurond"
# Where there is no journal, standard error is nobody's.
sed -i 's|^# target = stderr|target = /var/log/neurond/neurond.log|' \
    "$root/etc/neurond/neurond.conf"

doc=$root/usr/share/doc/neurond
install -d "$doc"
install -m 0644 README.md "$doc/README.md"
{
    printf 'Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\n'
    printf 'Upstream-Name: neurond\n\nFiles: *\n'
    sed -n 's/^Copyright (c) /Copyright: /p' LICENSE
    printf 'License: Expat\n'
    sed '1,/^Copyright/d; /./,$!d; s/^$/./; s/^/ /' LICENSE | sed '1{/^ \.$/d}'
} >"$doc/copyright"
{
    printf 'neurond (%s) unstable; urgency=medium\n\n' "$version"
    printf '  * See /usr/share/doc/neurond/CHANGELOG.md.gz for what has changed.\n\n'
    printf ' -- neurond maintainers <neurond@packages.invalid>  %s\n' \
        "$(date -R -u -r CHANGELOG.md)"
} | gzip -9n >"$doc/changelog.gz"
gzip -9n <CHANGELOG.md >"$doc/CHANGELOG.md.gz"
gzip -9n "$root/usr/share/man/man8/neurond.8"

for script in postinst prerm postrm; do
    install -m 0755 "$ours/$script" "$root/DEBIAN/$script"
done
install -m 0644 "$ours/conffiles" "$root/DEBIAN/conffiles"
# dpkg-shlibdeps wants a source package around it.
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/debian"
printf 'Source: neurond\nPackage: neurond\n' >"$work/debian/control"
program=$(cd "$root" && pwd)/usr/bin/neurond
depends=$(cd "$work" && dpkg-shlibdeps -O "$program" 2>/dev/null |
    sed -n 's/^shlibs:Depends=//p')
size=$(du -sk --exclude=DEBIAN "$root" | cut -f1)
sed "s/@VERSION@/$version/; s/@ARCH@/$arch/; s/@SIZE@/$size/; s/@DEPENDS@/$depends/" \
    "$ours/control" >"$root/DEBIAN/control"
(cd "$root" && find . -type f ! -path './DEBIAN/*' -printf '%P\0' | sort -z |
    xargs -0 md5sum) >"$root/DEBIAN/md5sums"

deb=$OUT/neurond_${version}_$arch.deb
dpkg-deb --root-owner-group --build "$root" "$deb" >/dev/null
rm -rf "$root"
echo "$deb"
