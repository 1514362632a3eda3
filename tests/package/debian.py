"""A clean Debian to try things in: bootstrapped once, copied for each who wants one. Needs
root, and the archive."""
import contextlib
import fcntl
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
# As make was told: with another spelling it would not know what depends on what.
OUT = os.environ.get("OUT", "build")
NEEDS = "adduser,libcjson1,libssl3,libstdc++6"

# What scripts inside begin with: /proc, a line for each thing tried, and questions about the
# daemon that runs there. They end with `exit $failed`.
TRYING = r"""
export PATH=/usr/sbin:/usr/bin:/sbin:/bin DEBIAN_FRONTEND=noninteractive LC_ALL=C
mount -t proc proc /proc
failed=0
try() {
    what=$1
    shift
    # Through a pipe: a daemon that kept it would be waited for.
    said=$("$@" 2>&1; echo "exit status $?")
    case $said in
        *"exit status 0") echo "ok $what" ;;
        *)
            failed=1
            echo "FAIL $what"
            echo "$said" | sed 's/^/    /'
            ;;
    esac
}
pid() { cat /run/neurond/neurond.pid; }
ready() {
    for _ in $(seq 150); do
        ! neurond health || return 0
        sleep 0.1
    done
    return 1
}
is_neurond() { [ "$(stat -c %U "/proc/$(pid)")" = neurond ] && ready; }
"""

LOOPBACK_UP = """
import fcntl, socket, struct, os, sys
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any:
    fcntl.ioctl(any, 0x8914, struct.pack("16sh14x", b"lo", 0x1 | 0x40))
os.execvp(sys.argv[1], sys.argv[1:])
"""


def run(*command, **keys):
    """What it says; the end of this program where it fails."""
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          check=False, **keys)
    if done.returncode:
        print(done.stdout[-4000:])
        sys.exit(f"FAIL {' '.join(command[:3])}: exit status {done.returncode}")
    return done.stdout


def make(*words):
    return run("make", "-s", f"OUT={OUT}", *words, cwd=ROOT)


def mirror():
    found = re.search(r"\d+ (https?://\S*debian\S*) \w+/main", run("apt-cache", "policy"))
    return found[1] if found else "http://deb.debian.org/debian"


def needs_root():
    """Ends this program where it cannot do anything."""
    if os.geteuid() != 0:
        print("note: not tried in a clean Debian: that needs root\nok nothing to do")
        sys.exit(0)


def base():
    """The one that is copied."""
    place = ROOT / OUT / "clean-debian"
    place.parent.mkdir(exist_ok=True)
    with open(f"{place}.lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (place / "made").exists():
            codename = re.search(r"VERSION_CODENAME=(\w+)",
                                 pathlib.Path("/etc/os-release").read_text())[1]
            shutil.rmtree(place, ignore_errors=True)
            run("debootstrap", "--variant=minbase", f"--include={NEEDS}", codename,
                str(place / "root"), mirror())
            (place / "made").touch()
    return place / "root"


@contextlib.contextmanager
def clean_root():
    with tempfile.TemporaryDirectory(prefix="neurond-clean-") as temp:
        root = pathlib.Path(temp) / "root"
        run("cp", "-a", str(base()), str(root))
        yield root


def inside(root, *command, **keys):
    """Runs it with `root` as /, in a network and a table of processes of its own."""
    return subprocess.run(
        ["unshare", "--net", "--pid", "--mount", "--fork", "--kill-child", sys.executable,
         "-c", LOOPBACK_UP, "chroot", str(root), *command],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=300, check=False,
        **keys)
