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
    ("version 3.1", get(version=b"HTTP/3.1"), 505),
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
    ("target of 20000 bytes", get(b"/" + b"a" * 20000), 414),
    ("version HTTP/1.", get(version=b"HTTP/1."), 400),
    ("version HTTP/11", get(version=b"HTTP/11"), 400),
    ("version HTTP/1.1.1", get(version=b"HTTP/1.1.1"), 400),
    ("version HTTP/1.x", get(version=b"HTTP/1.x"), 400),
    ("version HTTP/-1.1", get(version=b"HTTP/-1.1"), 400),
    ("version HTTP/0.9", get(version=b"HTTP/0.9"), (400, 505)),
    ("version HTPP/1.1", get(version=b"HTPP/1.1"), 400),
    ("version in two words", get(version=b"HTTP/ 1.1"), 400),
    ("vertical tab behind the method", b"GET\x0b/health/live HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    ("method of 100 letters", b"G" * 100 + b" /health/live HTTP/1.1\r\n" + HOST + b"\r\n",
     (400, 501)),
    ("method with a NUL", b"GE\0T /health/live HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    ("method with a byte over 127", b"G\xc9T /health/live HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    ("method alone", b"GET\r\n" + HOST + b"\r\n", 400),
    ("target that is a backslash", get(b"\\health\\live"), 400),
    ("target with a byte over 127", get(b"/health/l\xefve"), 400),
    ("target with DEL", get(b"/health/live\x7f"), 400),
    ("percent sign alone in the target", get(b"/health/live%"), 400),
    ("target with a fragment", get(b"/health/live#x"), 400),
    ("absolute form without a host", get(b"http:///health/live"), 400),
    ("absolute form, port that is none", get(b"http://localhost:99999/health/live"), 400),
    ("absolute form, half an IPv6 address", get(b"http://[::1/health/live"), 400),
    ("absolute form, scheme alone", get(b"http:"), 400),
    ("authority form for GET", get(b"localhost:80"), 400),
    ("target * for POST", post(target=b"*"), 400),
    ("target of two stars", b"OPTIONS ** HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    ("LF in front", b"\n" + get(), 400),
    ("CR CR LF ends the start line", b"GET /health/live HTTP/1.1\r\r\n" + HOST + b"\r\n", 400),
    ("LF CR ends the start line", b"GET /health/live HTTP/1.1\n\r" + HOST + b"\r\n", 400),
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
    ("two Hosts that differ", get(fields=HOST + b"host: evil.example\r\n"), 400),
    ("two Hosts in one", get(fields=b"Host: localhost, evil.example\r\n"), 400),
    ("Host with user information", get(fields=b"Host: evil.example@localhost\r\n"), 400),
    ("Host with two ports", get(fields=b"Host: localhost:80:80\r\n"), 400),
    ("Host with a port in letters", get(fields=b"Host: localhost:http\r\n"), 400),
    ("Host with a negative port", get(fields=b"Host: localhost:-1\r\n"), 400),
    ("Host with a scheme", get(fields=b"Host: http://localhost\r\n"), 400),
    ("Host with a question mark", get(fields=b"Host: localhost?x\r\n"), 400),
    ("Host with a hash", get(fields=b"Host: localhost#x\r\n"), 400),
    ("Host with a backslash", get(fields=b"Host: localhost\\x\r\n"), 400),
    ("Host, half an IPv6 address", get(fields=b"Host: [::1\r\n"), 400),
    ("Host, text behind an IPv6 address", get(fields=b"Host: [::1]x\r\n"), 400),
    ("Host, IPv6 address without brackets", get(fields=b"Host: ::1\r\n"), 400),
    ("Host with a byte over 127", get(fields=b"Host: l\xf6calhost\r\n"), 400),
    ("field name with a byte over 127", get(fields=HOST + b"X-\xe9: b\r\n"), 400),
    ("field name with a NUL", get(fields=HOST + b"X-\0A: b\r\n"), 400),
    ("field name with a tab", get(fields=HOST + b"X-A\t: b\r\n"), 400),
    ("field name in quotes", get(fields=HOST + b'"X-A": b\r\n'), 400),
    ("field name in brackets", get(fields=HOST + b"[X-A]: b\r\n"), 400),
    ("field folded by a tab", get(fields=HOST + b"X-A: b\r\n\tc\r\n"), 400),
    ("field folded into nothing", get(fields=HOST + b"X-A: b\r\n \r\n"), 400),
    ("Content-Length folded", post(HOST + JSON + b"Content-Length:\r\n 5\r\n"), 400),
    ("Transfer-Encoding folded", chunked(ONE + b"0\r\n\r\n", HOST + JSON
                                         + b"Transfer-Encoding:\r\n chunked\r\n"), 400),
    ("SOH in a value", get(fields=HOST + b"X-A: b\x01c\r\n"), 400),
    ("ESC in a value", get(fields=HOST + b"X-A: b\x1b[2Jc\r\n"), 400),
    ("vertical tab in a value", get(fields=HOST + b"X-A: b\x0bc\r\n"), 400),
    ("CR CR LF ends a field", get(fields=HOST + b"X-A: b\r\r\n"), 400),
    ("CR behind the head", b"GET /health/live HTTP/1.1\r\n" + HOST + b"\r\r\n", 400),
    ("space in front of Content-Length's colon", post(HOST + JSON + b"Content-Length : 5\r\n"),
     400),
    ("space in front of Transfer-Encoding's colon",
     chunked(ONE + b"0\r\n\r\n", HOST + JSON + b"Transfer-Encoding : chunked\r\n"), 400),
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
    ("Content-Length 5, 7", post(HOST + JSON + b"Content-Length: 5, 7\r\n"), 400),
    ("Content-Length 5,", post(HOST + JSON + b"Content-Length: 5,\r\n"), 400),
    ("Content-Length 5;", post(HOST + JSON + b"Content-Length: 5;\r\n"), 400),
    ("Content-Length 1e3", post(HOST + JSON + b"Content-Length: 1e3\r\n"), 400),
    ("Content-Length 5.0", post(HOST + JSON + b"Content-Length: 5.0\r\n"), 400),
    ("Content-Length 1_0", post(HOST + JSON + b"Content-Length: 1_0\r\n"), 400),
    ("Content-Length in quotes", post(HOST + JSON + b'Content-Length: "5"\r\n'), 400),
    ("Content-Length in other digits", post(HOST + JSON + "Content-Length: \u0665\r\n".encode()),
     400),
    ("Content-Length behind a vertical tab", post(HOST + JSON + b"Content-Length: \x0b5\r\n"), 400),
    ("Content-Length 2^64", post(HOST + JSON + b"Content-Length: 18446744073709551616\r\n"),
     (400, 413)),
    ("Content-Length 2^64 + 5", post(HOST + JSON + b"Content-Length: 18446744073709551621\r\n"),
     (400, 413)),
    ("Content-Length 2^63", post(HOST + JSON + b"Content-Length: 9223372036854775808\r\n", b""),
     (400, 413)),
    ("Content-Length 0 and chunked", post(HOST + JSON + b"Content-Length: 0\r\n" + CHUNKED,
                                          ONE + b"0\r\n\r\n"), 400),
    ("chunked and Content-Length", post(HOST + JSON + CHUNKED + SIZE, ONE + b"0\r\n\r\n"), 400),
    ("Content-Length and chunked", post(HOST + JSON + SIZE + CHUNKED, ONE + b"0\r\n\r\n"), 400),
    ("Transfer-Encoding gzip", post(HOST + JSON + b"Transfer-Encoding: gzip\r\n"), (400, 501)),
    ("Transfer-Encoding gzip, chunked",
     post(HOST + JSON + b"Transfer-Encoding: gzip, chunked\r\n", ONE + b"0\r\n\r\n"), 501),
    ("chunked twice", post(HOST + JSON + CHUNKED + CHUNKED, ONE + b"0\r\n\r\n"), 400),
    ("chunked not last", post(HOST + JSON + b"Transfer-Encoding: chunked, gzip\r\n"), (400, 501)),
    ("xchunked", post(HOST + JSON + b"Transfer-Encoding: xchunked\r\n"), 501),
    ("chunked, chunked", post(HOST + JSON + b"Transfer-Encoding: chunked, chunked\r\n"), 400),
    ("Transfer-Encoding identity", post(HOST + JSON + b"Transfer-Encoding: identity\r\n"),
     (400, 501)),
    ("Transfer-Encoding identity, chunked",
     post(HOST + JSON + b"Transfer-Encoding: identity, chunked\r\n", ONE + b"0\r\n\r\n"),
     (400, 501)),
    ("Transfer-Encoding empty", post(HOST + JSON + b"Transfer-Encoding:\r\n"), (400, 501)),
    ("Transfer-Encoding with a parameter",
     post(HOST + JSON + b"Transfer-Encoding: chunked;q=1\r\n", ONE + b"0\r\n\r\n"), (400, 501)),
    ("Transfer-Encoding in quotes",
     post(HOST + JSON + b'Transfer-Encoding: "chunked"\r\n', ONE + b"0\r\n\r\n"), (400, 501)),
    ("Transfer-Encoding behind a vertical tab",
     post(HOST + JSON + b"Transfer-Encoding: \x0bchunked\r\n", ONE + b"0\r\n\r\n"), 400),
    ("Transfer-Encoding with a NUL",
     post(HOST + JSON + b"Transfer-Encoding: chunked\0\r\n", ONE + b"0\r\n\r\n"), 400),
    ("gzip beside chunked",
     post(HOST + JSON + CHUNKED + b"Transfer-Encoding: gzip\r\n", ONE + b"0\r\n\r\n"), (400, 501)),
    ("GET with an unknown coding", get(fields=HOST + b"Transfer-Encoding: gzip\r\n"), (400, 501)),
    ("Transfer-Encoding in HTTP/1.0",
     b"POST " + PATH + b" HTTP/1.0\r\n" + HOST + JSON + CHUNKED + b"\r\n" + ONE + b"0\r\n\r\n", 400),
    ("chunk size not hex", chunked(b"zz\r\n\r\n"), 400),
    ("chunk size negative", chunked(b"-5\r\nhello\r\n0\r\n\r\n"), 400),
    ("chunk size with 0x", chunked(b"0x5\r\nhello\r\n0\r\n\r\n"), 400),
    ("chunk size empty", chunked(b"\r\nhello\r\n0\r\n\r\n"), 400),
    ("chunk size over 64 bits", chunked(b"10000000000000000\r\n"), (400, 413)),
    ("chunk size ends in LF alone", chunked(b"5\nhello\r\n0\r\n\r\n"), 400),
    ("chunk longer than it says", chunked(b"3\r\nhello\r\n0\r\n\r\n"), 400),
    ("chunk shorter than it says", chunked(b"9\r\nhello\r\n0\r\n\r\n"), 400),
    ("chunk size with a plus", chunked(b"+5\r\nhello\r\n0\r\n\r\n"), 400),
    ("chunk size with an underscore", chunked(b"0_5\r\nhello\r\n0\r\n\r\n"), 400),
    ("chunk size behind a blank", chunked(b" 5\r\nhello\r\n0\r\n\r\n"), 400),
    ("chunk size ends in CR CR LF", chunked(b"5\r\r\nhello\r\n0\r\n\r\n"), 400),
    ("chunk size with a NUL", chunked(b"5\0\r\nhello\r\n0\r\n\r\n"), 400),
    ("chunk ends in LF alone", chunked(b"5\r\nhello\n0\r\n\r\n"), 400),
    ("chunk ends in CR alone", chunked(b"5\r\nhello\r0\r\n\r\n"), 400),
    ("last chunk ends in LF alone", chunked(ONE + b"0\n\n"), 400),
    ("LF in a chunk extension", chunked(b"5;a\nb\r\nhello\r\n0\r\n\r\n"), 400),
    ("CR in a chunk extension", chunked(b"5;a\rb\r\nhello\r\n0\r\n\r\n"), 400),
    ("NUL in a chunk extension", chunked(b"5;a=\0\r\nhello\r\n0\r\n\r\n"), 400),
    ("chunk extensions without end", chunked((b"1;" + b"x" * 200 + b"\r\n \r\n") * 200), (400, 413)),
    ("trailer with a blank in its name", chunked(ONE + b"0\r\nX A: b\r\n\r\n"), 400),
    ("trailer folded", chunked(ONE + b"0\r\nX-A: b\r\n c\r\n\r\n"), 400),
    ("trailer with a NUL", chunked(ONE + b"0\r\nX-A: \0\r\n\r\n"), 400),
    ("trailers without end", chunked(ONE + b"0\r\n" + b"X-A: b\r\n" * 3000), (400, 431)),
    ("Expect that nobody knows", post(HOST + JSON + SIZE + b"Expect: 200-ok\r\n"), 417),
    ("two Expects", post(HOST + JSON + SIZE + b"Expect: 100-continue\r\nExpect: x\r\n"), 417),
    ("Expect with more", post(HOST + JSON + SIZE + b"Expect: 100-continue, x\r\n"), 417),
    ("Expect for a body over the limit",
     post(HOST + JSON + b"Expect: 100-continue\r\nContent-Length: 300000\r\n", b""), 413),
    # well-formed, but no more is to come
    ("Connection: close", get(fields=HOST + b"Connection: close\r\n"), 200),
    ("Connection: x, Close", get(fields=HOST + b"Connection: x, Close\r\n"), 200),
    ("HTTP/1.0", get(version=b"HTTP/1.0"), 200),
    ("HTTP/1.0 without Host", get(fields=b"", version=b"HTTP/1.0"), 200),
    ("HTTP/1.0, close and keep-alive",
     get(fields=HOST + b"Connection: keep-alive, close\r\n", version=b"HTTP/1.0"), 200),
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
    ("version 1.2, which is 1.1 and more", get(version=b"HTTP/1.2"), 200),
    ("version 1.9", get(version=b"HTTP/1.9"), 200),
    ("two Content-Types", post(HOST + JSON + SIZE + b"Content-Type: text/plain\r\n"), 400),
    ("the same Content-Type twice",
     post(HOST + JSON + SIZE + b"Content-Type: application/json\r\n"), 400),
    ("Content-Encoding gzip", post(HOST + JSON + SIZE + b"Content-Encoding: gzip\r\n"), 415),
    ("Content-Encoding identity, br",
     post(HOST + JSON + SIZE + b"Content-Encoding: identity, br\r\n"), 415),
    ("two Content-Encodings", post(HOST + JSON + SIZE + b"Content-Encoding: identity\r\n"
                                   b"Content-Encoding: deflate\r\n"), 415),
    ("Content-Encoding identity", post(HOST + JSON + SIZE + b"Content-Encoding: Identity\r\n"),
     200),
    ("https in the target", get(b"https://localhost/health/live"), 200),
    ("another host in the target", get(b"http://evil.example/health/live"), (403, 421)),
    ("Host in percents", get(fields=b"Host: loc%61lhost\r\n"), (403, 421)),
    ("Host with a dot behind", get(fields=b"Host: localhost.\r\n"), (200, 403)),
    ("Connection names Host", get(fields=HOST + b"Connection: Host, close-not\r\n"), 200),
    ("two Authorizations that are the same", get(
        fields=HOST + b"Authorization: Bearer a\r\nAuthorization: Bearer a\r\n"), 401),
    ("two Origins", post(HOST + JSON + SIZE + b"Origin: http://localhost\r\n"
                         b"Origin: http://evil.example\r\n"), 403),
    ("Origin null", post(HOST + JSON + SIZE + b"Origin: null\r\n"), 403),
    ("Range of a page", get(fields=HOST + b"Range: bytes=0-1\r\n"), 200),
    ("If-None-Match *", get(fields=HOST + b"If-None-Match: *\r\n"), 200),
    ("a path that climbs", get(b"/x/../health/live"), 404),
    ("a path that climbs in percents", get(b"/%2e%2e/health/live"), 404),
    ("two slashes in front", get(b"//health/live"), 404),
    ("scheme in capitals", get(b"HTTP://localhost/health/live"), 200),
    ("absolute form without a path", get(b"http://localhost"), 404),
    ("absolute form, port and query", get(b"http://localhost:8443/health/live?x=1"), 200),
    ("OPTIONS *", b"OPTIONS * HTTP/1.1\r\n" + HOST + b"\r\n", (200, 204)),
    ("TRACE is not served", b"TRACE /health/live HTTP/1.1\r\n" + HOST + b"\r\n", (405, 501)),
    ("NUL in percent", get(b"/health/live%00"), (400, 404)),
    ("slashes without end", get(b"/" * 500), 404),
    ("empty query", get(b"/health/live?"), 200),
    ("tab inside a value", get(fields=HOST + b"X-A: b\tc\r\n"), 200),
    ("HTTP/1.0 kept alive",
     get(fields=HOST + b"Connection: keep-alive\r\n", version=b"HTTP/1.0"), 200),
    ("Upgrade to what nobody serves",
     get(fields=HOST + b"Connection: Upgrade\r\nUpgrade: h2c\r\n"), 200),
    ("Host that begins with ours in figures", post(b"Host: 127.0.0.1.evil.example\r\n" + JSON + SIZE),
     (403, 421)),
    ("Host as one number", post(b"Host: 2130706433\r\n" + JSON + SIZE), (403, 421)),
    ("GET with a body", get(fields=HOST + b"Content-Length: 5\r\n") + b"hello", (200, 400)),
    ("Content-Length with zeros in front",
     post(HOST + JSON + b"Content-Length: 000%d\r\n" % len(INIT)), 200),
    ("TE is not Transfer-Encoding", post(HOST + JSON + SIZE + b"TE: chunked\r\n"), 200),
    ("chunk extension in quotes",
     chunked(b'%x;a="b;c"\r\n%s\r\n0\r\n\r\n' % (len(INIT), INIT)), 200),
    ("last chunk of many zeros", chunked(ONE + b"0000\r\n\r\n"), 200),
    ("framing in a trailer", chunked(ONE + b"0\r\nContent-Length: 5\r\n"
                                     b"Transfer-Encoding: chunked\r\n\r\n"), 200),
    ("Expect: 100-Continue", post(HOST + JSON + SIZE + b"Expect: 100-Continue\r\n"), 200),
    ("Origin with user information", post(HOST + JSON + SIZE
                                          + b"Origin: http://localhost@evil.example\r\n"), 403),
    ("Origin in two", post(HOST + JSON + SIZE + b"Origin: http://localhost http://evil.example\r\n"),
     403),
    ("two Origins", post(HOST + JSON + SIZE + b"Origin: http://localhost\r\n"
                         b"Origin: http://evil.example\r\n"), (400, 403)),
    ("refused with its body unread",
     post(HOST + b"Content-Type: text/plain\r\n" + b"Content-Length: 50000\r\n", b"x" * 50000), 415),
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
        next_one = conn.request("GET", "/health/live", [("X-Request-Id", "the-next")])
        assert next_one.status == 200, next_one
        assert next_one.header("x-request-id") == "the-next", "a second answer to the first"


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


# What may come back as X-Request-Id, and what must not: bytes, whether they come back.
REQUEST_IDS = [
    (b"abc-123", True),
    (b"a" * 128, True),
    (b'<script>"\'\\', True),
    (b"a" * 129, False),
    (b"a b", False),
    (b"a\tb", False),
    (b"caf\xc3\xa9", False),
    (b"", False),
]


def request_id(address, given, echoed):
    """One id, on one line, wherever a client puts it."""
    with Conn(address) as conn:
        for data in (get(b"/no/such", HOST + b"X-Request-Id: " + given + b"\r\n"),
                     post(HOST + b"X-Request-Id: " + given + b"\r\n" + JSON + SIZE)):
            conn.send(data)
            got = conn.response().header("x-request-id")
            assert got and all("!" <= c <= "~" for c in got), got
            assert (got.encode() == given) == echoed, got


def pipelined(address):
    """Answers come in the order of the requests, one each."""
    with Conn(address) as conn:
        names = [b"p%d" % n for n in range(20)]
        conn.send(b"".join(get(b"/health/live" if n % 3 else b"/no/such",
                               HOST + b"X-Request-Id: " + name + b"\r\n")
                           for n, name in enumerate(names)))
        for n, name in enumerate(names):
            got = conn.response()
            assert got.status == (200 if n % 3 else 404), got
            assert got.header("x-request-id").encode() == name, got


def expecting(address):
    """100 comes when the body is wanted, and not when it is not."""
    head = HOST + JSON + SIZE + b"Expect: 100-continue\r\n"
    with Conn(address) as conn:
        conn.send(post(head, b""))
        assert conn.head().status == 100
        conn.send(INIT)
        assert conn.response().status == 200
    with Conn(address) as conn:
        conn.send(post(head, b"", target=b"/no/such"))
        got = conn.response()
        assert got.status == 404 and got.header("connection") == "close", got
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
        for given, echoed in REQUEST_IDS:
            table.row(f"request id {given[:20]!r}", lambda: request_id(address, given, echoed))
        table.row("pipelined", lambda: pipelined(address))
        table.row("expecting 100", lambda: expecting(address))
        assert daemon.client().call("good.echo", {"text": "still here"}).text == "still here"
        assert daemon.reactor == reactor
    assert not table.failed


main(__name__)
