"""`neurond connect`: a stdio MCP server for programs that can only start a command."""
import json
import os
import signal
import subprocess
import threading
import time

from harness import BINARY, Neurond, SANITIZED, children_of, hostile, main, scaled
from lines import ProcessLines
from mcp import LEGACY
from rawhttp import Conn, wait_for


def bridge(daemon, *args, **keys):
    return ProcessLines([BINARY, "connect", "-c", str(daemon.conf), *args], **keys)


def rss(pid):
    with open(f"/proc/{pid}/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def connections(daemon):
    with Conn(daemon.address) as conn:
        text = conn.request("GET", "/metrics").body.decode()
    return int(text.partition('neurond_connections{door="ndjson"} ')[2].split("\n")[0])


# -- a session

def test_a_session_from_start_to_end():
    with Neurond({"a": hostile("tools=one")}) as daemon:
        for version in LEGACY:
            with bridge(daemon) as client:
                assert client.initialize(version)["result"]["protocolVersion"] == version
                assert client.tools() == ["a_one"]
                assert client.call("a_one", {"text": "héllo"}) == "héllo"
                client.end_output()
                assert client.read_line() is None
                assert client.wait() == (0, "")
        with bridge(daemon) as client:
            assert client.modern("tools/list")["result"]["resultType"] == "complete"
        who = {json.loads(line)["client"] for line in daemon.audit()}
        assert who == {f"uid:{os.getuid()}"}, who


def test_names_and_namespaces():
    servers = {"a": hostile("tools=one,x.y"), "b": hostile("tools=two")}
    with Neurond(servers) as daemon:
        rows = (((), ["a_one", "a_x_y", "b_two"]),
                (("--names", "plain"), ["a.one", "a.x.y", "b.two"]),
                (("a",), ["one", "x_y"]), (("--names=plain", "a"), ["one", "x.y"]))
        for args, names in rows:
            with bridge(daemon, *args) as client:
                client.initialize()
                assert client.tools() == names, (args, client.tools())
                assert client.call(names[-1], {"text": "t"}) == "t"
        with bridge(daemon, "nope") as client:
            error = client.initialize()["error"]
            assert error["code"] == -32602 and "nope" in error["message"], error


def test_what_is_in_flight_is_answered_when_stdin_ends():
    with Neurond({"a": hostile()}) as daemon, bridge(daemon) as client:
        client.initialize()
        client.start("tools/call", {"name": "a_sleep_ms", "arguments": {"ms": 500, "text": "x"}},
                     "late")
        client.end_output()
        assert client.answer("late")["result"]["content"][0]["text"] == "x"
        assert client.read_line() is None
        assert client.wait() == (0, "")


def test_it_is_small():
    with Neurond({"a": hostile()}) as daemon, bridge(daemon) as client:
        client.initialize()
        client.call("a_bulk", {"bytes": 3_000_000})
        assert SANITIZED or rss(client.pid) < 8_000_000, rss(client.pid)
        assert children_of(client.pid) == []


def test_large_messages_both_ways_and_a_program_that_reads_slowly():
    text = "é" * 1_000_000
    with Neurond({"a": hostile()}) as daemon, bridge(daemon) as client:
        client.initialize()
        for _ in range(3):
            assert client.call("a_echo", {"text": text}) == text
        count = 200
        ids = [client.start("tools/call", {"name": "a_bulk", "arguments": {"bytes": 20000}})
               for _ in range(count)]
        time.sleep(0.3)
        for request_id in ids:
            got = client.answer(request_id)
            assert len(got["result"]["content"][0]["text"]) == 20000


def test_a_program_that_does_not_read_is_not_read_from():
    with Neurond({"a": hostile()}) as daemon, bridge(daemon) as client:
        client.initialize()
        line = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/list"}).encode() + b"\n"
        os.set_blocking(client.process.stdin.fileno(), False)
        sent, quiet = 0, 0
        while quiet < 10 and sent < 50_000_000:
            try:
                sent += os.write(client.process.stdin.fileno(), line * 100)
                quiet = 0
            except BlockingIOError:
                quiet += 1
                time.sleep(0.02)
        assert sent < 10_000_000, sent
        assert SANITIZED or rss(client.pid) < 8_000_000, rss(client.pid)


# -- how it ends

def test_it_ends_with_its_program():
    with Neurond({"a": hostile()}) as daemon:
        for what in ("both", "stdout", "killed"):
            client = bridge(daemon)
            client.initialize()
            before = len(daemon.received("a"))
            client.start("tools/call", {"name": "a_silent"})
            wait_for("the call is in flight", lambda: len(daemon.received("a")) > before)
            if what == "killed":
                client.process.kill()
            if what == "both":
                client.process.stdin.close()
            client.process.stdout.close()
            code = client.process.wait(5)
            assert code == {"both": 0, "stdout": 1, "killed": -9}[what], (what, code)
            client.close()
            wait_for("the call was taken back", lambda: b"notifications/cancelled"
                     in daemon.received("a")[-1])
        wait_for("nobody is connected", lambda: connections(daemon) == 0)


def test_it_says_when_the_daemon_goes():
    with Neurond({"a": hostile()}) as daemon, bridge(daemon) as client:
        client.initialize()
        daemon.stop()
        assert client.read_line() is None
        code, said = client.wait()
        assert code == 1 and "neurond.sock" in said and "over" in said, (code, said)
    with Neurond({"a": hostile()}) as daemon, bridge(daemon) as client:
        client.initialize()
        client.start("tools/call", {"name": "a_silent"})
        at = len(daemon.lines)
        os.kill(daemon.reactor, signal.SIGKILL)
        code, said = client.wait()
        assert code == 1 and "neurond.sock" in said, (code, said)
        daemon.wait_for_log(r"daemon: ready", since=at)  # a stop ends one that runs


# -- finding the daemon

def test_it_says_when_none_runs():
    done = subprocess.run([BINARY, "connect", "--socket", "/nonexistent/neurond.sock",
                           "--wait", "300ms"], input=b"", capture_output=True, timeout=20,
                          check=False)
    assert done.returncode == 1 and done.stdout == b"", done
    assert done.stderr.startswith(
        b"neurond is not running: no answer at /nonexistent/neurond.sock"), done
    rows = ((("--names", "loud"), 64, b"expected plain or strict"),
            (("--wait", "5"), 64, b"--wait 5"), (("--control", "/x"), 64, b"--control"),
            (("A b",), 64, b"namespace"), (("a", "b"), 64, b"does not take 'b'"),
            (("--socket", "x" * 200), 1, b"path empty or longer"))
    for args, code, said in rows:
        done = subprocess.run([BINARY, "connect", *args], input=b"", capture_output=True,
                              timeout=20, check=False)
        assert done.returncode == code and said in done.stderr, (args, done)


def test_one_that_may_not_connect_hears_it_at_once():
    if os.geteuid() != 0:
        print("note: not root: another user is not tried")
        return
    with Neurond({}) as daemon:
        for directory in (daemon.dir, daemon.dir / "run"):
            os.chmod(directory, 0o711)
        began = time.monotonic()
        done = subprocess.run(
            ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", BINARY, "connect",
             "--socket", str(daemon.dir / "run/neurond.sock")],
            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=20, check=False)
        assert done.returncode == 1 and "Permission denied" in done.stderr, done
        assert time.monotonic() - began < 5


def test_it_waits_for_a_daemon_that_is_starting():
    clients = []

    def early(daemon):
        clients.extend(bridge(daemon) for _ in range(5))
        for client in clients:
            client.start("initialize", {"protocolVersion": LEGACY[-1], "capabilities": {},
                                        "clientInfo": {"name": "it", "version": "1"}}, "early")
        for client in clients:
            client.wait_said(b"waiting")
    with Neurond({"a": hostile("tools=one")}, setup=early):
        for client in clients:
            assert client.answer("early")["result"]["serverInfo"]["name"] == "neurond"
            assert client.tools() == ["a_one"]
            client.end_output()
            code, said = client.wait()
            assert code == 0, (code, said)
            client.close()


# -- many

def test_fifty_sessions_share_the_children_and_killing_one_disturbs_none():
    with Neurond({"a": hostile(), "b": hostile()}) as daemon:
        children = {name: daemon.child(name) for name in "ab"}
        count, rounds = 50, scaled(5, 100)
        clients = [bridge(daemon) for _ in range(count)]
        failed = []
        for client in clients:
            client.start("initialize", {"protocolVersion": LEGACY[-1], "capabilities": {},
                                        "clientInfo": {"name": "it", "version": "1"}}, "hello")
        for client in clients:
            assert "result" in client.answer("hello")
        assert connections(daemon) == count

        def work(n, client):
            try:
                for k in range(rounds):
                    for name in "ab":
                        text = f"{n}/{k}/{name}"
                        assert client.call(f"{name}_reorder", {"ms": 5, "text": text}) == text
            except Exception as error:  # looked at below
                failed.append((n, repr(error)))
        victims = clients[::10]
        threads = [threading.Thread(target=work, args=(n, client))
                   for n, client in enumerate(clients) if client not in victims]
        for thread in threads:
            thread.start()
        for client in victims:
            client.start("tools/call", {"name": "a_silent"})
            client.process.kill()
        for thread in threads:
            thread.join()
        assert not failed, failed[:3]
        assert {name: daemon.child(name) for name in "ab"} == children
        assert len(children_of(daemon.reactor)) <= 2 + 2, "more than children and helpers"
        wait_for("the killed ones are gone", lambda: connections(daemon) == count - len(victims))
        for client in clients:
            if client not in victims:
                client.end_output()
        for client in clients:
            if client not in victims:
                assert client.wait()[0] == 0
            client.close()


def test_a_change_of_the_list_reaches_every_session():
    with Neurond({"a": hostile()}) as daemon:
        clients = [bridge(daemon) for _ in range(5)]
        for client in clients:
            client.initialize()
            assert client.request("ping")["result"] == {}
        clients[0].call("a_add_tool", {"name": "late"})
        for client in clients:
            notice = client.others.pop() if client.others else client.read()
            assert notice["method"] == "notifications/tools/list_changed", notice
            assert "a_late" in client.tools()
            client.close()


main(__name__)
