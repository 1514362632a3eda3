"""What belongs to one request comes in the order it was said, then the answer, then nothing;
what one client sends reaches a server in the order it was sent (mcp-protocol 5.6)."""
import json
import sys

from fixtures import asker
from fixtures.asker import HttpAsker

from harness import Neurond, hostile, main
from lines import SocketLines

CHILD = {"command": sys.executable, "args": [asker.__file__]}
COUNT = 200


def lines_to(daemon):
    lines = SocketLines(daemon.dir / "run/neurond.sock")
    lines.initialize()
    return lines


def said(message):
    """A number of progress or of a message for the log."""
    params = message["params"]
    return params["progress"] if "progress" in params else int(params["data"])


def chatter():
    return [{"progress": n} if n % 2 else {"log": str(n)} for n in range(COUNT)]


def expect_in_order(seen, answer):
    assert [said(each) for each in seen] == list(range(COUNT)), seen
    assert all("progressToken" not in each["params"] or each["params"]["progressToken"] == "t"
               for each in seen), seen
    assert answer["result"]["content"][0]["text"] == "[]"


def test_notices_come_in_order_and_then_the_answer():
    with HttpAsker() as server, Neurond({"a": CHILD, "h": {"url": server.url}}) as daemon:
        for name in "ah":
            params = {"name": name + ".play", "arguments": {"steps": chatter()},
                      "_meta": {"progressToken": "t"}}
            with daemon.client() as client:
                client.request("logging/setLevel", {"level": "debug"})
                seen = []
                got = client.request("tools/call", params, on_event=seen.append)
                expect_in_order([each for each in seen if "method" in each], got.message)
            with lines_to(daemon) as lines:
                lines.request("logging/setLevel", {"level": "debug"})
                call, seen = lines.start("tools/call", params), []
                while "method" in (message := lines.read()):
                    seen.append(message)
                assert message["id"] == call
                expect_in_order(seen, message)


def test_nothing_comes_after_the_answer():
    with Neurond({"a": CHILD}) as daemon, lines_to(daemon) as lines:
        params = {"name": "a.play", "_meta": {"progressToken": "t"}}
        for _ in range(3):
            call = lines.start("tools/call", {**params, "arguments": {
                "steps": [{"progress": 1}, {"late": 2}]}})
            assert [lines.read().get("method"), lines.read().get("id")] == [
                "notifications/progress", call]
        # What the server says next comes behind all that: so nothing was on its way.
        call = lines.start("tools/call", {**params, "arguments": {"steps": [{"progress": 3}]}})
        assert said(lines.read()) == 3
        assert lines.read()["id"] == call


def test_calls_of_one_client_reach_a_server_in_order():
    with Neurond({"a": hostile(), "b": hostile()}) as daemon, lines_to(daemon) as lines:
        for n in range(COUNT):
            lines.start("tools/call", {"name": "ab"[n % 2] + ".echo",
                                       "arguments": {"text": str(n)}}, request_id=f"c{n}")
        assert {lines.read()["id"] for _ in range(COUNT)} == {f"c{n}" for n in range(COUNT)}
        for name, first in (("a", 0), ("b", 1)):
            calls = [json.loads(each) for each in daemon.received(name)
                     if b'"tools/call"' in each]
            assert [int(each["params"]["arguments"]["text"]) for each in calls] == list(
                range(first, COUNT, 2))


main(__name__)
