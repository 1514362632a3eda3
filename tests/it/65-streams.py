"""Streams of legacy sessions: several at once, resumed after a cut at any byte."""
import json
import os
import signal
import threading

from fixtures.asker import HttpAsker

from harness import Neurond, hostile, main, scaled
from mcp import McpClient
from rawhttp import Closed, Conn, sse_events, wait_for

PATH = "/api/v1/mcp"


def post_bytes(client, tool, arguments, token="t"):
    body = json.dumps({"jsonrpc": "2.0", "id": "me", "method": "tools/call", "params": {
        "name": tool, "arguments": arguments, "_meta": {"progressToken": token}}}).encode()
    lines = [f"POST {PATH} HTTP/1.1", "Host: localhost", f"Content-Length: {len(body)}"]
    lines += [f"{n}: {v}" for n, v in client.headers()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def dechunk(raw):
    """The whole events in the first bytes of a response: what a client has seen."""
    _, mark, rest = raw.partition(b"\r\n\r\n")
    text = b""
    while mark and b"\r\n" in rest:
        size, _, rest = rest.partition(b"\r\n")
        text += rest[:int(size, 16)]
        rest = rest[int(size, 16) + 2:]
    return list(sse_events([text[:text.rfind(b"\n\n") + 2] if b"\n\n" in text else b""]))


def first_bytes(address, request, count):
    """Sends a request and reads so many bytes of what comes back; then the line is cut."""
    with Conn(address) as conn:
        conn.send(request)
        return conn.exactly(count)


def resumed(client, last_id):
    """All events of the stream that goes on there, to its end."""
    stream = client.stream(last_id)
    assert stream.head.status == 200, stream.head
    events = []
    while (event := stream.events.get(timeout=15)) is not None:
        events.append(event)
    stream.close()
    return events


def messages(events):
    return [json.loads(event.data) for event in events if event.data]


def whole(client, tool, arguments):
    with Conn(client.address) as conn:
        conn.send(post_bytes(client, tool, arguments))
        conn.head()
        size = len(b"".join(conn.chunks()))
    with Conn(client.address) as conn:
        conn.send(post_bytes(client, tool, arguments))
        raw = b""
        while not raw.endswith(b"0\r\n\r\n"):
            raw += conn.exactly(1)
    events = dechunk(raw)
    assert size > 100 and messages(events)[-1]["id"] == "me", events
    return len(raw), messages(events)


def cut_everywhere(client, arguments, step, primed):
    length, wanted = whole(client, "a.progress", arguments)
    assert len(wanted) == arguments["count"] + 1
    resumptions = 0
    for cut in range(1, length, step):
        raw = first_bytes(client.address, post_bytes(client, "a.progress", arguments), cut)
        seen = dechunk(raw)
        ids = [event.id for event in seen if event.id]
        if not ids:
            assert not messages(seen), seen  # nothing seen, nothing to come back with
            continue
        rest = resumed(client, ids[-1])
        resumptions += 1
        got = messages(seen) + messages(rest)
        assert got == wanted, (cut, got, wanted)
        all_ids = ids + [event.id for event in rest if event.id]
        assert len(set(all_ids)) == len(all_ids), all_ids
    first = [e for e in seen if e.id][0]
    assert (first.data or b"") == (b"" if primed else first.data)
    assert resumptions > (length // step) // 3, (resumptions, length)


def test_a_post_cut_at_any_byte_is_resumed_without_loss():
    with Neurond({"a": hostile()}) as daemon, daemon.client() as client:
        cut_everywhere(client, {"count": 3, "ms": 0}, 1, True)


def test_a_post_cut_while_its_call_runs_is_resumed():
    with Neurond({"a": hostile()}) as daemon, daemon.client() as client:
        cut_everywhere(client, {"count": 3, "ms": 15}, scaled(17, 1), True)


def until_asked(address, request):
    """The bytes that come until the client has been asked, and then no more."""
    with Conn(address) as conn:
        conn.send(request)
        raw = b""
        while not any("id" in each for each in messages(dechunk(raw))):
            raw += conn.exactly(1)
        return raw + conn.exactly(2)  # the end of the chunk


class Replier:
    """Reads a stream to its end and replies to the one question, if it was not yet."""

    def __init__(self, client):
        self.client, self.replied, self.got = McpClient(client.address, start=False), False, []
        self.client.session = client.session

    def take(self, seen, reply=True):
        self.got += seen
        for question in [each for each in self.got if "id" in each and "method" in each]:
            if reply and not self.replied:
                self.replied = True
                assert self.client.respond(question["id"], {"action": "decline"}).status == 202

    def read(self, stream):
        assert stream.head.status == 200, stream.head
        while (message := stream.next()) is not None:
            self.take([message])
        stream.close()
        self.client.close()


def test_a_post_cut_while_its_client_is_asked_is_resumed():
    form = ["elicitation/create", {"message": "Who?", "requestedSchema": {"type": "object"}}]
    steps = {"steps": [{"progress": 1}, {"ask": [form]}, {"progress": 2}]}
    with HttpAsker() as server, Neurond({"a": {"url": server.url}}) as daemon, \
            daemon.client(capabilities={"elicitation": {}}) as client:
        request, resumptions = post_bytes(client, "a.play", steps), 0
        length = len(until_asked(daemon.address, request))
        client.notify("notifications/cancelled", {"requestId": "me"})
        for cut in range(1, length + 1, scaled(5, 1)):
            seen = dechunk(first_bytes(daemon.address, request, cut))
            ids = [event.id for event in seen if event.id]
            if not ids:  # nothing to come back with
                client.notify("notifications/cancelled", {"requestId": "me"})
                continue
            server.got.clear()
            resumptions += 1
            replier = Replier(client)
            replier.take(messages(seen), reply=cut % 2 == 0)  # with no stream there
            replier.read(client.stream(ids[-1]))
            kinds = [each.get("method", each.get("id")) for each in replier.got]
            assert kinds == ["notifications/progress", "elicitation/create",
                             "notifications/progress", "me"], (cut, replier.got)
            assert json.loads(replier.got[-1]["result"]["content"][0]["text"]) == [
                {"action": "decline"}]
            assert [each["result"] for each in server.got
                    if each["result"]["action"] == "decline"] == [{"action": "decline"}]
        assert resumptions > length // scaled(5, 1) // 3, (resumptions, length)


def test_clients_before_2025_11_25_are_not_primed_but_can_come_back():
    with Neurond({"a": hostile()}) as daemon, daemon.client(version="2025-06-18") as client:
        with Conn(daemon.address) as conn:
            conn.send(post_bytes(client, "a.progress", {"count": 2}))
            conn.head()
            events = list(sse_events(conn.chunks()))
        assert all(event.data and not event.retry for event in events), events
        cut_everywhere(client, {"count": 3, "ms": 0}, 5, False)


def test_a_client_of_2025_11_25_is_primed_and_told_when_to_come_back():
    with Neurond({"a": hostile()}) as daemon, daemon.client() as client:
        with Conn(daemon.address) as conn:
            conn.send(post_bytes(client, "a.progress", {"count": 1}))
            conn.head()
            events = list(sse_events(conn.chunks()))
        assert events[0].retry == "1000", events
        assert events[1].id and not events[1].data, events
        assert all(event.id for event in events[1:]), events


def test_a_stream_taken_over_leaves_the_old_connection():
    with Neurond({"a": hostile()}) as daemon, daemon.client() as client:
        with Conn(daemon.address) as conn:
            conn.send(post_bytes(client, "a.progress", {"count": 1, "ms": 0}))
            conn.head()
            events = list(sse_events(conn.chunks()))
        with Conn(daemon.address) as conn:
            conn.send(post_bytes(client, "a.progress", {"count": 40, "ms": 25}))
            conn.head()
            seen = []
            try:
                for event in sse_events(conn.chunks()):
                    seen.append(event)
                    if len(seen) == 4:
                        box = []
                        last = event.id
                        thread = threading.Thread(
                            target=lambda: box.extend(resumed(client, last)))
                        thread.start()
            except Closed:
                pass
            thread.join(15)
        numbers = [m["params"]["progress"] for m in messages(box) if "method" in m]
        behind = messages(seen[:4])[-1]["params"]["progress"]
        assert numbers == list(range(behind + 1, 41)), (numbers, behind)
        assert messages(box)[-1]["id"] == "me" and messages(events)[-1]["id"] == "me"


def test_ids_of_others_and_ids_that_are_none():
    with Neurond({"a": hostile()}) as daemon, daemon.client() as one, daemon.client() as two:
        with Conn(daemon.address) as conn:
            conn.send(post_bytes(one, "a.progress", {"count": 2}))
            conn.head()
            events = list(sse_events(conn.chunks()))
        assert len(messages(resumed(one, events[1].id))) == 3
        assert len(messages(resumed(one, events[-1].id))) == 0
        for bad in (events[1].id, "x", "-", events[1].id + "0", "a-p-1-1"):
            got = two.stream(bad)
            assert got.head.status == 400, (bad, got.head)
            got.close()


def test_what_was_pushed_out_is_refused_and_news_begin_with_a_notice():
    config = {"limits": {"replay_buffer": "1k"}}
    with Neurond({"a": hostile()}, config) as daemon, daemon.client() as client:
        with Conn(daemon.address) as conn:
            conn.send(post_bytes(client, "a.progress", {"count": 20}))
            conn.head()
            events = list(sse_events(conn.chunks()))
        assert client.stream(events[1].id).head.status == 400
        assert len(messages(resumed(client, events[-2].id))) == 1
        other = daemon.client().stream()
        news = other.events.get(timeout=15)  # retry
        news = other.events.get(timeout=15)
        assert news.id and not news.data
        stream = client.stream(news.id)  # of a stream this session never had
        assert stream.head.status == 200
        assert stream.next()["method"] == "notifications/tools/list_changed"
        stream.close()
        other.close()


def test_news_are_resumed_after_a_cut():
    with Neurond({"a": hostile()}) as daemon, daemon.client() as client:
        stream = client.stream()
        stream.events.get(timeout=15)
        primed = stream.events.get(timeout=15)
        client.call("a.add_tool", {"name": "one"})
        first = stream.events.get(timeout=15)
        assert json.loads(first.data)["method"] == "notifications/tools/list_changed"
        again = client.stream(primed.id)  # before the server knows of the cut
        event = again.events.get(timeout=15)
        assert (event.id, event.data) == (first.id, first.data)
        stream.close()
        again.close()
        third = client.stream(first.id)
        client.call("a.add_tool", {"name": "two"})
        event = third.events.get(timeout=15)
        assert event.id != first.id and json.loads(event.data)["method"] == (
            "notifications/tools/list_changed")
        third.close()


def test_a_message_goes_on_one_stream_of_a_session_only():
    with Neurond({"a": hostile()}) as daemon, daemon.client() as client:
        streams = [client.stream() for _ in range(3)]
        client.call("a.add_tool", {"name": "one"})
        assert streams[2].next()["method"] == "notifications/tools/list_changed"
        client.delete()  # which ends them
        assert [stream.next() for stream in streams] == [None] * 3


def test_a_session_with_its_streams_outlives_the_reactor():
    with Neurond({"a": hostile()}) as daemon, daemon.client() as client:
        stream = client.stream()
        stream.events.get(timeout=15)
        primed = stream.events.get(timeout=15)
        os.kill(daemon.reactor, signal.SIGKILL)
        assert stream.events.get(timeout=15) is None

        def back():
            try:
                again = client.stream(primed.id)
            except (OSError, Closed):
                return None
            return again if again.head.status == 200 else None
        again = wait_for("the session is adopted", back)
        assert again.next()["method"] == "notifications/tools/list_changed"
        again.close()


main(__name__)
