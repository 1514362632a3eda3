"""GET /sse and POST /messages: the HTTP+SSE transport of 2024-11-05."""
import json
import os
import signal
import tempfile
import time

from harness import Neurond, Table, hostile, main
from lines import Lines
from mcp import LEGACY
from rawhttp import Closed, Conn, render, sse_events, wait_for
from tls_files import Authority, secure

OLD = LEGACY[0]


class SseClient(Lines):
    """`lines.Lines` over the old transport: send() is a POST, read() the next event."""

    def __init__(self, address, path="/sse", headers=(), **keys):
        super().__init__(**keys)
        self.address, self.headers = address, list(headers)
        self.conn = Conn(address, self.timeout)
        self.conn.send(render("GET", path, [("Accept", "text/event-stream"), *self.headers]))
        self.response = self.conn.head()
        assert self.response.status == 200, self.response
        assert self.response.header("content-type") == "text/event-stream"
        self.events = sse_events(self.conn.chunks())
        first = next(self.events)
        assert first.event == "endpoint" and first.id is None, first
        self.endpoint = first.data.decode()
        self.poster = None

    def post(self, raw, headers=()):
        """The response to a POST of these bytes."""
        self.poster = self.poster or Conn(self.address, self.timeout)
        return self.poster.request("POST", self.endpoint, [
            ("Content-Type", "application/json"), *self.headers, *headers], raw)

    def send(self, message):
        raw = message if isinstance(message, bytes) else json.dumps(message).encode()
        got = self.post(raw)
        assert got.status == 202, got

    def read_line(self, timeout=None):
        self.conn.sock.settimeout(timeout or self.timeout)
        event = next(self.events, None)
        assert event is None or event.event == "message", event
        return event and event.data

    def close(self):
        self.conn.close()
        if self.poster:
            self.poster.close()


def connect(daemon, **keys):
    return SseClient(daemon.address, **keys)


def test_an_old_client():
    with Neurond({"a": hostile()}) as daemon, connect(daemon) as sse:
        assert sse.endpoint.startswith("/messages?sessionId="), sse.endpoint
        assert sse.request("ping")["result"] == {}
        assert "initialize has to come first" in sse.request("tools/list")["error"]["message"]
        assert sse.initialize(OLD)["result"]["protocolVersion"] == OLD
        assert "a.echo" in sse.tools()
        assert sse.call("a.echo", {"text": "héllo"}) == "héllo"
        first = sse.start("tools/call", {"name": "a.progress", "arguments": {"count": 4},
                                         "_meta": {"progressToken": 1}})
        assert "result" in sse.answer(first)
        told = [m for m in sse.others if m.get("method") == "notifications/progress"]
        assert len(told) == 4, sse.others
        large = "x" * 3_000_000
        assert sse.call("a.echo", {"text": large}) == large
        sse.notify("notifications/tools/whatever")
        assert '"client":"anonymous"' in daemon.audit()[-1], daemon.audit()[-1]
    with Neurond({"a": hostile("tools=x.y")}) as daemon, \
            connect(daemon, path="/sse?names=strict") as sse:
        sse.initialize(OLD)
        assert sse.tools() == ["a_x_y"]


def test_cancellation_and_the_end_of_the_stream():
    with Neurond({"a": hostile()}) as daemon:
        def count(word):
            return sum(word in line for line in daemon.received("a"))

        sse = connect(daemon)
        sse.initialize(OLD)
        first = sse.start("tools/call", {"name": "a.sleep_ms", "arguments": {"ms": 60_000}})
        wait_for("it is there", lambda: count(b"60000") == 1)
        sse.notify("notifications/cancelled", {"requestId": first})
        wait_for("it is cancelled", lambda: count(b"notifications/cancelled") == 1)
        sse.start("tools/call", {"name": "a.sleep_ms", "arguments": {"ms": 60_000}})
        wait_for("it is there", lambda: count(b"60000") == 2)
        sse.conn.close()  # the session is over
        wait_for("it is cancelled", lambda: count(b"notifications/cancelled") == 2)
        assert sse.post(b'{"jsonrpc":"2.0","id":1,"method":"ping"}').status == 404
        sse.close()


def test_questions_of_a_server():
    with Neurond({"a": hostile(share="session")}) as daemon, connect(daemon) as sse:
        sse.initialize(OLD, {"sampling": {}, "roots": {}})
        for method, result in (("sampling/createMessage", {"role": "assistant", "model": "m",
                                                           "content": {"type": "text",
                                                                       "text": "1.10"}}),
                               ("roots/list", {"roots": []})):
            params = {"messages": [], "maxTokens": 1} if "sampling" in method else {}
            call = sse.start("tools/call", {"name": "a.ask", "arguments": {
                "method": method, "params": params}})
            question = sse.read()
            while question.get("method") != method:
                question = sse.read()
            sse.send({"jsonrpc": "2.0", "id": question["id"], "result": result})
            got = sse.answer(call)
            assert json.dumps(result["roots"] if "roots" in result else "1.10") in json.dumps(
                got).replace("\\", ""), got


def test_what_is_refused():
    table = Table()
    ping = b'{"jsonrpc":"2.0","id":1,"method":"ping"}'
    with Neurond({"a": hostile()}, {"limits": {"message_max": 100_000}}) as daemon, \
            connect(daemon) as sse:
        json_type = ("Content-Type", "application/json")
        other = "-" if sse.endpoint[-1] == "_" else "_"
        rows = [  # what, method, path, fields, body, status
            ("POST to the stream", "POST", "/sse", [json_type], ping, 405),
            ("DELETE of the stream", "DELETE", "/sse", [], None, 405),
            ("GET of the endpoint", "GET", sse.endpoint, [], None, 405),
            ("DELETE of the session", "DELETE", sse.endpoint, [], None, 405),
            ("no session", "POST", "/messages", [json_type], ping, 404),
            ("an empty session", "POST", "/messages?sessionId=", [json_type], ping, 404),
            ("a guess", "POST", sse.endpoint[:-1] + other, [json_type], ping, 404),
            ("another type", "POST", sse.endpoint, [("Content-Type", "text/plain")], ping, 415),
            ("no type", "POST", sse.endpoint, [], ping, 415),
            ("no JSON", "POST", sse.endpoint, [json_type], b"{", 400),
            ("nothing", "POST", sse.endpoint, [json_type], b"", 400),
            ("too much", "POST", sse.endpoint, [json_type], b" " * 100_001, 413),
            ("another origin", "POST", sse.endpoint,
             [json_type, ("Origin", "http://evil.example")], ping, 403),
            ("another origin of the stream", "GET", "/sse",
             [("Accept", "text/event-stream"), ("Origin", "http://evil.example")], None, 403),
            ("an opaque origin", "GET", "/sse",
             [("Accept", "text/event-stream"), ("Origin", "null")], None, 403),
            ("another host", "GET", "/sse",
             [("Accept", "text/event-stream"), ("Host", "evil.example")], None, 403),
            ("a stream of something else", "GET", "/sse", [("Accept", "text/html")], None, 406),
            ("a wrong token", "GET", "/sse",
             [("Accept", "text/event-stream"), ("Authorization", "Bearer x")], None, 401),
        ]

        def row(method, path, fields, body, status):
            with Conn(daemon.address) as conn:
                got = conn.request(method, path, fields, body)
                assert got.status == status, got

        for name, *rest in rows:
            table.row(name, lambda rest=rest: row(*rest))
        for raw in (b"[]", b"7", b'{"jsonrpc":"1.0","id":3,"method":"ping"}'):
            sse.send(raw)  # JSON, but no message: said on the stream
            assert sse.read()["error"]["code"] == -32600, raw
        assert sse.request("ping")["result"] == {}
    assert not table.failed


def test_a_session_belongs_to_who_opened_it():
    with tempfile.TemporaryDirectory() as place:
        clients = {}
        for name in ("one", "two"):
            token = os.path.join(place, name)
            with open(token, "w", encoding="ascii") as file:
                file.write(name * 10)
            os.chmod(token, 0o600)
            clients[f"client {name}"] = {"token_file": token}
        clients["rule r"] = {"effect": "allow", "tools": "a.echo", "clients": "one"}
        with Neurond({"a": hostile()}, clients, allow=False) as daemon:
            bearer = {name: [("Authorization", "Bearer " + name * 10)] for name in ("one", "two")}
            ping = b'{"jsonrpc":"2.0","id":1,"method":"ping"}'
            with connect(daemon, headers=bearer["one"]) as sse, Conn(daemon.address) as other:
                sse.initialize(OLD)
                assert sse.tools() == ["a.echo"]
                for fields in (bearer["two"], []):
                    got = other.request("POST", sse.endpoint, [
                        ("Content-Type", "application/json"), *fields], ping)
                    assert got.status == 404, got
                assert sse.call("a.echo", {"text": "x"}) == "x"
                assert '"client":"one"' in daemon.audit()[-1]


def test_over_tls_with_a_client_certificate():
    with tempfile.TemporaryDirectory() as place:
        ca = Authority(os.path.join(place, "ca"))
        cert, key = ca.issue("server")
        tls = {"tls": {"cert_path": cert, "key_path": key, "ca_path": ca.cert}}
        with Neurond({"a": hostile()}, tls) as daemon:
            alice = secure(daemon.address, ca.cert, *ca.issue("alice"))
            bob = secure(daemon.address, ca.cert, *ca.issue("bob"))
            with SseClient(alice) as sse, Conn(bob) as other:
                sse.initialize(OLD)
                assert sse.call("a.echo", {"text": "x" * 500_000}) == "x" * 500_000
                assert '"client":"cert:alice"' in daemon.audit()[-1]
                assert other.request("POST", sse.endpoint, [
                    ("Content-Type", "application/json")], b"{}").status == 404


def metrics(daemon):
    with Conn(daemon.address) as conn:
        return conn.request("GET", "/metrics").body.decode()


def connections(daemon):
    return json.loads(daemon.run("status", "--json").stdout)["connections"]


def test_comments_keep_the_stream_and_metrics_count_it():
    with Neurond({"a": hostile()}, {"http": {"keepalive_comment": "1s"}}) as daemon:
        alone = connections(daemon)
        with connect(daemon) as sse:
            sse.initialize(OLD)
            assert 'neurond_sessions{door="sse"} 1' in metrics(daemon)
            assert 'neurond_connections{door="sse"} 1' in metrics(daemon)
            wait_for("what posts, and what asks for this", lambda:
                     'neurond_connections{door="http"} 2' in metrics(daemon))
            with connect(daemon) as other:
                wait_for("two streams, and what posts",
                         lambda: connections(daemon) == alone + 3)
            wait_for("it has gone", lambda: connections(daemon) == alone + 2)
            assert other.response.status == 200
            end = time.monotonic() + 5
            while b":" not in sse.conn.buffer[:20]:
                assert time.monotonic() < end
                sse.conn.fill()
        wait_for("it has gone", lambda: 'neurond_sessions{door="sse"} 0' in metrics(daemon))


def test_a_message_has_the_id_of_its_post():
    keys = {"crash_window": "1s", "start_timeout": "2s"}
    with Neurond({"a": hostile(), "gone": {"command": "/bin/false", **keys}},
                 {"log": {"requests": "all"}}) as daemon, connect(daemon) as sse:
        assert sse.response.header("x-request-id"), "of the stream"
        sse.initialize(OLD)
        given = "mine-7"
        for name, fields in (("a.echo", [("X-Request-Id", given)]), ("a.echo", []),
                             ("gone.x", [("X-Request-Id", "mine-8")]),
                             ("nothing", [("X-Request-Id", "mine-9")])):
            got = sse.post(json.dumps({
                "jsonrpc": "2.0", "id": 1, "method": "tools/call",
                "params": {"name": name, "arguments": {"text": "x"}}}).encode(), fields)
            own = got.header("x-request-id")
            assert got.status == 202 and own == (fields[0][1] if fields else own), got
            message = sse.read()
            if name != "a.echo":
                assert message["error"]["data"]["request_id"] == own, message
                wait_for("the record", lambda: len(records(daemon, own)) == 1)
            else:
                wait_for("both records", lambda: len(records(daemon, own)) == 2)
            daemon.wait_for_log(rf"req={own}\b|request_id={own}\b|\b{own}\b")
        sse.request("tools/call", {"name": "a.echo", "arguments": {"text": "x"}})
        assert len(records(daemon, given)) == 2, "the next one has another"


def records(daemon, request_id):
    return [line for line in map(json.loads, daemon.audit())
            if line["request_id"] == request_id]


def test_a_client_that_does_not_read_is_told_to_wait_and_dropped():
    limits = {"limits": {"body_timeout": "1s"}}
    with Neurond({"a": hostile()}, limits) as daemon, connect(daemon) as sse:
        sse.initialize(OLD)
        raw = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {
            "name": "a.echo", "arguments": {"text": "x" * 1_000_000}}}).encode()
        seen, end = set(), time.monotonic() + 30
        while 404 not in seen:
            assert time.monotonic() < end, seen
            got = sse.post(raw)
            seen.add(got.status)
            if got.status == 503:
                assert got.header("retry-after") == "1"
        assert seen <= {202, 503, 404}, seen
        daemon.wait_for_log("warn (http|sse): .*dropped: the client does not read")


def test_draining_ends_streams_after_their_answers():
    with Neurond({"a": hostile()}) as daemon, connect(daemon) as idle, connect(daemon) as busy:
        busy.initialize(OLD)
        call = busy.start("tools/call", {"name": "a.sleep_ms", "arguments": {
            "ms": 800, "text": "t"}})
        wait_for("it is there", lambda: any(b"800" in line for line in daemon.received("a")))
        daemon.process.send_signal(signal.SIGTERM)
        assert idle.read_line() is None
        assert busy.answer(call)["result"]["content"][0]["text"] == "t"
        assert busy.read_line() is None
        try:
            busy.conn.fill()
            raise AssertionError(busy.conn.buffer)
        except Closed:
            pass
        assert daemon.wait_exit() == 0


main(__name__)
