"""A 2026-07-28 client is asked by an answer and replies by calling again; meanwhile the call of
an older server is parked, each retry is the client's and this call's, and nothing is left."""
import json
import threading

from fixtures.asker import HttpAsker

from harness import Neurond, main
from lines import SocketLines
from mcp import McpClient, PREFIX
from parking import (answered, asked, CAPS, counts, digest, expect_nothing_kept, FORM, http,
                     invalid, modern, replies_to, REPLIES, retry, ROOTS, SAMPLE, send_only,
                     stdio, steps_of, URL, YES)
from rawhttp import wait_for


def test_a_question_is_an_answer_and_the_reply_a_call():
    with HttpAsker() as server, Neurond(http(server)) as daemon:
        client = modern(daemon)
        for question in (FORM, SAMPLE, ROOTS, URL):
            params = steps_of({"ask": [question]})
            requests, state = asked(client.request("tools/call", params))
            ((key, request),) = requests.items()
            sent = {k: v for k, v in (question[1] or {}).items() if k != "elicitationId"}
            assert request == {"method": question[0], **({"params": sent} if sent else {})}
            assert counts(daemon) == (1, 1)
            got = answered(retry(client, params, state, {key: REPLIES[question[0]]}))
            assert got == [REPLIES[question[0]]]
        assert len(server.played) == 4, "the server sees one call each"
        assert server.declared == [{}, {"elicitation": {"form": {}, "url": {}},
                                        "sampling": {}, "roots": {}}], server.declared
        assert not any(b"inputResponses" in r.body for r in server.requests)
        expect_nothing_kept(daemon)


def test_a_child_of_its_own_asks_too():
    with Neurond(stdio()) as daemon:
        client = modern(daemon)
        for question in (FORM, SAMPLE, ROOTS):
            params = steps_of({"ask": [question]})
            requests, state = asked(client.request("tools/call", params))
            assert answered(retry(client, params, state, replies_to(requests))) == [
                REPLIES[question[0]]]
        expect_nothing_kept(daemon)


def test_on_one_pipe_a_parked_call_is_in_nobodys_way():
    with Neurond(stdio()) as daemon:
        client = modern(daemon)
        first = steps_of({"ask": [FORM]})
        requests, kept = asked(client.request("tools/call", first))
        for question in (SAMPLE, ROOTS, FORM):  # the first client thinks, or has gone
            params = steps_of({"ask": [question, FORM]}, {"ask": [question]})
            second, state = asked(client.request("tools/call", params))
            assert [each["method"] for each in second.values()] == [question[0], FORM[0]]
            third, state = asked(retry(client, params, state, replies_to(second)))
            assert [each["method"] for each in third.values()] == [question[0]]
            assert answered(retry(client, params, state, replies_to(third))) == [
                REPLIES[q[0]] for q in (question, FORM, question)]
        assert answered(retry(client, first, kept, replies_to(requests))) == [YES]
        expect_nothing_kept(daemon)


def running(daemon, *steps, first=()):
    """A client whose call runs, and does these steps next; what reads its answer."""
    params, client = steps_of(*first, {"progress": 1}, *steps), modern(daemon)
    send_only(client, params, client.with_meta({**params, "_meta": {"progressToken": 1}}))
    head = client.conn.head()
    assert head.header("content-type") == "text/event-stream"
    return client, lambda: client.read(head, None)


def test_what_is_asked_about_a_cancelled_call_is_asked_of_nobody():
    with Neurond(stdio()) as daemon:
        one, _ = running(daemon, {"wait": "cancelled"}, {"ask": [FORM]}, {"pings": "answer"},
                         {"signal": "asked"}, first=[{"pings": "hold"}])
        two, answer = running(daemon, {"wait": "asked"})
        one.close()
        assert answered(answer()) == []
        two.close()
        asked(modern(daemon).request("tools/call", steps_of({"ask": [FORM]})))


def test_a_cancelled_call_that_is_never_answered_is_in_nobodys_way():
    with Neurond(stdio()) as daemon:
        for _ in range(3):
            one, _ = running(daemon, {"wait": "never"})
            one.close()
            wait_for("the cancelled call is one no more", lambda: counts(daemon)[0] == 0)
            params, client = steps_of({"ask": [FORM]}), modern(daemon)
            requests, state = asked(client.request("tools/call", params))
            assert answered(retry(client, params, state, replies_to(requests))) == [YES]


def test_a_server_that_never_answers_a_ping_is_waited_for_no_longer_than_that():
    with Neurond({"a": {**stdio()["a"], "health_timeout": "300ms"}}) as daemon:
        one, _ = running(daemon, {"wait": "never"}, first=[{"pings": "hold"}])
        one.close()
        wait_for("the cancelled call is one no more", lambda: counts(daemon)[0] == 0)
        params = steps_of({"ask": [FORM]})
        wait_for("others may be asked again", lambda: modern(daemon).request(
            "tools/call", params).result["resultType"] == "input_required")


def test_a_server_that_has_got_a_reply_may_ask_about_the_same_call():
    with Neurond(stdio()) as daemon:
        client = modern(daemon)
        params = steps_of({"put": [FORM, SAMPLE]}, {"take": 1}, {"ask": [FORM]},
                          {"signal": "asked"}, {"take": 1})
        requests, state = asked(client.request("tools/call", params))
        _, answer = running(daemon, {"wait": "asked"})
        form, sample = requests
        again, state = asked(retry(client, params, state, {form: YES}))
        assert list(again) == [sample]
        assert answered(answer()) == []
        got = answered(retry(client, params, state, replies_to(again)))
        assert got[:2] == [YES, REPLIES[SAMPLE[0]]] and got[2]["code"] == -32602, got
        expect_nothing_kept(daemon)


def test_on_one_pipe_two_that_run_cannot_be_told_apart():
    with Neurond(stdio()) as daemon:
        runs, _ = running(daemon, {"wait": "never"})
        got = modern(daemon).request("tools/call", steps_of({"ask": [FORM]}))
        assert "cannot associate" in got.text, got.raw
        runs.close()
        expect_nothing_kept(daemon)


def test_lines_may_park_and_http_may_come_back():
    with HttpAsker() as server, Neurond(
            http(server), {"client me": {"uid": 0, "token_sha256": digest("T")}}) as daemon:
        with SocketLines(daemon.dir / "run/neurond.sock") as lines:
            params = steps_of({"ask": [FORM]})
            meta = {PREFIX + "protocolVersion": "2026-07-28",
                    PREFIX + "clientCapabilities": CAPS}
            got = lines.request("tools/call", {**params, "_meta": meta})["result"]
            assert got["resultType"] == "input_required", got
        client = modern(daemon, headers=[("Authorization", "Bearer T")])
        assert answered(retry(client, params, got["requestState"],
                              replies_to(got["inputRequests"]))) == [YES]
        expect_nothing_kept(daemon)


def test_prompts_and_resources_ask_and_completions_do_not():
    with HttpAsker() as server, Neurond(http(server)) as daemon:
        client = modern(daemon)
        params = {"name": "a.play", "arguments": {"steps": json.dumps([{"ask": [FORM]}])}}
        requests, state = asked(client.request("prompts/get", params))
        got = client.request("prompts/get", {**params, "requestState": state,
                                             "inputResponses": replies_to(requests)})
        assert json.loads(got.result["messages"][0]["content"]["text"]) == [YES]
        expect_nothing_kept(daemon)


def test_several_questions_at_once_and_rounds_in_sequence():
    with HttpAsker() as server, Neurond(http(server)) as daemon:
        client = modern(daemon)
        params = steps_of({"ask": [FORM, SAMPLE, ROOTS]}, {"ask": [ROOTS]})
        requests, state = asked(client.request("tools/call", params))
        assert [each["method"] for each in requests.values()] == [
            FORM[0], SAMPLE[0], ROOTS[0]]
        second, later = asked(retry(client, params, state, replies_to(requests)))
        assert not requests.keys() & second.keys() and state != later
        got = answered(retry(client, params, later, replies_to(second)))
        assert got == [REPLIES[q[0]] for q in (FORM, SAMPLE, ROOTS, ROOTS)]
        assert len(server.played) == 1
        expect_nothing_kept(daemon)


def test_replies_that_are_missing_are_asked_for_again():
    with HttpAsker() as server, Neurond(http(server)) as daemon:
        client = modern(daemon)
        params = steps_of({"ask": [FORM, ROOTS]})
        requests, state = asked(client.request("tools/call", params))
        form, roots = requests
        again, later = asked(retry(client, params, state, {
            form: YES, "unknown": {"action": "accept"}}))
        assert again == {roots: requests[roots]} and later != state
        invalid(retry(client, params, state, replies_to(requests)), "used before")
        state = later
        again, state = asked(retry(client, params, state))  # no replies at all
        assert again == {roots: requests[roots]}
        for wrong in ({"roots": 1}, [], "x", {"action": "accept"}):
            invalid(retry(client, params, state, {roots: wrong}), roots)
        invalid(retry(client, params, state, []), "inputResponses")
        got = answered(retry(client, params, state, {roots: REPLIES["roots/list"]}))
        assert got == [YES, REPLIES["roots/list"]]
        expect_nothing_kept(daemon)


def test_a_state_is_of_one_client_and_one_call_and_good_once():
    clients = {"client one": {"token_sha256": digest("one")},
               "client two": {"token_sha256": digest("two")}}
    with HttpAsker() as server, Neurond(http(server), clients) as daemon:
        client, other = (modern(daemon, headers=[("Authorization", f"Bearer {who}")])
                         for who in ("one", "two"))
        params = steps_of({"ask": [FORM]})
        requests, state = asked(client.request("tools/call", params))
        replies = replies_to(requests)
        invalid(retry(other, params, state, replies), "another client")
        changed = {"name": "a.play", "arguments": {"steps": [{"ask": [ROOTS]}]}}
        invalid(retry(client, changed, state, replies), "another call")
        got = client.request("prompts/get", {
            "name": "a.play", "arguments": {"steps": "[]"}, "requestState": state})
        invalid(got, "another call")
        for altered in (state[:-2] + ("AA" if state[-2:] != "AA" else "BB"), state[1:], "x",
                        "", 5):
            invalid(retry(client, params, altered, replies), "requestState")
        assert counts(daemon) == (1, 1), "none of that has touched the call"
        spaced = ('{"name": "a.play" , "arguments" : { "steps":[ {"ask": [ %s ] } ] },'
                  '"requestState":%s,"inputResponses":%s}' % (
                      json.dumps(FORM), json.dumps(state), json.dumps(replies)))
        assert answered(client.request("tools/call", spaced.encode())) == [YES]
        invalid(retry(client, params, state, replies), "used before")
        assert len(server.played) == 1
        expect_nothing_kept(daemon)


def test_of_two_retries_one_is_served():
    with HttpAsker() as server, Neurond(http(server)) as daemon:
        params = steps_of({"ask": [FORM]}, {"wait": "go"})
        requests, state = asked(modern(daemon).request("tools/call", params))
        got = []

        def once():
            got.append(retry(modern(daemon), params, state, replies_to(requests)))
            server.signals["go"].set()  # the first to be answered is the second to come
        threads = [threading.Thread(target=once) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        invalid(got[0], "used before")
        assert answered(got[1]) == [YES]
        expect_nothing_kept(daemon)


def test_a_retry_whose_client_leaves_takes_the_call_back():
    with HttpAsker() as server, Neurond(http(server)) as daemon:
        client = modern(daemon)
        params = steps_of({"ask": [FORM]}, {"wait": "never"})
        requests, state = asked(modern(daemon).request("tools/call", params))
        leaving = modern(daemon)
        body = leaving.with_meta({**params, "requestState": state,
                                  "inputResponses": replies_to(requests)})
        send_only(leaving, params, body)
        wait_for("the server has the reply", lambda: any(
            m.get("result") == YES for m in server.got))
        leaving.close()
        wait_for("the server is told", lambda: server.cancelled)
        invalid(retry(client, params, state, {}), "used before")
        expect_nothing_kept(daemon)


def test_a_server_that_goes_on_without_the_reply():
    with HttpAsker() as server, Neurond(http(server)) as daemon:
        client = modern(daemon)
        # Its answer waits for the client, whatever that replies.
        params = steps_of({"put": [FORM]}, {"wait": "done"}, {"answer": {"content": [
            {"type": "text", "text": "[\"done\"]"}]}})
        requests, state = asked(client.request("tools/call", params))
        server.signals["done"].set()
        wait_for("it is done", lambda: counts(daemon)[0] == 0)
        assert answered(retry(client, params, state, replies_to(requests))) == ["done"]
        # It takes a question back: the retry simply waits for the answer.
        params = steps_of({"put": [FORM]}, {"wait": "back"}, {"withdraw": 0},
                          {"wait": "end"})
        requests, state = asked(client.request("tools/call", params))
        server.signals["back"].set()
        server.signals["end"].set()
        assert answered(retry(client, params, state, replies_to(requests))) == []
        # It asks more while nobody is there: that is for the next round.
        params = steps_of({"put": [FORM]}, {"wait": "more"}, {"put": [ROOTS]}, {"take": 2})
        requests, state = asked(client.request("tools/call", params))
        server.signals["more"].set()
        second, state = asked(retry(client, params, state, replies_to(requests)))
        assert [each["method"] for each in second.values()] == ["roots/list"]
        assert answered(retry(client, params, state, replies_to(second))) == [
            YES, REPLIES["roots/list"]]
        expect_nothing_kept(daemon)


def test_a_client_that_does_not_come_back():
    config = {"federation": {"input_timeout": "300ms"}}
    one_failure = {"breaker_failures": "1"}
    with HttpAsker() as server, Neurond({"a": {"url": server.url, **one_failure}},
                                        config) as daemon:
        client = modern(daemon)
        params = steps_of({"ask": [FORM, SAMPLE, ROOTS]})
        requests, state = asked(client.request("tools/call", params))
        wait_for("the server is told", lambda: len(server.got) == 3 and server.cancelled)
        by_id = sorted(server.got, key=lambda m: m["id"])  # they travel side by side
        got = [m.get("result", m.get("error", {}).get("code")) for m in by_id]
        assert got == [{"action": "cancel"}, -1, -32603], server.got
        invalid(retry(client, params, state, replies_to(requests)), "expired")
        expect_nothing_kept(daemon)
        # That was not the server's fault, nor when a legacy client says nothing.
        with McpClient(daemon.address, capabilities=CAPS) as legacy:
            error = legacy.request("tools/call", steps_of({"ask": [FORM]})).error
            assert error["message"].startswith("The client did not answer"), error
        assert answered(client.request("tools/call", steps_of())) == []


def test_a_server_that_dies_while_its_call_is_parked():
    with HttpAsker() as server, Neurond(http(server)) as daemon:
        client = modern(daemon)
        params = steps_of({"put": [FORM]}, {"wait": "die"}, {"die": True})
        requests, state = asked(client.request("tools/call", params))
        server.signals["die"].set()
        wait_for("it is dead", lambda: counts(daemon)[0] == 0)
        got = retry(client, params, state, replies_to(requests))
        assert got.error["code"] == -32603 and got.error["data"]["server"] == "a", got.raw
        expect_nothing_kept(daemon)
    with Neurond(stdio()) as daemon:
        client = modern(daemon)
        params = steps_of({"ask": [FORM]}, {"die": True})
        requests, state = asked(client.request("tools/call", params))
        got = retry(client, params, state, replies_to(requests))
        assert got.error["code"] == -32603 and got.error["data"]["type"] == "crash", got.raw
        expect_nothing_kept(daemon)
    with Neurond(stdio()) as daemon:
        client = modern(daemon)
        requests, state = asked(client.request("tools/call", params))
        assert daemon.run("disable", "a").returncode == 0
        got = retry(client, params, state, replies_to(requests))
        assert got.error["code"] == -32603 and got.error["data"]["server"] == "a", got.raw
        expect_nothing_kept(daemon)


def test_a_retry_without_state_is_a_new_call():
    with HttpAsker() as server, Neurond(http(server)) as daemon:
        client = modern(daemon)
        params = steps_of({"ask": [FORM]})
        requests, first = asked(client.request("tools/call", params))
        again, second = asked(retry(client, params, None, replies_to(requests)))
        assert len(server.played) == 2 and first != second
        assert "inputResponses" not in server.played[1]["params"], server.played[1]
        assert answered(retry(client, params, second, replies_to(again))) == [YES]
        assert answered(retry(client, params, first, replies_to(requests))) == [YES]
        expect_nothing_kept(daemon)


def test_what_a_client_did_not_declare():
    with HttpAsker() as server, Neurond(http(server)) as daemon:
        for declared, question, required in (
                ({}, FORM, {"elicitation": {"form": {}}}),
                ({"elicitation": {}}, URL, {"elicitation": {"url": {}}}),
                ({"elicitation": {"url": {}}}, FORM, {"elicitation": {"form": {}}}),
                ({"roots": {}}, SAMPLE, {"sampling": {}}),
                ({"sampling": {}}, ["sampling/createMessage", {**SAMPLE[1], "tools": []}],
                 {"sampling": {"tools": {}}}),
                ({"sampling": {}}, ROOTS, {"roots": {}})):
            server.cancelled.clear()
            client = modern(daemon, capabilities=declared)
            got = client.request("tools/call", steps_of({"ask": [question]}))
            assert got.error["code"] == -32021 and got.status == 400, got.raw
            assert got.error["data"] == {"requiredCapabilities": required}, got.raw
            wait_for("the server is told", lambda: server.cancelled)
        expect_nothing_kept(daemon)
    with Neurond({"a": {**stdio()["a"], "share": "all"}}) as daemon:
        got = answered(modern(daemon).request("tools/call", steps_of({"ask": [FORM]})))
        assert got[0]["code"] == -32601, "a process for everybody was told that it cannot ask"


def test_progress_while_somebody_waits_and_none_meanwhile():
    with HttpAsker() as server, Neurond(http(server)) as daemon:
        client = modern(daemon)
        params = steps_of({"progress": 1}, {"put": [FORM]}, {"wait": "on"}, {"progress": 2},
                          {"take": 1}, {"progress": 3})
        got = client.request("tools/call", {**params, "_meta": {"progressToken": "one"}})
        requests, state = asked(got)
        tokens = [(m["params"]["progressToken"], m["params"]["progress"]) for m in got.before]
        assert tokens == [("one", 1)], got.before
        server.signals["on"].set()
        wait_for("the call is still there", lambda: counts(daemon) == (1, 1))
        got = retry(client, {**params, "_meta": {"progressToken": 2}}, state,
                    replies_to(requests))
        said = [(m["params"]["progressToken"], m["params"]["progress"]) for m in got.before]
        assert said[-1] == (2, 3) and all(token == 2 for token, _ in said), got.before
        requests, state = asked(client.request(
            "tools/call", {**params, "_meta": {"progressToken": "one"}}))
        got = retry(client, params, state, replies_to(requests))  # it wants none now
        assert not got.before, got.before
        expect_nothing_kept(daemon)


def test_limits():
    config = {"federation": {"parked_max": "4"}}
    with HttpAsker() as server, Neurond(http(server), {
            **config, **{f"client {who}": {"token_sha256": digest(who)}
                         for who in ("one", "two", "three")}}) as daemon:
        params = steps_of({"ask": [FORM, SAMPLE, ROOTS]})

        def client(who):
            return modern(daemon, headers=[("Authorization", f"Bearer {who}")])
        parked = []
        for who in ("one", "two"):
            for _ in range(2):
                parked.append((who, *asked(client(who).request("tools/call", params))))
            got = answered(client(who).request("tools/call", params))
            assert got[0] == {"action": "cancel"} and got[1]["code"] == -1, got
            assert got[2] == {"roots": []}, got
        got = answered(client("three").request("tools/call", params))
        assert got[0] == {"action": "cancel"}, "there is no place for anybody"
        assert counts(daemon) == (4, 4)
        for who, requests, state in parked:
            got = answered(retry(client(who), params, state, replies_to(requests)))
            assert got == [REPLIES[q[0]] for q in (FORM, SAMPLE, ROOTS)]
        expect_nothing_kept(daemon)


def test_urls_to_visit_first():
    error = {"code": -32042, "message": "visit", "data": {"elicitations": [
        {"mode": "url", "elicitationId": "e", "url": "http://x/1", "message": "One"},
        {"mode": "url", "elicitationId": "f", "url": "http://x/2", "message": "Two"}]}}
    with HttpAsker() as server, Neurond(http(server)) as daemon:
        client, params = modern(daemon), steps_of({"error": error})
        with McpClient(daemon.address) as legacy:
            assert legacy.request("tools/call", params).error == error
        requests, state = asked(client.request("tools/call", params))
        assert [each["params"]["url"] for each in requests.values()] == [
            "http://x/1", "http://x/2"]
        assert all("elicitationId" not in each["params"] for each in requests.values())
        assert counts(daemon) == (0, 1)
        yes = {key: {"action": "accept"} for key in requests}
        one = next(iter(requests))
        requests, state = asked(retry(client, params, state, {one: yes[one]}))
        before = len(server.played)
        again, state = asked(retry(client, params, state, yes))  # it wants that once more
        assert len(server.played) == before + 1
        got = retry(client, params, state, {one: {"action": "decline"}})
        assert got.result["isError"] and len(server.played) == before + 1, got.raw
        invalid(retry(client, params, state, yes), "used before")
        got = modern(daemon, capabilities={"elicitation": {}}).request("tools/call", params)
        assert got.error["data"] == {"requiredCapabilities": {"elicitation": {"url": {}}}}
        expect_nothing_kept(daemon)


def test_the_audit_has_one_pair_and_each_retry():
    with HttpAsker() as server, Neurond(http(server)) as daemon:
        client = modern(daemon)
        params = steps_of({"ask": [FORM]})
        requests, state = asked(client.request("tools/call", params))
        invalid(retry(client, params, state, {next(iter(requests)): 1}), "no answer")
        answered(retry(client, params, state, replies_to(requests)))
        invalid(retry(client, params, state), "used before")
        wait_for("the last line", lambda: len(lines_of(daemon)) == 5)
        lines = lines_of(daemon)
        assert [(x["event"], x.get("result")) for x in lines] == [
            ("call", None), ("call", "error"), ("retry", None), ("result", "success"),
            ("call", "error")], lines
        call, retried, result = lines[0], lines[2], lines[3]
        assert retried["continues"] == call["request_id"] == result["request_id"]
        assert retried["request_id"] != call["request_id"] and "params" not in retried
        assert daemon.run("audit", "verify", str(daemon.dir / "audit.log")).returncode == 0


def lines_of(daemon):
    return [json.loads(line) for line in daemon.audit()]


def test_a_drain_ends_what_is_parked():
    with Neurond(stdio(), {"server": {"drain_timeout": "1m"}}) as daemon:
        asked(modern(daemon).request("tools/call", steps_of({"ask": [FORM]})))
        daemon.stop()  # sooner than that
        reply, cancelled = [each for each in map(json.loads, daemon.received("a")[-3:])
                            if each.get("method") != "ping"]
        assert reply["result"] == {"action": "cancel"}, reply
        assert cancelled["method"] == "notifications/cancelled", cancelled


main(__name__)
