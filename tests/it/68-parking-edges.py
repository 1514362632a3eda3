"""Parked calls at the edges of what is usual: other methods than tools/call, a client that is
answered by events already, a reactor that dies, little room for others."""
import json
import os
import queue
import signal
import threading

from fixtures import asker
from fixtures.asker import HttpAsker, OldAsker

from harness import Neurond, main
from lines import SocketLines
from mcp import PREFIX
from parking import (answered, asked, CAPS, counts, expect_nothing_kept, FORM, http, invalid,
                     modern, replies_to, REPLIES, retry, ROOTS, SAMPLE, stdio, steps_of, YES)
from rawhttp import wait_for
from ws import WsClient

LEVEL = PREFIX + "logLevel"


def test_a_resource_and_a_prompt_ask_as_a_tool_does():
    with HttpAsker() as server, Neurond(http(server)) as daemon:
        client = modern(daemon)
        steps = [{"ask": [FORM]}, {"ask": [ROOTS]}]
        server.reading = steps
        want = [REPLIES[q[0]] for q in (FORM, ROOTS)]
        for method, params, text_of in (
                ("resources/read", {"uri": "play:///"}, lambda r: r["contents"][0]["text"]),
                ("prompts/get", {"name": "a.play", "arguments": {"steps": json.dumps(steps)}},
                 lambda r: r["messages"][0]["content"]["text"])):
            requests, state = asked(client.request(method, params))
            assert [each["method"] for each in requests.values()] == [FORM[0]]
            again, state = asked(client.request(method, {
                **params, "requestState": state, "inputResponses": replies_to(requests)}))
            more = {"requestState": state, "inputResponses": replies_to(again)}
            tool = {"name": "a.play", "arguments": {"steps": steps}, **more}
            invalid(client.request("tools/call", tool), "another call")
            got = client.request(method, {**params, **more})
            assert got.result["resultType"] == "complete", got.raw
            assert json.loads(text_of(got.result)) == want, got.raw
            expect_nothing_kept(daemon)
        assert len(server.played) == 2


def test_a_completion_is_no_call_that_asks():
    with HttpAsker() as server, Neurond(http(server)) as daemon:
        got = modern(daemon).request("completion/complete", {
            "ref": {"type": "ref/prompt", "name": "a.play"},
            "argument": {"name": "steps", "value": json.dumps([{"ask": [FORM, ROOTS]}])}})
        (told,) = got.result["completion"]["values"]
        assert [each["code"] for each in json.loads(told)] == [-32601] * 2, told
        visit = {"code": -32042, "message": "visit", "data": {"elicitations": [
            {"mode": "url", "elicitationId": "e", "url": "http://x/1", "message": "One"}]}}
        error = modern(daemon).request("completion/complete", {
            "ref": {"type": "ref/prompt", "name": "a.play"},
            "argument": {"name": "steps", "value": json.dumps([{"error": visit}])}}).error
        assert error["code"] == -32603 and "wants a URL opened" in error["message"], error
        expect_nothing_kept(daemon)


def test_what_no_client_is_asked_is_refused_and_a_ping_answered():
    with HttpAsker() as server, Neurond(http(server)) as daemon:
        client = modern(daemon)
        for method in ("tasks/list", "sampling/other", "initialize"):
            got = answered(client.request("tools/call", steps_of({"ask": [[method, {}]]})))
            assert got[0]["code"] == -32601, got
        # Also while the client is away: the server's life goes on.
        params = steps_of({"put": [FORM]}, {"wait": "on"},
                          {"ask": [["ping", None], ["tasks/list", {}]]}, {"take": 1})
        requests, state = asked(client.request("tools/call", params))
        server.signals["on"].set()
        wait_for("both are answered", lambda: len(server.got) == 5)
        ping, other = sorted(server.got[3:], key=lambda m: m["id"])
        assert ping["result"] == {} and other["error"]["code"] == -32601, server.got
        assert counts(daemon) == (1, 1)
        got = answered(retry(client, params, state, replies_to(requests)))
        assert got[0] == YES, got
        expect_nothing_kept(daemon)


class Curious(HttpAsker):
    """Asks while it lists: that is nobody's call."""

    def dispatch(self, conn, request, method):
        if method != "tools/list":
            return super().dispatch(conn, request, method)
        conn.sendall(asker.HEAD)

        def say(said):
            conn.sendall(b"data: %s\n\n" % json.dumps({"jsonrpc": "2.0", **said}).encode())
        answers = queue.Queue()
        self.ask(say, answers, *FORM)
        answers.get(timeout=asker.WAIT)
        say({"id": request.id, **self.plain(request.message)})
        return True


def test_a_server_that_asks_while_it_lists():
    with Curious() as server, Neurond(http(server)) as daemon:
        with modern(daemon) as client:
            assert client.tools() == ["a.play"]
            assert answered(client.request("tools/call", steps_of())) == []
        assert server.got and all(
            m["error"]["code"] in (-32601, -32602) for m in server.got), server.got
        expect_nothing_kept(daemon)


def test_on_the_old_transport_calls_park_too():
    with OldAsker() as server, Neurond({"a": {"url": server.url, "transport": "sse"}}) as daemon:
        client = modern(daemon)
        params = steps_of({"ask": [FORM]}, {"ask": [SAMPLE]})
        requests, state = asked(client.request("tools/call", params))
        assert counts(daemon) == (1, 1)
        assert answered(client.request("tools/call", steps_of())) == []
        again, state = asked(retry(client, params, state, replies_to(requests)))
        assert answered(retry(client, params, state, replies_to(again))) == [
            REPLIES[q[0]] for q in (FORM, SAMPLE)]
        expect_nothing_kept(daemon)


def test_over_lines_and_websockets_a_retry_is_taken_back_as_any_call():
    params = steps_of({"ask": [FORM]}, {"wait": "never"})
    for opened in (lambda d: SocketLines(d.dir / "run/neurond.sock"),
                   lambda d: WsClient(d.address)):
        for leave in (lambda c, id_: c.notify("notifications/cancelled", {"requestId": id_}),
                      lambda c, _: c.close()):
            with HttpAsker() as server, Neurond(http(server)) as daemon:
                with opened(daemon) as first:  # it parks, and has gone
                    first.meta[PREFIX + "clientCapabilities"] = CAPS
                    got = first.modern("tools/call", params)["result"]
                assert counts(daemon) == (1, 1)
                with opened(daemon) as client:
                    client.meta[PREFIX + "clientCapabilities"] = CAPS
                    request = client.start("tools/call", {
                        **params, "_meta": client.meta, "requestState": got["requestState"],
                        "inputResponses": replies_to(got["inputRequests"])})
                    wait_for("the server has the reply", lambda: server.got)
                    leave(client, request)
                    wait_for("the server is told", lambda: server.cancelled)
                    expect_nothing_kept(daemon)


def test_an_undeclared_question_after_progress_is_the_last_event():
    with HttpAsker() as server, Neurond(http(server)) as daemon:
        client = modern(daemon, capabilities={"roots": {}})
        params = {**steps_of({"progress": 1}, {"log": "x"}, {"ask": [SAMPLE]}),
                  "_meta": {"progressToken": "t", LEVEL: "info"}}
        got = client.request("tools/call", params)
        assert got.status == 200, "the head has gone out"
        assert got.http.header("content-type") == "text/event-stream"
        assert [m["method"].rpartition("/")[2] for m in got.before] == ["progress", "message"]
        assert got.error["code"] == -32021, got.raw
        assert got.error["data"] == {"requiredCapabilities": {"sampling": {}}}, got.raw
        wait_for("the server is told", lambda: server.cancelled)
        # … and of a call whose client is back, by a retry that has declared less.
        params = steps_of({"ask": [ROOTS]}, {"progress": 1}, {"ask": [ROOTS]})
        token = {"_meta": {"progressToken": "t"}}
        requests, state = asked(client.request("tools/call", {**params, **token}))
        got = retry(modern(daemon, capabilities={}), {**params, **token}, state,
                    replies_to(requests))
        assert got.error["data"] == {"requiredCapabilities": {"roots": {}}}, got.raw
        assert got.status == 200 and got.before[-1]["params"]["progress"] == 1, got.before
        wait_for("the server is told", lambda: len(server.cancelled) == 2)
        expect_nothing_kept(daemon)


def test_no_state_outlives_the_reactor_and_nothing_runs_twice():
    with HttpAsker() as server, Neurond({**http(server), "b": stdio()["a"]}) as daemon:
        client, params = modern(daemon), steps_of({"ask": [FORM]})
        left = []
        for name in ("a.play", "b.play"):
            params = {**params, "name": name}
            left.append((params, *asked(client.request("tools/call", params))))
        os.kill(daemon.reactor, signal.SIGKILL)
        daemon.wait_for_log("daemon: ready", since=len(daemon.lines))
        client.close()
        played = len(server.played)
        record = len(daemon.received("b"))
        for params, requests, state in left:
            invalid(retry(client, params, state, replies_to(requests)), "requestState")
        assert len(server.played) == played == 1
        assert not any(b"tools/call" in line for line in daemon.received("b")[record:])
        requests, state = asked(client.request("tools/call", left[0][0]))  # it can ask anew
        assert answered(retry(client, left[0][0], state, replies_to(requests))) == [YES]
        expect_nothing_kept(daemon)


def test_each_request_says_which_messages_it_wants():
    steps = ({"log": "first"}, {"ask": [FORM]}, {"log": "second"}, {"ask": [FORM]},
             {"log": "third"})
    with HttpAsker() as server, Neurond(http(server)) as daemon:
        client = modern(daemon)
        for wanted in (("first",), ("second",), ("third",), ("first", "third"), ()):
            params, state, replies, heard = steps_of(*steps), None, None, []
            for word in ("first", "second", "third"):
                meta = {"_meta": {LEVEL: "info"}} if word in wanted else {}
                got = retry(client, {**params, **meta}, state, replies)
                heard += [m["params"]["data"] for m in got.before]
                if word != "third":
                    requests, state = asked(got)
                    replies = replies_to(requests)
            assert heard == list(wanted), (wanted, heard)
        levels = [r.params["level"] for r in server.requests
                  if r.message.get("method") == "logging/setLevel"]
        assert levels and levels[0] == "info", levels
        expect_nothing_kept(daemon)


def test_who_is_away_is_in_nobodys_way():
    for keys, limits in (({"max_connections": "1"}, {}), ({"max_in_flight": "1"}, {}),
                         ({}, {"limits": {"calls_in_flight": "1"}})):
        with HttpAsker() as server, Neurond({"a": {"url": server.url, **keys}},
                                            limits) as daemon:
            client, params = modern(daemon), steps_of({"ask": [FORM]}, {"ask": [ROOTS]})
            away = [asked(client.request("tools/call", params)) for _ in range(3)]
            assert counts(daemon) == (3, 3), keys
            assert answered(client.request("tools/call", steps_of())) == []
            for n, (requests, state) in enumerate(away):  # back for a moment
                away[n] = asked(retry(client, params, state, replies_to(requests)))
            assert answered(client.request("tools/call", steps_of())) == []
            for requests, state in away:
                got = answered(retry(client, params, state, replies_to(requests)))
                assert got == [YES, REPLIES["roots/list"]], got
            expect_nothing_kept(daemon)
            waits_its_turn(server, daemon, "limits" in limits)


def waits_its_turn(server, daemon, refused):
    """Calls that run count as ever, those of clients that have come back, too."""
    back, other = modern(daemon), modern(daemon)
    params = steps_of({"ask": [FORM]}, {"wait": "go"})
    requests, state = asked(back.request("tools/call", params))
    before = len(server.played)
    answers = {}
    thread = in_thread(lambda: answers.update(
        back=retry(back, params, state, replies_to(requests))))
    wait_for("the server has the reply", lambda: any(
        m.get("result") == YES for m in server.got[-1:]))
    if refused:
        error = other.request("tools/call", steps_of()).error
        assert error["data"]["type"] == "busy", error
    else:
        later = in_thread(lambda: answers.update(
            other=other.request("tools/call", steps_of())))
        wait_for("it waits", lambda: json.loads(
            daemon.run("status", "--json").stdout)["calls_in_flight"] == 3)
        assert len(server.played) == before, "one at a time"
    server.signals["go"].set()
    thread.join()
    assert answered(answers["back"]) == [YES]
    if not refused:
        later.join()
        assert answered(answers["other"]) == []
    expect_nothing_kept(daemon)


def in_thread(run):
    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    return thread


main(__name__)
