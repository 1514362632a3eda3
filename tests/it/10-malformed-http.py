"""Requests that are not HTTP/1.1, or not what we serve: the right status, and then a
closed connection where the next request could not be told from this one's rest, a usable
one everywhere else. The daemon serves on, the same process."""
from harness import Neurond, Table, hostile, main
from rawhttp import Closed, Conn

HOST = b"Host: localhost\r\n"
JSON = b"Content-Type: application/json\r\nAccept: application/json, text/event-stream\r\n"
PATH = b"/api/v1/mcp"
INIT = (b'{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25",'
        b'"capabilities":{},"clientInfo":{"name":"it","version":"1"}}}')
SIZE = b"Content-Length: %d\r\n" % len(INIT)
CHUNKED = b"Transfer-Encoding: chunked\r\n"


def get(target=b"/health/live", fields=HOST, version=b"HTTP/1.1"):
    return b"GET " + target + b" " + version + b"\r\n" + fields + b"\r\n"


def post(fields=HOST + JSON + SIZE, body=INIT, target=PATH):
    return b"POST " + target + b" HTTP/1.1\r\n" + fields + b"\r\n" + body


def chunked(body, fields=HOST + JSON + CHUNKED):
    return post(fields, body)


ONE = b"%x\r\n%s\r\n" % (len(INIT), INIT)  # the whole body as one chunk

# name, bytes, status. These end the connection.
CLOSING = [
    # start line
    ("no version (HTTP/0.9)", b"GET /health/live\r\n\r\n", 400),
    ("version in lower case", get(version=b"http/1.1"), 400),
    ("version without minor", get(version=b"HTTP/1"), 400),
    ("version 1.10", get(version=b"HTTP/1.10"), 400),
    ("version 2.0", get(version=b"HTTP/2.0"), 505),
    ("version 1.2", get(version=b"HTTP/1.2"), 505),
    ("two blanks behind the method", b"GET  /health/live HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    ("a tab behind the method", b"GET\t/health/live HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    ("blank in front of the method", b" GET /health/live HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    ("blank behind the version", b"GET /health/live HTTP/1.1 \r\n" + HOST + b"\r\n", 400),
    ("blank inside the target", get(b"/health /live"), 400),
    ("method that is no token", b"G(T /health/live HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    ("empty method", b" /health/live HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    ("target without a slash", get(b"health/live"), 400),
    ("target of another scheme", get(b"ftp://localhost/health/live"), 400),
    ("target with user information", get(b"http://a:b@localhost/health/live"), 400),
    ("target * for GET", get(b"*"), 400),
    ("CONNECT", b"CONNECT localhost:80 HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    ("NUL in the target", get(b"/health\0/live"), 400),
    ("control byte in the target", get(b"/health\x01live"), 400),
    ("three empty lines in front", b"\r\n\r\n\r\n" + get(), 400),
    ("bare LF ends the start line", b"GET /health/live HTTP/1.1\n" + HOST + b"\r\n", 400),
    ("bare LF everywhere", b"GET /health/live HTTP/1.1\nHost: localhost\n\n", 400),
    ("bare CR in the start line", b"GET /health/live\rx HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    ("TLS client hello", bytes.fromhex("16030100c8010000c40303") + b"\0" * 200, 400),
    ("HTTP/2 preface", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", (400, 505)),
    ("bytes of no meaning", bytes(range(128, 256)) + b"\r\n\r\n", 400),
    ("target of 20000 bytes", get(b"/" + b"a" * 20000), (414, 431)),
    # fields
    ("no Host", get(fields=b""), 400),
    ("two Hosts", get(fields=HOST + HOST), 400),
    ("Host with a blank inside", get(fields=b"Host: local host\r\n"), 400),
    ("Host with a path", get(fields=b"Host: localhost/x\r\n"), 400),
    ("Host with a port that is none", get(fields=b"Host: localhost:99999\r\n"), 400),
    ("blank in front of the colon", get(fields=HOST + b"X-A : b\r\n"), 400),
    ("field without a colon", get(fields=HOST + b"X-A\r\n"), 400),
    ("field without a name", get(fields=HOST + b": b\r\n"), 400),
    ("field name with a blank", get(fields=HOST + b"X A: b\r\n"), 400),
    ("field name with a slash", get(fields=HOST + b"X/A: b\r\n"), 400),
    ("folded field", get(fields=HOST + b"X-A: b\r\n c\r\n"), 400),
    ("first field indented", get(fields=b" " + HOST), 400),
    ("NUL in a value", get(fields=HOST + b"X-A: b\0c\r\n"), 400),
    ("bare CR in a value", get(fields=HOST + b"X-A: b\rc\r\n"), 400),
    ("bare LF ends a field", get(fields=HOST + b"X-A: b\nX-B: c\r\n"), 400),
    ("DEL in a value", get(fields=HOST + b"X-A: b\x7f\r\n"), 400),
    ("head over the limit", get(fields=HOST + b"X-A: " + b"b" * 17000 + b"\r\n"), 431),
    ("500 fields", get(fields=HOST + b"".join(b"X-%d: b\r\n" % n for n in range(500))), 431),
    # framing
    ("Content-Length -1", post(HOST + JSON + b"Content-Length: -1\r\n"), 400),
    ("Content-Length +5", post(HOST + JSON + b"Content-Length: +5\r\n"), 400),
    ("Content-Length 0x10", post(HOST + JSON + b"Content-Length: 0x10\r\n"), 400),
    ("Content-Length empty", post(HOST + JSON + b"Content-Length:\r\n"), 400),
    ("Content-Length 5 5", post(HOST + JSON + b"Content-Length: 5 5\r\n"), 400),
    ("Content-Length 5, 5", post(HOST + JSON + b"Content-Length: 5, 5\r\n"), 400),
    ("Content-Length over 64 bits", post(HOST + JSON + b"Content-Length: 1" + b"0" * 25 + b"\r\n"),
     (400, 413)),
    ("two Content-Lengths that differ", post(HOST + JSON + SIZE + b"Content-Length: 7\r\n"), 400),
    ("Content-Length and chunked", post(HOST + JSON + SIZE + CHUNKED, ONE + b"0\r\n\r\n"), 400),
    ("Transfer-Encoding gzip", post(HOST + JSON + b"Transfer-Encoding: gzip\r\n"), (400, 501)),
    ("Transfer-Encoding gzip, chunked",
     post(HOST + JSON + b"Transfer-Encoding: gzip, chunked\r\n", ONE + b"0\r\n\r\n"), 501),
    ("chunked twice", post(HOST + JSON + CHUNKED + CHUNKED, ONE + b"0\r\n\r\n"), 400),
    ("chunked not last", post(HOST + JSON + b"Transfer-Encoding: chunked, gzip\r\n"), (400, 501)),
    ("xchunked", post(HOST + JSON + b"Transfer-Encoding: xchunked\r\n"), 501),
    ("Transfer-Encoding in HTTP/1.0",
     b"POST " + PATH + b" HTTP/1.0\r\n" + HOST + JSON + CHUNKED + b"\r\n" + ONE + b"0\r\n\r\n", 400),
    ("chunk size not hex", chunked(b"zz\r\n\r\n"), 400),
    ("chunk size negative", chunked(b"-5\r\nhello\r\n0\r\n\r\n"), 400),
    ("chunk size with 0x", chunked(b"0x5\r\nhello\r\n0\r\n\r\n"), 400),
    ("chunk size empty", chunked(b"\r\nhello\r\n0\r\n\r\n"), 400),
    ("chunk size over 64 bits", chunked(b"10000000000000000\r\n"), (400, 413)),
    ("chunk size ends in LF alone", chunked(b"5\nhello\r\n0\r\n\r\n"), 400),
    ("chunk longer than it says", chunked(b"3\r\nhello\r\n0\r\n\r\n"), 400),
    ("chunk extension without end", chunked(b"5;" + b"x" * 20000 + b"\r\n"), 400),
    ("trailer that is no field", chunked(ONE + b"0\r\nnonsense\r\n\r\n"), 400),
    # limits
    ("body over the limit, by its length",
     post(HOST + JSON + b"Content-Length: 300000\r\n", b""), 413),
    ("body over the limit, in chunks", chunked(b"30000\r\n" + b" " * 0x30000 + b"\r\n"), 413),
]

# name, bytes, status. The connection serves the next request.
USABLE = [
    ("one empty line in front", b"\r\n" + get(), 200),
    ("absolute form", get(b"http://localhost/health/live"), 200),
    ("Host with a port", get(fields=b"Host: localhost:8443\r\n"), 200),
    ("Host ::1", get(fields=b"Host: [::1]:8443\r\n"), 200),
    ("field with blanks around its value", get(fields=HOST + b"X-A:\t b \t\r\n"), 200),
    ("empty field", get(fields=HOST + b"X-A:\r\n"), 200),
    ("bytes over 127 in a value", get(fields=HOST + b"X-A: \xe9\xff\r\n"), 200),
    ("no such path", get(b"/no/such/path"), 404),
    ("path that climbs", get(b"/api/../health/live"), 404),
    ("path in percent and slashes", get(b"/%2e%2e/%2e%2e/etc/passwd"), 404),
    ("method nobody knows", b"BREW " + PATH + b" HTTP/1.1\r\n" + HOST + b"\r\n", (405, 501)),
    ("method in lower case", b"get /health/live HTTP/1.1\r\n" + HOST + b"\r\n", (405, 501)),
    ("PUT on the endpoint", b"PUT " + PATH + b" HTTP/1.1\r\n" + HOST + b"Content-Length: 0\r\n\r\n",
     405),
    ("POST on health", post(target=b"/health/live"), 405),
    ("GET without a session", get(PATH, HOST + b"Accept: text/event-stream\r\n"), (400, 405)),
    ("DELETE without a session", b"DELETE " + PATH + b" HTTP/1.1\r\n" + HOST + b"\r\n", (400, 405)),
    ("no Content-Type", post(HOST + b"Accept: */*\r\n" + SIZE), 415),
    ("Content-Type text/plain", post(HOST + b"Content-Type: text/plain\r\n" + SIZE), 415),
    ("Content-Type application/jsonx",
     post(HOST + b"Content-Type: application/jsonx\r\nAccept: */*\r\n" + SIZE), 415),
    ("Content-Type with a charset",
     post(HOST + b"Content-Type: application/json; charset=utf-8\r\nAccept: */*\r\n" + SIZE), 200),
    ("Accept takes neither", post(HOST + b"Content-Type: application/json\r\nAccept: text/html\r\n"
                                  + SIZE), 406),
    ("empty body", post(HOST + JSON + b"Content-Length: 0\r\n", b""), 400),
    ("Content-Length twice, the same", post(HOST + JSON + SIZE + SIZE), (200, 400)),
    ("chunks of one byte", chunked(b"".join(b"1\r\n%c\r\n" % c for c in INIT) + b"0\r\n\r\n"), 200),
    ("chunk size in capitals with zeros",
     chunked(b"0000%X\r\n%s\r\n0\r\n\r\n" % (len(INIT), INIT)), 200),
    ("chunk extension", chunked(b"%x;a=b\r\n%s\r\n0\r\n\r\n" % (len(INIT), INIT)), 200),
    ("trailer", chunked(ONE + b"0\r\nX-A: b\r\n\r\n"), 200),
    ("chunked in other letters", chunked(ONE + b"0\r\n\r\n", HOST + JSON +
                                         b"transfer-encoding: CHUNKED\r\n"), 200),
    ("Origin of another site", post(HOST + JSON + SIZE + b"Origin: http://evil.example\r\n"), 403),
    ("Origin null", post(HOST + JSON + SIZE + b"Origin: null\r\n"), 403),
    ("Host of another site", post(b"Host: evil.example\r\n" + JSON + SIZE), (403, 421)),
    ("Host that begins as ours", post(b"Host: localhost.evil.example\r\n" + JSON + SIZE), (403, 421)),
    ("absolute form to another site, Host ours",
     post(target=b"http://evil.example" + PATH), (403, 421)),
    ("Origin of this machine", post(HOST + JSON + SIZE + b"Origin: http://localhost:3000\r\n"), 200),
]


def expect_status(got, status):
    wanted = status if isinstance(status, tuple) else (status,)
    assert got.status in wanted, f"{got.status} instead of {status}: {got}"


def closing(address, data, status):
    with Conn(address) as conn:
        conn.send_lenient(data)
        got = conn.response()
        expect_status(got, status)
        assert got.header("connection") == "close", got
        assert conn.is_closed(), "still open"


def usable(address, data, status):
    with Conn(address) as conn:
        conn.send(data)
        got = conn.response()
        expect_status(got, status)
        assert got.header("connection") != "close", got
        next_one = conn.request("GET", "/health/live")
        assert next_one.status == 200, next_one


def cut_short(address, data):
    with Conn(address) as conn:
        conn.send(data)
        conn.half_close()
        try:
            got = conn.response()
            assert got.status in (400, 408), got
        except Closed:
            pass
        assert conn.is_closed()


def test_malformed_requests():
    table = Table()
    limits = {"limits": {"message_max": "100k"}}
    with Neurond({"good": hostile()}, limits) as daemon:
        reactor, address = daemon.reactor, daemon.address
        for name, data, status in CLOSING:
            table.row(f"closes: {name}", lambda: closing(address, data, status))
        for name, data, status in USABLE:
            table.row(f"usable: {name}", lambda: usable(address, data, status))
        for name, data in (("head", get()[:-2]), ("body", post()[:-5]),
                           ("chunk", chunked(ONE[:-9])), ("last chunk", chunked(ONE))):
            table.row(f"cut short in the {name}", lambda: cut_short(address, data))
        assert daemon.client().call("good.echo", {"text": "still here"}).text == "still here"
        assert daemon.reactor == reactor
    assert not table.failed


main(__name__)
