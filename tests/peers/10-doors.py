"""The official SDK 1.x client over HTTP+SSE and over WebSocket: tools, progress, and what a
legacy server asks during a call."""
import json

from peers import node

from harness import Neurond, hostile, main

FORM = {"message": "Who?", "requestedSchema": {"type": "object", "properties": {
    "who": {"type": "string"}}}}
SAMPLE = {"messages": [{"role": "user", "content": {"type": "text", "text": "x"}}],
          "maxTokens": 5}
CALLS = [
    ["a.echo", {"text": "héllo"}],
    ["a.progress", {"count": 4, "ms": 50}],
    ["a.ask", {"method": "elicitation/create", "params": FORM}],
    ["a.ask", {"method": "sampling/createMessage", "params": SAMPLE}],
    ["a.echo", {"text": "x" * 100_000}],
]


def check(seen):
    assert seen["server"]["name"] == "neurond", seen["server"]
    assert "a.echo" in seen["tools"], seen["tools"]
    assert seen["asked"] == ["Who?", 5], seen["asked"]
    assert len(seen["progress"]) == 4 and seen["progress"] == sorted(seen["progress"]), seen
    echo, _, form, sample, large = [got["content"][0]["text"] for got in seen["results"]]
    assert echo == "héllo" and large == "x" * 100_000
    assert json.loads(form)["result"]["content"] == {"who": "me"}, form
    assert json.loads(sample)["result"]["content"]["text"] == "sampled", sample


def test_http_and_sse():
    with Neurond({"a": hostile(share="session")}) as daemon:
        check(node("doors.mjs", f"http://127.0.0.1:{daemon.port}/sse", json.dumps(CALLS)))


def test_websocket():
    with Neurond({"a": hostile(share="session")}) as daemon:
        check(node("doors.mjs", f"ws://127.0.0.1:{daemon.port}/ws", json.dumps(CALLS)))


main(__name__)
