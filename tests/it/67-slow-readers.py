"""A client that never reads its stream costs a bounded amount, is dropped, and is named in
the log with the reason; streams of news cut at any byte are resumed."""
import json
import sys
import time

from fixtures import asker

from harness import HERE, SANITIZED, Neurond, main, scaled
from lines import SocketLines
from mcp import PREFIX
from rawhttp import Conn, render, sse_events, wait_for

UPDATED = "notifications/resources/updated"
DIR = "mem:///dir/"
QUICK = {"limits": {"body_timeout": "1s"}}  # how long a client may read nothing
GROWTH_MAX = 48 << 20


def news_server():
    return {"command": sys.executable, "args": [str(HERE / "fixtures/news.py")]}


def get_stream(client, last_id=None):
    """The GET stream of a session, of which nobody reads yet."""
    headers = [("Accept", "text/event-stream")] + client.headers()[2:]
    if last_id:
        headers.append(("Last-Event-ID", last_id))
    conn = Conn(client.address)
    lines = [f"GET {client.path} HTTP/1.1", "Host: localhost"]
    conn.send("\r\n".join(lines + [f"{n}: {v}" for n, v in headers]).encode() + b"\r\n\r\n")
    return conn


def deaf_listen(daemon):
    modern = daemon.modern()
    raw = modern.with_meta({"notifications": {"resourceSubscriptions": [DIR]}})
    body = b'{"jsonrpc":"2.0","id":1,"method":"subscriptions/listen","params":%s}' % raw
    fields = modern.headers_for("subscriptions/listen", {})
    conn = Conn(daemon.address)
    lines = ["POST /api/v1/mcp HTTP/1.1", "Host: localhost", f"Content-Length: {len(body)}"]
    conn.send("\r\n".join(lines + [f"{n}: {v}" for n, v in fields.items()]).encode()
              + b"\r\n\r\n" + body)
    assert conn.head().status == 200
    return conn


def news_until_logged(daemon, client, pattern, seconds=60):
    """Long news, again and again, until a line of the log matches; what that cost."""
    before, most, end = daemon.rss(), 0, time.monotonic() + seconds
    while True:
        client.call("a.scatter", {"uri": DIR, "count": 100, "pad": 8000})
        most = max(most, daemon.rss())
        try:
            line = daemon.wait_for_log(pattern, 0.1)
        except AssertionError:
            assert time.monotonic() < end, f"no line like {pattern}"
            continue
        assert SANITIZED or most - before < GROWTH_MAX, f"{(most - before) >> 20} MiB"
        return line


def test_of_an_answer_that_nobody_reads_yet_messages_are_dropped_first():
    count, child = 12500, {"command": sys.executable, "args": [asker.__file__]}
    with Neurond({"a": child}) as daemon, daemon.client() as client:
        client.request("logging/setLevel", {"level": "debug"})
        body = json.dumps({"jsonrpc": "2.0", "id": "me", "method": "tools/call", "params": {
            "name": "a.play", "arguments": {"steps": [{"chatter": [count, 8000]}]}}}).encode()
        before = daemon.rss()
        with Conn(daemon.address) as conn:
            conn.send(render("POST", client.path, client.headers(), body))
            assert conn.head().status == 200
            wait_for("the server has said it all", lambda: json.loads(
                daemon.run("status", "--json").stdout)["calls_in_flight"] == 0, 60)
            grown = daemon.rss() - before
            assert SANITIZED or grown < GROWTH_MAX, f"{grown >> 20} MiB"
            got = [json.loads(each.data) for each in sse_events(conn.chunks()) if each.data]
        assert got[-1]["id"] == "me" and got[-1]["result"]["content"][0]["text"] == "[]", got[-1]
        assert 0 < len(got) - 1 < count, len(got)


def test_a_get_stream_that_nobody_reads():
    with Neurond({"a": news_server()}, QUICK) as daemon, daemon.client() as client:
        with daemon.client() as deaf:
            assert deaf.request("resources/subscribe", {"uri": DIR}).result == {}
            with get_stream(deaf):
                news_until_logged(daemon, client, "warn http: .*dropped: the client does not "
                                  r"read \(\d+ bytes")
            stream = deaf.stream()  # the session lives on, and its news have waited
            assert stream.next()["method"] == UPDATED
            stream.close()


def test_a_listen_that_nobody_reads():
    with Neurond({"a": news_server()}, QUICK) as daemon, daemon.client() as client:
        with deaf_listen(daemon):
            news_until_logged(daemon, client,
                              "warn http: .*subscription is ended: the client does not read")
            news_until_logged(daemon, client, "warn http: .*dropped: the client does not read")


def test_lines_that_nobody_reads():
    with Neurond({"a": news_server()}, QUICK) as daemon, daemon.client() as client:
        path = daemon.dir / "run" / "neurond.sock"
        with SocketLines(path) as deaf:
            deaf.initialize()
            assert deaf.request("resources/subscribe", {"uri": DIR})["result"] == {}
            news_until_logged(daemon, client, "warn ndjson: .*dropped: the client does not read")


def test_a_listen_in_lines_that_nobody_reads():
    with Neurond({"a": news_server()}, QUICK) as daemon, daemon.client() as client:
        with SocketLines(daemon.dir / "run" / "neurond.sock") as deaf:
            deaf.start("subscriptions/listen", {"_meta": deaf.meta, "notifications": {
                "resourceSubscriptions": [DIR]}})
            assert deaf.read()["params"]["_meta"][PREFIX + "subscriptionId"] == 1
            news_until_logged(daemon, client, "warn ndjson: .*subscription is ended: "
                              "the client does not read")
            news_until_logged(daemon, client, "warn ndjson: .*dropped: the client does not read")


# --- cuts ------------------------------------------------------------------------------

NEWS = [DIR + str(n) for n in range(3)]


def uris(events):
    return [json.loads(event.data)["params"]["uri"] for event in events if event.data]


def whole_events(raw):
    """The events that a client has seen whole in these first bytes of a response."""
    _, _, rest = raw.partition(b"\r\n\r\n")
    text = b""
    while b"\r\n" in rest:
        size, _, rest = rest.partition(b"\r\n")
        text += rest[:int(size, 16)]
        rest = rest[int(size, 16) + 2:]
    return list(sse_events([text[:text.rfind(b"\n\n") + 2] if b"\n\n" in text else b""]))


def subscribed(daemon):
    client = daemon.client()
    assert client.request("resources/subscribe", {"uri": DIR}).result == {}
    client.close()
    return client, get_stream(client)


def length_of_all(daemon, client):
    """Up to the end of the last event. Every session counts anew, so it is always that."""
    _, conn = subscribed(daemon)
    client.call("a.scatter", {"uri": DIR, "count": len(NEWS)})
    with conn:
        raw = b""
        while uris(whole_events(raw)) != NEWS:
            raw += conn.exactly(1)
        return len(raw)


def resume(client, seen):
    """Comes back with the last id; the stream, which has brought all that was missing."""
    conn = get_stream(client, [event.id for event in seen if event.id][-1])
    assert conn.head().status == 200
    events, got = sse_events(conn.chunks()), uris(seen)
    while len(got) < len(NEWS):
        got += uris([next(events)])
    assert got == NEWS, got
    return conn, events


def cut_at(daemon, client, cuts):
    streams = [(cut, *subscribed(daemon)) for cut in cuts]
    client.call("a.scatter", {"uri": DIR, "count": len(NEWS)})
    resumed = []
    for cut, session, conn in streams:
        with conn:
            seen = whole_events(conn.exactly(cut))
        if any(event.id for event in seen):
            resumed.append(resume(session, seen))
        else:
            assert not uris(seen), cut  # nothing seen, nothing to come back with
    client.call("a.touch", {"uri": DIR + "last"})
    for conn, events in resumed:
        assert uris([next(events)]) == [DIR + "last"]  # nothing came twice
        conn.close()
    return len(resumed)


def test_a_get_stream_cut_at_any_byte_is_resumed_without_loss():
    with Neurond({"a": news_server()}) as daemon, daemon.client() as client:
        length = length_of_all(daemon, client)
        cuts = list(range(1, length + 1, scaled(3, 1)))
        resumed = sum(cut_at(daemon, client, cuts[at:at + 100])
                      for at in range(0, len(cuts), 100))
        assert resumed > len(cuts) // 3, (resumed, len(cuts))


main(__name__)
