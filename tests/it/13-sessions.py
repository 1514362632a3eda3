"""Legacy sessions over Streamable HTTP: the four revisions, the GET stream, DELETE,
progress on a POST's stream, cancellation, change notices."""
import json
import re
import threading

from harness import Neurond, hostile, main
from mcp import LEGACY, McpClient, ModernClient
from rawhttp import Conn, wait_for


def test_all_four_revisions():
    with Neurond({"a": hostile("tools=one")}) as daemon:
        for version in LEGACY:
            with daemon.client(version=version) as client:
                assert client.server_info["serverInfo"]["name"] == "neurond"
                assert client.server_info["capabilities"]["tools"]["listChanged"] is True
                assert re.fullmatch(r"[\x21-\x7e]{22,}", client.session), client.session
                assert client.tools() == ["a.one"]
                assert client.call("a.one", {"text": version}).text == version
                assert client.request("ping").result == {}
        with McpClient(daemon.address, start=False) as client:
            for asked, given in (("2024-10-07", LEGACY[-1]), ("2099-01-01", LEGACY[-1]),
                                 ("2026-07-28", LEGACY[-1])):
                got = client.request("initialize", {
                    "protocolVersion": asked, "capabilities": {},
                    "clientInfo": {"name": "it", "version": "1"}})
                assert got.result["protocolVersion"] == given, got.raw


def test_every_path_of_the_endpoint():
    with Neurond({"a": hostile("tools=one"), "b": hostile("tools=two")}) as daemon:
        with daemon.client(path="/mcp") as client:
            assert client.tools() == ["a.one", "b.two"]


def test_sessions_that_are_missing_wrong_or_over():
    with Neurond({"a": hostile()}) as daemon, daemon.client() as client:
        headers = [h for h in client.headers() if h[0] != "Mcp-Session-Id"]
        body = b'{"jsonrpc":"2.0","id":1,"method":"tools/list"}'
        assert client.post(body, headers).status == 400
        for bad in ("x", client.session[:-1], client.session + "A", client.session[::-1],
                    client.session[:-2] + ("AA" if client.session[-2:] != "AA" else "BB")):
            got = client.post(body, headers + [("Mcp-Session-Id", bad)])
            assert got.status == 404, (bad, got.raw)
        got = client.post(body, client.headers()[:-1] + [("MCP-Protocol-Version", "1999-01-01")])
        assert got.status == 400, got.raw
        got = client.post(body, client.headers()[:-1] + [("MCP-Protocol-Version", "2025-03-26")])
        assert got.status == 200, got.raw
        assert client.delete().status in (200, 204)
        assert client.post(body).status == 404
        assert client.delete().status == 404


def test_a_batch_of_2025_03_26():
    with Neurond({"a": hostile()}) as daemon, daemon.client(version="2025-03-26") as client:
        body = json.dumps([
            {"jsonrpc": "2.0", "id": "slow", "method": "tools/call", "params": {
                "name": "a.sleep_ms", "arguments": {"ms": 200, "text": "1"}}},
            {"jsonrpc": "2.0", "method": "notifications/initialized"},
            {"jsonrpc": "2.0", "id": 2, "method": "ping"}]).encode()
        got = client.post(body)
        assert got.status in (200, 400), got.raw
        if got.status == 200:
            answers = got.message if isinstance(got.message, list) else [*got.before, got.message]
            assert sorted(str(m["id"]) for m in answers) == ["2", "slow"], got.raw


def test_progress_comes_before_the_answer_with_the_clients_token():
    with Neurond({"a": hostile()}) as daemon, daemon.client() as client:
        for token in ("tok-\u00e9", 0, 7, "1"):
            got = client.call("a.progress", {"count": 5, "ms": 20}, meta={"progressToken": token})
            assert got.text == "done"
            notes = [m["params"] for m in got.before
                     if m["method"] == "notifications/progress"]
            assert [n["progress"] for n in notes] == [1, 2, 3, 4, 5], got.before
            assert all(n["progressToken"] == token and type(n["progressToken"]) is type(token)
                       for n in notes), notes
            assert "text/event-stream" in got.http.header("content-type")
        got = client.call("a.progress", {"count": 5})
        assert got.text == "done" and not got.before
        assert "application/json" in got.http.header("content-type")


def test_progress_extends_the_timeout_up_to_its_cap():
    with Neurond({"a": hostile(call_timeout="600ms", call_timeout_max="2s")}) as daemon:
        with daemon.client() as client:
            got = client.call("a.progress", {"count": 4, "ms": 300}, meta={"progressToken": 1})
            assert got.text == "done"
            got = client.call("a.progress", {"count": 30, "ms": 300}, meta={"progressToken": 1})
            assert got.error["data"]["type"] == "timeout", got.raw


def test_list_changed_reaches_every_session_that_listens():
    with Neurond({"a": hostile()}) as daemon, daemon.client() as one, daemon.client() as two:
        streams = [one.stream(), two.stream()]
        assert all(s.head.status == 200 for s in streams)
        one.call("a.add_tool", {"name": "brand-new"})
        for stream in streams:
            assert stream.next()["method"] == "notifications/tools/list_changed"
        wait_for("the tool is listed", lambda: "a.brand-new" in one.tools())
        assert two.call("a.brand-new", {"text": "x"}).text == "x"
        for stream in streams:
            stream.close()


def test_a_stream_ends_with_its_session():
    with Neurond({"a": hostile()}) as daemon, daemon.client() as client:
        stream = client.stream()
        assert "text/event-stream" in stream.head.header("content-type")
        assert client.delete().status in (200, 204)
        assert stream.next() is None
        assert client.stream().head.status == 404
        with Conn(daemon.address) as conn:
            assert conn.request("GET", "/api/v1/mcp", [("Accept", "application/json")]).status in (
                400, 405, 406)


def test_keepalive_comments_keep_a_silent_stream_open():
    with Neurond({"a": hostile()}, {"http": {"keepalive_comment": "1s"},
                                    "limits": {"idle_timeout": "2s"}}) as daemon:
        with daemon.client() as client:
            stream = client.stream()
            stream.conn.sock.settimeout(10)
            for _ in range(4):
                assert not any(event.data for event in list(stream.events.queue))
                threading.Event().wait(1)  # longer than the idle timeout in all
            client.call("a.add_tool", {"name": "later"})
            assert stream.next()["method"] == "notifications/tools/list_changed"
            stream.close()


def test_comments_come_while_a_call_or_a_listen_is_silent():
    tool = {"name": "a.silent", "arguments": {}}
    ears = {"notifications": {"toolsListChanged": True}}
    with Neurond({"a": hostile()}, {"http": {"keepalive_comment": "1s"}}) as daemon:
        with daemon.client() as legacy:
            modern = ModernClient(daemon.address)
            for method, params, headers in (
                    ("tools/call", tool, legacy.headers()),
                    ("tools/call", modern.with_meta(tool),
                     modern.headers_for("tools/call", tool).items()),
                    ("subscriptions/listen", modern.with_meta(ears),
                     modern.headers_for("subscriptions/listen", ears).items())):
                raw = params if isinstance(params, bytes) else json.dumps(params).encode()
                body = b'{"jsonrpc":"2.0","id":1,"method":"%s","params":%s}' % (
                    method.encode(), raw)
                with Conn(daemon.address) as conn:
                    conn.send(b"POST /api/v1/mcp HTTP/1.1\r\nHost: localhost\r\n" + "".join(
                        f"{n}: {v}\r\n" for n, v in headers).encode()
                        + b"Content-Length: %d\r\n\r\n" % len(body) + body)
                    assert conn.head().header("content-type") == "text/event-stream"
                    comments = (chunk for chunk in conn.chunks() if chunk.startswith(b":"))
                    assert next(comments) and next(comments)
            legacy.notify("notifications/cancelled", {"requestId": 1})


def test_cancelling_reaches_the_child_and_no_answer_comes():
    with Neurond({"a": hostile()}) as daemon, daemon.client() as client:
        box = []

        def call():
            with_id = McpClient(daemon.address, start=False)
            with_id.session = client.session
            try:
                box.append(with_id.request("tools/call", {"name": "a.silent"}, id_raw='"c-1"'))
            except Exception as error:  # a closed stream is fine
                box.append(error)
        thread = threading.Thread(target=call)
        thread.start()
        wait_for("the call is there", lambda: any(
            b"tools/call" in line for line in daemon.received("a")))
        assert client.notify("notifications/cancelled", {"requestId": "c-1"}).status == 202

        def told():
            for line in daemon.received("a"):
                message = json.loads(line)
                if message.get("method") == "notifications/cancelled":
                    return message["params"]["requestId"]
            return None
        ours = wait_for("the child is told", told)
        call_id = [json.loads(line)["id"] for line in daemon.received("a")
                   if b"tools/call" in line][0]
        assert ours == call_id
        thread.join(10)
        assert not thread.is_alive()
        if hasattr(box[0], "message"):
            assert not box[0].message or "result" not in box[0].message, box[0].raw
        assert client.call("a.echo", {"text": "x"}).text == "x"
        assert '"cancelled"' in daemon.audit()[1], daemon.audit()


def test_leaving_does_not_cancel_a_legacy_call():
    with Neurond({"a": hostile()}) as daemon, daemon.client() as client:
        with Conn(daemon.address) as conn:
            body = b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":' \
                   b'{"name":"a.sleep_ms","arguments":{"ms":300}}}'
            conn.send(b"POST /api/v1/mcp HTTP/1.1\r\nHost: localhost\r\n" + "".join(
                f"{n}: {v}\r\n" for n, v in client.headers()).encode()
                + b"Content-Length: %d\r\n\r\n" % len(body) + body)
            wait_for("the call is there", lambda: any(
                b"tools/call" in line for line in daemon.received("a")))
        assert client.call("a.sleep_ms", {"ms": 500, "text": "x"}).text == "x"
        assert not any(b"notifications/cancelled" in line for line in daemon.received("a"))


def test_when_sessions_are_full_the_longest_unused_makes_room():
    with Neurond({"a": hostile()}, {"limits": {"sessions": 5}}) as daemon:
        clients = [daemon.client() for _ in range(8)]
        with Conn(daemon.address) as conn:
            health = json.loads(conn.request("GET", "/health").body)
        assert health["http_sessions"]["active"] == 5, health
        for n, client in enumerate(clients):  # the sealed id takes a client in again
            assert client.call("a.echo", {"text": str(n)}).text == str(n)


def test_idle_sessions_end():
    config = {"limits": {"session_idle": "1s"}}
    with Neurond({"a": hostile()}, config) as daemon:
        client = daemon.client()

        def idle_over():
            return client.post(b'{"jsonrpc":"2.0","id":1,"method":"ping"}').status == 404
        threading.Event().wait(1.5)
        wait_for("idle sessions end", idle_over, step=1.2)


main(__name__)
