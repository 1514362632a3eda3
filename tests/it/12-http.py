"""HTTP/1.1 as RFC 9112 has it: kept connections, pipelining, both framings, HEAD, OPTIONS,
Expect, slow and silent clients."""
import json
import time

from harness import Neurond, Table, hostile, main
from rawhttp import Conn, render

LIMITS = {"limits": {"header_timeout": "1s", "body_timeout": "1s", "idle_timeout": "2s"}}


def initialize(version="2025-11-25", id_value=1):
    return json.dumps({"jsonrpc": "2.0", "id": id_value, "method": "initialize", "params": {
        "protocolVersion": version, "capabilities": {},
        "clientInfo": {"name": "it", "version": "1"}}}).encode()


JSON = [("Content-Type", "application/json"), ("Accept", "application/json, text/event-stream")]


def test_pipelined_requests_are_answered_in_order():
    with Neurond({"a": hostile()}) as daemon, daemon.client() as client:
        headers = client.headers()
        with Conn(daemon.address) as conn:
            wanted = []
            burst = b""
            for n, ms in enumerate((400, 0, 200, 0, 0, 100)):
                body = json.dumps({"jsonrpc": "2.0", "id": n, "method": "tools/call", "params": {
                    "name": "a.sleep_ms", "arguments": {"ms": ms, "text": str(n)}}}).encode()
                burst += render("POST", "/api/v1/mcp", headers, body)
                burst += render("GET", "/health/live")
                wanted += [n, None]
            conn.send(burst)
            for n in wanted:
                got = conn.response("GET")
                assert got.status == 200, got
                if n is not None:
                    assert json.loads(got.body)["id"] == n, got


def test_a_request_byte_by_byte():
    with Neurond() as daemon, Conn(daemon.address) as conn:
        for byte in render("POST", "/api/v1/mcp", JSON, initialize()):
            conn.send(bytes([byte]))
        assert conn.response().status == 200


def test_head_and_options():
    with Neurond() as daemon, Conn(daemon.address) as conn:
        full = conn.request("GET", "/health/live")
        head = conn.request("HEAD", "/health/live")
        assert head.status == 200 and not head.body
        assert head.header("content-length") == full.header("content-length")
        for path in ("/api/v1/mcp", "*"):
            options = conn.request("OPTIONS", path)
            assert options.status in (200, 204), options
            assert "POST" in (options.header("allow") or ""), options


def test_pages_read_answers_with_cors_only():
    page, foreign = ("Origin", "https://app.example"), ("Origin", "https://other.example")
    asks = [("Access-Control-Request-Method", "POST"),
            ("Access-Control-Request-Headers", "authorization,content-type,mcp-name")]
    allowed = {"allowed_origins": page[1]}
    names = ("Access-Control-Allow-Origin", "Access-Control-Expose-Headers",
             "Access-Control-Allow-Methods", "Access-Control-Allow-Headers",
             "Access-Control-Max-Age", "Access-Control-Allow-Credentials", "Vary")

    def seen(conn, method, path, headers, body=None):
        got = conn.request(method, path, headers, body)
        return got.status, {name: got.header(name) for name in names if got.header(name)}

    with Neurond(config={"http": {**allowed, "cors": "yes"}}) as daemon, \
            Conn(daemon.address) as conn:
        for headers in ([page], [page, ("Authorization", "Bearer wrong")]):
            status, fields = seen(conn, "OPTIONS", "/api/v1/mcp", asks + headers)
            assert status == 204 and fields[names[0]] == page[1], fields  # whoever asks
            assert {"GET", "POST", "DELETE"} <= set(fields[names[2]].split(", ")), fields
            for name in ("Authorization", "Content-Type", "Mcp-Session-Id", "Mcp-Name"):
                assert name in fields[names[3]].split(", "), fields
            assert int(fields[names[4]]) > 0 and names[5] not in fields, fields
        for request in (("POST", "/api/v1/mcp", [*JSON, page], initialize()),
                        ("GET", "/health/live", [page]), ("GET", "/nothing", [page]),
                        ("GET", "/health/live", [page, ("Authorization", "Bearer wrong")])):
            status, fields = seen(conn, *request)
            assert fields[names[0]] == page[1] and fields["Vary"] == "Origin", fields
            assert "Mcp-Session-Id" in fields[names[1]].split(", "), fields
            assert set(fields) == {names[0], names[1], "Vary"}, fields
        local = seen(conn, "GET", "/health/live", [("Origin", "http://localhost:5173")])
        assert local[1][names[0]] == "http://localhost:5173", local
        assert seen(conn, "GET", "/health/live", []) == (200, {"Vary": "Origin"})
        for headers in ([foreign], [page, foreign], [foreign, *asks]):
            assert seen(conn, "OPTIONS", "/api/v1/mcp", headers) == (403, {"Vary": "Origin"})
    with Neurond(config={"http": allowed}) as daemon, Conn(daemon.address) as conn:
        for method in ("GET", "OPTIONS"):
            status, fields = seen(conn, method, "/health/live", [page, *asks])
            assert status in (200, 204) and not fields, fields


def test_expect_100_continue():
    with Neurond() as daemon, Conn(daemon.address) as conn:
        body = initialize()
        conn.send(render("POST", "/api/v1/mcp", JSON + [
            ("Expect", "100-continue"), ("Content-Length", str(len(body)))]))
        assert conn.head().status == 100
        conn.send(body)
        assert conn.response().status == 200
        # Refused before the body is sent: no 100, and the body need not follow.
        conn.send(render("POST", "/nowhere", JSON + [
            ("Expect", "100-continue"), ("Content-Length", str(len(body)))]))
        assert conn.head().status in (100, 404)


def test_http_1_0_and_connection_close():
    with Neurond() as daemon:
        for request in (b"GET /health/live HTTP/1.0\r\n\r\n",
                        b"GET /health/live HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
                        b"GET /health/live HTTP/1.1\r\nHost: localhost\r\nConnection: x, CLOSE\r\n\r\n"):
            with Conn(daemon.address) as conn:
                conn.send(request)
                assert conn.response("GET").status == 200
                assert conn.is_closed()
        with Conn(daemon.address) as conn:
            conn.send(b"GET /health/live HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
            assert conn.response("GET").status == 200
            assert conn.request("GET", "/health/live").status == 200


def test_slow_and_silent_clients_are_let_go():
    with Neurond(config=LIMITS) as daemon:
        table = Table()

        def times_out(data, status, low, high):
            with Conn(daemon.address) as conn:
                began = time.monotonic()
                conn.send(data)
                if status:
                    assert conn.response().status == status
                assert conn.is_closed(timeout=high + 2)
                assert low <= time.monotonic() - began <= high, time.monotonic() - began

        table.row("half a head", lambda: times_out(b"GET /health/live HT", 408, 0.8, 4))
        table.row("half a body", lambda: times_out(
            render("POST", "/api/v1/mcp", JSON, initialize())[:-9], 408, 0.8, 4))
        table.row("nothing at all", lambda: times_out(b"", None, 0.8, 5))
        assert not table.failed
        with Conn(daemon.address) as conn:
            assert conn.request("GET", "/health/live").status == 200
            began = time.monotonic()
            assert conn.is_closed(timeout=6)
            assert time.monotonic() - began > 1.5


def test_a_dripping_client_is_let_go():
    with Neurond(config=LIMITS) as daemon, Conn(daemon.address) as conn:
        began = time.monotonic()
        for byte in render("GET", "/health/live", [("X-Long", "y" * 500)]):
            try:
                conn.send(bytes([byte]))
            except (BrokenPipeError, ConnectionResetError):
                break
            time.sleep(0.05)  # the client is the slow one here
        assert time.monotonic() - began < 8


def test_connections_over_the_limit_wait_for_their_turn():
    with Neurond(config={"limits": {"connections": 8}}) as daemon:
        kept = [Conn(daemon.address) for _ in range(8)]
        for conn in kept:
            assert conn.request("GET", "/health/live").status == 200
        with Conn(daemon.address) as extra:
            extra.send(render("GET", "/health/live"))
            assert not extra.is_closed(timeout=0.3)
            for conn in kept[1:]:
                assert conn.request("GET", "/health/live").status == 200
            kept[0].close()
            assert extra.response("GET").status == 200
        for conn in kept:
            conn.close()


def test_a_client_that_leaves_in_the_middle():
    with Neurond({"a": hostile()}) as daemon, daemon.client() as client:
        before = daemon.fd_count()
        for n in range(20):
            with Conn(daemon.address) as conn:
                body = b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"a.bulk",' \
                       b'"arguments":{"bytes":3000000}}}'
                conn.send(render("POST", "/api/v1/mcp", client.headers(), body)[:-n or None])
        assert client.call("a.echo", {"text": "x"}).text == "x"
        deadline = time.monotonic() + 5
        while daemon.fd_count() > before + 2 and time.monotonic() < deadline:
            time.sleep(0.05)
        assert daemon.fd_count() <= before + 2


def test_every_answer_carries_a_request_id():
    with Neurond({"a": hostile()}) as daemon, daemon.client() as client:
        minted = client.call("a.echo", {"text": "x"}).http.header("x-request-id")
        assert minted
        client.extra = [("X-Request-Id", "mine-1234")]
        got = client.call("a.echo", {"text": "x"})
        assert got.http.header("x-request-id") == "mine-1234"
        assert "mine-1234" in "".join(daemon.audit())
        client.extra = [("X-Request-Id", 'bad"value\\ with blanks')]
        assert client.call("a.echo").http.header("x-request-id") != 'bad"value\\ with blanks'


def test_a_client_that_does_not_read_is_not_buffered_without_bound():
    with Neurond({"a": hostile(), "b": hostile()}) as daemon, daemon.client() as client:
        body = b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"a.bulk",' \
               b'"arguments":{"bytes":2000000}}}'
        before = daemon.rss()
        with Conn(daemon.address) as conn:
            conn.sock.settimeout(3)
            try:
                for _ in range(60):
                    conn.send(render("POST", "/api/v1/mcp", client.headers(), body))
            except TimeoutError:
                pass
            assert client.call("b.echo", {"text": "x"}).text == "x"
            assert daemon.rss() - before < 60_000_000, daemon.rss() - before


main(__name__)
