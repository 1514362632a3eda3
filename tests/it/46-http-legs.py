"""Servers behind HTTP: bytes pass whole whatever way they come, and whatever a server does
its callers get one clear answer each, in time, and the next call works."""
import hashlib
import json
import socket
import struct
import threading
import time

from fixtures.http_server import BAD, HttpServer, TOOLS, pieces

from harness import Neurond, Table, main, scaled
from lines import SocketLines
from mcp import McpClient, ModernClient, header_value
from rawhttp import wait_for

RAW = b'{"n":9007199254740993,"d":1.10,"e":1E5,"k\\u00e9":"\xe2\x82\xac","n":0,"z":[{}," "]}'

# What a caller is told: the type in error.data, and words of the message.
FAULTS = {
    "silent": ("timeout", "did not answer within"),
    "stall-in-body": ("timeout", "did not answer within"),
    "early-close": ("crash", "connection was closed before a response came"),
    "close-in-head": ("crash", "connection was closed before a response came"),
    "close-in-body": ("crash", "closed inside the response"),
    "close-in-event": ("crash", "closed inside the response"),
    "empty-stream": ("crash", "ended without an answer"),
    "broken-chunk": ("protocol", "read the response"),
    "two-lengths": ("protocol", "read the response"),
    "no-http": ("protocol", "read the response"),
    "large-head": ("protocol", "read the response"),
    "wrong-id": ("protocol", "answered with the id 987654"),
    "text-id": ("protocol", "answered with the id \""),
    "not-json": ("protocol", "not JSON"),
    "half-json": ("protocol", "not JSON"),
    "html": ("protocol", "without a JSON-RPC answer"),
    "nothing": ("protocol", "answered HTTP 202"),
    "large": ("protocol", "limits.message_max"),
    "large-event": ("protocol", "limits.message_max"),
    "status-500": ("unavailable", "HTTP 500"),
    "status-429": ("unavailable", "HTTP 429 Too Many Requests: Slow down (-32000)"),
    "unauthorized": ("unavailable", "HTTP 401 Unauthorized"),
    "redirect": ("unavailable", "redirected to http://127.0.0.1:1/other"),
}


LARGE = ("large", "large-event")  # 20 MB, which take their time on a busy machine


class Resetting(HttpServer):
    """Its tool `reset` ends the connection hard."""

    def bad_reset(self, conn, _request):
        conn.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        return True


def leg(server, **keys):
    return {"url": server.url, "backoff": "200ms", "backoff_max": "400ms", **keys}


def raw_content(answer):
    """structuredContent of a call's result, as it came."""
    text = answer.raw.decode()
    at = text.index('"structuredContent":') + len('"structuredContent":')
    return text[at:json.JSONDecoder().raw_decode(text, at)[1]].encode()


def expect_tidy(server):
    assert not server.complaints, server.complaints[:5]


def test_bytes_pass_in_every_form():
    with HttpServer() as server, Neurond({"a": leg(server)}) as daemon, daemon.client() as client:
        def check(form, chunked, cut):
            server.form, server.chunked, server.cut = form, chunked, cut
            assert raw_content(client.call_raw("a.echo", RAW)) == RAW
        table = Table()
        for form in ("json", "sse", "lines"):
            for chunked in (False, True):
                for name, cut in (("whole", None), ("bytes", lambda b: pieces(b, 1))):
                    table.row(f"{form}{' chunked' * chunked}, {name}",
                              lambda: check(form, chunked, cut))
        assert not table.failed
        expect_tidy(server)


def test_split_at_every_boundary():
    with HttpServer() as server, Neurond({"a": leg(server)}) as daemon, daemon.client() as client:
        for form in ("json", "sse"):
            server.form, server.chunked, server.cut = form, form == "sse", None
            for at in range(1, 480, scaled(5, 1)):
                server.cut = lambda b: [p for p in (b[:at], b[at:]) if p]
                assert raw_content(client.call_raw("a.echo", RAW)) == RAW, (form, at)
        expect_tidy(server)


def test_large_results_pass():
    blob = b'{"x":"' + b"y" * 6_000_000 + b'"}'
    with HttpServer() as server, Neurond({"a": leg(server)}) as daemon, daemon.client() as client:
        for form in ("json", "sse"):
            server.form = form
            assert raw_content(client.call_raw("a.echo", blob)) == blob
        expect_tidy(server)


def test_every_fault_has_one_clear_answer():
    patient = {f"timeout.{fault}": "20s" for fault in LARGE}
    with HttpServer(tools=TOOLS + BAD) as server, Neurond(
            {"a": leg(server, call_timeout="1s", **patient)}) as daemon, \
            daemon.client() as client:
        def check(fault):
            kind, words = FAULTS[fault]
            began = time.monotonic()
            got = client.call("a." + fault)
            assert got.status == 200 and not got.http.header("www-authenticate"), got.http
            error = got.error
            assert error["code"] == -32603 and error["data"]["type"] == kind, error
            assert error["message"].startswith("Downstream 'a' ") and words in error["message"], error
            assert fault in LARGE or time.monotonic() - began < 3
            assert raw_content(client.call_raw("a.echo", RAW)) == RAW
        table = Table()
        assert set(FAULTS) | {"refused"} == set(BAD), set(FAULTS) ^ set(BAD)
        for fault in FAULTS:
            table.row(fault, lambda: check(fault))
        assert not table.failed
        refused = client.call("a.refused").error
        assert refused == {"code": -32602, "message": "Wrong arguments"}, refused
        assert daemon.run("servers", "--json").stdout.count('"healthy"') == 1
        expect_tidy(server)


def test_no_descriptor_is_lost_over_many_rounds():
    quick = [f for f in FAULTS if FAULTS[f][0] != "timeout" and "large" not in f]
    with HttpServer(tools=TOOLS + BAD) as server, Neurond(
            {"a": leg(server, call_timeout="2s", breaker_failures=0)}) as daemon, \
            daemon.client() as client:
        client.call("a.echo")
        before = daemon.fd_count()
        for n in range(scaled(200, 1000)):
            assert client.call("a." + quick[n % len(quick)]).error
        assert raw_content(client.call_raw("a.echo", RAW)) == RAW
        wait_for("descriptors are given back", lambda: daemon.fd_count() <= before + 5)
        expect_tidy(server)


def call_in_thread(daemon, results, tool, arguments):
    def run():
        with daemon.client() as client:
            results.append(client.call(tool, arguments))
    thread = threading.Thread(target=run)
    thread.start()
    return thread


def test_a_session_that_is_forgotten_is_renewed():
    for status in (404, 400):
        with HttpServer() as server, Neurond({"a": leg(server)}) as daemon, \
                daemon.client() as client:
            server.forgetful_status = status
            for n in range(3):
                server.sessions.clear()
                assert raw_content(client.call_raw("a.echo", RAW)) == RAW
                assert server.initialized == n + 2, server.initialized
            server.sessions.clear()
            results = []
            threads = [call_in_thread(daemon, results, "a.echo", {"n": n}) for n in range(20)]
            for thread in threads:
                thread.join()
            got = sorted(r.result["structuredContent"]["n"] for r in results)
            assert got == list(range(20)) and server.initialized == 5, (got, server.initialized)
            expect_tidy(server)


def test_a_session_that_never_lasts_is_told():
    class Forgetful(HttpServer):
        def call(self, conn, request, name):
            self.sessions.clear()
            return self.refuse(conn, request, 404, -32001, "Session not found", None)
    with Forgetful() as server, Neurond({"a": leg(server)}) as daemon, daemon.client() as client:
        error = client.call("a.echo").error
        assert "lost its session twice" in error["message"], error
        assert error["data"]["type"] == "unavailable", error


def test_a_server_that_restarts_is_found_again():
    with HttpServer() as server, Neurond({"a": leg(server)}) as daemon, daemon.client() as client:
        for _ in range(2):
            server.stop()
            since = len(daemon.lines)
            error = client.call("a.echo").error
            assert error["data"]["type"] in ("unavailable", "crash"), error
            daemon.wait_for_log("a: restarting", since=since)
            error = client.call("a.echo").error
            assert error["data"]["type"] == "unavailable", error
            assert "Connection refused" in error["message"], error
            time.sleep(0.5)  # more attempts than one
            server.sessions.clear()
            server.start()
            daemon.wait_for_log("a: healthy", since=since)
            assert raw_content(client.call_raw("a.echo", RAW)) == RAW
        expect_tidy(server)


def test_a_server_may_come_after_us():
    server = HttpServer()
    server.stop()
    with Neurond({"a": leg(server)}) as daemon, daemon.client() as client:
        assert client.tools() == []
        server.start()
        daemon.wait_for_log("a: healthy")
        assert "a.echo" in client.tools()
    server.stop()


def test_connections_are_kept_and_bounded():
    with HttpServer(get="none") as server, Neurond(
            {"a": leg(server, max_connections=3)}) as daemon, daemon.client() as client:
        client.call("a.echo")
        before = server.accepted
        for _ in range(50):
            client.call("a.echo")
        assert server.accepted - before <= 1, server.accepted
        results = []
        threads = [call_in_thread(daemon, results, "a.slow", {"ms": 100}) for _ in range(12)]
        for thread in threads:
            thread.join()
        assert all(r.text == "slow" for r in results) and len(results) == 12
        assert server.busiest == 3, server.busiest
        expect_tidy(server)


def open_to(server):
    """Connections to the server that neurond has not closed, the kernel's word."""
    count = 0
    with open("/proc/net/tcp", encoding="ascii") as file:
        for line in list(file)[1:]:
            _, _, remote, state = line.split()[:4]
            count += int(remote.split(":")[1], 16) == server.port and state in ("01", "08")
    return count


def all_closed(server):
    wait_for("neurond has noticed", lambda: open_to(server) == 0)


def test_connections_that_die_while_idle_cost_nothing():
    with HttpServer(get="none") as server, Neurond({"a": leg(server)}) as daemon, \
            daemon.client() as client:
        server.close_after = True
        for _ in range(scaled(100, 500)):
            assert client.call("a.echo").text == "echo"
            all_closed(server)  # the end of a connection may come behind the response
        server.close_after = False
        client.call("a.echo")
        server.close_all()
        all_closed(server)
        assert client.call("a.echo").text == "echo"
        server.headers = [("Keep-Alive", "timeout=2")]
        client.call("a.echo")
        before = server.accepted
        all_closed(server)
        client.call("a.echo")
        assert server.accepted == before + 1
        expect_tidy(server)


def test_the_stream_of_notifications():
    with HttpServer() as server, Neurond({"a": leg(server)}) as daemon, daemon.client() as client:
        wait_for("a stream", lambda: server.streams)
        server.tools.append("late")
        server.push({"jsonrpc": "2.0", "method": "notifications/tools/list_changed"}, "first")
        wait_for("the new list", lambda: "a.late" in client.tools())
        server.push({"jsonrpc": "2.0", "id": "q1", "method": "ping"}, "second")
        wait_for("an answer to a ping", lambda: [
            r for r in server.requests if r.message.get("id") == "q1" and r.message["result"] == {}])
        server.push({"jsonrpc": "2.0", "id": 0, "method": "roots/list"}, "third")
        wait_for("a refusal", lambda: [
            r for r in server.requests if r.message.get("id") == 0 and "error" in r.message])
        server.streams[-1][0].shutdown(2)
        wait_for("the stream again", lambda: len(server.streams) == 2)
        assert server.streams[1][1].fields.get("last-event-id") == "third"
        expect_tidy(server)


def test_what_changed_before_the_stream_opened_is_seen():
    with HttpServer() as server:
        server.may_open.clear()
        with Neurond({"a": {"url": server.url}}) as daemon, daemon.client() as client:
            assert "a.late" not in client.tools()
            server.tools.append("late")  # nobody hears of it: there is no stream yet
            server.may_open.set()
            wait_for("the new tool", lambda: "a.late" in client.tools())


def test_progress_comes_before_the_answer():
    with HttpServer() as server, Neurond({"a": leg(server)}) as daemon, daemon.client() as client:
        seen = []
        got = client.call("a.progress", {}, {"progressToken": "t"}, on_event=seen.append)
        assert got.text == "progress"
        assert [m["params"] for m in seen[:2]] == [
            {"progressToken": "t", "progress": n} for n in (1, 2)], seen


def test_the_session_is_ended_on_a_stop():
    with HttpServer() as server:
        with Neurond({"a": leg(server)}):
            assert len(server.sessions) == 1
        assert server.deleted == [True] and not server.sessions, server.deleted


def test_what_goes_with_requests():
    keys = {"header.Authorization": "Bearer s3cret", "header.X-Tenant": "t1"}
    with HttpServer() as server, Neurond({"a": leg(server, **keys)}) as daemon:
        with McpClient(daemon.address, headers=[("Authorization-X", "no")]) as client:
            seen = json.loads(client.call("a.forwarded").text)
        assert seen["authorization"] == "Bearer s3cret" and seen["x-tenant"] == "t1", seen
        assert "authorization-x" not in seen and seen["x-request-id"], seen
        assert "s3cret" not in daemon.log
        for request in server.requests:
            assert request.fields["authorization"] == "Bearer s3cret"
            assert request.target == "/mcp?x=1"
        expect_tidy(server)


def test_header_fields_are_forwarded_to_who_wants_them():
    sent = [("X-Tenant", "t1"), ("x-TRACE", "a"), ("X-Trace", "b"), ("X-Other", "no"),
            ("Authorization", "Bearer mine"), ("Cookie", "c=1"), ("Proxy-Authorization", "p")]
    for era in ("legacy", "modern"):
        with HttpServer(era, sessions=era == "legacy") as one, HttpServer() as two, \
                HttpServer() as three:
            servers = {"a": leg(one, forward_headers=["X-Trace", "x-tenant"]),
                       "b": leg(two, forward_headers="X-Other"), "c": leg(three)}
            token = {"token_sha256": hashlib.sha256(b"mine").hexdigest()}
            with Neurond(servers, {"client me": token}) as daemon:
                def seen(client, name):
                    fields = json.loads(client.call(name + ".forwarded", {}).text)
                    assert not {"authorization", "cookie", "proxy-authorization"} & set(fields)
                    return {k: v for k, v in fields.items()
                            if k.startswith("x-") and k != "x-request-id"}
                for make in (McpClient, ModernClient):
                    with make(daemon.address, headers=sent) as client:
                        got = seen(client, "a")
                        assert got.keys() == {"x-tenant", "x-trace"}, got
                        assert got["x-tenant"] == "t1" and got["x-trace"] == "b", got
                        assert seen(client, "b") == {"x-other": "no"}
                        assert seen(client, "c") == {}
                with daemon.client() as client:
                    assert seen(client, "a") == {}
                with SocketLines(daemon.dir / "run/neurond.sock") as client:  # it has none
                    client.initialize()
                    got = json.loads(client.call("a.forwarded", {}))
                    assert [name for name in got if name.startswith("x-")] == ["x-request-id"], got
                called = [r.fields for r in one.requests if r.params.get("name")]
                others = [r.fields for r in one.requests if not r.params.get("name")]
                assert called and not [f for f in others if "x-tenant" in f], others


def test_what_may_have_been_executed_is_not_repeated():
    faults = [f for f in FAULTS if "large" not in f] + ["reset"]
    with Resetting(tools=TOOLS + BAD + ["reset"]) as server, Neurond(
            {"a": leg(server, call_timeout="500ms")}) as daemon, daemon.client() as client:
        for fault in faults:
            before = len(server.executed)
            assert client.call("a." + fault).error
            assert raw_content(client.call_raw("a.echo", RAW)) == RAW
            assert server.executed[before:] == [fault, "echo"], server.executed[before:]
        assert server.initialized == 1
        expect_tidy(server)


def test_a_restart_between_two_calls_costs_one_handshake():
    with HttpServer(get="none") as server, Neurond({"a": leg(server)}) as daemon, \
            daemon.client() as client:
        for n in range(scaled(5, 50)):
            server.stop()
            server.sessions.clear()
            server.start()
            assert raw_content(client.call_raw("a.echo", RAW)) == RAW
            assert (server.initialized, len(server.executed)) == (n + 2, n + 1)
        expect_tidy(server)


def test_a_modern_server():
    with HttpServer("modern", sessions=False, tools=TOOLS + BAD) as server, Neurond(
            {"a": leg(server, call_timeout="1s")}) as daemon, daemon.client() as client:
        for form in ("json", "sse"):
            server.form = form
            assert raw_content(client.call_raw("a.echo", RAW)) == RAW
        assert client.call("a.n\u00e4me").text == "n\u00e4me"
        with daemon.modern() as other:
            assert other.call("a.n\u00e4me").text == "n\u00e4me"
        seen = json.loads(client.call("a.forwarded", {
            "region": " h\u00e9", "deep": {"n": 42, "b": True}, "other": 1}).text)
        assert {n: v for n, v in seen.items() if n.startswith("mcp-param-")} == {
            "mcp-param-region": header_value(" h\u00e9"), "mcp-param-deep-n": "42",
            "mcp-param-deep-b": "true"}, seen
        assert client.call("a.slow", {"ms": 3000}).error["data"]["type"] == "timeout"
        wait_for("its connection is closed", lambda: server.left == 1)
        methods = {r.message.get("method") for r in server.requests}
        assert methods == {"server/discover", "tools/list", "tools/call"}, methods
        assert not [r for r in server.requests if r.method != "POST"]
        expect_tidy(server)


class Renaming(HttpServer):
    """Its tool wants an argument repeated in a header whose name changes without notice."""

    def __init__(self):
        super().__init__("modern", tools=["where"])
        self.listed, self.wanted, self.calls = "Region", "Region", []

    def dispatch(self, conn, request, method):
        if method == "tools/list":
            schema = {"type": "object", "properties": {"region": {
                "type": "string", "x-mcp-header": self.listed}}}
            return self.result(conn, request, {
                "resultType": "complete", "ttlMs": 0, "cacheScope": "public",
                "tools": [{"name": "where", "inputSchema": schema}]})
        return super().dispatch(conn, request, method)

    def call(self, conn, request, name):
        right = request.fields.get("mcp-param-" + self.wanted.lower()) == "eu"
        self.calls.append(right)
        if right:
            return self.result(conn, request, {"resultType": "complete", "content": []})
        return self.refuse(conn, request, 400, -32020, "Header mismatch")


def test_a_server_that_wants_other_headers_is_listed_and_called_again():
    with Renaming() as server, Neurond({"a": leg(server)}) as daemon, daemon.client() as client:
        params = {"name": "a.where", "arguments": {"region": "eu"}}
        by_old_list = {"Mcp-Param-Area": "eu"}
        for name, call in (("Area", lambda: client.request("tools/call", params)),
                           ("Zone", lambda: daemon.modern().request(
                               "tools/call", params, headers=by_old_list))):
            assert client.request("tools/call", params).result["content"] == []
            server.listed = server.wanted = name
            server.calls.clear()
            got = call()
            assert got.result["content"] == [] and server.calls == [False, True], server.calls
        server.wanted = "Never"
        server.calls.clear()
        error = client.call("a.where", {"region": "eu"}).error
        assert error["code"] == -32603 and "refused neurond's request" in error["message"], error
        assert server.calls == [False, False], "once more, and not for ever"


def test_a_call_that_is_cancelled_is_told():
    with HttpServer() as server, Neurond({"a": leg(server, call_timeout="500ms")}) as daemon, \
            daemon.client() as client:
        assert client.call("a.slow", {"ms": 5000}).error["data"]["type"] == "timeout"
        told = wait_for("notifications/cancelled", lambda: [
            r for r in server.requests if r.message.get("method") == "notifications/cancelled"])
        slow = next(r for r in server.requests if r.params.get("name") == "slow")
        assert told[0].params["requestId"] == slow.id
        expect_tidy(server)


def test_an_outage_is_no_verdict_on_the_era():
    class Sick(HttpServer):
        sick = True

        def posted(self, conn, request):
            if self.sick and request.message.get("method") == "server/discover":
                return self.reply(conn, 503)
            return super().posted(conn, request)
    with Sick("modern", sessions=False) as server, Neurond({"a": leg(server)}) as daemon:
        daemon.wait_for_log("a: restarting .*HTTP 503")
        server.sick = False
        daemon.wait_for_log("a: healthy")
        assert not [r for r in server.requests if r.message.get("method") == "initialize"]


def test_addresses_beyond_loopback_are_refused():
    with HttpServer() as server:
        for host, healthy in (("localhost", True), ("127.0.0.1", True)):
            url = server.url.replace("127.0.0.1", host)
            with Neurond({"a": {"transport": "localhost", "url": url}}) as daemon:
                daemon.wait_for_log("a: healthy" if healthy else "a: restarting")
        with Neurond({"a": {"url": "http://no-such-host.invalid/"}}) as daemon:
            daemon.wait_for_log(r"a: restarting \(.*no-such-host.invalid")


main(__name__)
