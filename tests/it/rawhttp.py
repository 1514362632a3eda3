"""HTTP/1.1 by hand: exact bytes out, exact responses in. For tests only; strict on purpose:
whatever the server sends that is not well-formed raises Malformed."""
import socket
import ssl
import time

DEADLINE = 15.0


class Malformed(Exception):
    """The server sent what HTTP does not allow."""


class Closed(Exception):
    """The server closed the connection where bytes were expected."""


class Response:
    def __init__(self, status, reason, headers, body=b""):
        self.status, self.reason, self.headers, self.body = status, reason, headers, body

    def header(self, name, default=None):
        """The only value of a header; two of one name are an error unless the same list."""
        values = [v for n, v in self.headers if n == name.lower()]
        if len(values) > 1:
            raise Malformed(f"{name} stands {len(values)} times")
        return values[0] if values else default

    def __repr__(self):
        return f"<{self.status} {self.headers} {self.body[:200]!r}>"


class Conn:
    """One connection. `address` is (host, port), the path of a Unix socket, or one of these
    with TLS around it (tls_files.SecureAddress)."""

    def __init__(self, address, timeout=DEADLINE):
        wrap = getattr(address, "wrap", None)
        address = address.address if wrap else address
        family = socket.AF_UNIX if isinstance(address, str) else socket.AF_INET
        self.sock = socket.socket(family, socket.SOCK_STREAM)
        self.timeout = timeout
        self.sock.settimeout(timeout)
        self.sock.connect(address)
        if family == socket.AF_INET:
            self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if wrap:
            self.sock = wrap(self.sock)
        self.buffer = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.sock.close()

    def send(self, data):
        self.sock.sendall(data)

    def send_lenient(self, data):
        """Sends as much as the server takes before it closes."""
        try:
            self.sock.sendall(data)
        except (BrokenPipeError, ConnectionResetError):
            pass

    def half_close(self):
        self.sock.shutdown(socket.SHUT_WR)

    def fill(self):
        try:
            data = self.sock.recv(1 << 16)
        except ConnectionResetError as error:
            raise Closed("connection reset") from error
        if not data:
            raise Closed(f"closed after {self.buffer[:200]!r}")
        self.buffer += data

    def until(self, mark):
        while mark not in self.buffer:
            self.fill()
        part, self.buffer = self.buffer.split(mark, 1)
        return part

    def exactly(self, size):
        while len(self.buffer) < size:
            self.fill()
        part, self.buffer = self.buffer[:size], self.buffer[size:]
        return part

    def head(self):
        """Status line and headers of the next response, 1xx included."""
        status_line, *lines = self.until(b"\r\n\r\n").decode("latin-1").split("\r\n")
        version, _, rest = status_line.partition(" ")
        status, _, reason = rest.partition(" ")
        if version != "HTTP/1.1" or len(status) != 3 or not status.isdigit():
            raise Malformed(f"status line {status_line!r}")
        headers = []
        for line in lines:
            name, colon, value = line.partition(":")
            if not colon or not name or name != name.strip():
                raise Malformed(f"header {line!r}")
            headers.append((name.lower(), value.strip()))
        return Response(int(status), reason, headers)

    def chunks(self):
        """The chunks of a chunked body, as they come."""
        while size := int(self.until(b"\r\n").split(b";")[0], 16):
            yield self.exactly(size)
            if self.exactly(2) != b"\r\n":
                raise Malformed("chunk without its end")
        while self.until(b"\r\n"):
            pass

    def response(self, method="POST"):
        """The next final response, whole."""
        while True:
            got = self.head()
            if got.status >= 200 or got.status == 101:
                break
        length = got.header("content-length")
        coding = got.header("transfer-encoding")
        if length is not None and coding is not None:
            raise Malformed("both Content-Length and Transfer-Encoding")
        if method == "HEAD" or got.status in (101, 204, 304):
            return got
        if coding is not None:
            got.body = b"".join(self.chunks())
        elif length is not None:
            got.body = self.exactly(int(length))
        else:
            got.body = self.rest()
        return got

    def rest(self):
        """Everything until the server closes."""
        try:
            while True:
                self.fill()
        except Closed:
            part, self.buffer = self.buffer, b""
            return part

    def is_closed(self, timeout=3.0):
        """Whether the server closes within `timeout` without sending another byte."""
        if self.buffer:
            return False
        self.sock.settimeout(timeout)
        try:
            self.buffer = self.sock.recv(1)
            return not self.buffer
        except ConnectionResetError:
            return True
        except (TimeoutError, BlockingIOError, ssl.SSLWantReadError):
            return False
        finally:
            self.sock.settimeout(self.timeout)

    def request(self, method, path, headers=(), body=None):
        """Sends a well-formed request and returns its response."""
        self.send(render(method, path, headers, body))
        return self.response(method)


def render(method, path, headers=(), body=None):
    lines = [f"{method} {path} HTTP/1.1"]
    names = {name.lower() for name, _ in headers}
    if "host" not in names:
        lines.append("Host: localhost")
    lines += [f"{name}: {value}" for name, value in headers]
    if body is not None and not names & {"content-length", "transfer-encoding"}:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + (body or b"")


class SseEvent:
    def __init__(self, fields):
        self.id = fields.get("id")
        self.event = fields.get("event", "message")
        self.retry = fields.get("retry")
        self.data = fields["data"].encode() if "data" in fields else None

    def __repr__(self):
        return f"<sse id={self.id} event={self.event} data={self.data!r}>"


def sse_events(pieces):
    """Events from pieces of a text/event-stream; comments are passed over."""
    text, fields = b"", {}
    for piece in pieces:
        text += piece
        *lines, text = text.split(b"\n")
        for line in lines:
            line = line.removesuffix(b"\r").decode("utf-8")
            if not line:
                if fields:
                    yield SseEvent(fields)
                fields = {}
            elif not line.startswith(":"):
                name, _, value = line.partition(":")
                value = value.removeprefix(" ")
                both = fields[name] + "\n" + value if name in fields and name == "data" else value
                fields[name] = both


def wait_for(what, check, timeout=DEADLINE, step=0.01):
    """Polls `check` until it is true; its value is returned. For what has no event."""
    deadline = time.monotonic() + timeout
    while True:
        value = check()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {timeout} s: {what}")
        time.sleep(step)
