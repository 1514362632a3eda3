"""Clients of 2026-07-28: discover, lists, calls, progress, hanging up. And servers of
2026-07-28 on stdio, and how a server's era is found out."""
import json
import threading
import time

from harness import Neurond, hostile, main
from mcp import MODERN, PREFIX, McpClient
from rawhttp import Conn, render, wait_for

VERSION, CAPS, INFO = (PREFIX + key for key in
                       ("protocolVersion", "clientCapabilities", "clientInfo"))
PARAMS = -32602
ECHO = {"name": "a.echo", "arguments": {"text": "x"}}


def test_discover():
    with Neurond({"a": hostile()}) as daemon, daemon.modern() as client:
        got = client.discover()
        assert got["resultType"] == "complete" and got["supportedVersions"] == [MODERN], got
        assert isinstance(got["capabilities"]["tools"], dict) and "extensions" not in got, got
        assert got["ttlMs"] == 0 and got["cacheScope"] == "private", got
        assert got["_meta"][PREFIX + "serverInfo"]["name"] == "neurond", got
        assert "protocolVersion" not in got and "serverInfo" not in got, got


def test_a_list_and_a_call():
    with Neurond({"b": hostile("tools=two"), "a": hostile("tools=one")}) as daemon:
        with daemon.modern() as client, daemon.client() as legacy:
            got = client.request("tools/list").result
            assert [t["name"] for t in got["tools"]] == ["a.one", "b.two"], got
            assert got["resultType"] == "complete" and got["cacheScope"] == "private", got
            assert type(got["ttlMs"]) is int and "nextCursor" not in got, got
            assert legacy.request("tools/list").result.keys() == {"tools"}
            first = client.call("a.one", {"text": "x"})
            assert first.text == "x" and first.http.header("content-type") == "application/json"
            assert first.result == {"resultType": "complete",
                                    "content": [{"type": "text", "text": "x"}]}, first.raw
            assert "resultType" not in legacy.call("a.one").result
            sent = json.loads(daemon.received("a")[-2])
            assert not any(key.startswith(PREFIX) for key in sent["params"].get("_meta", {})), sent


def test_result_type_is_there_once():
    rows = [(b'{"content":[]}', b'{"resultType":"complete","content":[]}'),
            (b"{}", b'{"resultType":"complete"}'),
            (b'{ "content" : [ ] }', None),
            (b'{"resultType":"complete","content":[]}', b'{"resultType":"complete","content":[]}'),
            (b'{"content":[],"result\\u0054ype":"complete"}',
             b'{"content":[],"result\\u0054ype":"complete"}'),
            (b'{"content":[{"resultType":"x"}]}',
             b'{"resultType":"complete","content":[{"resultType":"x"}]}')]
    for traits in ((), ("modern",)):
        with Neurond({"a": hostile(*traits)}) as daemon, daemon.modern() as client:
            for body, want in rows:
                got = client.call_raw("a.verbatim", b'{"result":' + body + b"}")
                assert got.result["resultType"] == "complete", got.raw
                assert want is None or got.raw.endswith(b'"result":' + want + b"}"), got.raw
                assert got.raw.replace(b"\\u0054", b"T").count(b'"resultType":"complete"') == 1


def test_progress_comes_as_events_before_the_answer():
    with Neurond({"a": hostile(), "m": hostile("modern")}) as daemon, daemon.modern() as client:
        for server in ("a", "m"):
            for token in ("tok-\u00e9", 0, ""):
                got = client.call(f"{server}.progress", {"count": 4, "ms": 20},
                                  meta={"progressToken": token})
                notes = [m["params"] for m in got.before]
                assert [n["progress"] for n in notes] == [1, 2, 3, 4], got.before
                assert all(n["progressToken"] == token and type(n["progressToken"]) is type(token)
                           for n in notes), notes
                assert got.text == "done" and got.result["resultType"] == "complete", got.raw
                assert got.http.header("x-accel-buffering") == "no"
        got = client.request("tools/call", {"name": "a.progress", "_meta": {"progressToken": 1}},
                             headers={"Accept": "application/json"})
        assert got.text == "done" and not got.before
        assert got.http.header("content-type") == "application/json"
        got = client.request("tools/call", ECHO, headers={"Accept": "text/event-stream"})
        assert got.text == "x" and "event-stream" in got.http.header("content-type")


def told(daemon, server):
    """The ids of calls that the server was told to forget."""
    return [json.loads(line)["params"]["requestId"] for line in daemon.received(server)
            if b"notifications/cancelled" in line]


def calls(daemon, server):
    return [json.loads(line)["id"] for line in daemon.received(server) if b'"tools/call"' in line]


def post(daemon, client, tool, arguments, meta=None):
    """Sends a call and reads nothing."""
    params = {"name": tool, "arguments": arguments, **({"_meta": meta} if meta else {})}
    conn = Conn(daemon.address)
    body = b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":%s}' % client.with_meta(params)
    conn.send(render("POST", "/api/v1/mcp",
                     list(client.headers_for("tools/call", params).items()), body))
    return conn


def test_hanging_up_cancels():
    with Neurond({"a": hostile(), "m": hostile("modern")}) as daemon, daemon.modern() as client:
        for server in ("a", "m"):
            conn = post(daemon, client, f"{server}.silent", {})
            wait_for("the call is there", lambda: len(calls(daemon, server)) == 1)
            conn.close()
            wait_for("the child is told", lambda: told(daemon, server) == calls(daemon, server))
            # in the midst of events, too
            conn = post(daemon, client, f"{server}.progress", {"count": 1000, "ms": 20},
                        {"progressToken": "p"})
            assert conn.head().status == 200
            conn.until(b"notifications/progress")
            conn.close()
            wait_for("the child is told", lambda: told(daemon, server) == calls(daemon, server))
            # an answer that has come is nothing to cancel
            assert client.call(f"{server}.echo", {"text": "x"}).text == "x"
        wait_for("all is in the audit", lambda: sum(
            '"cancelled"' in line for line in daemon.audit()) == 4)


def test_hanging_up_takes_a_call_out_of_the_queue():
    with Neurond({"a": hostile(max_in_flight=1)}) as daemon, daemon.modern() as client:
        first = post(daemon, client, "a.sleep_ms", {"ms": 600, "text": "1"})
        wait_for("the call is there", lambda: len(calls(daemon, "a")) == 1)
        second = post(daemon, client, "a.echo", {"text": "2"})
        time.sleep(0.1)
        second.close()
        assert first.response().status == 200
        first.close()
        assert client.call("a.echo", {"text": "3"}).text == "3"
        assert len(calls(daemon, "a")) == 2 and not told(daemon, "a"), daemon.received("a")


# -- servers

def test_a_modern_server_behind_both_kinds_of_clients():
    with Neurond({"m": hostile("modern", "pages=3"), "l": hostile()}) as daemon:
        with daemon.modern() as modern, daemon.client() as legacy:
            for client in (modern, legacy):
                names = client.tools()
                assert {"m.echo", "l.echo"} <= set(names) and names == sorted(names), names
                assert client.call("m.echo", {"text": "h\u00e9"}).text == "h\u00e9"
                assert client.call("m.none").error["code"] == PARAMS
                own = b'{"code":-32001,"message":"m","data":[1E5]}'
                got = client.call_raw("m.fail", b'{"error":' + own + b"}")
                assert b'"error":' + own in got.raw, got.raw
            stream = legacy.stream()
            legacy.call("m.add_tool", {"name": "brand-new"})
            assert stream.next()["method"] == "notifications/tools/list_changed"
            stream.close()
            wait_for("the tool is listed", lambda: "m.brand-new" in modern.tools())
        lines = [json.loads(line) for line in daemon.received("m")]
        assert lines[0]["method"] == "server/discover", lines[0]
        for message in lines:
            assert message["method"] not in ("initialize", "notifications/initialized"), message
            if "id" in message:
                sent = message["params"]["_meta"]
                assert sent[VERSION] == MODERN and sent[CAPS] == {}, message
                assert sent[INFO]["name"] == "neurond", message
        assert [json.loads(line)["method"] for line in daemon.received("l")][:3] == [
            "server/discover", "initialize", "notifications/initialized"]


def test_the_keys_of_one_hop_stay_on_it():
    with Neurond({"m": hostile("modern"), "l": hostile()}) as daemon:
        with daemon.modern(capabilities={"roots": {}, "sampling": {}}) as client:
            for server in ("m", "l"):
                client.call(f"{server}.echo", meta={"traceparent": "00-1", PREFIX + "logLevel":
                                                    "debug", "a/b": 1.5, "progressToken": 7})
                sent = json.loads(daemon.received(server)[-1])["params"]["_meta"]
                assert sent["traceparent"] == "00-1" and sent["a/b"] == 1.5, sent
                # To a modern server neurond says for itself what its client has said.
                modern = server == "m"
                assert sent.get(PREFIX + "logLevel") == ("debug" if modern else None), sent
                assert sent.get(CAPS) == ({"roots": {}, "sampling": {}} if modern
                                          else None), sent
                assert sent.get(INFO, {}).get("name") == ("neurond" if server == "m" else None)


def test_servers_that_do_not_know_the_probe():
    refusing = {f"e{n}": hostile(f"probe={code}") for n, code in
                enumerate((-32601, -32602, -32600, -32000, 0, -32020, -32021, -32603))}
    with Neurond({**refusing, "exits": hostile("probe=exit")}) as daemon:
        with daemon.client() as legacy, daemon.modern() as modern:
            for name in (*refusing, "exits"):
                assert legacy.call(f"{name}.echo", {"text": "1"}).text == "1"
                assert modern.call(f"{name}.echo", {"text": "2"}).text == "2"
        said = [json.loads(line).get("method") for line in daemon.received("exits")]
        assert said[:2] == ["server/discover", "initialize"], said
        assert not any("exits: restarting" in line for line in daemon.lines), daemon.log
        # what was found out is remembered for the next process
        with daemon.modern() as client:
            client.call("exits.crash")
            wait_for("it is back", lambda: "exits.echo" in client.tools())
        again = [json.loads(line).get("method") for line in daemon.received("exits")]
        assert again.count("server/discover") == 1, again


def test_a_protocol_that_is_configured():
    off = {"backoff": "1h", "backoff_max": "1h"}
    downstreams = {
        "old": hostile("probe=exit", protocol="legacy"), "new": hostile("modern", protocol="modern"),
        "auto": hostile("modern", protocol="auto"),
        "never-new": hostile(protocol="modern", **off),
        "never-old": hostile("modern", protocol="legacy", **off),
        "ends": hostile("probe=exit", protocol="modern", **off)}
    with Neurond(downstreams) as daemon, daemon.modern() as client:
        assert {name.split(".")[0] for name in client.tools()} == {"old", "new", "auto"}
        for name in ("old", "new", "auto"):
            assert client.call(f"{name}.echo", {"text": "x"}).text == "x"
        assert b"server/discover" not in b"".join(daemon.received("old"))
        for name in ("never-new", "never-old", "ends"):
            error = client.call(f"{name}.echo").error
            assert error["data"]["type"] == "unavailable", error
        assert "2026-07-28" in client.call("never-new.echo").error["message"]
        assert not any(b"initialize" in line for line in daemon.received("never-new"))
        assert len(daemon.received("ends")) == 1, daemon.received("ends")


def test_a_server_that_is_silent_when_probed():
    began = time.monotonic()
    with Neurond({"a": hostile("probe=silent")}) as daemon, daemon.client() as client:
        assert 2.5 < time.monotonic() - began < 8
        assert client.call("a.echo", {"text": "x"}).text == "x"


def test_both_eras_at_once_on_one_connection():
    with Neurond({"a": hostile()}) as daemon:
        with daemon.client() as legacy, daemon.modern() as modern:
            shared = McpClient(daemon.address, start=False)
            for n in range(20):
                for who in (legacy, modern):
                    who.close()
                    who.conn = shared.conn
                    assert who.call("a.echo", {"text": str(n)}).text == str(n)
                    shared.conn, who.conn = who.conn, None
            shared.close()


def test_many_at_once_each_get_their_own():
    with Neurond({"m": hostile("modern"), "l": hostile()}) as daemon:
        wrong = []

        def work(me):
            with daemon.modern() as client:
                for n in range(30):
                    text = f"{me}-{n}"
                    server = "ml"[(me + n) % 2]
                    got = client.call(f"{server}.reorder", {"ms": 5, "text": text})
                    if got.text != text:
                        wrong.append((text, got.raw))
        threads = [threading.Thread(target=work, args=(me,)) for me in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        assert not wrong and not any(t.is_alive() for t in threads), wrong[:3]


main(__name__)
