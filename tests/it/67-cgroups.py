"""Children in cgroups of their own, where this machine lets the daemon make them. Limits
are tested as far as their controllers are to be had; what is not tested, is said."""
import os
import pathlib
import subprocess
import sys

from harness import BINARY, Neurond, hostile, is_alive, main
from rawhttp import wait_for

MB = 1 << 20


def own_group():
    """Where a daemon that is started here makes its groups; None where it cannot."""
    mounts = [line.split() for line in pathlib.Path("/proc/self/mountinfo").open(
        encoding="utf-8") if " - cgroup2 " in line]
    path = [line[3:].strip() for line in pathlib.Path("/proc/self/cgroup").open(
        encoding="utf-8") if line.startswith("0::/")]
    if not mounts or not path or mounts[0][3] != "/":
        return None
    group = pathlib.Path(mounts[0][4] + path[0].rstrip("/"))
    trial = group / f"neurond-test-{os.getpid()}"
    try:
        trial.mkdir()
        kills = (trial / "cgroup.kill").exists()
        trial.rmdir()
        return group if kills else None
    except OSError:
        return None


GROUP = own_group()
# A group that is not the root must be empty to have limits below it, and this test is in it.
CONTROLLERS = "" if GROUP is None else (GROUP / "cgroup.controllers").read_text(
    encoding="utf-8").split()
MEMORY = GROUP is not None and "memory" in CONTROLLERS and not (GROUP / "cgroup.type").exists()
if GROUP is None:
    print("note: cgroups: not tested, this machine lets us make none")
elif not MEMORY:
    print("note: cgroups: limits are not tested, the controllers are not to be had here")


def groups_of(daemon):
    return GROUP / f"neurond-{daemon.pid}"


def test_a_child_is_in_a_group_of_its_own_that_ends_with_it():
    if GROUP is None:
        return
    with Neurond({"a": hostile(limit_memory="1g"), "free": hostile()}) as daemon:
        with daemon.client() as client:
            assert client.call("free.echo", {"text": "x"}).text == "x"
            hidden = int(client.call("a.spawn", {"setsid": True}).text)
            group = groups_of(daemon) / "a-1"
            inside = {int(pid) for pid in (group / "cgroup.procs").read_text().split()}
            assert {daemon.child("a"), hidden} <= inside, inside
            assert daemon.child("free") not in inside
            client.call("a.crash", {"status": 3})
            wait_for("what it started is gone", lambda: not is_alive(hidden))
            wait_for("its group is gone", lambda: not group.exists())
            daemon.stop()
            assert not groups_of(daemon).exists()


def test_a_reactor_that_dies_leaves_no_group():
    if GROUP is None:
        return
    with Neurond({"a": hostile(limit_memory="1g")}) as daemon:
        wait_for("it runs", lambda: (groups_of(daemon) / "a-1").exists())
        first = daemon.child("a")
        os.kill(daemon.reactor, 9)
        wait_for("it is gone", lambda: not is_alive(first))
        wait_for("the next one serves", lambda: daemon.child("a") not in (None, first))
        assert [path.name for path in groups_of(daemon).iterdir() if path.is_dir()] == ["a-1"]
        daemon.stop()
        assert not groups_of(daemon).exists()


def test_out_of_memory_is_called_by_its_name():
    if not MEMORY:
        return
    with Neurond({"hog": hostile(limit_memory="100m"), "good": hostile()}) as daemon:
        with daemon.client() as client:
            error = client.call("hog.hog", {"bytes": 500 * MB}).error
            assert "SIGKILL, out of memory (limit_memory)" in error["message"], error
            assert client.call("good.echo", {"text": "fine"}).text == "fine"


def test_without_limits_nothing_is_made():
    if GROUP is None:
        return
    with Neurond({"a": hostile(limit_files=50)}) as daemon:
        wait_for("it serves", lambda: "1 of 1 downstreams healthy" in daemon.log)
        assert not groups_of(daemon).exists()


def test_the_check_says_which_way_is_weaker():
    text = f"[downstream a]\ncommand = {sys.executable}\nlimit_memory = 1g\nlimit_cpu = 50%\n"
    done = subprocess.run([BINARY, "-t", "-c", "/dev/stdin"], input=text, text=True,
                          capture_output=True, check=False)
    said = done.stdout + done.stderr
    assert done.returncode == 0, said
    if GROUP is None or "memory" not in CONTROLLERS:
        assert "a.limit_memory: limits the data of each process" in said, said
    if GROUP is None or "cpu" not in CONTROLLERS:
        assert "a.limit_cpu: has no effect (" in said, said


main(__name__)
