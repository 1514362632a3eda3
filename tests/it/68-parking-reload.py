"""Parked calls and what changes meanwhile: the configuration, the policy, the servers."""
import json
import sys

from fixtures import asker
from fixtures.asker import HttpAsker

from harness import Neurond, main
from mcp import ModernClient
from rawhttp import wait_for

FORM = ["elicitation/create", {"message": "Who?", "requestedSchema": {
    "type": "object", "properties": {}}}]
YES = {"action": "accept", "content": {}}
PARAMS = {"name": "a.play", "arguments": {"steps": [{"ask": [FORM]}]}}
ALLOWED = {"rule all": {"effect": "allow", "tools": "*"}}


def park(daemon):
    """The client, and what it comes back with."""
    client = ModernClient(daemon.address, capabilities={"elicitation": {}})
    got = client.request("tools/call", PARAMS).result
    assert got["resultType"] == "input_required", got
    return client, {**PARAMS, "requestState": got["requestState"],
                    "inputResponses": {key: YES for key in got["inputRequests"]}}


def reload(daemon, *args, **keys):
    daemon.configure(*args, **keys)
    done = daemon.run("reload", "--control", str(daemon.dir / "run/control.sock"))
    assert done.returncode == 0, done


def expect_nothing_kept(daemon):
    def kept():
        told = json.loads(daemon.run("status", "--json").stdout)
        return told["calls_in_flight"], told["parked_calls"]
    wait_for("every table empty", lambda: kept() == (0, 0))


def test_a_reload_leaves_parked_calls_alone():
    with HttpAsker() as server:
        servers = {"a": {"url": server.url}}
        with Neurond(servers, ALLOWED, allow=False) as daemon:
            client, params = park(daemon)
            more = {"rule more": {"effect": "deny", "tools": "b.*"}}
            reload(daemon, {**servers, "b": {"url": server.url}}, {**ALLOWED, **more},
                   allow=False)
            got = client.request("tools/call", params)
            assert json.loads(got.text) == [YES] and len(server.played) == 1, got.raw
            expect_nothing_kept(daemon)


def test_what_the_policy_denies_now_no_retry_goes_on_with():
    with HttpAsker() as server:
        servers = {"a": {"url": server.url}}
        with Neurond(servers, ALLOWED, allow=False) as daemon:
            client, params = park(daemon)
            denied = {"rule none": {"effect": "deny", "tools": "a.play"}, **ALLOWED}
            reload(daemon, servers, denied, allow=False)
            error = client.request("tools/call", params).error
            assert error["code"] == -32600 and "security policy" in error["message"], error
            wait_for("the server is told", lambda: server.got and server.cancelled)
            assert server.got[0]["result"] == {"action": "cancel"}, server.got
            again = client.request("tools/call", params).error
            assert again["code"] == -32602 and "used before" in again["message"], again
            expect_nothing_kept(daemon)
            wait_for("every line", lambda: len(daemon.audit()) == 4)
            lines = sorted(map(json.loads, daemon.audit()), key=lambda line: line["seq"])
            told = [(x["event"], x["decision"], x.get("result"), x.get("rule"))
                    for x in lines]
            assert told[0] == ("call", "allowed", None, "all"), told
            assert ("retry", "denied", "blocked", "none") in told, told
            assert ("result", "allowed", "cancelled", "all") in told, told


def test_a_server_that_is_configured_no_more():
    command = {"command": sys.executable, "args": [asker.__file__], "share": "session"}
    with Neurond({"a": command}, ALLOWED, allow=False) as daemon:
        client, params = park(daemon)
        reload(daemon, {}, ALLOWED, allow=False)
        daemon.run("status")
        got = client.request("tools/call", params)
        assert "error" in got.message or json.loads(got.text) == [YES], got.raw
        expect_nothing_kept(daemon)


main(__name__)
