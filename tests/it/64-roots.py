"""Servers ask outside any call, most for roots right after the handshake. Where each session
has a server of its own its client is asked, on whatever it listens to; else that of the next
call, and a server that could not wait is told to ask again."""
import json
import queue
import sys

from fixtures.http_server import HttpServer

from harness import HERE, Neurond, main
from lines import SocketLines
from mcp import McpClient
from rawhttp import DEADLINE, wait_for

ROOTS = {"roots": [{"uri": "file:///tmp/r", "name": "r 1.10"}]}
QUESTION = {"jsonrpc": "2.0", "id": "r1", "method": "roots/list"}
CAPS = {"roots": {"listChanged": True}}


class Rooted(HttpServer):
    """Keeps what its clients reply, and whether their roots have changed."""

    def __init__(self):
        self.heard = queue.Queue()
        super().__init__()

    def posted(self, conn, request):
        message = request.message
        method = message.get("method")
        if method is None or method == "notifications/roots/list_changed":
            if "error" not in message:  # of the one for those who can do nothing
                self.heard.put(message)
            return self.reply(conn, 202)
        return super().posted(conn, request)


def pooled(daemon, server):
    """A client that has a connection of its own to the server, with a stream."""
    client = McpClient(daemon.address, capabilities=CAPS)
    client.call("a.echo")
    wait_for("its stream", lambda: len(server.streams) == 2)
    return client


class Replies:
    """Answers questions on the stream of a call, over another connection."""

    def __init__(self, client):
        self.client, self.asked = client, []

    def __call__(self, message):
        if "method" in message:
            self.asked.append(message)
            respond(self.client, message["id"], ROOTS)


def respond(client, id_value, result):
    with McpClient(client.address, start=False) as other:
        other.session = client.session
        assert other.respond(id_value, result).status == 202


def test_the_next_call_brings_the_roots():
    with Rooted() as server, Neurond({"a": {"url": server.url}}) as daemon, \
            pooled(daemon, server) as client:
        server.push(QUESTION)
        replies = Replies(client)
        got = client.call("a.slow", {"ms": 1500}, on_event=replies)
        assert "result" in got.message, got.raw
        assert [each["method"] for each in replies.asked] == ["roots/list"]
        assert server.heard.get(timeout=DEADLINE) == {
            "jsonrpc": "2.0", "id": "r1", "result": ROOTS}


def test_a_call_too_short_for_a_reply_does_not_lose_the_question():
    with Rooted() as server, Neurond({"a": {"url": server.url}}) as daemon, \
            pooled(daemon, server) as client:
        server.push(QUESTION)
        asked = []

        def asked_twice():
            client.call("a.slow", {"ms": 300}, on_event=asked.append)
            return [each.get("method") for each in asked].count("roots/list") == 2
        wait_for("it is asked in two calls", asked_twice)
        assert server.heard.get(timeout=DEADLINE)["result"] == {"roots": []}


def test_who_cannot_wait_is_told_to_ask_again():
    with Rooted() as server, Neurond({"a": {"url": server.url}}) as daemon, \
            pooled(daemon, server) as client:
        server.push(QUESTION)
        assert server.heard.get(timeout=DEADLINE)["result"] == {"roots": []}
        client.call("a.echo")
        assert server.heard.get(timeout=DEADLINE) == {
            "jsonrpc": "2.0", "method": "notifications/roots/list_changed"}
        client.call("a.echo")
        assert server.heard.empty(), json.dumps(server.heard.get())


# --- a server for each session

def own(*words, **keys):
    return {"t": {"command": sys.executable, "share": "session", **keys,
                  "args": [str(HERE / "fixtures/tailored.py"), *words]}}


def heard(client):
    return json.loads(client.call("t.heard").text)


def test_a_session_is_asked_on_its_stream():
    with Neurond(own("roots")) as daemon, daemon.client(capabilities=CAPS) as client, \
            daemon.client(capabilities=CAPS) as other:
        streams = [client.stream(), other.stream()]
        for which, stream, name in ((client, streams[0], "one"), (other, streams[1], "two")):
            question = stream.next()
            assert question["method"] == "roots/list" and "params" not in question, question
            respond(which, question["id"], {"roots": [{"uri": "file:///" + name}]})
            assert respond(which, question["id"], ROOTS) is None, "a second reply is ignored"
            wait_for("its server knows", lambda who=which, uri=name: heard(who) == [
                ["roots", {"roots": [{"uri": "file:///" + uri}]}]])
        for stream in streams:
            stream.close()


def test_who_has_no_stream_is_asked_by_the_next_call():
    with Neurond(own("roots")) as daemon, daemon.client(capabilities=CAPS) as client:
        daemon.wait_for_log(r"t#1: healthy")
        replies = Replies(client)
        client.call("t.slow", {"ms": 500, "who": "x"}, on_event=replies)
        assert [each["method"] for each in replies.asked] == ["roots/list"], replies.asked
        wait_for("the server knows", lambda: heard(client) == [["roots", ROOTS]])


def test_a_connection_is_asked_at_once_and_may_refuse():
    with Neurond(own("roots")) as daemon:
        with SocketLines(daemon.dir / "run/neurond.sock") as lines:
            lines.initialize(capabilities=CAPS)
            question = lines.read()
            assert question["method"] == "roots/list", question
            error = {"code": -1, "message": "no", "data": {"x": 1.5}}
            lines.send({"jsonrpc": "2.0", "id": question["id"], "error": error})
            wait_for("the server knows", lambda: json.loads(
                lines.call("t.heard")) == [["roots", error]])


def test_who_has_declared_nothing_is_not_asked():
    with Neurond(own("roots")) as daemon, daemon.client() as client:
        stream = client.stream()
        assert heard(client) == []
        client.delete()
        assert stream.next() is None


def test_messages_of_no_call_are_for_the_session_that_wants_them():
    with Neurond(own("form")) as daemon, daemon.client() as client, daemon.client() as deaf:
        streams = [client.stream(), deaf.stream()]
        client.request("logging/setLevel", {"level": "warning"})
        for each in (deaf, client):
            each.call("t.later")
        assert streams[0].next() == {"jsonrpc": "2.0", "method": "notifications/message",
                                     "params": {"logger": "t", "level": "error",
                                                "data": "later"}}
        for each in (client, deaf):
            each.delete()
        for stream in streams:
            assert stream.next() is None
            stream.close()


def test_a_form_of_no_call_is_asked_and_withdrawn():
    form = {"message": "Who?", "requestedSchema": {"type": "object", "properties": {}}}
    caps = {"elicitation": {}}
    with Neurond(own("form")) as daemon, \
            daemon.client(capabilities=caps) as client:
        stream = client.stream()
        first, second = stream.next(), stream.next()
        assert first["method"] == second["method"] == "elicitation/create"
        assert first["params"] == {**form, "n": 1} and second["params"] == {**form, "n": 2}
        client.call("t.withdraw")
        gone = stream.next()
        assert gone["method"] == "notifications/cancelled", gone
        assert gone["params"]["requestId"] == second["id"]
        respond(client, first["id"], {"action": "accept", "content": {"who": "me"}})
        wait_for("the server knows", lambda: heard(client) == [
            ["form", {"action": "accept", "content": {"who": "me"}}]])
        client.call("t.complete", {"id": "e"})
        assert stream.next() == {"jsonrpc": "2.0", "params": {"elicitationId": "e", "n": 1.5},
                                 "method": "notifications/elicitation/complete"}
        stream.close()


main(__name__)
