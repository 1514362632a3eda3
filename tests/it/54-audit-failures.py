"""A record that cannot be written: the call is refused, none reaches a server unrecorded,
and once there is room, or a writer, again, neurond goes on by itself; the chain holds."""
import json
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile

import harness
from harness import Neurond, children_of, hostile, main
from lines import SocketLines
from rawhttp import wait_for

KB = 1 << 10


def calls_received(daemon):
    return [line for line in daemon.received("a") if b'"tools/call"' in line]


def call_records(path):
    lines = pathlib.Path(path).read_text(errors="replace").splitlines()
    return [line for line in lines if '"event":"call"' in line and line.endswith("}")]


def writer(daemon):
    """The pid of the writer helper, or None."""
    for pid in children_of(daemon.reactor):
        try:
            if b"--helper=writer" in pathlib.Path(f"/proc/{pid}/cmdline").read_bytes():
                return pid
        except OSError:
            pass
    return None


def switches(pid):
    """How often a process went to sleep: an idle one does not."""
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(next(line for line in status.splitlines()
                    if line.startswith("voluntary")).split()[1])


class SmallDisk:
    """A directory that is a small tmpfs for the daemon, in a mount namespace of its own."""

    def __init__(self, size):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="neurond-disk-"))
        (self.dir / "disk").mkdir()
        self.start = self.dir / "start"
        self.start.write_text(
            f"#!/bin/sh\nmount -t tmpfs -o size={size} none {self.dir}/disk || exit 99\n"
            f'exec {harness.BINARY} "$@"\n')
        self.start.chmod(0o755)
        self.wrapper = self.dir / "wrapper"
        self.wrapper.write_text(f'#!/bin/sh\nexec unshare -rm {self.start} "$@"\n')
        self.wrapper.chmod(0o755)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.dir)

    def possible(self):
        done = subprocess.run(["unshare", "-rm", "mount", "-t", "tmpfs", "none",
                               str(self.dir / "disk")], check=False, capture_output=True)
        return done.returncode == 0

    def daemon(self):
        plain, harness.BINARY = harness.BINARY, str(self.wrapper)
        try:
            return Neurond({"a": hostile()}, {"audit": {"path": self.dir / "disk/audit.log"}})
        finally:
            harness.BINARY = plain

    def seen_from_outside(self, daemon):
        return pathlib.Path(f"/proc/{daemon.reactor}/root{self.dir}/disk")


def fill(disk):
    """Takes all the room there is."""
    with open(disk / "filler", "wb", buffering=0) as file:
        try:
            while True:
                file.write(b"x" * 512)
        except OSError:
            pass


def test_a_full_file_system():
    with SmallDisk("256k") as small:
        if not small.possible():
            print("note: audit on a full file system is not tested: no mount namespaces here")
            return
        with small.daemon() as daemon, daemon.client() as client:
            disk = small.seen_from_outside(daemon)
            assert client.call("a.echo", {"text": "before"}).text == "before"
            for round_ in range(3):
                fill(disk)
                refused, passed = 0, len(calls_received(daemon))
                for n in range(20):  # the last page takes some more
                    got = client.call("a.echo", {"text": f"{round_}-{n}" + "y" * 500})
                    error = json.loads(got.raw).get("error")
                    if error:
                        assert error["data"]["type"] == "audit", error
                        refused += 1
                assert refused >= 5, refused
                assert len(calls_received(daemon)) - passed == 20 - refused
                (disk / "filler").unlink()
                text = f"after {round_}"
                assert client.call("a.echo", {"text": text}).text == text
            # What reached the server has its whole record, torn ones are marked as such.
            recorded = call_records(disk / "audit.log")
            for line in calls_received(daemon):
                text = json.loads(line)["params"]["arguments"]["text"]
                assert any(text in record for record in recorded), text
            for said in ("No space left", "records are written again"):
                wait_for(said, lambda: daemon.log.count(said) >= 3)  # noqa: B023
                assert daemon.log.count(said) == 3, "once each time"
            with daemon.connect() as conn:
                assert json.loads(conn.request("GET", "/health").body)["dropped"] >= 15
            told = [line for line in daemon.lines if "No space left" in line]
            assert all(line.endswith("]") and " [req=" in line for line in told), told
            kept = small.dir / "kept.log"
            shutil.copy(disk / "audit.log", kept)
            done = daemon.run("audit", "verify", str(kept))
            assert done.returncode == 0, done.stdout + done.stderr


def test_a_writer_that_is_killed():
    with Neurond({"a": hostile()}, {"audit": {"sync": "each"}}) as daemon:
        with SocketLines(daemon.dir / "run/neurond.sock") as lines, daemon.client() as client:
            lines.initialize()
            assert client.call("a.echo", {"text": "first"}).text == "first"
            for round_ in range(3):
                pid = wait_for("a writer", lambda: writer(daemon))
                os.kill(pid, signal.SIGSTOP)
                before = len(calls_received(daemon))
                for n in range(5):
                    lines.send({"jsonrpc": "2.0", "id": n, "method": "tools/call", "params": {
                        "name": "a.echo", "arguments": {"text": f"held {round_} {n}"}}})
                wait_for("the records", lambda: any(
                    f"held {round_} 4" in line for line in daemon.audit()))
                assert len(calls_received(daemon)) == before, "sent before it was on the medium"
                os.kill(pid, signal.SIGKILL)
                for _ in range(5):
                    error = lines.read()["error"]
                    assert error["data"]["type"] == "audit", error
                assert len(calls_received(daemon)) == before, "sent all the same"
                wait_for("calls pass again", lambda: "result" in json.loads(
                    client.call("a.echo", {"text": "again"}).raw))
                assert writer(daemon) not in (None, pid)
        wait_for("nothing is left", lambda: writer(daemon))
        done = daemon.run("audit", "verify", str(daemon.dir / "audit.log"))
        assert done.returncode == 0, done.stdout + done.stderr


def test_who_waits_for_the_medium():
    for how in ("batch", "no"):
        with Neurond({"a": hostile()}, {"audit": {"sync": how}}) as daemon:
            with daemon.client() as client:
                client.call("a.echo", {"text": "first"})
                pid = writer(daemon)
                if how == "batch":
                    pid = wait_for("a writer", lambda: writer(daemon))
                    wait_for("it is told ten times a second", lambda: client.call(
                        "a.echo", {"text": "x"}).text == "x" and switches(pid) > 5)
                    os.kill(pid, signal.SIGSTOP)
                for n in range(20):  # nobody waits for it
                    assert client.call("a.echo", {"text": str(n)}).text == str(n)
                if how == "no":
                    assert pid is None or switches(pid) < 5, "nobody tells it anything"
                else:
                    os.kill(pid, signal.SIGKILL)
                    wait_for("another writer", lambda: client.call(
                        "a.echo", {"text": "on"}).text == "on"
                        and writer(daemon) not in (None, pid))


def test_a_directory_that_goes_and_comes():
    with Neurond({"a": hostile()}) as daemon, daemon.client() as client:
        path = daemon.dir / "audit.log"
        client.call("a.echo", {"text": "one"})
        path.rename(daemon.dir / "audit.log.1")
        path.mkdir()  # what cannot be opened leaves the old file in use
        os.kill(daemon.pid, signal.SIGUSR1)
        daemon.wait_for_log(r"daemon: open .*audit\.log: Is a directory")
        client.call("a.echo", {"text": "two"})
        assert "two" in (daemon.dir / "audit.log.1").read_text()
        path.rmdir()
        at = len(daemon.lines)
        os.kill(daemon.pid, signal.SIGUSR1)
        wait_for("a new file", path.exists)
        wait_for("it is used", lambda: client.call("a.echo", {"text": "three"}).text
                 and "three" in path.read_text())
        assert not [line for line in daemon.lines[at:] if "Is a directory" in line]
        done = daemon.run("audit", "verify", str(daemon.dir / "audit.log.1"), str(path))
        assert done.returncode == 0, done.stdout + done.stderr


main(__name__)
