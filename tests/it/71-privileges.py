"""Started by root, it serves as somebody else: what belongs to whom, and what still works."""
import os
import pathlib
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile

from harness import BINARY, SANITIZED, Neurond, Table, main
from mcp import McpClient
from rawhttp import wait_for
from tls_files import Authority, secure

ME = pwd.getpwnam("daemon")
SELF = {"command": "self", "args": "host-tools"}


def privileged_port():
    """A free one that only root may bind."""
    for port in range(1023, 512, -1):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
                return port
            except OSError:
                pass
    raise AssertionError("no free port below 1024")


def ids(pid):
    fields = {}
    with open(f"/proc/{pid}/status", encoding="ascii", errors="replace") as file:
        for line in file:
            name, _, value = line.partition(":")
            fields[name] = value.split()
    return set(fields["Uid"]), set(fields["Gid"]), set(fields["Groups"]), fields["CapEff"][0]


def expect_dropped(pid, what):
    uid, gid, groups, able = ids(pid)
    assert uid == {str(ME.pw_uid)} and gid == {str(ME.pw_gid)}, (what, uid, gid)
    assert "0" not in groups and int(able, 16) == 0, (what, groups, able)


def open_files(pid):
    found = set()
    for number in os.listdir(f"/proc/{pid}/fd"):
        try:
            found.add(os.readlink(f"/proc/{pid}/fd/{number}"))
        except OSError:
            pass
    return found


def opened(daemon):
    daemon.dir.chmod(0o711)


def as_user(*command):
    return subprocess.run(["setpriv", "--reuid", str(ME.pw_uid), "--regid", str(ME.pw_gid),
                           "--clear-groups", *command], capture_output=True, text=True,
                          check=False, timeout=20)


def owners(path):
    about = os.stat(path)
    return about.st_uid, about.st_gid


def test_another_user_for_a_child_is_refused_by_the_check():
    others = {"host": {**SELF, "user": "nobody"}}
    rows = [("daemon", others, False), ("daemon", {"host": {**SELF, "user": "daemon"}}, True),
            ("daemon", {"host": {**SELF, "user": "nobody", "enabled": "no"}}, True),
            ("root", others, True), (None, others, True)]
    with Neurond() as daemon:
        for user, downstreams, fine in rows:
            daemon.configure(downstreams, {"server": {"user": user}})
            got = daemon.run("-t")
            assert got.returncode == (0 if fine else 78), (user, downstreams, got)
            assert fine or ('"nobody" cannot be changed to by "daemon", which server.user names'
                            in got.stderr), got


def test_everything_but_the_keeper_is_somebody_elses():
    home = pathlib.Path(tempfile.mkdtemp(prefix="neurond-user-"))
    home.chmod(0o711)
    (home / "logs").mkdir()
    ca = Authority(home / "ca")
    cert, key = ca.issue("server")
    port, other = privileged_port(), None
    settings = {"server": {"user": "daemon", "port": port, "bind": "127.0.0.1"},
                "tls": {"cert_path": cert, "key_path": key},
                "audit": {"path": home / "audit.log"},
                "log": {"target": home / "logs/neurond.log"}}
    try:
        with Neurond({"host": SELF}, settings, setup=opened, wait=False,
                     env={"HOME": "/root", "USER": "root"}) as daemon:
            log = home / "logs/neurond.log"
            wait_for("it is ready", lambda: log.exists() and "daemon: ready" in log.read_text())
            daemon.address = ("127.0.0.1", port)
            reactor = daemon.reactor
            assert ids(daemon.pid)[0] == {"0"}
            for pid in [reactor, *[p for p in daemon.processes() if p != daemon.pid]]:
                expect_dropped(pid, pid)
            child = next(p for p in daemon.processes() if pathlib.Path(
                f"/proc/{p}/cmdline").read_bytes().endswith(b"host-tools\0"))
            environment = pathlib.Path(f"/proc/{child}/environ").read_bytes().split(b"\0")
            assert f"HOME={ME.pw_dir}".encode() in environment, environment
            mine = (ME.pw_uid, ME.pw_gid)
            for path in ("run/neurond.sock", "run/control.sock", "state", "state/session.key",
                         "state/node_id"):
                assert owners(daemon.dir / path) == mine, path
            assert owners(home / "audit.log") == owners(log) == mine
            assert owners(daemon.dir / "run/neurond.pid") == (0, 0)

            def call(count):
                trust = secure(("127.0.0.1", port), ca.cert)
                with McpClient(trust) as client:
                    assert not client.call("host.system.info", {}).result.get("isError")
                assert len((home / "audit.log").read_text().splitlines()) >= count
            call(2)
            assert daemon.run("status").returncode == 0
            daemon.dir.joinpath("run").chmod(0o711)
            said = as_user(BINARY, "status", "--control", str(daemon.dir / "run/control.sock"))
            assert said.returncode == 0 or "Permission denied" in said.stderr, said

            # a new listener below 1024 and a certificate that only root may read
            other = privileged_port()
            settings["listener low"] = {"address": f"127.0.0.1:{other}"}
            cert, key = ca.issue("renewed")
            settings["tls"] = {"cert_path": cert, "key_path": key}
            daemon.configure({"host": SELF, "more": SELF}, settings)
            done = daemon.run("reload")
            assert done.returncode == 0, done.stderr
            with McpClient(("127.0.0.1", other)) as client:
                assert not client.call("more.system.info", {}).result.get("isError")

            # rotation, although the directories are root's
            log.rename(home / "logs/old")
            (home / "audit.log").rename(home / "audit.old")
            daemon.process.send_signal(signal.SIGUSR1)
            wait_for("both are there again",
                     lambda: log.exists() and (home / "audit.log").exists())
            wait_for("the reactor has it open",
                     lambda: str(home / "audit.log") in open_files(reactor))
            assert owners(log) == owners(home / "audit.log") == mine
            call(1)

            # another reactor is nobody else
            os.kill(reactor, signal.SIGKILL)
            wait_for("another reactor", lambda: "daemon: ready" in log.read_text())
            assert daemon.reactor != reactor
            expect_dropped(daemon.reactor, "the next reactor")
            call(1)

            settings["server"]["user"] = "nobody"
            daemon.configure({"host": SELF, "more": SELF}, settings)
            done = daemon.run("reload")
            assert done.returncode == 0 and "server.user" in done.stdout + done.stderr, done
            expect_dropped(daemon.reactor, "after a reload")
            daemon.stop()
            assert not (daemon.dir / "run/neurond.sock").exists()
            assert not (daemon.dir / "run/neurond.pid").exists()
    finally:
        shutil.rmtree(home, ignore_errors=True)


def test_a_group_of_its_own_choice():
    with Neurond({"host": SELF}, {"server": {"user": "daemon", "group": "adm"}},
                 setup=opened) as daemon:
        uid, gid, _, able = ids(daemon.reactor)
        assert uid == {str(ME.pw_uid)} and gid == {"4"} and int(able, 16) == 0
        assert owners(daemon.dir / "run/neurond.sock") == (ME.pw_uid, 4)


def test_directories_that_are_there():
    def of_somebody(daemon):
        opened(daemon)
        (daemon.dir / "state/session.key").write_bytes(b"x" * 32)
        (daemon.dir / "state/session.key").chmod(0o600)
    with Neurond(config={"server": {"user": "daemon"}}, setup=of_somebody,
                 wait=False) as daemon:
        assert daemon.wait_exit() == 1
        assert f"open {daemon.dir}/state/sess" in daemon.log, daemon.log
        assert ": Permission denied" in daemon.log, daemon.log
        assert owners(daemon.dir / "state") == (0, 0), "it has something of root's in it"


def test_mistakes_table():
    def row(text, words, run=subprocess.run):
        def check():
            home = pathlib.Path(tempfile.mkdtemp(prefix="neurond-user-"))
            try:
                home.chmod(0o755)
                (home / "c").write_text("[server]\n" + text)
                shutil.copy(BINARY, home / "neurond")
                done = run([str(home / "neurond"), "-t", "-c", str(home / "c")],
                           capture_output=True, text=True, check=False)
                assert done.returncode == (78 if words else 0), done
                assert (words or "") in done.stderr, done.stderr
            finally:
                shutil.rmtree(home)
        return check

    def unprivileged(command, **_):
        return as_user(*command)
    table = Table()
    table.row("a user nobody knows", row(
        "user = no-such\n", "server.user: find user no-such: there is none"))
    table.row("a group nobody knows", row(
        "user = daemon\ngroup = no-such\n", "server.group: find group no-such"))
    table.row("a group without a user", row("group = adm\n", "server.group: stands without user"))
    table.row("who is not root", row(
        "user = nobody\n", "server.user: change to user nobody: only root may", unprivileged))
    table.row("who is it already", row("user = daemon\n", None, unprivileged))
    table.row("a server of somebody else's", row(
        "user = daemon\n[downstream a]\ncommand = self\nuser = nobody\n",
        "downstream.a.user: \"nobody\" cannot be changed to"))
    assert not table.failed


# Only root can; and who was root cannot be looked at by the leak sanitizer.
if os.geteuid() == 0 and not SANITIZED:
    main(__name__)
else:
    print("ok skipped: only root can, and without a leak sanitizer")
