#!/usr/bin/env python3
"""contrib/openrc/neurond under OpenRC itself, in a clean Debian: start, status, reload,
restart, stop, and what a bad configuration does not stop. Needs root, and the archive."""
import sys

from debian import ROOT, TRYING, clean_root, inside, make, needs_root, run

# What the service needs of a system that has been booted.
INSIDE = TRYING + r"""
not() { ! "$@"; }
is_same() { [ "$(pid)" = "$before" ] && ready; }
is_another() { [ "$(pid)" != "$before" ] && is_neurond; }
has_gone() { ! kill -0 "$before" 2>/dev/null && [ ! -e /run/neurond/neurond.pid ]; }

mkdir -p /run/openrc
touch /run/openrc/softlevel
printf '#!/sbin/openrc-run\nstart() { :; }\n' >/etc/init.d/net
chmod 755 /etc/init.d/net /etc/init.d/neurond
adduser --quiet --system --group --home /var/lib/neurond --no-create-home neurond
chgrp neurond /etc/neurond/neurond.conf
chmod 640 /etc/neurond/neurond.conf

try "it does not run" not rc-service neurond status
try "it starts" rc-service neurond start
try "it runs" rc-service neurond status
try "it serves, as its user" is_neurond
before=$(pid)
try "it reloads" rc-service neurond reload
try "and is the same" is_same
try "it restarts" rc-service neurond restart
try "and is another" is_another
before=$(pid)
echo nonsense >>/etc/neurond/neurond.conf
for verb in checkconfig reload restart; do
    try "a bad configuration fails $verb" not rc-service neurond $verb
    try "and stops nothing" is_same
done
try "it can be stopped all the same" rc-service neurond stop
try "and has gone" has_gone
try "it does not start with a bad configuration" not rc-service neurond start
sed -i '$d' /etc/neurond/neurond.conf
try "it starts again" rc-service neurond start
before=$(pid)
try "it stops" rc-service neurond stop
try "and nothing is left" has_gone
umount /proc
exit $failed
"""


def main():
    needs_root()
    with clean_root() as root:
        (root / "deb").mkdir()
        run("apt-get", "download", "-qq", "openrc", "librc1", "libeinfo1", cwd=root / "deb")
        names = sorted(f"/deb/{path.name}" for path in (root / "deb").glob("*.deb"))
        run("chroot", str(root), "dpkg", "--force-depends", "-i", *names)
        make("install", f"DESTDIR={root}", "PREFIX=/usr")
        text = (ROOT / "contrib/openrc/neurond").read_text()
        assert "/usr/local/bin/" in text
        (root / "etc/init.d/neurond").write_text(text.replace("/usr/local/bin/", "/usr/bin/"))
        (root / "deb/inside.sh").write_text(INSIDE)
        done = inside(root, "/bin/sh", "/deb/inside.sh")
        print(done.stdout)
        sys.exit(done.returncode)


main()
