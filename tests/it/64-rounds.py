"""A 2026-07-28 server asks by results, a legacy client is asked by requests (mcp-protocol 5.3):
what goes where, and what becomes of replies that such a server cannot be told."""
import json

from fixtures.http_server import HttpServer

from harness import Neurond, Table, main
from lines import SocketLines
from mcp import McpClient, PREFIX
from rawhttp import wait_for

CAPS = {"elicitation": {"form": {}, "url": {}}, "sampling": {}, "roots": {"listChanged": True}}
FORM = {"method": "elicitation/create", "params": {
    "message": "Who?", "requestedSchema": {"type": "object", "properties": {}}}}
URL = {"method": "elicitation/create", "params": {"mode": "url", "url": "http://x",
                                                 "message": "m"}}
SAMPLE = {"method": "sampling/createMessage", "params": {"messages": [], "maxTokens": 5}}
TOOLS = {"method": "sampling/createMessage", "params": {
    "messages": [], "maxTokens": 5, "tools": []}}
ROOTS = {"method": "roots/list"}
GOOD = {"elicitation/create": {"action": "accept", "content": {"n": 1}},
        "sampling/createMessage": {"role": "assistant", "model": "m",
                                   "content": {"type": "text", "text": "t"}},
        "roots/list": {"roots": [{"uri": "file:///x"}]}}
REJECTED = {"code": -1, "message": "User rejected it"}
KINDS = (("tools/call", {"name": "a.play", "arguments": {}}),
         ("prompts/get", {"name": "a.play"}), ("resources/read", {"uri": "play:///"}))
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"


class Rounds(HttpServer):
    """Asks `rounds` one after the other, each a map of questions; then says what it got."""

    def __init__(self, *rounds):
        self.rounds, self.got, self.metas, self.hold = rounds, [], [], None
        super().__init__("modern")

    def modern(self, conn, request, method):
        done = {"resultType": "complete", "ttlMs": 0, "cacheScope": "public"}
        if method == "server/discover":
            return self.result(conn, request, {
                **done, "supportedVersions": ["2026-07-28"],
                "capabilities": {"tools": {}, "prompts": {}, "resources": {}, "logging": {},
                                 "completions": {}}})
        lists = {"tools/list": {"tools": [{"name": "play", "inputSchema": {"type": "object"}}]},
                 "prompts/list": {"prompts": [{"name": "play"}]},
                 "resources/list": {"resources": [{"uri": "play:///", "name": "play"}]},
                 "resources/templates/list": {"resourceTemplates": []}}
        if method in lists:
            return self.result(conn, request, {**lists[method], **done})
        return self.play(conn, request, method)

    def play(self, conn, request, method):
        params, state = request.params, request.params.get("requestState", "s 0")
        number = int(state.split()[1])
        self.metas.append(params["_meta"])
        if number or "inputResponses" in params:
            self.got.append(params.get("inputResponses"))
        if number < len(self.rounds):
            return self.result(conn, request, {
                "resultType": "input_required", "inputRequests": self.rounds[number],
                "requestState": f"s {number + 1}"})
        if self.hold:
            self.hold(conn)
        block = {"type": "text", "text": "done"}
        return self.result(conn, request, {"resultType": "complete", **{
            "tools/call": {"content": [block]},
            "completion/complete": {"completion": {"values": ["done"]}},
            "prompts/get": {"messages": [{"role": "user", "content": block}]},
            "resources/read": {"contents": [{"uri": "play:///", "text": "done"}], "ttlMs": 0,
                               "cacheScope": "private"}}[method]})


class Person:
    """The client's other connection, which replies; `reply`: method to message members, or
    nothing, for none."""

    def __init__(self, client, reply):
        self.client, self.reply, self.asked, self.seen = client, reply, [], []
        self.other = McpClient(client.address, version=client.version, start=False)
        self.other.session = client.session

    def __call__(self, message):
        self.seen.append(message)
        if "id" not in message or "method" not in message:
            return
        self.asked.append(message)
        members = self.reply(message)
        if members:
            self.other.post(json.dumps({
                "jsonrpc": "2.0", "id": message["id"], **members}).encode())

    def call(self, method, params):
        return self.client.request(method, params, on_event=self)


def good(message):
    return {"result": GOOD[message["method"]]}


def rejecting(method, error=None):
    """A reply to everything but `method`, which gets an error."""
    return lambda m: {"error": error or REJECTED} if m["method"] == method else good(m)


def at(server):
    return {"a": {"url": server.url}}


def expect_nothing_in_flight(daemon):
    wait_for("no call in flight", lambda: json.loads(
        daemon.run("status", "--json").stdout)["calls_in_flight"] == 0)


def test_questions_of_a_round_go_out_together_and_replies_back_bare():
    rounds = {"u": FORM, "m": SAMPLE, "r": ROOTS}, {"again": ROOTS}
    for method, params in KINDS:
        with Rounds(*rounds) as server, Neurond(at(server)) as daemon, daemon.client(
                capabilities=CAPS) as client:
            client.request("logging/setLevel", {"level": "notice"})
            held = []

            def last_first(message):
                """All of a round are there before the first has its reply."""
                held.append(message)
                if len(held) == 3:
                    for each in held[::-1]:
                        person.other.respond(each["id"], GOOD[each["method"]])
                return good(message) if len(held) > 3 else None
            person = Person(client, last_first)
            got = person.call(method, params)
            assert "done" in got.raw.decode() and got.message["id"] == client.next_id, got.raw
            assert server.got == [
                {"u": GOOD["elicitation/create"], "m": GOOD["sampling/createMessage"],
                 "r": GOOD["roots/list"]}, {"again": GOOD["roots/list"]}], server.got
            assert [m["method"] for m in person.asked] == [
                "elicitation/create", "sampling/createMessage", "roots/list", "roots/list"]
            assert person.asked[0]["params"] == FORM["params"]
            assert "params" not in person.asked[2]
            for meta in server.metas:
                assert meta[PREFIX + "logLevel"] == "notice", meta
                assert meta[PREFIX + "clientCapabilities"] == {**CAPS, "roots": {}}, meta
            expect_nothing_in_flight(daemon)


def test_a_modern_server_is_told_of_capabilities_as_it_knows_them():
    rows = (({"roots": {"listChanged": True}, "tasks": {"list": {}}}, {"roots": {}}),
            ({"elicitation": {}}, {"elicitation": {}}),
            ({"elicitation": {"url": {}}}, {"elicitation": {"url": {}}}),
            ({"sampling": {"tools": {}, "context": {}}, "x": {}},
             {"sampling": {"tools": {}, "context": {}}}),
            ({"experimental": {"y": {}}}, {}))
    with Rounds() as server, Neurond(at(server)) as daemon:
        for said, told in rows:
            with daemon.client(capabilities=said) as client:
                client.request(*KINDS[0])
                assert server.metas.pop()[PREFIX + "clientCapabilities"] == told, said


def test_an_error_in_reply_to_a_form_is_a_cancel():
    with Rounds({"u": FORM, "r": ROOTS}) as server, Neurond(at(server)) as daemon:
        with daemon.client(capabilities=CAPS) as client:
            for method, params in KINDS:
                got = Person(client, rejecting("elicitation/create")).call(method, params)
                assert "done" in got.raw.decode(), got.raw
                assert server.got.pop() == {"u": {"action": "cancel"},
                                            "r": GOOD["roots/list"]}
        expect_nothing_in_flight(daemon)


def test_an_error_in_reply_to_others_ends_the_call():
    table = Table()
    for question in (SAMPLE, ROOTS):
        for error in (REJECTED, {"code": -32603, "message": "User rejected it"}):
            for method, params in KINDS:
                table.row(f"{question['method']} {error['code']} {method}",
                          lambda row=(question, error, method, params): ends(*row))
    assert not table.failed


def ends(question, error, method, params):
    with Rounds({"u": FORM, "q": question}) as server, Neurond(at(server)) as daemon:
        with daemon.client(capabilities=CAPS) as client:
            # The form has no reply when the call ends: the client is told.
            person = Person(client, lambda m: {"error": error}
                            if m["method"] == question["method"] else None)
            got = person.call(method, params)
            if method == "tools/call":
                assert got.result["isError"] and "User rejected it" in got.text, got.raw
            else:
                assert got.error["code"] == -32603, got.raw
                assert "User rejected it" in got.error["message"], got.raw
                assert got.error["data"]["server"] == "a", got.raw
            form = next(m for m in person.asked if m["method"] == "elicitation/create")
            assert [m["params"]["requestId"] for m in person.seen
                    if m.get("method") == "notifications/cancelled"] == [form["id"]]
            assert not server.got, "the server is not called again"
        expect_nothing_in_flight(daemon)


def test_what_was_not_declared_is_not_asked_and_ends_the_call():
    rows = (({}, "2025-11-25", FORM), ({"elicitation": {}}, "2025-11-25", URL),
            ({"elicitation": {"url": {}}}, "2025-11-25", FORM),
            ({"elicitation": {"url": {}}}, "2025-06-18", URL),
            ({"elicitation": {}}, "2025-03-26", FORM), ({"roots": {}}, "2025-11-25", SAMPLE),
            ({"sampling": {}}, "2025-11-25", TOOLS), ({"sampling": {}}, "2025-11-25", ROOTS))
    table = Table()
    for row in rows:
        table.row(f"{row}", lambda each=row: not_asked(*each))
    assert not table.failed


def not_asked(caps, version, question):
    with Rounds({"ok": ROOTS if "roots" in caps else FORM, "q": question}) as server, \
            Neurond(at(server)) as daemon, \
            daemon.client(version=version, capabilities=caps) as client:
        person = Person(client, good)
        for method, params in KINDS:
            error = person.call(method, params).error
            assert error["code"] == -32603 and "cannot give" in error["message"], error
        assert not person.asked and not server.got
        with SocketLines(daemon.dir / "run/neurond.sock") as lines:
            lines.request("initialize", {"protocolVersion": version, "capabilities": caps,
                                         "clientInfo": {"name": "it", "version": "1"}})
            got = lines.request("tools/call", KINDS[0][1])
            assert got["error"]["code"] == -32603, got
        expect_nothing_in_flight(daemon)


def test_a_completion_is_not_answered_by_questions():
    params = {"ref": {"type": "ref/prompt", "name": "a.play"},
              "argument": {"name": "x", "value": "y"}}
    with Rounds({"u": FORM}) as server, Neurond(at(server)) as daemon:
        with daemon.client(capabilities=CAPS) as client, daemon.modern(
                capabilities={"elicitation": {}}) as modern:
            person = Person(client, good)
            for got in (person.call("completion/complete", params),
                        modern.request("completion/complete", params)):
                assert got.error["code"] == -32603 and got.error["data"]["server"] == "a"
            assert not person.asked and not server.got
        server.rounds = ()
        with daemon.modern() as modern:
            got = modern.request("completion/complete", params)
            assert got.result["completion"] == {"values": ["done"]}
        expect_nothing_in_flight(daemon)


def test_a_call_taken_back_is_taken_back_from_both():
    with Rounds({"u": FORM, "m": SAMPLE}) as server, Neurond(at(server)) as daemon:
        with daemon.client(capabilities=CAPS) as client:
            def leave(message):
                if message["method"] == "sampling/createMessage":
                    person.other.notify("notifications/cancelled",
                                        {"requestId": client.next_id})
            person = Person(client, leave)
            got = person.call(*KINDS[0])
            assert got.message is None or "result" not in got.message, got.raw
            gone = {m["params"]["requestId"] for m in person.seen
                    if m.get("method") == "notifications/cancelled"}
            assert gone == {m["id"] for m in person.asked} and len(gone) == 2, person.seen
            expect_nothing_in_flight(daemon)
            # … while it is being repeated: its stream at the server is closed.
            server.hold = lambda conn: server.wait(conn, 30)
            other = McpClient(client.address, version=client.version, start=False)
            other.session = client.session

            def reply(message):
                members = good(message)
                if message["method"] == "sampling/createMessage":
                    person.other.post(json.dumps({
                        "jsonrpc": "2.0", "id": message["id"], **members}).encode())
                    wait_for("it is repeated", lambda: server.got)
                    other.notify("notifications/cancelled", {"requestId": client.next_id})
                    return None
                return members
            person = Person(client, reply)
            person.call(*KINDS[0])
            wait_for("its stream is closed", lambda: server.left == 1)
        expect_nothing_in_flight(daemon)


def test_rounds_and_the_time_for_each_are_bounded():
    with Rounds(*[{"u": FORM}] * 3) as server:
        with Neurond(at(server), {"federation": {"input_rounds": "2"}}) as daemon, \
                daemon.client(capabilities=CAPS) as client:
            error = Person(client, good).call(*KINDS[0]).error
            assert error["code"] == -32603 and "too often" in error["message"], error
            assert len(server.got) == 2
            expect_nothing_in_flight(daemon)
        with Neurond(at(server), {"federation": {"input_timeout": "300ms"}}) as daemon, \
                daemon.client(capabilities=CAPS) as client:
            person = Person(client, lambda _m: None)
            error = person.call(*KINDS[0]).error
            assert error["data"]["type"] == "timeout", error
            assert error["message"].startswith("The client did not answer"), error
            assert person.seen[-2]["method"] == "notifications/cancelled", person.seen
            expect_nothing_in_flight(daemon)


main(__name__)
