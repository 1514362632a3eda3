"""GET /ws: both eras, everything RFC 6455 lets a client do, everything it does not."""
import json
import os
import random
import signal
import sys
import tempfile
import threading
import time

from harness import HERE, SANITIZED, Neurond, Table, hostile, main, scaled
from rawhttp import Closed, Conn, render, wait_for
from tls_files import Authority, secure
from ws import (BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, WsClient, closing, frame,
                handshake)

PING_REQUEST = b'{"jsonrpc":"2.0","id":7,"method":"ping"}'
LIMITS = {"message_max": 200_000, "body_timeout": "1s", "idle_timeout": "60s"}


def connect(daemon, **keys):
    return WsClient(daemon.address, **keys)


def test_a_legacy_client():
    with Neurond({"a": hostile()}) as daemon, connect(daemon) as ws:
        assert ws.request("ping")["result"] == {}  # may come before the handshake
        assert "initialize has to come first" in ws.request("tools/list")["error"]["message"]
        assert ws.initialize()["result"]["protocolVersion"] == "2025-11-25"
        assert "a.echo" in ws.tools()
        assert ws.call("a.echo", {"text": "héllo"}) == "héllo"
        assert '"method":"tools/call"' in daemon.audit()[-2], daemon.audit()
        assert '"client":"anonymous"' in daemon.audit()[-1], daemon.audit()


def test_a_modern_client():
    with Neurond({"a": hostile()}) as daemon, connect(daemon) as ws:
        got = ws.modern("server/discover")["result"]
        assert "2026-07-28" in got["supportedVersions"], got
        got = ws.modern("tools/call", {"name": "a.echo", "arguments": {"text": "x"}})
        assert got["result"]["resultType"] == "complete", got
        assert got["result"]["content"][0]["text"] == "x"
        ws.initialize()  # and then a legacy one, on the same connection
        assert ws.call("a.echo", {"text": "y"}) == "y"


def test_bytes_are_verbatim():
    raw = (b'{"jsonrpc":"2.0","id":"\\u0031.50","method":"tools/call","params":{"name":"a.raw",'
           b'"arguments":{"z":9007199254740993,"a":[1.10,1E5],"b":"\\u00e9\\/"}}}')
    with Neurond({"a": hostile("tools=raw")}) as daemon, connect(daemon) as ws:
        ws.initialize()
        ws.send(raw)
        answer = ws.read_line()
        assert b'"id":"\\u0031.50"' in answer, answer
        (line,) = [line for line in daemon.received("a") if b"tools/call" in line]
        assert b'{"z":9007199254740993,"a":[1.10,1E5],"b":"\\u00e9\\/"}' in line, line


def test_progress_and_cancellation():
    with Neurond({"a": hostile()}) as daemon, connect(daemon) as ws:
        ws.initialize()
        first = ws.start("tools/call", {"name": "a.progress", "arguments": {"count": 5},
                                        "_meta": {"progressToken": "p-1"}})
        assert "result" in ws.answer(first)
        told = [m["params"] for m in ws.others if m.get("method") == "notifications/progress"]
        assert [p["progressToken"] for p in told] == ["p-1"] * 5, told
        slow = ws.start("tools/call", {"name": "a.sleep_ms", "arguments": {"ms": 60_000}})
        wait_for("it is there", lambda: any(b"60000" in x for x in daemon.received("a")))
        ws.notify("notifications/cancelled", {"requestId": slow})
        wait_for("it is cancelled", lambda: any(
            b"notifications/cancelled" in line for line in daemon.received("a")))


def test_a_closed_connection_takes_its_calls_back():
    with Neurond({"a": hostile()}) as daemon:
        for n, end in enumerate((lambda ws: ws.put(closing(1000)), lambda ws: ws.close(),
                                 lambda ws: ws.put(frame(BINARY, b"x")))):
            with connect(daemon) as ws:
                ws.initialize()
                ws.start("tools/call", {"name": "a.sleep_ms", "arguments": {"ms": 60_000}})
                wait_for("it is there", lambda n=n: sum(
                    b"60000" in line for line in daemon.received("a")) == n + 1)
                end(ws)
                wait_for("it is cancelled", lambda n=n: sum(
                    b"notifications/cancelled" in x for x in daemon.received("a")) == n + 1)


def test_views():
    with Neurond({"a": hostile("tools=x.y"), "b": hostile()}) as daemon:
        with connect(daemon, path="/ws?names=strict") as ws:
            ws.initialize()
            assert "a_x_y" in ws.tools()
        with connect(daemon) as ws:
            ws.view(namespace="a")
            ws.initialize()
            assert ws.tools() == ["x.y"]


def test_fragments_at_every_place():
    text = '{"jsonrpc":"2.0","id":"é€😀","method":"ping"}'.encode()
    with Neurond({"a": hostile()}) as daemon, connect(daemon) as ws:
        for cut in range(len(text) + 1):
            ws.put(frame(TEXT, text[:cut], fin=False) + frame(PING, b"%d" % cut)
                   + frame(CONTINUATION, text[cut:]))
            assert ws.read()["id"] == "é€😀"
        assert ws.pongs == [b"%d" % cut for cut in range(len(text) + 1)]
        whole = b"".join(frame(TEXT if n == 0 else CONTINUATION, text[n:n + 1],
                               fin=n == len(text) - 1) for n in range(len(text)))
        for byte in whole:  # each byte alone
            ws.put(bytes([byte]))
        assert ws.read()["id"] == "é€😀"
        ws.put(frame(TEXT, text) * 300)
        assert [ws.read()["id"] for _ in range(300)] == ["é€😀"] * 300


def test_large_messages_and_every_length():
    with Neurond({"a": hostile()}, {"limits": {"body_timeout": "30s"}}) as daemon, \
            connect(daemon) as ws:
        ws.initialize()
        for size in (0, 1, 30, 125, 126, 127, 4000, 4096, 65_530, 65_536, 70_000, 1_000_000):
            text = "x" * size
            assert ws.call("a.echo", {"text": text}) == text
        for size in range(100, 135):
            raw = PING_REQUEST + b" " * (size - len(PING_REQUEST))
            ws.send(raw)
            assert ws.read()["id"] == 7
        raw = json.dumps({"jsonrpc": "2.0", "id": 9, "method": "tools/call", "params": {
            "name": "a.echo", "arguments": {"text": "y" * 3_000_000}}}).encode()
        pieces = [raw[at:at + 100_000] for at in range(0, len(raw), 100_000)]
        for n, piece in enumerate(pieces):
            ws.put(frame(CONTINUATION if n else TEXT, piece, fin=n == len(pieces) - 1))
        assert len(ws.answer(9)["result"]["content"][0]["text"]) == 3_000_000


def test_what_is_not_json_is_answered():
    with Neurond({"a": hostile()}) as daemon, connect(daemon) as ws:
        for raw in (b"", b"x", b"{", b"nonsense " * 1000, b'{"jsonrpc":"2.0","id":1,"id":2}'):
            ws.send(raw)
            assert ws.read()["error"]["code"] in (-32700, -32600), raw[:20]
        ws.send(b"\n" + PING_REQUEST.replace(b",", b",\r\n") + b"\n")
        assert ws.read()["id"] == 7


# --- violations --------------------------------------------------------------------------

def head(first, second, rest=b""):
    return bytes([first, second]) + rest


def bad_text(raw):
    return frame(TEXT, raw)


MASK = b"\x00\x00\x00\x00"
VIOLATIONS = [  # what, bytes, close code
    ("RSV1", frame(TEXT, b"{}", rsv=4), 1002),
    ("RSV2", frame(TEXT, b"{}", rsv=2), 1002),
    ("RSV3", frame(TEXT, b"{}", rsv=1), 1002),
    ("RSV1 on a control frame", frame(PING, b"", rsv=4), 1002),
    ("RSV1 on a continuation", frame(TEXT, b"{", fin=False) + frame(0, b"}", rsv=4), 1002),
    *((f"reserved opcode {op}", frame(op, b"{}"), 1002) for op in (3, 4, 5, 6, 7)),
    *((f"reserved control opcode {op}", frame(op, b""), 1002) for op in range(11, 16)),
    ("text without a mask", frame(TEXT, b"{}", mask=b""), 1002),
    ("ping without a mask", frame(PING, b"", mask=b""), 1002),
    ("close without a mask", frame(CLOSE, b"", mask=b""), 1002),
    ("an empty frame without a mask", frame(TEXT, b"", mask=b""), 1002),
    ("a continuation of nothing", frame(CONTINUATION, b"{}"), 1002),
    ("an open continuation of nothing", frame(CONTINUATION, b"{}", fin=False), 1002),
    ("a continuation of a whole message", frame(TEXT, PING_REQUEST) + frame(0, b""), 1002),
    ("text inside text", frame(TEXT, b"{", fin=False) + frame(TEXT, b"}"), 1002),
    ("binary inside text", frame(TEXT, b"{", fin=False) + frame(BINARY, b"}"), 1002),
    ("text behind a continuation", frame(TEXT, b"{", fin=False) + frame(0, b"", fin=False)
     + frame(TEXT, b"}"), 1002),
    ("a ping in fragments", frame(PING, b"", fin=False), 1002),
    ("a pong in fragments", frame(PONG, b"", fin=False), 1002),
    ("a close in fragments", frame(CLOSE, b"", fin=False), 1002),
    ("a ping of 126 bytes", frame(PING, b"x" * 126), 1002),
    ("a pong of 126 bytes", frame(PONG, b"x" * 126), 1002),
    ("a close of 126 bytes", frame(CLOSE, b"\x03\xe8" + b"x" * 124), 1002),
    ("a ping with a long length", head(0x89, 0xff, bytes(7) + b"\x01" + MASK + b"x"), 1002),
    ("16 bits for 0", frame(TEXT, b"", length=3), 1002),
    ("16 bits for 125", frame(TEXT, b"x" * 125, length=3), 1002),
    ("64 bits for 1", frame(TEXT, b"x", length=9), 1002),
    ("64 bits for 65535", frame(TEXT, b"x" * 65535, length=9), 1002),
    ("a length above 2^63", head(0x81, 0xff, b"\x80" + bytes(7) + MASK), 1002),
    ("a length of 2^64-1", head(0x81, 0xff, b"\xff" * 8 + MASK), 1002),
    ("binary", frame(BINARY, PING_REQUEST), 1003),
    ("empty binary", frame(BINARY, b""), 1003),
    ("binary in fragments", frame(BINARY, b"x", fin=False), 1003),
    ("Latin-1", bad_text(b'"\xe9"'), 1007),
    ("a lone continuation byte", bad_text(b'"\x80"'), 1007),
    ("an overlong slash", bad_text(b'"\xc0\xaf"'), 1007),
    ("an overlong form of three", bad_text(b'"\xe0\x80\xaf"'), 1007),
    ("an overlong form of four", bad_text(b'"\xf0\x80\x80\xaf"'), 1007),
    ("a surrogate", bad_text(b'"\xed\xa0\x80"'), 1007),
    ("a pair of surrogates", bad_text(b'"\xed\xa0\x81\xed\xb0\x80"'), 1007),
    ("above U+10FFFF", bad_text(b'"\xf4\x90\x80\x80"'), 1007),
    ("a form of five", bad_text(b'"\xf8\x88\x80\x80\x80"'), 1007),
    ("0xFF", bad_text(b'\xff'), 1007),
    ("half a code point at the end", bad_text(b'"\xe2\x82'), 1007),
    ("half a code point at the end of a fragment", frame(TEXT, b'"\xe2\x82', fin=False)
     + frame(CONTINUATION, b'"'), 1007),
    ("half a code point and an empty end", frame(TEXT, b'"\xf0\x9f', fin=False)
     + frame(CONTINUATION, b''), 1007),
    ("bad UTF-8 behind what is not JSON", bad_text(b"x" * 1000 + b"\xff"), 1007),
    ("bad UTF-8 before the end of a long frame", head(0x81, 0xfe, b"\x01\x00" + MASK + b"\xff"),
     1007),
    ("a message over the limit", frame(TEXT, b" " * 200_001), 1009),
    ("announced over the limit", head(0x81, 0xff, bytes(5) + b"\x03\x0d\x41" + MASK), 1009),
    ("announced as 2^62", head(0x81, 0xff, b"\x40" + bytes(7) + MASK), 1009),
    ("fragments over the limit", frame(TEXT, b" " * 150_000, fin=False)
     + frame(CONTINUATION, b" " * 50_001), 1009),
    ("endless empty fragments, then too much", frame(TEXT, b"", fin=False)
     + frame(CONTINUATION, b"", fin=False) * 50 + frame(CONTINUATION, b" " * 200_001), 1009),
    ("half a close code", frame(CLOSE, b"\x03"), 1002),
    *((f"close code {code}", closing(code), 1002)
      for code in (0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535)),
    ("a close reason that is not UTF-8", closing(1000, b"\xff"), 1007),
    ("a close reason cut in a code point", closing(1000, b"\xe2\x82"), 1007),
]
CLOSINGS = [  # what a client may send, and what it gets back
    (frame(CLOSE, b""), None),
    *((closing(code, b"bye"), code)
      for code in (1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 3000, 4999)),
    (closing(1000, "é".encode() * 61), 1000),
    (frame(PING, b"") + closing(1001) + b"anything at all", 1001),
]


def test_violations():
    table = Table()
    assert len(VIOLATIONS) + len(REFUSED) >= 60
    with Neurond({"a": hostile()}, {"limits": LIMITS}) as daemon:
        def row(raw, code):
            with connect(daemon) as ws:
                ws.conn.send_lenient(raw)
                got, reason = ws.read_close()
                assert got == code and reason, (got, reason)
                ws.conn.send_lenient(frame(TEXT, PING_REQUEST))

        def cut_row(raw, code):
            with connect(daemon) as ws:
                for at in range(0, len(raw)):
                    ws.conn.send_lenient(raw[at:at + 1])
                assert ws.read_close()[0] == code

        def closing_row(raw, code):
            with connect(daemon) as ws:
                ws.put(raw)
                assert ws.read_close() == (code, ""), ws.closed_with

        for name, raw, code in VIOLATIONS:
            table.row(name, lambda raw=raw, code=code: row(raw, code))
            if len(raw) < 50:
                table.row(name + ", byte by byte", lambda raw=raw, code=code: cut_row(raw, code))
        for n, (raw, code) in enumerate(CLOSINGS):
            table.row(f"closing {n}: {code}", lambda raw=raw, code=code: closing_row(raw, code))
        with connect(daemon) as ws:  # it still serves
            ws.initialize()
            assert ws.call("a.echo", {"text": "still"}) == "still"
    assert not table.failed


def fields(*drop, **change):
    """A handshake without or with other fields: names as in Python, '_' for '-'."""
    base = {"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13",
            "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Protocol": "mcp"}
    change = {name.replace("_", "-"): value for name, value in change.items()}
    return list({k: v for k, v in {**base, **change}.items() if k not in drop}.items())


REFUSED = [  # what, method, path, fields, status
    ("no Upgrade", "GET", "/ws", fields("Upgrade"), 426),
    ("Upgrade to something else", "GET", "/ws", fields(Upgrade="h2c"), 426),
    ("no version", "GET", "/ws", fields("Sec-WebSocket-Version"), 426),
    ("version 8", "GET", "/ws", fields(Sec_WebSocket_Version="8"), 426),
    ("version 013", "GET", "/ws", fields(Sec_WebSocket_Version="013"), 426),
    ("two versions", "GET", "/ws", fields() + [("Sec-WebSocket-Version", "8")], 426),
    ("no Connection", "GET", "/ws", fields("Connection"), 400),
    ("Connection without Upgrade", "GET", "/ws", fields(Connection="keep-alive"), 400),
    ("no key", "GET", "/ws", fields("Sec-WebSocket-Key"), 400),
    ("a key of 15 bytes", "GET", "/ws", fields(Sec_WebSocket_Key="AAAAAAAAAAAAAAAAAAAA"), 400),
    ("a key that is not base64", "GET", "/ws", fields(Sec_WebSocket_Key="!" * 24), 400),
    ("two keys", "GET", "/ws", fields() + [("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==")],
     400),
    ("another subprotocol", "GET", "/ws", fields(Sec_WebSocket_Protocol="chat, soap"), 400),
    ("a body", "GET", "/ws", fields() + [("Content-Length", "2")], 400),
    ("POST", "POST", "/ws", fields() + [("Content-Length", "0")], 405),
    ("another origin", "GET", "/ws", fields() + [("Origin", "http://evil.example")], 403),
    ("an opaque origin", "GET", "/ws", fields() + [("Origin", "null")], 403),
    ("an origin that only looks like ours", "GET", "/ws",
     fields() + [("Origin", "http://localhost.evil.example")], 403),
    ("another host", "GET", "/ws", fields() + [("Host", "evil.example")], 403),
    ("a wrong token", "GET", "/ws", fields() + [("Authorization", "Bearer wrong")], 401),
]


def test_handshakes_that_are_refused():
    table = Table()
    with Neurond({"a": hostile()}) as daemon:
        def row(method, path, headers, status):
            with Conn(daemon.address) as conn:
                conn.send(render(method, path, headers))
                got = conn.response()
                assert got.status == status, got
                if status == 426:
                    assert got.header("upgrade") == "websocket", got
                if any(n == "Sec-WebSocket-Version" and v != "13" for n, v in headers):
                    assert got.header("sec-websocket-version") == "13", got

        for name, method, path, headers, status in REFUSED:
            table.row(name, lambda m=method, p=path, h=headers, s=status: row(m, p, h, s))
        with Conn(daemon.address) as conn:
            conn.send(b"GET /ws HTTP/1.0\r\nHost: localhost\r\n" + b"".join(
                f"{n}: {v}\r\n".encode() for n, v in fields()) + b"\r\n")
            assert conn.response().status == 400
    assert not table.failed


def test_handshakes_that_are_taken():
    with Neurond({"a": hostile()}) as daemon:
        for keys in ({"protocol": None}, {"headers": [("Origin", "http://localhost:3000")]},
                     {"headers": [("Sec-WebSocket-Extensions", "permessage-deflate")]}):
            with connect(daemon, **keys) as ws:
                assert ws.response.status == 101, (keys, ws.response)
                assert ws.request("ping")["result"] == {}
        with Conn(daemon.address) as conn:
            request, accept = handshake(protocol=None, headers=[
                ("Sec-WebSocket-Protocol", "chat"), ("Sec-WebSocket-Protocol", "soap, mcp")])
            # Behind another request, and with frames behind it that have not been waited for.
            request = request.replace(b"Connection: Upgrade", b"Connection: keep-alive, UPGRADE")
            conn.send(render("GET", "/health/live") + request + frame(TEXT, PING_REQUEST))
            assert conn.response().status == 200
            got = conn.head()
            assert got.status == 101 and got.header("sec-websocket-accept") == accept
            assert got.header("sec-websocket-protocol") == "mcp"
            assert conn.exactly(2)[0] == 0x81


def test_who_calls_and_what_it_may():
    with tempfile.TemporaryDirectory() as place:
        token = os.path.join(place, "token")
        with open(token, "w", encoding="ascii") as file:
            file.write("s3cret-s3cret-s3cret\n")
        os.chmod(token, 0o600)
        config = {"client robot": {"token_file": token},
                  "rule r": {"effect": "allow", "tools": "a.echo", "clients": "robot"}}
        with Neurond({"a": hostile()}, config, allow=False) as daemon:
            with connect(daemon, headers=[("Authorization", "Bearer s3cret-s3cret-s3cret")]) as ws:
                ws.initialize()
                assert ws.tools() == ["a.echo"]
                assert ws.call("a.echo", {"text": "x"}) == "x"
            with connect(daemon) as ws:
                ws.initialize()
                assert ws.tools() == []
                got = ws.request("tools/call", {"name": "a.echo", "arguments": {}})
                assert got["error"]["code"] in (-32600, -32602), got


def test_over_tls_with_a_client_certificate():
    with tempfile.TemporaryDirectory() as place:
        ca = Authority(os.path.join(place, "ca"))
        cert, key = ca.issue("server")
        tls = {"tls": {"cert_path": cert, "key_path": key, "ca_path": ca.cert}}
        with Neurond({"a": hostile()}, tls) as daemon:
            address = secure(daemon.address, ca.cert, *ca.issue("alice"))
            with WsClient(address, timeout=60) as ws:
                ws.initialize()
                text = "x" * 2_000_000
                assert ws.call("a.echo", {"text": text}) == text
                assert '"client":"cert:alice"' in daemon.audit()[-1]
                ws.put(closing(1000))
                assert ws.read_close() == (1000, "")
            with WsClient(address) as ws:
                ws.put(frame(BINARY, b"x"))
                assert ws.read_close()[0] == 1003
            with Conn(address) as conn:  # frames in the record of the request itself
                conn.send(handshake()[0] + frame(TEXT, PING_REQUEST) * 3)
                assert conn.head().status == 101
                for _ in range(3):
                    assert conn.exactly(2)[0] == 0x81
                    conn.until(b"}}")


# --- time and memory ---------------------------------------------------------------------

def test_slow_messages_end_and_idle_clients_are_asked():
    limits = {"limits": {"body_timeout": "400ms", "idle_timeout": "1500ms"}}
    with Neurond({"a": hostile()}, limits) as daemon:
        for start in (b"\x81", frame(TEXT, b"{}")[:-1], frame(TEXT, b"{", fin=False)):
            with connect(daemon) as ws:
                ws.put(start)
                assert ws.read_close()[0] == 1008
        with connect(daemon) as ws:  # it answers pings: alive
            end = time.monotonic() + 3
            while time.monotonic() < end:
                try:
                    assert ws.read_line(0.2) is None, ws.closed_with
                    raise AssertionError(ws.closed_with)
                except TimeoutError:
                    pass
            assert ws.pings >= 2
            assert ws.request("ping")["result"] == {}
        with connect(daemon) as ws:  # it does not
            try:
                while True:
                    assert ws.read_frame()[0] == PING
            except Closed:
                pass


def news_server():
    return {"command": sys.executable, "args": [str(HERE / "fixtures/news.py")]}


def test_a_client_that_does_not_read_is_dropped():
    with Neurond({"a": news_server()}, {"limits": {"body_timeout": "1s"}}) as daemon, \
            daemon.client() as client, connect(daemon) as deaf:
        deaf.initialize()
        assert deaf.request("resources/subscribe", {"uri": "mem:///dir/"})["result"] == {}
        before, most, end = daemon.rss(), 0, time.monotonic() + 60
        while not any("warn ws: " in line and "does not read" in line for line in daemon.lines):
            assert time.monotonic() < end
            client.call("a.scatter", {"uri": "mem:///dir/", "count": 100, "pad": 8000})
            most = max(most, daemon.rss())
        assert SANITIZED or most - before < 48 << 20, (most - before) >> 20


def test_pings_that_nobody_reads_the_answers_to():
    limits = {"limits": {"body_timeout": "1s", "idle_timeout": "1500ms"}}
    with Neurond({"a": hostile()}, limits) as daemon, connect(daemon) as ws:
        before, many = daemon.rss(), frame(PING, b"x" * 125) * 500
        ws.conn.sock.settimeout(10)
        try:
            for _ in range(2000):
                ws.conn.sock.sendall(many)
            raise AssertionError("never dropped")
        except (ConnectionError, BrokenPipeError):
            pass
        assert SANITIZED or daemon.rss() - before < 16 << 20


def test_draining_says_so():
    with Neurond({"a": hostile()}) as daemon, connect(daemon) as idle, connect(daemon) as busy:
        busy.initialize()
        call = busy.start("tools/call", {"name": "a.sleep_ms", "arguments": {"ms": 800,
                                                                             "text": "t"}})
        wait_for("it is there", lambda: any(b"800" in line for line in daemon.received("a")))
        daemon.process.send_signal(signal.SIGTERM)
        assert idle.read_close()[0] == 1001
        assert busy.answer(call)["result"]["content"][0]["text"] == "t"
        assert busy.read_close()[0] == 1001
        idle.close()
        busy.close()
        assert daemon.wait_exit() == 0


def test_idle_websockets_cost_a_bounded_amount():
    count = scaled(200, 1000)
    with Neurond({"a": hostile()}) as daemon:
        with connect(daemon) as warm:
            warm.initialize()
        before, fds = daemon.rss(), daemon.fd_count()
        many = [connect(daemon) for _ in range(count)]
        for ws in many:
            ws.initialize()
        each = (daemon.rss() - before) / count
        print(f"note: an idle WebSocket costs {each / 1024:.1f} KiB", flush=True)
        assert SANITIZED or each < 24 << 10, each
        page = daemon_metrics(daemon)
        assert f'neurond_connections{{door="ws"}} {count}' in page, page
        assert all(ws.request("ping")["result"] == {} for ws in many)
        for ws in many:
            ws.close()
        wait_for("all have gone", lambda: daemon.fd_count() <= fds)
        assert 'neurond_connections{door="ws"} 0' in daemon_metrics(daemon)


def daemon_metrics(daemon):
    with Conn(daemon.address) as conn:
        return conn.request("GET", "/metrics").body.decode()


def test_connections_count_towards_the_limit():
    with Neurond({"a": hostile()}, {"limits": {"connections": 4}}) as daemon:
        four = [connect(daemon) for _ in range(4)]
        conn = Conn(daemon.address)
        conn.send(render("GET", "/health/live"))
        conn.sock.settimeout(0.3)
        try:
            raise AssertionError(conn.head())
        except TimeoutError:
            pass
        four.pop().close()
        conn.sock.settimeout(15)
        assert conn.response().status == 200
        conn.close()
        for ws in four:
            ws.close()


def test_many_clients_at_once():
    with Neurond({"a": hostile(), "b": hostile()}) as daemon:
        failures = []

        def one(seed):
            rng = random.Random(seed)
            try:
                with connect(daemon) as ws:
                    ws.initialize()
                    wanted = {}
                    for n in range(30):
                        text = f"{seed}-{n}-" + "z" * rng.choice((1, 100, 5000, 70_000))
                        name = rng.choice("ab") + ".echo"
                        wanted[ws.start("tools/call", {"name": name, "arguments": {
                            "text": text}})] = text
                    for request_id, text in wanted.items():
                        got = ws.answer(request_id)["result"]["content"][0]["text"]
                        assert got == text, (got[:50], text[:50])
            except Exception as error:  # told below
                failures.append(f"{seed}: {error!r}")
        threads = [threading.Thread(target=one, args=(n,)) for n in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert not failures, failures


main(__name__)
