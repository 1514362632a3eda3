"""A client tells how far it is with a server's question: that reaches the server under the
token the server gave, while the question is open, and no other server."""
import json
import sys

from fixtures import asker
from fixtures.asker import HttpAsker

from harness import Neurond, main
from lines import SocketLines
from mcp import McpClient
from rawhttp import wait_for

CAPS = {"sampling": {}, "elicitation": {}, "roots": {}}
PROGRESS = "notifications/progress"
CHILD = {"command": sys.executable, "args": [asker.__file__], "share": "session"}


def sample(token):
    meta = {} if token is None else {"_meta": {"x": 1, "progressToken": token}}
    return ["sampling/createMessage", {"messages": [], "maxTokens": 5, **meta}]


def told(lines):
    """The params of all progress; over HTTP each message goes its own way."""
    return sorted((json.loads(line)["params"] for line in lines if PROGRESS.encode() in line),
                  key=lambda each: (str(each["progressToken"]), each["progress"]))


def by_http(daemon, steps, react):
    """Calls `a.play` on a session; `react(notify, question)` for each question."""
    with daemon.client(capabilities=CAPS) as client:
        other = McpClient(client.address, version=client.version, start=False)
        other.session = client.session

        def on_event(message):
            if "id" in message and "method" in message:
                result = react(other.notify, message)
                assert other.respond(message["id"], result).status == 202
        return client.call("a.play", {"steps": steps}, on_event=on_event)


def by_lines(daemon, steps, react):
    with SocketLines(daemon.dir / "run/neurond.sock") as lines:
        lines.initialize(capabilities=CAPS)
        call = lines.start("tools/call", {"name": "a.play", "arguments": {"steps": steps}})
        while (message := lines.read()).get("id") != call or "method" in message:
            if "id" in message and "method" in message:
                result = react(lines.notify, message)
                lines.send({"jsonrpc": "2.0", "id": message["id"], "result": result})


def tell(daemon, go, lines_of):
    """One call that asks three times, and what the server hears of each."""
    tokens, given = [0, "a\"b", None], []

    def react(notify, question):
        token = question["params"].get("_meta", {}).get("progressToken")
        given.append(token)
        for n in (1, 2):
            notify(PROGRESS, {"progressToken": token, "progress": n, "message": "x"})
            notify(PROGRESS, {"progressToken": "n999", "progress": n})
            notify(PROGRESS, {"progressToken": 0, "progress": n})
            notify(PROGRESS, {"progress": n})
        if given[0] != token:  # that question has been answered
            notify(PROGRESS, {"progressToken": given[0], "progress": 3})
        return {"role": "assistant", "model": "m", "content": {"type": "text", "text": "t"}}
    go(daemon, [{"ask": [sample(token)]} for token in tokens], react)
    assert given[2] is None and len(set(given)) == 3, given
    assert all(isinstance(each, str) for each in given[:2]), "a token of neurond's own"
    assert told(lines_of()) == [
        {"progressToken": token, "progress": n, "message": "x"}
        for token in tokens[:2] for n in (1, 2)], told(lines_of())


def test_progress_reaches_a_child_of_the_session():
    for go in (by_http, by_lines):
        with Neurond({"a": CHILD}) as daemon:
            tell(daemon, go, lambda d=daemon: d.received("a"))


def test_progress_reaches_an_http_server():
    for go in (by_http, by_lines):
        with HttpAsker() as server, Neurond({"a": {"url": server.url}}) as daemon:
            tell(daemon, go, lambda s=server: [each.body for each in s.requests])


def test_progress_on_a_question_of_no_call():
    with Neurond({"a": CHILD}) as daemon:
        with daemon.client(capabilities=CAPS) as client:
            stream = client.stream()
            client.call("a.play", {"steps": [{"after": sample(7)}]})
            while "id" not in (question := stream.next()):
                pass
            token = question["params"]["_meta"]["progressToken"]
            client.notify(PROGRESS, {"progressToken": token, "progress": 0.50})
            client.respond(question["id"], {"role": "assistant", "model": "m", "content": {
                "type": "text", "text": "t"}})
            client.notify(PROGRESS, {"progressToken": token, "progress": 1})
            wait_for("the reply", lambda: any(b'"role"' in x for x in daemon.received("a")))
            client.call("a.play", {})
            assert told(daemon.received("a")) == [{"progressToken": 7, "progress": 0.5}]
            stream.close()


main(__name__)
