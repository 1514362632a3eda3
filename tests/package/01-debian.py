#!/usr/bin/env python3
"""The Debian package in a clean Debian: installed, started by its init script, used,
upgraded, removed, purged; nothing of it is left. Needs root, and the archive."""
import os
import re
import shutil
import sys
import tarfile

from debian import OUT, ROOT, TRYING, clean_root, inside, make, needs_root, run

# Runs inside, in a network and a table of processes of its own.
INSIDE = TRYING + r"""
files() {
    find / -xdev \( -path /proc -o -path /sys -o -path /dev -o -path /tmp -o -path /deb \) -prune \
        -o ! -path '/var/lib/dpkg/*' ! -path '/var/log/*.log' ! -path '/var/cache/*' \
        ! -path '/run/*' ! -path '/etc/*-' ! -path '/usr/share/info/*' -print | sort
    find /var/lib/dpkg/info -name 'neurond*'
    sort /etc/passwd /etc/group
}
has_gone() { ! kill -0 "$old" 2>/dev/null && [ ! -e /run/neurond/neurond.pid ]; }
gone_processes() { ! grep -lsz '^neurond' /proc/[0-9]*/cmdline; }

# Without an init system services are not started, unless somebody says that they may be.
printf '#!/bin/sh\nexit 0\n' >/usr/sbin/policy-rc.d
chmod 755 /usr/sbin/policy-rc.d
files >/tmp/before
try "it installs" dpkg -i /deb/one.deb
try "dpkg finds its files as they were" dpkg --verify neurond
try "it was started, as its user" is_neurond
try "the init script says so" /etc/init.d/neurond status
try "its configuration is for root and its group" \
    test "$(stat -c '%U %G %a' /etc/neurond/neurond.conf)" = "root neurond 640"
try "it can be used" sh -c 'neurond call host.system.info | grep -q hostname'
try "nothing else may be called" sh -c '! neurond call host.none 2>/dev/null'
try "it listens on loopback alone" sh -c \
    'awk "\$4 == \"0A\" { print \$2 }" /proc/net/tcp /proc/net/tcp6 | grep -qx 0100007F:20FB &&
     ! awk "\$4 == \"0A\" { print \$2 }" /proc/net/tcp /proc/net/tcp6 | grep -qvx 0100007F:20FB'
try "the init script stops it" /etc/init.d/neurond stop
try "and starts it" /etc/init.d/neurond start
try "the audit goes on" neurond audit verify /var/log/neurond/audit.log
old=$(pid)
echo "# mine" >>/etc/neurond/neurond.conf
try "it is upgraded" dpkg -i --force-confold /deb/two.deb
try "what an operator wrote stays" grep -qx "# mine" /etc/neurond/neurond.conf
try "the old one has gone" sh -c "! kill -0 $old 2>/dev/null"
try "the new one serves" is_neurond
old=$(pid)
try "it is removed" dpkg -r neurond
try "and has stopped" has_gone
try "its configuration is kept" test -e /etc/neurond/neurond.conf
try "its audit is kept" test -s /var/log/neurond/audit.log
try "it is purged" dpkg -P neurond
try "no process is left" gone_processes
files >/tmp/after
try "no file and no user is left" diff /tmp/before /tmp/after
umount /proc
exit $failed
"""


def packages(where):
    """Two of them; the second one is newer."""
    said = make("deb")
    shutil.move(ROOT / said.split()[-1], where / "one.deb")
    said = run(str(ROOT / "contrib/debian/build.sh"), "+1", cwd=ROOT,
               env={**os.environ, "OUT": OUT, "MAKE": f"make OUT={OUT}"})
    shutil.move(ROOT / said.split()[-1], where / "two.deb")


def archive():
    """`make dist` has what the last commit has, below a directory of its own."""
    if not (ROOT / ".git").exists():
        print("note: no repository, so no make dist")
        return
    make("dist")
    (path,) = (ROOT / OUT).glob("neurond-*.tar.gz")
    top = path.name[:-len(".tar.gz")]
    with tarfile.open(path) as tar:
        names = {member.name for member in tar.getmembers() if not member.isdir()}
    wanted = {f"{top}/{name}" for name in
              run("git", "ls-tree", "-rz", "--name-only", "HEAD", cwd=ROOT).split("\0") if name}
    path.unlink()
    print("ok make dist has all sources" if names == wanted
          else f"FAIL make dist: {sorted(names ^ wanted)[:20]}")


def lint(deb):
    said = run("lintian", "--allow-root", "--tag-display-limit", "0", "--fail-on", "none", str(deb))
    errors = re.findall(r"^E: .*", said, re.M)
    print("FAIL lintian\n" + "\n".join(errors) if errors else "ok lintian has no errors")


def main():
    needs_root()
    archive()
    with clean_root() as root:
        (root / "deb").mkdir()
        packages(root / "deb")
        lint(root / "deb/one.deb")
        (root / "deb/inside.sh").write_text(INSIDE)
        done = inside(root, "/bin/sh", "/deb/inside.sh")
        print(done.stdout)
        sys.exit(done.returncode)


main()
