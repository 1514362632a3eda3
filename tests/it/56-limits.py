"""Every limit of [limits] has its answer, and harms only whom it is about: rates of single
clients, connections, sessions, calls, memory of messages, times; and running out of
descriptors is no end."""
import hashlib
import json
import os
import re
import resource
import select
import signal
import socket

from harness import Neurond, hostile, main
from lines import SocketLines
from mcp import McpClient
from rawhttp import Conn, render, wait_for

TOKENS = {"slow": "slow-token-of-24-bytes-", "fast": "fast-token-of-24-bytes-",
          "free": "free-token-of-24-bytes-"}
JSON = [("Content-Type", "application/json"),
        ("Accept", "application/json, text/event-stream")]
PING = b'{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-06-18",' \
       b'"capabilities":{},"clientInfo":{"name":"x","version":"1"}}}'
KB, MB = 1 << 10, 1 << 20


def bearer(name):
    return [("Authorization", "Bearer " + TOKENS[name])]


def clients(**rates):
    """[client] sections with tokens of their own and these keys."""
    return {f"client {name}": {"token_sha256": hashlib.sha256(TOKENS[name].encode()).hexdigest(),
                               **keys} for name, keys in rates.items()}


def asks(daemon, times, headers=()):
    """The statuses of so many requests on one connection, and the last response."""
    with daemon.connect() as conn:
        got = [conn.request("POST", "/mcp", [*JSON, *headers], PING) for _ in range(times)]
    return [each.status for each in got], got[-1]


def metric(daemon, pattern):
    with daemon.connect() as conn:
        found = re.search("(?m)^" + pattern, conn.request("GET", "/metrics").body.decode())
    return int(float(found[1])) if found else None


def test_a_rate_of_each_client():
    # One a thousand seconds would be slow, but rates are whole: the bucket must not refill
    # meanwhile, so a burst far over the rate tells.
    config = {"limits": {"rate": 1, "burst": 5}, **clients(
        slow={"burst": 2}, fast={"rate": 500, "burst": 500}, free={"rate": 0})}
    with Neurond({"a": hostile()}, config) as daemon:
        statuses, last = asks(daemon, 60)
        assert statuses.count(200) < 20 and statuses[:5] == [200] * 5, statuses
        assert last.status == 429 and 1 <= int(last.header("retry-after")) <= 2, last
        statuses, last = asks(daemon, 30, bearer("slow"))
        assert statuses[:2] == [200] * 2 and 429 in statuses[2:12], statuses
        for name in ("fast", "free"):
            statuses, _ = asks(daemon, 100, bearer(name))
            assert statuses == [200] * 100, statuses
        assert metric(daemon, r'neurond_rate_limited_total\{client="anonymous"\} (\S+)') > 30
        assert metric(daemon, r'neurond_rate_limited_total\{client="slow"\} (\S+)') > 5
        assert metric(daemon, r'neurond_rate_limited_total\{client="fast"\} (\S+)') is None
        with daemon.connect() as conn:  # the operator's pages work all the same
            assert {conn.request("GET", "/health").status for _ in range(30)} == {200}
        wait_for("it may ask again", lambda: asks(daemon, 1)[0] == [200])


def test_a_rate_in_lines_and_in_batches():
    config = {"limits": {"rate": 1, "burst": 4}}
    with Neurond({"a": hostile()}, config) as daemon:
        with SocketLines(daemon.dir / "run/neurond.sock") as lines:
            for n in range(30):
                lines.send({"jsonrpc": "2.0", "id": n, "method": "ping"})
            got = [lines.read() for _ in range(30)]
            assert [each["id"] for each in got] == list(range(30))
            assert all("result" in each for each in got[:4]), got[:5]
            refused = [each["error"] for each in got[4:] if "error" in each]
            assert len(refused) > 15, refused
            for error in refused:
                assert error["code"] == -32603 and error["data"]["type"] == "busy", error
                assert error["data"]["retry_after"] >= 1, error
        client = McpClient(daemon.address, version="2025-03-26")
        ping = [{"jsonrpc": "2.0", "id": n, "method": "ping"} for n in range(50)]
        body = json.dumps(ping).encode()
        headers = [*JSON, *client.headers()[2:]]
        with daemon.connect() as conn:
            def passes():
                return conn.request("POST", "/mcp", headers, body).status == 200
            wait_for("a batch is let through", passes)
            assert not any(passes() for _ in range(10)), "fifty messages count for fifty"


def test_connections_over_the_limit_wait():
    with Neurond({"a": hostile()}, {"limits": {"connections": 3}}) as daemon:
        held = [daemon.connect() for _ in range(3)]
        for conn in held:
            assert conn.request("GET", "/health/live").status == 200
        late = daemon.connect()
        late.send(b"GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert not late.is_closed(0.3), "neither served nor refused"
        assert daemon.run("status").returncode == 0, "operators get in"
        held.pop().close()
        assert late.response("GET").status == 200
        for conn in (*held, late):
            conn.close()


def test_sessions_and_calls_over_the_limit():
    limits = {"limits": {"sessions": 2, "calls_in_flight": 2}}
    with Neurond({"a": hostile()}, limits) as daemon:
        one, two = daemon.client(), daemon.client()
        streams = [one.stream(), two.stream()]  # what is in use is not let go for others
        with daemon.connect() as conn:
            got = conn.request("POST", "/mcp", JSON, PING)
            assert got.status == 503 and int(got.header("retry-after")) >= 1, got
            assert json.loads(got.body)["error"]["data"]["type"] == "busy", got
        streams.pop().close()
        two.delete()
        with SocketLines(daemon.dir / "run/neurond.sock") as lines:
            lines.initialize()
            for n in range(2):
                lines.send({"jsonrpc": "2.0", "id": f"held{n}", "method": "tools/call",
                            "params": {"name": "a.silent", "arguments": {}}})
            wait_for("both are in flight", lambda: len(
                [line for line in daemon.received("a") if b"a.silent" in line
                 or b'"silent"' in line]) == 2)
            error = one.call("a.echo", {"text": "x"}).error
            assert error["data"]["type"] == "busy" and error["data"]["retry_after"], error
            for n in range(2):
                lines.notify("notifications/cancelled", {"requestId": f"held{n}"})
            wait_for("there is room", lambda: "result" in json.loads(
                one.call("a.echo", {"text": "x"}).raw))


def begin_body(daemon, size, part):
    conn = daemon.connect()
    fields = "".join(f"{name}: {value}\r\n" for name, value in JSON)
    conn.send(f"POST /mcp HTTP/1.1\r\nHost: localhost\r\n{fields}Content-Length: {size}\r\n\r\n"
              .encode())
    conn.send_lenient(b'{"x":"' + b"y" * part)
    return conn


def buffered(daemon):
    return metric(daemon, r"neurond_buffer_bytes (\S+)") or 0


def refuses_large_bodies(daemon):
    with daemon.connect() as conn:
        conn.send(b"POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                  b"Accept: application/json, text/event-stream\r\n"
                  b"Content-Length: 900000\r\n\r\n")
        got = conn.response()
        assert got.status == 503 and got.header("retry-after") == "1", got
        assert got.header("connection") == "close", got


def until_busy(daemon, client, size):
    """Makes calls that wait for a server that is stopped, until one is refused; those in
    hand."""
    body = b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"a.echo",' \
           b'"arguments":{"text":"' + b"y" * size + b'"}}}'
    held = []
    while len(held) < 400:
        calls, conn = len(daemon.audit()), daemon.connect()
        conn.send(render("POST", "/mcp", client.headers(), body))
        wait_for("it is in hand, or refused", lambda: len(daemon.audit()) > calls
                 or select.select([conn.sock], [], [], 0)[0])
        if select.select([conn.sock], [], [], 0)[0]:
            got = conn.response()
            conn.close()
            assert got.status == 503 or (
                json.loads(got.body)["error"]["data"]["type"] == "busy"), got
            assert got.status != 503 or size > 4 * KB, got
            return held
        held.append(conn)
    raise AssertionError("it takes everything")


def test_memory_of_all_messages():
    """What has not come whole gets half of it; work in hand fills the rest, and then nothing
    new is begun."""
    limits = {"limits": {"message_max": "1m", "buffer_total": "4m"}}
    with Neurond({"a": hostile()}, limits) as daemon, daemon.client() as client:
        text = "z" * (700 * KB)
        assert client.call("a.echo", {"text": text}).text == text
        held = []
        while buffered(daemon) < 2 * MB + 300 * KB:
            held.append(begin_body(daemon, 500 * KB, 400 * KB))
            assert len(held) < 12
            wait_for("it has come", lambda: buffered(daemon) > 400 * KB * min(len(held), 4))
        refuses_large_bodies(daemon)
        assert client.call("a.echo", {"text": "x"}).text == "x"
        for conn in held:
            conn.close()
        wait_for("there is room", lambda: buffered(daemon) < 1 * MB)

        os.kill(daemon.child("a"), signal.SIGSTOP)  # calls in hand wait to be written
        held = [until_busy(daemon, client, size) for size in (200 * KB, 3 * KB)]
        assert 3 * MB - 100 * KB < buffered(daemon) <= 4 * MB, buffered(daemon)
        refuses_large_bodies(daemon)
        with daemon.connect() as conn:
            assert conn.request("GET", "/health/live").status == 200
        os.kill(daemon.child("a"), signal.SIGCONT)
        for conn in held[0] + held[1]:
            assert b"result" in conn.response().body
            conn.close()
        wait_for("there is room", lambda: buffered(daemon) < 2 * MB)
        assert client.call("a.echo", {"text": text}).text == text


def test_slow_senders_have_their_time():
    times = {"header_timeout": "300ms", "body_timeout": "300ms", "idle_timeout": "400ms"}
    with Neurond({"a": hostile()}, {"limits": times}) as daemon:
        head, body, idle = daemon.connect(), begin_body(daemon, 1000, 10), daemon.connect()
        head.send(b"GET /health HTTP/1.1\r\nHo")
        for conn, status in ((head, 408), (body, 408)):
            got = conn.response()
            assert got.status == status and got.header("connection") == "close", got
            assert conn.is_closed()
        assert idle.is_closed()
        for first in (b"", b'{"jsonrpc":"2.0",'):
            with SocketLines(daemon.dir / "run/neurond.sock") as lines:
                if first:
                    lines.put(first)
                assert lines.read_line() is None, "closed without a word"
        with SocketLines(daemon.dir / "run/neurond.sock") as lines:
            lines.initialize()
            lines.expect_nothing(1.0)  # silence between lines is no slowness
            lines.send({"jsonrpc": "2.0", "id": 1, "method": "ping"})
            assert lines.read()["id"] == 1


def test_without_descriptors_clients_wait():
    with Neurond({"a": hostile()}) as daemon, daemon.client() as client:
        reactor, before = daemon.reactor, daemon.fd_count()
        soft, hard = resource.prlimit(reactor, resource.RLIMIT_NOFILE)
        resource.prlimit(reactor, resource.RLIMIT_NOFILE, (before + 4, hard))
        conns = [daemon.connect() for _ in range(12)]
        daemon.wait_for_log(r"accept on .*: Too many open files; pausing")
        assert client.call("a.echo", {"text": "x"}).text == "x", "who is there is served"
        for conn in conns[:8]:
            conn.close()
        for conn in conns[8:]:
            assert conn.request("GET", "/health/live").status == 200
            conn.close()
        resource.prlimit(reactor, resource.RLIMIT_NOFILE, (soft, hard))
        wait_for("all descriptors are back", lambda: daemon.fd_count() <= before)
        assert daemon.reactor == reactor


def test_our_limit_of_descriptors_is_not_a_childs():
    with Neurond({"a": hostile()}) as daemon:
        ours, _ = resource.prlimit(daemon.reactor, resource.RLIMIT_NOFILE)
        its, _ = resource.prlimit(daemon.child("a"), resource.RLIMIT_NOFILE)
        given, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        assert its == given and ours == hard, (ours, its, given, hard)


def test_limits_change_at_a_reload():
    with Neurond({"a": hostile()}, {"limits": {"rate": 1, "burst": 3}}) as daemon:
        assert 429 in asks(daemon, 20)[0]
        text = daemon.conf.read_text()
        for old, new in (("rate = 1", "rate = 0"), ("burst = 3", "message_max = 100k")):
            assert old in text
            text = text.replace(old, new)
        daemon.conf.write_text(text)
        done = daemon.run("reload")
        assert done.returncode == 0, done
        assert asks(daemon, 50)[0] == [200] * 50
        with daemon.connect() as conn:
            assert conn.request("POST", "/mcp", JSON, b" " * 200000).status == 413


def test_what_cannot_be_is_an_error_of_the_configuration():
    limits = {"limits": {"message_max": "10m", "buffer_total": "19m"}}
    with Neurond({"a": hostile()}, limits, wait=False) as daemon:
        assert daemon.wait_exit() == 78
        assert "limits.buffer_total: 19m is too little" in daemon.log, daemon.log


main(__name__)
