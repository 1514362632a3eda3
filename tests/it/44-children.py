"""What a child is given and what it is not: environment, descriptors, signals, a session
of its own; and how it is stopped."""
import json
import os

from harness import Neurond, hostile, is_alive, main, stat_of
from rawhttp import wait_for


def ask(client, tool):
    return json.loads(client.call(tool).text)


def test_the_environment_is_minimal():
    env = {"SECRET_OF_THE_DAEMON": "s3cret", "LD_LIBRARY_PATH": "/nonexistent", "HOME": "/tmp"}
    keys = {"env.GIVEN": "1.10 \"x\" $y", "env.FROM_ENV": "plain"}
    with Neurond({"a": hostile(**keys)}, env=env) as daemon, daemon.client() as client:
        got = ask(client, "a.environment")
        assert got.pop("GIVEN") == '1.10 "x" $y' and got.pop("FROM_ENV") == "plain", got
        assert "SECRET_OF_THE_DAEMON" not in got and "LD_LIBRARY_PATH" not in got, got
        allowed = {"PATH", "HOME", "LANG", "TZ", "TMPDIR", "RECORD", "IT_MARK", "LC_CTYPE"}
        assert set(got) <= allowed, set(got) - allowed


def test_inherit_env_all_gives_all_but_our_own():
    env = {"SOMETHING": "else"}
    with Neurond({"a": hostile(inherit_env="all")}, env=env) as daemon, daemon.client() as client:
        got = ask(client, "a.environment")
        assert got["SOMETHING"] == "else", got
        assert not [name for name in got if name.startswith("NEUROND_")], got


def test_descriptors_signals_and_session():
    with Neurond({"a": hostile(cwd="/tmp"), "b": hostile()}) as daemon:
        with daemon.client() as client:
            for name in ("a", "b"):
                got = ask(client, f"{name}.descriptors")
                # The record file is the fixture's own; Python ignores PIPE and XFSZ, and
                # the C library may keep its internal signals 32 and 33 from a child.
                assert set(got["fds"]) <= {0, 1, 2, 3, 4}, got
                assert int(got["blocked"], 16) == 0 and not int(got["ignored"], 16) & ~0x181001000, got
                assert got["sid"] == got["pid"] and got["ppid"] == daemon.reactor, got
            assert ask(client, "a.descriptors")["cwd"] == "/tmp"


def test_children_end_by_eof_before_any_signal():
    with Neurond({"a": hostile()}) as daemon:
        child = daemon.child("a")
        began = stat_of(child)
        assert began
        daemon.stop()
        assert not is_alive(child)
        assert "SIGKILL" not in daemon.log and "SIGTERM" not in daemon.log.replace(
            "received SIGTERM", ""), daemon.log


def test_what_a_child_leaves_behind_is_reaped():
    with Neurond({"a": hostile()}) as daemon, daemon.client() as client:
        pids = [int(client.call("a.spawn", {"setsid": n % 2 == 0}).text) for n in range(4)]
        os.kill(pids[0], 9)
        client.call("a.crash", {"status": 4})
        wait_for("grandchildren are gone, those in sessions of their own, too",
                 lambda: not [p for p in pids if is_alive(p)])
        wait_for("no zombie of ours", lambda: not [
            name for name in os.listdir("/proc") if name.isdigit()
            and (stat_of(int(name)) or (0, ""))[0] in (daemon.pid, daemon.reactor)
            and stat_of(int(name))[1] == "Z"])


main(__name__)
