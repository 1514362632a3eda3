"""A thousand slow clients of each kind beside one that is not: it stays served, memory
stays under the configured total, the slow ones are dropped in their time, and their
descriptors come back."""
import json
import pathlib
import resource
import shutil
import socket
import ssl
import tempfile
import threading
import time

from harness import SANITIZED, Neurond, hostile, main, scaled
from rawhttp import wait_for
from tls_files import Authority, secure
from ws import TEXT, frame, handshake

COUNT = scaled(150, 1000)
TOTAL = scaled(32 << 20, 256 << 20)
# What there may be beside buffer_total, as neurond.8 says: of each connection, and in all.
EACH, REST = 64 << 10, 32 << 20
JSON = (b"Content-Type: application/json\r\n"
        b"Accept: application/json, text/event-stream\r\n")
LIMITS = {"connections": 2 * COUNT + 100, "message_max": "8m", "buffer_total": str(TOTAL),
          "header_timeout": "2s", "body_timeout": "2s", "idle_timeout": "2s",
          "handshake_timeout": "2s"}
ECHO = (b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"b.bulk",'
        b'"arguments":{"bytes":3000000},"_meta":{"io.modelcontextprotocol/protocolVersion":'
        b'"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}}}')


class Files:
    """A certificate, and room for descriptors."""

    def __enter__(self):
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="neurond-slow-"))
        self.ca = Authority(self.dir / "ca")
        self.cert, self.key = self.ca.issue("server")
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.dir, ignore_errors=True)


class Memory:
    """What the reactor takes more than when it was idle, before anything came."""
    idle = {}

    def __init__(self, daemon, total=TOTAL):
        self.daemon, self.total, self.most = daemon, total, 0
        self.idle = Memory.idle.setdefault(daemon, daemon.rss())

    def look(self):
        self.most = max(self.most, self.daemon.rss() - self.idle)

    def check(self, connections):
        self.look()
        told = f"{self.most >> 10} KiB more, {connections} connections"
        print("memory:", told)
        assert SANITIZED or self.most <= self.total + connections * EACH + REST, told


def connect(address, small=False):
    sock = socket.socket(socket.AF_UNIX if isinstance(address, str) else socket.AF_INET)
    if small:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    sock.settimeout(30)
    sock.connect(address)
    return sock


class Crowd:
    """Slow clients of one kind: `first` is sent at once, then byte by byte of `rest`,
    until the daemon closes each of them."""

    def __init__(self, address, first=b"", rest=b"", reads=True, count=COUNT):
        self.rest, self.reads = rest, reads
        self.socks = [connect(address, not reads) for _ in range(count)]
        for sock in self.socks:
            sock.sendall(first)
            sock.setblocking(False)

    def drip(self, sent):
        """One more byte on each connection; how many are still open."""
        open_ones = []
        for sock in self.socks:
            try:
                if self.rest:
                    sock.send(self.rest[sent % len(self.rest):][:1])
                if self.reads and not sock.recv(1 << 16):
                    raise ConnectionResetError
                open_ones.append(sock)
            except BlockingIOError:
                open_ones.append(sock)
            except OSError:
                sock.close()
        self.socks = open_ones
        return len(open_ones)

    def close(self):
        for sock in self.socks:
            sock.close()


class HalfRecords(Crowd):
    """Clients over TLS that have sent half a record of a request."""

    def __init__(self, address, ca, count=COUNT):
        super().__init__(address, rest=b"", count=0)
        context = ssl.create_default_context(cafile=str(ca))
        for _ in range(count):
            sock, incoming, outgoing = connect(address), ssl.MemoryBIO(), ssl.MemoryBIO()
            side = context.wrap_bio(incoming, outgoing, server_hostname="localhost")
            while True:
                try:
                    side.do_handshake()
                    break
                except ssl.SSLWantReadError:
                    sock.sendall(outgoing.read())
                    incoming.write(sock.recv(1 << 16))
            side.write(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
            data = outgoing.read()
            sock.sendall(data[:-10])
            sock.setblocking(False)
            self.socks.append(sock)


class Normal(threading.Thread):
    """A client that calls and calls, and notes how long the slowest call took."""

    def __init__(self, daemon):
        super().__init__(daemon=True)
        self.client, self.over = daemon.client(), threading.Event()
        self.calls, self.slowest, self.problem = 0, 0.0, None

    def run(self):
        try:
            while not self.over.is_set():
                began = time.monotonic()
                text = str(self.calls)
                assert self.client.call("a.echo", {"text": text}).text == text
                self.slowest = max(self.slowest, time.monotonic() - began)
                self.calls += 1
        except Exception as error:  # told by stop()
            self.problem = error

    def stop(self):
        self.over.set()
        self.join(30)
        assert self.problem is None, repr(self.problem)
        return self.calls


def beside_a_crowd(daemon, make):
    """What holds for every kind."""
    with daemon.client() as warm:
        warm.call("a.echo", {"text": "warm"})
    fds, memory = daemon.fd_count(), Memory(daemon)
    normal = Normal(daemon)
    normal.start()
    wait_for("the normal client is served", lambda: normal.calls > 5)
    crowd, sent, begun = make(), 0, time.monotonic()
    try:
        before = normal.calls
        wait_for("it is served beside them", lambda: normal.calls > before + 20)
        while True:
            memory.look()
            sent += 1
            if crowd.drip(sent) == 0:
                break
            assert time.monotonic() - begun < 60, f"{len(crowd.socks)} are still there"
            time.sleep(0.05)  # the pace of a slow client
    finally:
        crowd.close()
        calls = normal.stop()
    assert calls > 20, calls
    assert normal.slowest < 10, normal.slowest
    memory.check(COUNT + 1)
    normal.client.close()
    wait_for("descriptors are back", lambda: daemon.fd_count() <= fds + 2)


def test_slow_heads_bodies_and_silent_ones():
    with Files(), Neurond({"a": hostile()}, {"limits": LIMITS}) as daemon:
        post = b"POST /mcp HTTP/1.1\r\nHost: localhost\r\n" + JSON
        for first, rest in (
                (b"", b""),  # silent
                (b"GET /health HTTP/1.1\r\nHost: localhost\r\nX-A: ", b"x"),
                (post + b"Content-Length: 900000\r\n\r\n" + b'{"x":"' + b"y" * 2000, b"z"),
                (post + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\n \r\n"),
                (b"GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n", b"")):  # kept alive
            beside_a_crowd(daemon, lambda: Crowd(daemon.address, first, rest))


def test_slow_frames():
    upgrade, _ = handshake()
    with Files(), Neurond({"a": hostile()}, {"limits": LIMITS}) as daemon:
        for first, rest in (
                (b"", b""),  # silent, pings are not answered
                (frame(TEXT, b"y" * 70000)[:5], b""),  # a part of a head
                (frame(TEXT, b'{"x":"' + b"y" * 70000)[:3000], b"z"),
                (frame(TEXT, b'{"x":"', fin=False), frame(0, b"y", fin=False))):
            beside_a_crowd(daemon, lambda: Crowd(daemon.address, upgrade + first, rest))


def test_slow_lines():
    with Files(), Neurond({"a": hostile()}, {"limits": LIMITS}) as daemon:
        path = str(daemon.dir / "run/neurond.sock")
        for first, rest in ((b"", b""), (b'{"jsonrpc":"2.0","id":1,"method":"', b"x"),
                            (b'{"x":"' + b"y" * 70000, b"z")):
            beside_a_crowd(daemon, lambda: Crowd(path, first, rest))


def test_crowds_that_send_much_leave_room_for_others():
    """Half messages of 50 KB that would fill everything twice: the rest of such crowds is
    refused, and small requests and their answers are served all the same."""
    total, size = 16 << 20, 50_000
    count = 2 * total // size
    limits = {"connections": count + 100, "buffer_total": str(total), "message_max": "4m",
              "header_max": "64k", "body_timeout": "20s", "header_timeout": "20s"}
    half = b'{"jsonrpc":"2.0","id":7,"method":"x","params":"' + b"y" * size
    post = b"POST /mcp HTTP/1.1\r\nHost: localhost\r\n" + JSON
    with Files(), Neurond({"a": hostile()}, {"limits": limits}) as daemon:
        path = str(daemon.dir / "run/neurond.sock")
        upgrade, _ = handshake()
        fields = b"".join(b"X-%d: %s\r\n" % (n, b"x" * (size // 60)) for n in range(60))
        page = b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n"
        kinds = {  # where; what each sends; what it then sends to hear that it was refused
            "lines": (path, half, b'"}\n'),
            "frames": (daemon.address, upgrade + frame(TEXT, half + b'"}')[:size], None),
            "bodies": (daemon.address, post + b"Content-Length: 90000\r\n\r\n" + half, b""),
            "chunks": (daemon.address, post + b"Transfer-Encoding: chunked\r\n\r\n%x\r\n"
                       % (2 * size) + half, b""),
            "heads": (daemon.address, page[:-2] + fields, b""),
        }
        for kind, (address, first, rest) in kinds.items():
            memory = Memory(daemon, total)
            socks = [connect(address) for _ in range(count)]
            feeders = [threading.Thread(target=feed, args=(socks[n::4], first)) for n in range(4)]
            for feeder in feeders:
                feeder.start()
            with daemon.client() as client:
                for i in range(50):  # not one of them is told to come again
                    assert client.call("a.echo", {"text": str(i)}).text == str(i)
                for feeder in feeders:
                    feeder.join()
                for i in range(50):
                    assert client.call("a.echo", {"text": str(i)}).text == str(i)
                memory.look()
            memory.check(count + 1)
            if rest is not None:
                refused = sum(is_refused(sock, rest) for sock in socks)
                print(f"{kind}: {refused} of {count} refused")
                assert count // 8 < refused < count, refused
            for sock in socks:
                sock.close()
            wait_for("they have gone", lambda: daemon.fd_count() < 100)


def test_pages_that_nobody_reads():
    """Of each connection one page waits to be read, once memory is scarce."""
    total, count = 8 << 20, 100
    limits = {"buffer_total": str(total), "message_max": "2m"}
    page = b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n"
    with Files(), Neurond({"a": hostile()}, {"limits": limits}) as daemon:
        memory = Memory(daemon, total)
        socks = [connect(daemon.address, small=True) for _ in range(count)]
        feed(socks, page * 800)
        with daemon.connect() as conn:
            for _ in range(20):
                assert conn.request("GET", "/health/live").status == 200
                memory.look()
        memory.check(count + 1)
        for sock in socks:
            sock.close()
        with daemon.client() as client:
            assert client.call("a.echo", {"text": "x"}).text == "x"


def feed(socks, data):
    for sock in socks:
        try:
            sock.sendall(data)
        except OSError:  # refused, and closed
            pass


def is_refused(sock, rest):
    try:
        sock.sendall(rest)
        sock.settimeout(None if rest else 0.01)
        return b"Too much is in flight" in (got := sock.recv(1 << 16)) or b" 503 " in got
    except (TimeoutError, ConnectionError):
        return False


def test_slow_readers():
    request = (b"POST /mcp HTTP/1.1\r\nHost: localhost\r\n" + JSON
               + b"MCP-Protocol-Version: 2026-07-28\r\nMcp-Method: tools/call\r\n"
               b"Mcp-Name: b.bulk\r\nContent-Length: %d\r\n\r\n" % len(ECHO) + ECHO)
    servers = {"a": hostile(), "b": hostile(call_timeout="10m")}
    with Files(), Neurond(servers, {"limits": LIMITS}) as daemon:
        with daemon.connect() as conn:
            conn.send(request)
            got = conn.response()
            assert got.status == 200 and len(got.body) > 3000000, got
        # Those for whom there is no room are told so, and stay: nothing is owed to them.
        normal = Busy(daemon)
        fds, memory = daemon.fd_count(), Memory(daemon)
        normal.start()
        wait_for("it is served", lambda: normal.calls > 5)
        count = scaled(60, COUNT)
        crowd = Crowd(daemon.address, request, reads=False, count=count)
        wait_for("they are there", lambda: daemon.fd_count() > fds + 5)
        end = time.monotonic() + scaled(60, 300)
        while daemon.fd_count() > fds + 5:
            memory.look()
            assert time.monotonic() < end, f"{daemon.fd_count()} descriptors"
            time.sleep(0.02)  # memory is looked at often
        crowd.close()
        assert normal.stop() > 20
        memory.check(count + 1)
        daemon.wait_for_log(r"dropped: the client does not read")
        with daemon.client() as client:
            assert client.call("a.echo", {"text": "x"}).text == "x"


class Busy(Normal):
    """The same, which comes again when it is told that too much is in flight."""

    def run(self):
        try:
            while not self.over.is_set():
                answer = self.client.call("a.echo", {"text": "x"})
                if answer.status != 503:
                    got = json.loads(answer.raw)
                    assert "result" in got or got["error"]["data"]["type"] == "busy", got
                self.calls += 1
        except Exception as error:  # told by stop()
            self.problem = error


def test_stalled_handshakes_and_records():
    with Files() as files:
        tls = {"tls": {"cert_path": files.cert, "key_path": files.key}, "limits": LIMITS}
        with Neurond({"a": hostile()}, tls) as daemon:
            plain = daemon.address
            daemon.address = secure(plain, files.ca.cert)
            hello = bytes.fromhex("1603010200010001fc0303")
            for first, rest in ((b"", b""), (hello, b""), (hello, b"\0")):
                beside_a_crowd(daemon, lambda: Crowd(plain, first, rest))
            beside_a_crowd(daemon, lambda: HalfRecords(plain, files.ca.cert))


main(__name__)
