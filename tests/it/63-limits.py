"""What a child may use, and as whom it runs: user, limit_memory, limit_processes,
limit_files; a start that fails says why. Parts of it need root, and are passed over else."""
import json
import os
import pathlib
import pwd
import re
import shutil
import subprocess
import sys
import tempfile

from harness import BINARY, HERE, Neurond, hostile, is_alive, main
from rawhttp import wait_for

MB = 1 << 20
ROOT = os.geteuid() == 0


def open_python():
    """An interpreter that everybody may start, or None."""
    for path in (sys.executable, "/usr/bin/python3", "/usr/local/bin/python3"):
        try:
            done = subprocess.run([path, "-c", "import json, threading"], user="nobody",
                                  check=False, capture_output=True)
            if done.returncode == 0:
                return path
        except OSError:
            pass
    return None


PYTHON = ROOT and open_python()
if not PYTHON:
    print("note: limits: users are not tested, which needs root and a Python for everybody")


class Open:
    """The fixture where every user can read it."""

    def __enter__(self):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="neurond-it-"))
        self.dir.chmod(0o755)
        shutil.copy(HERE / "fixtures/hostile.py", self.dir)
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.dir)

    def as_nobody(self, **keys):
        return {"command": PYTHON, "args": [self.dir / "hostile.py"],
                "user": "nobody", "env.RECORD": "/dev/null", **keys}


def text(client, tool, arguments=None):
    return client.call(tool, arguments or {}).text


def test_limit_files():
    with Neurond({"few": hostile(limit_files=40), "free": hostile()}) as daemon:
        with daemon.client() as client:
            assert 20 < int(text(client, "few.open")) < 40
            assert int(text(client, "free.open", {"max": 100})) == 100
            assert set(json.loads(text(client, "few.descriptors"))["fds"]) <= {0, 1, 2, 3, 4}


def test_a_hog_under_limit_memory_harms_nobody_else():
    keys = {"hog": hostile(limit_memory="300m"), "good": hostile()}
    with Neurond(keys) as daemon, daemon.client() as client:
        assert text(client, "hog.hog", {"bytes": 50 * MB}) == "50"
        error = client.call("hog.hog", {"bytes": 2000 * MB}).error
        assert error["data"]["type"] == "crash", error
        assert "status 7" in error["message"], error
        assert "probably out of memory" in error["message"], error
        assert text(client, "good.echo", {"text": "fine"}) == "fine"


def test_a_plain_crash_is_not_called_out_of_memory():
    with Neurond({"bad": hostile(limit_memory="1g")}) as daemon, daemon.client() as client:
        error = client.call("bad.crash", {"status": 3}).error
        assert "status 3" in error["message"] and "memory" not in error["message"], error


def test_user():
    if not PYTHON:
        return
    nobody = pwd.getpwnam("nobody")
    with Open() as place:
        keys = {"a": place.as_nobody(), "b": place.as_nobody(**{"env.HOME": "/given"})}
        with Neurond(keys) as daemon, daemon.client() as client:
            got = json.loads(text(client, "a.whoami"))
            assert (got["uid"], got["euid"], got["gid"]) == (
                nobody.pw_uid, nobody.pw_uid, nobody.pw_gid), got
            assert set(got["groups"]) <= {nobody.pw_gid} and got["home"] == nobody.pw_dir, got
            assert json.loads(text(client, "b.whoami"))["home"] == "/given"
            grandchild = int(text(client, "a.spawn", {"setsid": True}))
            daemon.stop()
            assert not is_alive(grandchild)


def test_a_fork_bomb_under_limit_processes():
    if not PYTHON:
        return
    with Open() as place:
        keys = {"bomb": place.as_nobody(limit_processes=40), "good": hostile()}
        with Neurond(keys) as daemon, daemon.client() as client:
            assert int(text(client, "bomb.bomb")) < 40
            assert text(client, "good.echo", {"text": "fine"}) == "fine"
            tree = daemon.processes()
            daemon.stop()
            assert not [pid for pid in tree if is_alive(pid)]


def test_a_start_that_fails_says_why():
    if not PYTHON:
        return
    with Open() as place:
        secret = place.dir / "secret"
        secret.mkdir(mode=0o700)
        with Neurond({"a": place.as_nobody(cwd=secret)}) as daemon, daemon.client() as client:
            error = client.call("a.echo").error
            assert error["data"]["type"] == "unavailable", error
            assert f"change directory to {secret}: Permission denied" in error["message"], error


def test_what_cannot_be_had_is_an_error_of_the_configuration():
    def errors(keys):
        lines = "".join(f"{key} = {value}\n" for key, value in keys.items())
        with tempfile.NamedTemporaryFile("w", suffix=".conf") as file:
            file.write(f"[downstream a]\ncommand = /bin/cat\n{lines}")
            file.flush()
            done = subprocess.run([BINARY, "-t", "-c", file.name], capture_output=True,
                                  text=True, check=False)
            return done.returncode, done.stdout + done.stderr
    code, said = errors({"limit_processes": 5})
    assert code == 78 and re.search(r"a\.limit_processes: needs user", said), said
    code, said = errors({"user": "no-such-user"})
    assert code == 78 and "find user no-such-user" in said, said
    if not ROOT:
        code, said = errors({"user": "root"})
        assert code == 78 and "only root may" in said, said


def test_without_limits_there_is_no_trampoline():
    with Neurond({"a": hostile(), "b": hostile(limit_files=100)}) as daemon:
        for name in "ab":
            pid = daemon.child(name)
            assert os.readlink(f"/proc/{pid}/exe") == os.path.realpath(sys.executable)
        wait_for("both serve", lambda: "2 of 2 downstreams healthy" in daemon.log)


main(__name__)
