"""Starting, stopping, and the options that only print."""
import fcntl
import os
import re
import signal
import subprocess
import time

from harness import BINARY, ROOT, Neurond, hostile, is_alive, main, tree_of
from rawhttp import Conn, wait_for


def neurond(*args, **keys):
    return subprocess.run([BINARY, *args], capture_output=True, text=True, timeout=20,
                          check=False, **keys)


def test_term_ends_it_with_0_and_nothing_is_left():
    with Neurond({"a": hostile(), "b": hostile()}) as daemon:
        assert len(tree_of(daemon.pid)) >= 3
        daemon.stop()
        assert not daemon.audit() or daemon.audit()[0].startswith("{")


def test_int_ends_it_too():
    with Neurond({"a": hostile()}) as daemon:
        daemon.process.send_signal(signal.SIGINT)
        assert daemon.wait_exit() == 0
        daemon.expect_nothing_left()


def test_stubborn_children_are_stopped_by_force():
    with Neurond({"a": hostile("ignore-eof", "ignore-term", stop_timeout="500ms")}) as daemon:
        with daemon.client() as client:
            strays = [int(client.call("a.spawn", {"setsid": s}).text) for s in (True, False)]
        began = time.monotonic()
        daemon.stop()
        assert time.monotonic() - began < 10
        assert not [pid for pid in strays if is_alive(pid)]


def test_a_second_term_ends_it_at_once():
    with Neurond({"a": hostile("ignore-eof", "ignore-term", stop_timeout="15s")}) as daemon:
        daemon.process.send_signal(signal.SIGTERM)
        daemon.wait_for_log(r"(?i)stop|drain|term", since=0)
        time.sleep(0.3)  # the first is on its way down now
        began = time.monotonic()
        daemon.process.send_signal(signal.SIGTERM)
        daemon.wait_exit(10)
        assert time.monotonic() - began < 5
        daemon.expect_nothing_left()


def test_without_downstreams_it_serves_an_empty_list():
    with Neurond() as daemon, daemon.client() as client:
        assert client.tools() == []


def test_the_pid_file_is_locked_and_holds_the_keeper():
    with Neurond({"a": hostile()}) as daemon:
        path = daemon.dir / "run/neurond.pid"
        assert int(path.read_text()) == daemon.pid
        with open(path, encoding="ascii") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                raise AssertionError("not locked")
            except BlockingIOError:
                pass
        second = neurond("-c", str(daemon.conf))
        assert second.returncode == 1, second
        assert str(daemon.pid) in second.stderr or "running" in second.stderr, second.stderr
        with daemon.client() as client:
            assert client.call("a.echo", {"text": "x"}).text == "x"


def test_a_stale_pid_file_does_not_stop_a_start():
    def leave_one(daemon):
        (daemon.dir / "run/neurond.pid").write_text("1\n")
    with Neurond({"a": hostile()}, setup=leave_one) as daemon:
        assert int((daemon.dir / "run/neurond.pid").read_text()) == daemon.pid
        assert re.search(r"info keeper: replacing the stale PID file .*/neurond\.pid \(pid 1\)",
                         daemon.log), daemon.log


def test_a_port_in_use_is_said():
    with Neurond() as daemon, Neurond(wait=False, config={"server": {"port": daemon.port}}) as late:
        assert late.wait_exit() == 1
        assert f"127.0.0.1:{daemon.port}" in late.log, late.log


def test_descriptors_do_not_grow_with_use():
    with Neurond({"a": hostile()}) as daemon:
        def use():
            for _ in range(20):
                with daemon.client() as client:
                    client.call("a.echo", {"text": "x"})
                    client.delete()
                Conn(daemon.address).close()
        use()
        before = daemon.fd_count()
        use()
        wait_for("descriptors are back", lambda: daemon.fd_count() <= before + 2)


def test_minus_d_goes_to_the_background_when_it_listens():
    with Neurond({"a": hostile()}, args=("-d",), wait=False) as daemon:
        assert daemon.process.wait(20) == 0
        pid = int((daemon.dir / "run/neurond.pid").read_text())
        assert is_alive(pid) and os.getsid(pid) != os.getsid(0)
        os.kill(pid, signal.SIGTERM)
        daemon.expect_nothing_left({}, timeout=15)


def test_the_shipped_configuration_works_and_allows_host_tools_alone():
    def ship(daemon):
        shipped = (ROOT / "etc/neurond.conf").read_text()
        daemon.conf.write_text(
            f"{shipped}\n[server]\nport = 0\nrun_dir = {daemon.dir}/run\n"
            f"state_dir = {daemon.dir}/state\n[audit]\npath = {daemon.dir}/audit.log\n")
    with Neurond(setup=ship) as daemon, daemon.client() as client:
        names = client.tools()
        assert names and all(name.startswith("host.") for name in names), names
        assert client.call("host.system.info").result["structuredContent"]
    plain = neurond("-t", "-c", str(ROOT / "etc/neurond.conf"))
    assert plain.returncode == 0, plain


def test_version_and_help():
    for option in ("-V", "--version"):
        got = neurond(option)
        assert got.returncode == 0 and got.stdout.startswith("neurond "), got
        for word in ("OpenSSL", "cJSON", "2025-11-25", "2024-11-05"):
            assert word in got.stdout, got.stdout
    for args in (("--help",), ("help",), ("help", "call")):
        got = neurond(*args)
        assert got.returncode == 0 and "neurond" in got.stdout, got


def test_mistakes_on_the_command_line():
    for args, words in ((("statsu",), "status"), (("--hlep",), "help"), (("-c",), "-c"),
                        (("-D",), "-D"), (("call",), "call"), (("-Z",), "Z")):
        got = neurond(*args)
        assert got.returncode == 64 and words in got.stderr, (args, got)


main(__name__)
