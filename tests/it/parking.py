"""What tests of parked calls share: the questions of fixtures/asker.py, and how a 2026-07-28
client comes back with the replies."""
import hashlib
import json
import re
import sys

from fixtures import asker

from mcp import ModernClient
from rawhttp import Conn, wait_for

CAPS = {"elicitation": {"form": {}, "url": {}}, "sampling": {}, "roots": {}}
SCHEMA = {"type": "object", "properties": {"n": {"type": "integer"}}}
FORM = ["elicitation/create", {"message": "Who?", "requestedSchema": SCHEMA}]
URL = ["elicitation/create", {"mode": "url", "url": "http://x/", "message": "Sign",
                              "elicitationId": "e-1"}]
SAMPLE = ["sampling/createMessage", {"messages": [], "maxTokens": 5}]
ROOTS = ["roots/list", None]
YES = {"action": "accept", "content": {"n": 1}}
REPLIES = {"elicitation/create": YES, "roots/list": {"roots": [{"uri": "file:///x"}]},
           "sampling/createMessage": {"role": "assistant", "model": "m",
                                      "content": {"type": "text", "text": "t"}}}


def steps_of(*steps):
    return {"name": "a.play", "arguments": {"steps": list(steps)}}


def http(server):
    return {"a": {"url": server.url}}


def stdio():
    return {"a": {"command": sys.executable, "args": [asker.__file__], "share": "session"}}


def modern(daemon, **keys):
    return ModernClient(daemon.address, **{"capabilities": CAPS, **keys})


def counts(daemon):
    got = json.loads(daemon.run("status", "--json").stdout)
    return got["calls_in_flight"], got["parked_calls"]


def expect_nothing_kept(daemon):
    """In the router, at the downstreams, on their way to them, and for who may come back."""
    def left():
        with daemon.connect() as conn:
            text = conn.request("GET", "/metrics").body.decode()
        found = re.findall(r"^neurond_(?:calls_in_flight|queue_length|parked_calls)\S* (\S+)$",
                           text, re.M)
        return len(found) < 3 or any(map(float, found))
    wait_for("every table empty", lambda: counts(daemon) == (0, 0) and not left())


def asked(got):
    assert got.result["resultType"] == "input_required", got.raw
    assert set(got.result) == {"resultType", "inputRequests", "requestState"}, got.raw
    return got.result["inputRequests"], got.result["requestState"]


def retry(client, params, state=None, replies=None, **keys):
    more = {**({"requestState": state} if state is not None else {}),
            **({"inputResponses": replies} if replies is not None else {})}
    return client.request("tools/call", {**params, **more}, **keys)


def replies_to(requests):
    return {key: REPLIES[each["method"]] for key, each in requests.items()}


def invalid(got, words):
    assert got.error["code"] == -32602 and words in got.error["message"], got.raw
    assert got.status == 200


def answered(got):
    assert got.result["resultType"] == "complete", got.raw
    return json.loads(got.text)


def digest(token):
    return hashlib.sha256(token.encode()).hexdigest()


def send_only(client, params, body):
    client.conn = Conn(client.address)
    whole = b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":%s}' % body
    lines = [f"POST {client.path} HTTP/1.1", "Host: localhost",
             f"Content-Length: {len(whole)}"]
    lines += [f"{n}: {v}" for n, v in client.headers_for("tools/call", params).items()]
    client.conn.send("\r\n".join(lines).encode() + b"\r\n\r\n" + whole)
