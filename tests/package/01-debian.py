#!/usr/bin/env python3
"""The Debian package in a clean Debian: installed, started by its init script, used,
upgraded, removed, purged; nothing of it is left. Needs root, and the archive."""
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
NEEDS = "adduser,libcjson1,libssl3,libstdc++6"

# Runs inside, in a network and a table of processes of its own.
INSIDE = r"""
export PATH=/usr/sbin:/usr/bin:/sbin:/bin DEBIAN_FRONTEND=noninteractive LC_ALL=C
mount -t proc proc /proc
failed=0
try() {
    what=$1
    shift
    # Not through a pipe: a daemon keeps its standard error.
    if "$@" >/tmp/said 2>&1; then echo "ok $what"; else
        failed=1
        echo "FAIL $what"
        sed 's/^/    /' /tmp/said
    fi
}
files() {
    find / -xdev \( -path /proc -o -path /sys -o -path /dev -o -path /tmp -o -path /deb \) -prune \
        -o ! -path '/var/lib/dpkg/*' ! -path '/var/log/*.log' ! -path '/var/cache/*' \
        ! -path '/run/*' ! -path '/etc/*-' ! -path '/usr/share/info/*' -print | sort
    find /var/lib/dpkg/info -name 'neurond*'
    sort /etc/passwd /etc/group
}
pid() { cat /run/neurond/neurond.pid; }
is_neurond() { [ "$(stat -c %U "/proc/$(pid)")" = neurond ] && neurond health; }
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

LOOPBACK_UP = """
import fcntl, socket, struct, os, sys
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any:
    fcntl.ioctl(any, 0x8914, struct.pack("16sh14x", b"lo", 0x1 | 0x40))
os.execvp(sys.argv[1], sys.argv[1:])
"""


def run(*command, **keys):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          check=False, **keys)
    if done.returncode:
        print(done.stdout[-4000:])
        sys.exit(f"FAIL {' '.join(command[:3])}: exit status {done.returncode}")
    return done.stdout


def mirror():
    found = re.search(r"\d+ (https?://\S*debian\S*) \w+/main", run("apt-cache", "policy"))
    return found[1] if found else "http://deb.debian.org/debian"


def packages(where):
    """Two of them; the second one is newer."""
    out = os.environ.get("OUT", str(ROOT / "build"))
    for name, suffix in (("one", ""), ("two", "+1")):
        said = run(str(ROOT / "contrib/debian/build.sh"), suffix, cwd=ROOT,
                   env={**os.environ, "OUT": out, "MAKE": f"make OUT={out}"})
        shutil.move(ROOT / said.split()[-1], where / f"{name}.deb")


def lint(deb):
    """Where lintian is there: no error, other than that nobody has asked for a package."""
    if not shutil.which("lintian"):
        print("note: lintian is not installed")
        return
    said = subprocess.run(["lintian", "--allow-root", "--tag-display-limit", "0", str(deb)],
                          stdout=subprocess.PIPE, text=True, check=False).stdout
    errors = re.findall(r"^E: .*", said, re.M)
    print("FAIL lintian\n" + "\n".join(errors) if errors else "ok lintian has no errors")


def main():
    if os.geteuid() != 0:
        print("note: the package is not tried: that needs root")
        print("ok nothing to do")
        return
    with tempfile.TemporaryDirectory(prefix="neurond-deb-") as temp:
        clean = pathlib.Path(temp) / "root"
        codename = re.search(r"VERSION_CODENAME=(\w+)",
                             pathlib.Path("/etc/os-release").read_text())[1]
        run("debootstrap", "--variant=minbase", f"--include={NEEDS}", codename, str(clean),
            mirror())
        (clean / "deb").mkdir()
        packages(clean / "deb")
        lint(clean / "deb/one.deb")
        (clean / "inside.sh").write_text(INSIDE)
        shutil.move(clean / "inside.sh", clean / "deb/inside.sh")
        done = subprocess.run(
            ["unshare", "--net", "--pid", "--mount", "--fork", "--kill-child", sys.executable,
             "-c", LOOPBACK_UP, "chroot", str(clean), "/bin/sh", "/deb/inside.sh"],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=300, check=False)
        print(done.stdout)
        sys.exit(done.returncode)


main()
