"""Servers ask the client of a call: each question reaches the one whose call it is, and its
reply the server; progress, messages and answers cross nobody's; what ends, ends for all."""
import concurrent.futures
import json
import queue
import random
import sys
import threading
import time

from fixtures import asker
from fixtures.http_server import HttpServer

from harness import Neurond, hostile, main, scaled
from lines import SocketLines
from mcp import McpClient, ModernClient, PREFIX
from rawhttp import DEADLINE, wait_for

CAPS = {"elicitation": {}, "sampling": {}, "roots": {"listChanged": True}}
FORM = {"message": "Who?", "requestedSchema": {"type": "object", "properties": {}}}
QUESTION = {"ask": ("elicitation/create", FORM), "roots": ("roots/list", None),
            "sample": ("sampling/createMessage", {"messages": [], "maxTokens": 5}),
            "open": ("elicitation/create", {"mode": "url", "url": "http://x", "message": "m"})}
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"


class Asking(HttpServer):
    """Its tools ask before they answer, on the stream of the call. `chat` says who called in
    everything it says, after random delays."""

    def __init__(self, era="legacy"):
        self.replies, self.next_id, self.declared = {}, 0, []
        self.cancelled, self.levels, self.asked = [], [], threading.Event()
        super().__init__(era, tools=[
            *QUESTION, "chat", "withdraw", "input", "form", "link", "visit", "required",
            "complete"])

    def posted(self, conn, request):
        message, method = request.message, request.message.get("method")
        if method is None:
            self.replies[message["id"]].put(message)
            return self.reply(conn, 202)
        if method == "notifications/cancelled":
            self.cancelled.append(message["params"]["requestId"])
        if method == "logging/setLevel":
            self.levels.append(message["params"]["level"])
            return self.result(conn, request, {})
        return super().posted(conn, request)

    def initialize(self, conn, request):
        self.declared.append(request.params["capabilities"])
        self.sessions["s%d" % len(self.declared)] = False
        return self.result(conn, request, {
            "protocolVersion": "2025-11-25", "capabilities": {"tools": {}, "logging": {}},
            "serverInfo": {"name": "asking", "version": "1"}},
            [("Mcp-Session-Id", "s%d" % len(self.declared))])

    def say(self, conn, message):
        conn.sendall(b"data: %s\n\n" % json.dumps({"jsonrpc": "2.0", **message}).encode())

    def ask(self, conn, method, params):
        with self.lock:
            id_value, self.next_id = self.next_id, self.next_id + 1
            self.replies[id_value] = queue.Queue()
        self.say(conn, {"id": id_value, "method": method,
                        **({"params": params} if params else {})})
        self.asked.set()
        return id_value

    def call(self, conn, request, name):
        if self.era == "modern":
            return self.modern_call(conn, request, name)
        conn.sendall(HEAD)
        who = request.params["arguments"].get("who")
        if name == "chat":
            got = self.chat(conn, request, who)
        elif name == "withdraw":
            id_value = self.ask(conn, *QUESTION["ask"])
            self.say(conn, {"method": "notifications/cancelled",
                            "params": {"requestId": id_value}})
            got = "withdrawn"
        elif name == "complete":
            self.say(conn, {"method": "notifications/elicitation/complete", "params": {
                "elicitationId": request.params["arguments"]["id"], "n": 1.5}})
            got = "completed"
        elif name in ("visit", "required"):
            url = {**QUESTION["open"][1], "elicitationId": request.params["arguments"]["id"]}
            if name == "required":
                self.say(conn, {"id": request.id, "error": {
                    "code": -32042, "message": "open it", "data": {"elicitations": [url]}}})
                return True
            id_value = self.ask(conn, "elicitation/create", url)
            got = self.replies[id_value].get(timeout=DEADLINE)
        else:
            id_value = self.ask(conn, *QUESTION[name])
            if who == "nobody":  # the test looks at the reply
                return self.wait(conn, DEADLINE)
            got = self.replies[id_value].get(timeout=DEADLINE)
        self.say(conn, {"id": request.id, "result": {
            "content": [{"type": "text", "text": json.dumps(got)}]}})
        return True

    def chat(self, conn, request, who):
        self.chatter(conn, request, who)
        id_value = self.ask(conn, "elicitation/create", {**FORM, "message": who})
        return self.replies[id_value].get(timeout=DEADLINE)["result"]["content"]["who"]

    def modern_chat(self, conn, request, replies):
        conn.sendall(HEAD)
        who = request.params["arguments"]["who"]
        self.chatter(conn, request, who)
        self.say(conn, {"id": request.id, "result": {
            "resultType": "complete",
            "content": [{"type": "text", "text": json.dumps(replies["k"]["content"]["who"])}],
        } if replies else {"resultType": "input_required", "inputRequests": {"k": {
            "method": "elicitation/create", "params": {**FORM, "message": who}}}}})
        return True

    def chatter(self, conn, request, who):
        token = request.params["_meta"]["progressToken"]
        for n in range(3):
            time.sleep(random.random() / 50)
            self.say(conn, {"method": "notifications/progress", "params": {
                "progressToken": token, "progress": n, "message": who}})
            self.say(conn, {"method": "notifications/message", "params": {
                "level": "warning", "data": who}})

    def modern_call(self, conn, request, name):
        meta, replies = request.params["_meta"], request.params.get("inputResponses")
        self.declared.append(meta[PREFIX + "clientCapabilities"])
        if name == "chat":
            return self.modern_chat(conn, request, replies)
        if replies:
            return self.result(conn, request, {"resultType": "complete", "content": [{
                "type": "text",
                "text": json.dumps([replies, request.params.get("requestState"), name])}]})
        return self.raw(conn, request, b'{"resultType":"input_required","inputRequests":'
                        b'{"k\\u00e9":{"method":"elicitation/create","params":%s}},'
                        b'"requestState":"s 1.10"}' % json.dumps(
                            QUESTION["open"][1] if name == "link" else FORM).encode())


def asking(server):
    return {"a": {"url": server.url}}


def helper_of(client):
    """Another connection of the same session."""
    other = McpClient(client.address, version=client.version, start=False)
    other.session = client.session
    return other


class Replier:
    """Replies to questions on the stream of a call."""

    def __init__(self, client, reply):
        self.other, self.make, self.seen = helper_of(client), reply, []

    def __call__(self, message):
        self.seen.append(message)
        if "id" in message and "method" in message:
            body = {"jsonrpc": "2.0", "id": message["id"], **self.make(message)}
            assert self.other.post(json.dumps(body).encode()).status == 202


def ask(client, tool, reply):
    replier = Replier(client, reply)
    got = client.call("a." + tool, on_event=replier)
    return json.loads(got.text), [m for m in replier.seen if "method" in m]


def test_a_question_goes_to_its_client_and_the_reply_back():
    with Asking() as server, Neurond(asking(server)) as daemon:
        with daemon.client(capabilities=CAPS) as client:
            for tool, result in (("ask", {"action": "accept", "content": {"n": "1.10"}}),
                                 ("roots", {"roots": [{"uri": "file:///x"}]}),
                                 ("sample", {"role": "assistant", "model": "m",
                                             "content": {"type": "text", "text": "t"}})):
                got, asked = ask(client, tool, lambda _m, r=result: {"result": r})
                assert got["result"] == result, got
                (question,) = asked
                method, params = QUESTION[tool]
                assert question["method"] == method and question.get("params") == params
                assert isinstance(question["id"], str), "an id of the server's own"
            error = {"code": -1, "message": "no", "data": {"x": 1}}
            got, _ = ask(client, "sample", lambda _m: {"error": error})
            assert got["error"] == error and "result" not in got, got
            assert {"elicitation": {}, "sampling": {}, "roots": {"listChanged": True}} \
                in server.declared, server.declared


def test_who_cannot_be_asked_is_not():
    with Asking() as server, Neurond(asking(server)) as daemon:
        with daemon.client() as client:
            got, asked = ask(client, "ask", None)
            assert got["error"]["code"] == -32601 and not asked, got
        with daemon.client(capabilities=CAPS) as client:
            got, asked = ask(client, "open", None)
            assert got["error"]["code"] == -32602 and not asked, got
        with McpClient(daemon.address, version="2025-03-26", capabilities=CAPS) as client:
            got, asked = ask(client, "ask", None)
            assert got["error"]["code"] == -32601 and not asked, got


def test_a_question_taken_back_is_taken_back_from_the_client():
    with Asking() as server, Neurond(asking(server)) as daemon:
        with daemon.client(capabilities=CAPS) as client:
            seen = []
            got = client.call("a.withdraw", on_event=seen.append)
            question, cancelled = [m for m in seen if "method" in m]
            assert json.loads(got.text) == "withdrawn"
            assert cancelled["method"] == "notifications/cancelled"
            assert cancelled["params"]["requestId"] == question["id"]
            late = helper_of(client).respond(question["id"], {"action": "accept"})
            assert late.status == 202, "an answer nobody waits for is ignored"


def test_a_call_cancelled_while_its_client_is_asked():
    with Asking() as server, Neurond(asking(server)) as daemon:
        with daemon.client(capabilities=CAPS) as client:
            other, seen = helper_of(client), []

            def on_event(message):
                seen.append(message)
                if message.get("method") == "elicitation/create":
                    other.notify("notifications/cancelled", {"requestId": client.next_id})
            got = client.call("a.ask", {"who": "nobody"}, on_event=on_event)
            assert got.message is None or "result" not in got.message, got.raw
            reply = server.replies[0].get(timeout=DEADLINE)
            assert reply["result"] == {"action": "cancel"}, reply
            wait_for("the server is told", lambda: server.cancelled)


def test_a_session_that_ends_while_it_is_asked():
    with Asking() as server, Neurond(asking(server)) as daemon:
        with daemon.client(capabilities=CAPS) as client:
            threading.Thread(target=client.call, args=("a.sample", {"who": "nobody"}),
                             daemon=True).start()
            assert server.asked.wait(DEADLINE)
            assert helper_of(client).delete().status == 200
            reply = server.replies[0].get(timeout=DEADLINE)
            assert reply["error"]["code"] == -1, reply
            wait_for("the server is told", lambda: server.cancelled)


def test_lines_are_asked_too():
    with Asking() as server, Neurond(asking(server)) as daemon:
        with SocketLines(daemon.dir / "run/neurond.sock") as lines:
            lines.initialize(capabilities=CAPS)
            lines.send({"jsonrpc": "2.0", "id": 7, "method": "tools/call",
                        "params": {"name": "a.ask", "arguments": {}}})
            question = lines.read()
            assert question["method"] == "elicitation/create", question
            lines.send({"jsonrpc": "2.0", "id": question["id"],
                        "result": {"action": "decline"}})
            got = json.loads(lines.read()["result"]["content"][0]["text"])
            assert got["result"] == {"action": "decline"}, got


def test_a_modern_server_asks_a_modern_client_by_its_result():
    with Asking("modern") as server, Neurond(asking(server)) as daemon:
        client = ModernClient(daemon.address, capabilities=CAPS)
        got = client.call("a.input")
        assert b'"requestState":"s 1.10"' in got.raw and b'"k\\u00e9"' in got.raw, got.raw
        assert got.result["resultType"] == "input_required"
        replies = {"k\u00e9": {"action": "accept"}}
        got = client.request("tools/call", {
            "name": "a.input", "arguments": {}, "inputResponses": replies,
            "requestState": got.result["requestState"]})
        assert json.loads(got.text) == [replies, "s 1.10", "input"], got.raw
        assert server.declared[0] == {"elicitation": {}, "sampling": {}, "roots": {}}


def test_a_modern_server_asks_a_legacy_client_by_requests():
    with Asking("modern") as server, Neurond(asking(server)) as daemon:
        with daemon.client(capabilities=CAPS) as client:
            got, asked = ask(client, "input", lambda _m: {"result": {"action": "accept"}})
            assert got == [{"k\u00e9": {"action": "accept"}}, "s 1.10", "input"], got
            assert asked[0]["params"] == FORM
            got, _ = ask(client, "form", lambda _m: {"error": {"code": -1, "message": "n"}})
            assert got[0] == {"k\u00e9": {"action": "cancel"}}, got


def test_who_was_asked_to_open_a_url_hears_when_it_is_done():
    caps = {"elicitation": {"url": {}}}
    with Asking() as server, Neurond(asking(server)) as daemon:
        with daemon.client(capabilities=caps) as one, daemon.client(capabilities=caps) as two:
            streams = [one.stream(), two.stream()]
            for client, tool, id_value in ((one, "visit", "e-one"), (two, "required", "e-two")):
                replier = Replier(client, lambda _m: {"result": {"action": "accept"}})
                got = client.call("a." + tool, {"id": id_value}, on_event=replier)
                if tool == "required":
                    assert got.error["code"] == -32042, got.raw
                else:
                    assert json.loads(got.text)["result"] == {"action": "accept"}, got.raw
            for id_value in ("e-nobody", "e-two", "e-one"):
                one.call("a.complete", {"id": id_value})
            for stream, id_value in zip(streams, ("e-one", "e-two")):
                assert stream.next() == {
                    "jsonrpc": "2.0", "method": "notifications/elicitation/complete",
                    "params": {"elicitationId": id_value, "n": 1.5}}
                stream.close()


def test_a_modern_server_asks_to_open_a_url_under_an_id_of_ours():
    with Asking("modern") as server, Neurond(asking(server)) as daemon:
        with daemon.client(capabilities={"elicitation": {"url": {}}}) as client:
            _, (question,) = ask(client, "link", lambda _m: {"result": {"action": "accept"}})
            params = question["params"]
            assert len(params.pop("elicitationId")) > 20
            assert params == QUESTION["open"][1], params


def test_messages_are_for_who_wants_them():
    with Asking() as server, Neurond(asking(server)) as daemon:
        with daemon.client(capabilities=CAPS) as client, daemon.client(
                capabilities=CAPS) as deaf:
            assert client.request("logging/setLevel", {"level": "loud"}).error["code"] == -32602
            assert client.request("logging/setLevel", {"level": "info"}).result == {}
            for who, wanted in ((client, 3), (deaf, 0)):
                replier = Replier(who, lambda _m: {"result": {
                    "action": "accept", "content": {"who": "me"}}})
                who.call("a.chat", {"who": "me"}, {"progressToken": 5}, on_event=replier)
                logs = [m["params"] for m in replier.seen
                        if m.get("method") == "notifications/message"]
                assert len(logs) == wanted, logs
                assert all(m == {"logger": "a", "level": "warning", "data": "me"}
                           for m in logs), logs
            assert "info" in server.levels, server.levels


def test_a_request_that_makes_no_sense_gets_an_error():
    child = {"command": sys.executable, "args": [asker.__file__], "share": "session"}
    with Neurond({"a": child}) as daemon, daemon.client() as client:
        got = client.call("a.play", {"steps": [{"ask": [["elicitation/create", "text"]]}]})
        (reply,) = json.loads(got.text)
        assert reply == {"code": -32602, "message": "Invalid params: params is not an object"}


def test_what_is_said_of_a_cancelled_call_is_nobodys():
    child = {"command": sys.executable, "args": [asker.__file__], "share": "all"}
    with Neurond({"a": child}) as daemon, daemon.client() as one, daemon.client() as two:
        seen = []

        def calls():
            return sum(b'"tools/call"' in line for line in daemon.received("a"))

        def play(client, *steps):
            began = calls()
            thread = threading.Thread(target=client.call, daemon=True, args=(
                "a.play", {"steps": steps}), kwargs={"on_event": seen.append})
            thread.start()
            wait_for("the call is there", lambda: calls() > began)
            return thread
        for client in (one, two):
            assert client.request("logging/setLevel", {"level": "debug"}).result == {}
        play(one, {"pings": "hold"}, {"log": "held"}, {"wait": "cancelled"},
             {"log": "SECRET"}, {"pings": "answer"}, {"signal": "said"})
        wait_for("its log is its own", lambda: "held" in json.dumps(seen))
        second = play(two, {"wait": "said"}, {"log": "mine"})
        helper_of(one).notify("notifications/cancelled", {"requestId": one.next_id})
        second.join()
        assert [each["params"]["data"] for each in seen if "method" in each] == [
            "held", "mine"], seen


def test_what_asks_whether_a_cancellation_was_heard():
    for traits, keys, legacy_client, behind in (
            (["modern"], {"share": "session"}, False, ["server/discover"]),
            ([], {"share": "session"}, False, ["ping"]),
            ([], {"share": "session"}, True, []),  # its server has no other client
            ([], {}, True, [])):  # it is asked nothing, and logs nothing
        with Neurond({"a": hostile(*traits, **keys)}) as daemon, SocketLines(
                daemon.dir / "run/neurond.sock") as lines:
            more = {} if legacy_client else {"_meta": lines.meta}
            if legacy_client:
                lines.initialize()
            call = lines.start("tools/call", {**more, "name": "a.sleep_ms",
                                              "arguments": {"ms": 60000}})

            def methods(daemon=daemon):
                return [json.loads(each).get("method") for each in daemon.received("a")]
            wait_for("the call is there", lambda: "tools/call" in methods())
            lines.notify("notifications/cancelled", {**more, "requestId": call})
            wait_for("and its end", lambda: "notifications/cancelled" in methods())
            lines.request("tools/call", {**more, "name": "a.echo", "arguments": {"text": ""}})
            got = methods()
            got = got[got.index("notifications/cancelled") + 1:]
            assert got == behind + ["tools/call"], got


def test_on_one_pipe_nobody_sees_what_is_anothers():
    child = {"command": sys.executable, "args": [asker.__file__, "obey"], "share": "all"}
    with Neurond({"a": child}) as daemon:
        def one(n):
            who = f"client {n}"
            steps = [{"log": who}, {"progress": n}, {"pause": 0.001}, {"log": who}] * 4
            params = {"name": "a.play", "arguments": {"steps": steps},
                      "_meta": {"progressToken": who}}
            with SocketLines(daemon.dir / "run/neurond.sock") as lines:
                lines.initialize()
                lines.request("logging/setLevel", {"level": "debug"})
                wrong = []

                def read_until(call):
                    while (message := lines.read()).get("id") != call:
                        said = message.get("params", {})
                        wrong.extend([] if "method" not in message or (
                            who in said.values() and said.get("progress") in (None, n))
                            else [message])
                for _ in range(scaled(40, 400)):
                    call = lines.start("tools/call", params)
                    if random.random() < 0.5:
                        time.sleep(random.random() / 100)
                        lines.notify("notifications/cancelled", {"requestId": call})
                        time.sleep(random.random() / 100)
                    else:
                        read_until(call)
                read_until(lines.start("ping"))
                assert not wrong, wrong[:3]
        for clients in (2, 3, 32):
            at_once(one, clients)


def test_nobody_sees_what_is_anothers():
    rounds = scaled(3, 30)
    with Asking() as server, Neurond(asking(server)) as daemon:
        wrong = []

        def one(n):
            who = f"client {n}"
            with daemon.client(capabilities=CAPS) as client:
                client.request("logging/setLevel", {"level": "debug"})
                replier = Replier(client, lambda m: {"result": {
                    "action": "accept", "content": {"who": m["params"]["message"]}}})
                for _ in range(rounds):
                    replier.seen.clear()
                    got = client.call("a.chat", {"who": who}, {"progressToken": who},
                                      on_event=replier)
                    said = [m.get("params", {}) for m in replier.seen if "method" in m]
                    names = [p.get("data", p.get("message")) for p in said]
                    tokens = {p["progressToken"] for p in said if "progressToken" in p}
                    steps = [p["progress"] for p in said if "progress" in p]
                    if (json.loads(got.text), names, tokens, steps) != (
                            who, [who] * 7, {who}, [0, 1, 2]):
                        wrong.append((who, got.raw, replier.seen[:]))
        at_once(one)
        assert not wrong, wrong[0]


def at_once(one, count=32):
    """one(n) for so many numbers, each in a thread; the first that fails is the failure."""
    with concurrent.futures.ThreadPoolExecutor(count) as pool:
        list(pool.map(one, range(count)))


def test_no_modern_client_sees_what_is_anothers():
    for era in ("modern", "legacy"):
        with Asking(era) as server, Neurond(asking(server)) as daemon:
            def one(n):
                who, client = f"client {n}", ModernClient(daemon.address, capabilities=CAPS)
                params = {"name": "a.chat", "arguments": {"who": who}, "_meta": {
                    "progressToken": who, PREFIX + "logLevel": "debug"}}
                for _ in range(scaled(3, 30)):
                    said = []
                    got = client.request("tools/call", params, on_event=said.append).result
                    ((key, question),) = got.pop("inputRequests").items()
                    assert question["params"]["message"] == who, question
                    assert got.pop("resultType") == "input_required"
                    again = client.request("tools/call", {**params, **got, "inputResponses": {
                        key: {"action": "accept", "content": {"who": who}}}},
                        on_event=said.append)
                    assert json.loads(again.text) == who, again.raw
                    heard = [m["params"] for m in said if "method" in m]
                    rounds = 2 if era == "modern" else 1
                    assert [p.get("data", p.get("message")) for p in heard] == (
                        [who] * 6 * rounds), heard
                    tokens = [p["progressToken"] for p in heard if "progress" in p]
                    assert tokens == [who] * 3 * rounds, heard
            at_once(one)


class Patient(Asking):
    """Wants to be called again `rounds` times before it answers, and asks nothing."""

    def __init__(self, rounds):
        self.rounds, self.seen = rounds, []
        super().__init__("modern")

    def modern_call(self, conn, request, name):
        state = request.params.get("requestState")
        assert "inputResponses" not in request.params
        self.seen.append((state, time.monotonic()))
        if len(self.seen) <= self.rounds:
            return self.raw(conn, request, b'{"resultType":"input_required",'
                            b'"requestState":"s %d"}' % len(self.seen))
        return self.result(conn, request, {"resultType": "complete", "content": [
            {"type": "text", "text": str(len(self.seen))}]})


def test_a_server_that_only_wants_to_be_called_again_is():
    with Patient(3) as server, Neurond(asking(server)) as daemon, daemon.client() as client:
        assert client.call("a.form").text == "4"
        assert [state for state, _ in server.seen] == [None, "s 1", "s 2", "s 3"]
        times = [when for _, when in server.seen]
        assert all(b - a > 0.2 for a, b in zip(times, times[1:])), times


def test_a_server_cannot_be_called_again_for_ever():
    config = {"federation": {"input_rounds": "2"}}
    with Patient(100) as server, Neurond(asking(server), config) as daemon:
        with daemon.client() as client:
            error = client.call("a.form").error
            assert error["code"] == -32603 and "too often" in error["message"], error
            assert len(server.seen) == 3


main(__name__)
