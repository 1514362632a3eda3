"""After a reload nothing new is served to who is let in no more, however long it has been
connected: its connections end orderly, answers that are due still come, others stay."""
import contextlib
import hashlib
import os
import pathlib
import shutil
import ssl
import struct
import tempfile

from harness import Neurond, Table, hostile, main
from lines import SocketLines
from mcp import MODERN, PREFIX, McpClient, ModernClient
from rawhttp import Closed, Conn, render, sse_events, wait_for
from tls_files import Authority, SecureAddress, secure
from ws import WsClient

TOKEN, OTHER = "a-token-of-twenty-bytes", "another-token-of-24-bytes"
GOING_AWAY = 1001


class Files:
    def __enter__(self):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="neurond-again-"))
        self.ca = Authority(self.dir / "ca")
        self.cert, self.key = self.ca.issue("server")
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.dir, ignore_errors=True)

    def config(self, **keys):
        return {"tls": {"cert_path": self.cert, "key_path": self.key, "ca_path": self.ca.cert,
                        "crl_path": self.ca.crl(), **keys}}


def digest(token):
    return hashlib.sha256(token.encode()).hexdigest()


def bearer(token):
    return [("Authorization", f"Bearer {token}")]


def reload(daemon):
    got = daemon.run("reload")
    assert got.returncode == 0, got.stderr


class Everything:
    """One client on every kind of connection that lasts."""

    def __init__(self, address, headers=()):
        with contextlib.ExitStack() as stack:
            enter = stack.enter_context
            self.address, self.headers = address, list(headers)
            self.idle = enter(Conn(address))
            assert self.idle.request("GET", "/tools", self.headers).status in (200, 404)
            self.calling = enter(McpClient(address, headers=self.headers))
            self.news = self.calling.stream()
            stack.callback(self.news.close)
            assert self.news.head.status == 200, self.news.head
            self.ws = enter(WsClient(address, headers=self.headers))
            self.ws.initialize()
            self.sse = enter(Conn(address))
            self.sse.send(render("GET", "/sse", [("Accept", "text/event-stream"), *self.headers]))
            assert self.sse.head().status == 200
            self.sse_events = sse_events(self.sse.chunks())
            assert next(self.sse_events).event == "endpoint"
            self.listening = enter(Conn(address))
            self.listening.send(self.listen())
            assert self.listening.head().status == 200
            self.listen_events = sse_events(self.listening.chunks())
            assert b"acknowledged" in next(self.listen_events).data
            self.half = enter(Conn(address))
            self.half.send(self.request()[:-10])
            self.head = enter(Conn(address))
            self.head.send(self.request()[:30])
            self.stack = stack.pop_all()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stack.close()

    def listen(self):
        client = ModernClient(self.address, headers=self.headers)
        raw = client.with_meta({"notifications": {"toolsListChanged": True}})
        headers = client.headers_for("subscriptions/listen", {})
        return render("POST", "/api/v1/mcp", list(headers.items()),
                      b'{"jsonrpc":"2.0","id":1,"method":"subscriptions/listen","params":%s}' % raw)

    def request(self):
        return render("POST", "/api/v1/mcp", self.calling.headers(),
                      b'{"jsonrpc":"2.0","id":5,"method":"tools/list"}')

    def begin_calls(self):
        """Calls that are in hand when something happens."""
        body = b'{"jsonrpc":"2.0","id":9,"method":"tools/call","params":{"name":"a.sleep_ms",' \
               b'"arguments":{"ms":1500}}}'
        self.calling.conn.send(render("POST", "/api/v1/mcp", self.calling.headers(), body))
        self.ws.start("tools/call", {"name": "a.sleep_ms", "arguments": {"ms": 1500}}, 9)

    def expect_answers(self):
        got = self.calling.conn.response()
        assert b"slept" in got.body or b"result" in got.body, got
        assert "result" in self.ws.answer(9)
        return got

    def expect_ends(self, status):
        """Everything has been ended, in the way of its protocol."""
        assert self.news.next() is None
        assert next(self.sse_events, None) is None
        for event in self.listen_events:
            assert b"result" in event.data, event
        self.ws.read_close()
        assert self.ws.closed_with[0] == GOING_AWAY, self.ws.closed_with
        for conn, rest in ((self.half, self.request()[-10:]), (self.head, self.request()[30:])):
            conn.send_lenient(rest)
            got = conn.response()
            assert got.status == status, got
            assert got.header("www-authenticate"), got

    def expect_goes_on(self):
        assert self.idle.request("GET", "/health", self.headers).status == 200
        assert self.calling.call("a.echo", {"text": "x"}).text == "x"
        assert self.ws.call("a.echo", {"text": "y"}) == "y"
        for conn, rest in ((self.half, self.request()[-10:]), (self.head, self.request()[30:])):
            conn.send(rest)
            assert conn.response().status == 200


def test_revoked_certificates():
    with Files() as files:
        alice, eve = files.ca.issue("alice"), files.ca.issue("eve")
        with Neurond({"a": hostile()}, files.config()) as daemon, \
                Everything(secure(daemon.address, files.ca.cert, *alice)) as good, \
                Everything(secure(daemon.address, files.ca.cert, *eve)) as bad:
            good.begin_calls()
            bad.begin_calls()
            wait_for("the calls", lambda: sum(b"sleep_ms" in line
                                              for line in daemon.received("a")) == 4)
            files.ca.revoke(eve[0])
            files.ca.crl()
            reload(daemon)
            daemon.wait_for_log("let in no more: certificate revoked")
            assert bad.idle.is_closed()  # with close_notify, or this would raise
            assert bad.expect_answers().header("connection") == "close"
            bad.expect_ends(401)
            good.expect_answers()
            good.expect_goes_on()
            reload(daemon)  # the same files again
            assert good.ws.call("a.echo", {"text": "z"}) == "z"


def test_a_ca_that_is_taken_away():
    with Files() as files:
        other = Authority(files.dir / "other", "other CA")
        both = files.dir / "both.pem"
        both.write_text(files.ca.cert.read_text() + other.cert.read_text())
        config = files.config(ca_path=both, crl_path=None)
        with Neurond({"a": hostile()}, config) as daemon, \
                Everything(secure(daemon.address, files.ca.cert, *files.ca.issue("a"))) as good, \
                Everything(secure(daemon.address, files.ca.cert, *other.issue("b"))) as bad:
            both.write_text(files.ca.cert.read_text())
            reload(daemon)
            assert bad.idle.is_closed()
            bad.expect_ends(401)
            good.expect_goes_on()


def test_certificates_that_are_demanded_from_now_on():
    with Files() as files:
        config = files.config(client_auth="optional", crl_path=None)
        with Neurond({"a": hostile()}, config) as daemon, \
                Everything(secure(daemon.address, files.ca.cert, *files.ca.issue("a"))) as good, \
                Everything(secure(daemon.address, files.ca.cert)) as bad:
            daemon.configure({"a": hostile()}, files.config(crl_path=None))
            reload(daemon)
            bad.expect_ends(401)
            good.expect_goes_on()


def test_a_handshake_that_began_before():
    with Files() as files:
        eve = files.ca.issue("eve")
        with Neurond({"a": hostile()}, files.config()) as daemon:
            context = ssl.create_default_context(cafile=str(files.ca.cert))
            context.load_cert_chain(*map(str, eve))
            incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
            tls = context.wrap_bio(incoming, outgoing, server_hostname="localhost")
            with Conn(daemon.address) as conn:
                while True:  # up to the last flight, which is held back
                    try:
                        tls.do_handshake()
                        break
                    except ssl.SSLWantReadError:
                        conn.send(outgoing.read())
                        incoming.write(conn.sock.recv(1 << 16))
                files.ca.revoke(eve[0])
                files.ca.crl()
                reload(daemon)
                tls.write(render("GET", "/health"))
                conn.send(outgoing.read())
                said = b""
                try:
                    while b"\r\n\r\n" not in said:
                        incoming.write(conn.sock.recv(1 << 16))
                        with contextlib.suppress(ssl.SSLWantReadError):
                            said += tls.read()
                except (ssl.SSLError, Closed):
                    pass
                assert said.startswith(b"HTTP/1.1 401"), said


def test_clients_that_are_taken_away():
    rows = [  # what the client's section is afterwards
        ("it is gone", None), ("another token", {"token_sha256": digest(OTHER)}),
    ]
    table = Table()

    def row(after):
        before = {"client ci": {"token_sha256": digest(TOKEN)},
                  "client keeps": {"token_sha256": digest("k" * 20)}}
        with Neurond({"a": hostile()}, before) as daemon, \
                Everything(daemon.address, bearer("k" * 20)) as kept, \
                Everything(daemon.address) as anonymous, \
                Everything(daemon.address, bearer(TOKEN)) as gone:
            gone.begin_calls()
            wait_for("the calls", lambda: sum(b"sleep_ms" in line
                                              for line in daemon.received("a")) == 2)
            daemon.configure({"a": hostile()}, {**before, "client ci": after or {"uid": 4711}})
            reload(daemon)
            gone.expect_answers()
            gone.expect_ends(401)
            assert gone.idle.request("GET", "/health", gone.headers).status == 401
            kept.expect_goes_on()
            anonymous.expect_goes_on()

    for name, after in rows:
        table.row(name, lambda: row(after))
    assert not table.failed


def test_operators_that_are_none_any_more():
    keys = {"server": {"serve": ["mcp", "health", "admin"]},
            "client other": {"token_sha256": digest(OTHER), "admin": "yes"}}
    boss = {"token_sha256": digest(TOKEN)}
    with Neurond({"a": hostile()}, {**keys, "client boss": {**boss, "admin": "yes"}}) as daemon, \
            Conn(daemon.address) as events, Conn(daemon.address) as conn:
        events.send(render("GET", "/api/v1/admin/events", bearer(TOKEN)))
        assert events.head().status == 200
        assert conn.request("GET", "/api/v1/admin/status", bearer(TOKEN)).status == 200
        daemon.configure({"a": hostile()}, {**keys, "client boss": boss})
        reload(daemon)
        assert list(events.chunks())  # to its end
        assert conn.request("GET", "/api/v1/admin/status", bearer(TOKEN)).status == 403


def test_users_of_the_unix_socket():
    """Who is somebody else from now on comes again as that."""
    keys = {"client me": {"uid": os.getuid()}}
    with Neurond({"a": hostile()}, keys) as daemon:
        path = daemon.dir / "run/neurond.sock"
        with SocketLines(path) as lines, SocketLines(path) as same:
            lines.initialize()
            same.initialize()
            reload(daemon)  # nothing has changed
            assert lines.call("a.echo", {"text": "x"}) == "x"
            daemon.configure({"a": hostile()}, {"client you": keys["client me"]})
            reload(daemon)
            assert lines.read_line() is None
            assert same.read_line() is None
        with SocketLines(path) as lines:
            lines.initialize()
            assert lines.call("a.echo", {"text": "x"}) == "x"
        assert '"client":"you"' in daemon.audit()[-1], daemon.audit()[-1]


def test_doors_that_are_closed_or_serve_something_else():
    with Neurond({"a": hostile()}, {"listener two": {"address": "127.0.0.1:0"},
                                    "listener three": {"address": "127.0.0.1:0"}}) as daemon:
        def address(name):
            host, port = daemon.wait_for_log(
                rf"listening on (\S+):(\d+) \(listener {name}\)").groups()
            return host, int(port)

        with WsClient(daemon.address) as stays, WsClient(address("two")) as closed, \
                WsClient(address("three")) as changed, Conn(address("three")) as stream:
            for each in (stays, closed, changed):
                each.initialize()
            stream.send(render("GET", "/sse", [("Accept", "text/event-stream")]))
            assert stream.head().status == 200
            daemon.configure({"a": hostile()}, {"listener three": {"address": "127.0.0.1:0",
                                                                   "serve": "health"}})
            reload(daemon)
            for each in (closed, changed):
                assert each.read_close()[0] == GOING_AWAY
            list(stream.chunks())
            assert stays.call("a.echo", {"text": "x"}) == "x"


main(__name__)
