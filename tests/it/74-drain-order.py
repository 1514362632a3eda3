"""A stop in its order: readiness, listeners, calls, streams, children, files, exit 0; and with
everything at once that could hold it up."""
import json
import os
import signal
import subprocess
import threading
import time

from harness import BINARY, Neurond, hostile, main, stat_of, tree_of
from mcp import McpClient
from rawhttp import Closed, Conn, wait_for


def ready(daemon):
    with daemon.connect() as conn:
        return conn.request("GET", "/health/ready").status


def background(action):
    box = []

    def run():
        try:
            box.append(action())
        except (Closed, OSError, AssertionError) as error:  # looked at by the test
            box.append(error)
    thread = threading.Thread(target=run)
    thread.start()

    def join():
        thread.join(30)
        assert box, "it takes too long"
        return box[0]
    return join


def in_flight(daemon, name, count):
    wait_for("calls are in flight", lambda: sum(
        b"tools/call" in line for line in daemon.received(name)) >= count)


def test_it_serves_on_while_it_says_that_it_will_not():
    with Neurond({"a": hostile()}, {"server": {"drain_delay": "1500ms"}}) as daemon:
        assert ready(daemon) == 200
        began = time.monotonic()
        daemon.process.send_signal(signal.SIGTERM)
        wait_for("readiness says so", lambda: ready(daemon) == 503)
        with daemon.connect() as conn:
            assert conn.request("GET", "/health/live").status == 200
        with daemon.client() as client:
            assert client.call("a.echo", {"text": "late"}).text == "late"
        assert daemon.wait_exit() == 0
        assert 1.4 < time.monotonic() - began < 6
        order = [daemon.log.index(words) for words in (
            "daemon: draining", "closing listeners", "a: stopped (stopping)", "daemon: stopped")]
        assert order == sorted(order), daemon.log
        daemon.expect_nothing_left()


def test_a_second_term_does_not_wait_for_the_delay():
    with Neurond({"a": hostile()}, {"server": {"drain_delay": "20s",
                                               "shutdown_timeout": "40s"}}) as daemon:
        daemon.process.send_signal(signal.SIGTERM)
        daemon.wait_for_log("daemon: draining")
        daemon.process.send_signal(signal.SIGTERM)
        daemon.wait_exit(5)
        daemon.expect_nothing_left()


def test_with_all_that_could_hold_it_up():
    servers = {
        "stubborn": hostile("ignore-eof", "ignore-term", stop_timeout="300ms"),
        "quick": hostile(),
        "asking": hostile(share="session"),
    }
    config = {"server": {"drain_delay": "300ms", "drain_timeout": "3s",
                         "shutdown_timeout": "10s"}}
    with Neurond(servers, config) as daemon, daemon.client() as listener, \
            daemon.client() as caller, \
            McpClient(daemon.address, capabilities={"elicitation": {}}) as asked, \
            Conn(daemon.address) as idle:
        idle.request("GET", "/health/live")
        stream = listener.stream()
        long_call = background(lambda: caller.call("quick.sleep_ms", {"ms": 1500, "text": "x"}))
        params = {"message": "Who?", "requestedSchema": {"type": "object", "properties": {}}}
        question = background(lambda: asked.call("asking.ask", {
            "method": "elicitation/create", "params": params, "id": 7}))
        in_flight(daemon, "quick", 1)
        in_flight(daemon, "asking", 1)
        began = time.monotonic()
        daemon.process.send_signal(signal.SIGTERM)
        wait_for("readiness says so", lambda: ready(daemon) == 503)
        assert stream.next() is None, "a stream ends in good order"
        assert idle.is_closed()
        got = long_call()
        assert got.text == "x" and got.http.header("connection") == "close", got
        ended = question()
        if not isinstance(ended, Exception):
            assert ended.error["code"] == -32603, ended.raw
        assert daemon.wait_exit() == 0
        took = time.monotonic() - began
        assert took < 9, f"{took} s"
        daemon.expect_nothing_left()
        for name in ("neurond.pid", "neurond.sock", "control.sock"):
            assert not (daemon.dir / "run" / name).exists(), name
        calls = [json.loads(line) for line in daemon.audit()]
        assert {c["event"] for c in calls} == {"call", "result"}
        assert len(calls) == 4, calls
        verify = subprocess.run([BINARY, "audit", "verify", "-c", str(daemon.conf),
                                 str(daemon.dir / "audit.log")], capture_output=True, text=True,
                                check=False)
        assert verify.returncode == 0, verify.stdout + verify.stderr


def test_a_reactor_that_hangs_is_ended_in_time():
    config = {"server": {"drain_timeout": "300ms", "shutdown_timeout": "500ms"}}
    with Neurond({"a": hostile()}, config) as daemon:
        tree = {pid: stat_of(pid) for pid in tree_of(daemon.pid)}
        os.kill(daemon.reactor, signal.SIGSTOP)
        began = time.monotonic()
        daemon.process.send_signal(signal.SIGTERM)
        code = daemon.wait_exit(10)
        took = time.monotonic() - began
        # The keeper gives it shutdown_timeout and two seconds; the rest is for a busy machine.
        assert 2 < took < 5, f"{took} s"
        assert code == 1, code
        daemon.expect_nothing_left(tree)
        assert not (daemon.dir / "run/neurond.pid").exists()


def test_what_will_not_end_is_cut_off_in_time():
    config = {"server": {"drain_timeout": "30s", "shutdown_timeout": "1500ms"}}
    with Neurond({"a": hostile("ignore-eof", "ignore-term", stop_timeout="60s")},
                 config) as daemon:
        caller = daemon.client()
        call = background(lambda: caller.call("a.silent"))
        in_flight(daemon, "a", 1)
        began = time.monotonic()
        daemon.process.send_signal(signal.SIGTERM)
        daemon.wait_exit(8)
        assert time.monotonic() - began < 6
        daemon.wait_for_log("shutdown_timeout: cutting off what is left")
        call()
        caller.close()
        daemon.expect_nothing_left()


main(__name__)
