"""The official SDK 2.x client, modern and legacy, sees servers of both eras as one list and
calls their tools: server-everything, server-filesystem, host-tools and a modern one."""
import json
import pathlib
import tempfile

from peers import EVERYTHING, FILESYSTEM, MODERN_SERVER, NODE, node, received_names, teed

from harness import BINARY, Neurond, main
from rawhttp import Conn, render

MODES = {"modern": "modern", "auto": "modern", "legacy": "legacy"}


def calls(home):
    return [
        ["everything.echo", {"message": "h\u00e9llo"}],
        ["everything.get-sum", {"a": 19, "b": 23}],
        ["files.read_text_file", {"path": str(home / "note.txt")}],
        ["host.system.info", {}],
        ["modern.echo", {"text": "9007199254740993 \u20ac"}],
        ["modern.add", {"a": 0.5, "b": 0.25}],
        ["modern.fail", {}],
        ["modern.steps", {"steps": 4}],
        ["modern.routed", {"region": "h\u00e9"}],
        ["everything.trigger-long-running-operation", {"duration": 1, "steps": 4}],
        ["modern.no-such-tool", {}],
        ["down.anything", {}],
    ]


def test_both_eras_of_clients_see_both_eras_of_servers():
    with tempfile.TemporaryDirectory() as name:
        home = pathlib.Path(name)
        (home / "note.txt").write_text("kept 1.10")
        copy = home / "modern.copy"
        downstreams = {
            "files": {"command": NODE, "args": [FILESYSTEM, home], "start_timeout": "60s"},
            "everything": {"command": NODE, "args": [EVERYTHING, "stdio"], "start_timeout": "60s"},
            "host": {"command": BINARY, "args": ["host-tools"]},
            "modern": teed(copy, NODE, MODERN_SERVER, "stdio"),
            "down": {"command": "/bin/false", "backoff": "1h", "backoff_max": "1h"},
        }
        with Neurond(downstreams) as daemon:
            for server in ("files", "everything", "modern"):
                daemon.wait_for_log(f"{server}: healthy", 60)
            for mode, era in MODES.items():
                check(node("sdk2.mjs", mode, daemon.url, json.dumps(calls(home))), era)
            seen = node("sdk2.mjs", "modern", daemon.url + "/modern", json.dumps(
                [["echo", {"text": "x"}], ["routed", {"region": "eu"}]]))
            assert [t["name"] for t in seen["tools"]] == [
                "add", "echo", "fail", "hang", "routed", "steps"]
            assert [r["content"][0]["text"] for r in seen["results"]] == ["x", "eu"], seen
            seen = node("sdk2.mjs", "modern", daemon.url + "?names=strict", json.dumps(
                [["host_system_info", {}], ["modern_echo", {"text": "x"}]]))
            assert seen["results"][0]["structuredContent"], seen["results"]
            assert seen["results"][1]["content"][0]["text"] == "x", seen["results"]
        sent = received_names(copy)
        assert sent.count("echo") == 5 and set(sent) == {
            "add", "echo", "fail", "routed", "steps"}, sent
        said = [json.loads(line)["method"] for line in copy.read_text().splitlines()]
        assert said[0] == "server/discover" and "initialize" not in said, said


def test_hanging_up_aborts_a_call_in_a_modern_server():
    with Neurond({"modern": {"command": NODE, "args": [MODERN_SERVER, "stdio"],
                             "start_timeout": "60s"}}) as daemon, daemon.modern() as client:
        with Conn(daemon.address) as conn:
            params = client.with_meta({"name": "modern.hang", "arguments": {}})
            conn.send(render("POST", "/mcp", list(client.headers_for(
                "tools/call", json.loads(params)).items()), b'{"jsonrpc":"2.0","id":1,"method":'
                b'"tools/call","params":' + params + b"}"))
            daemon.wait_for_log("hang: begun")
        daemon.wait_for_log("hang: aborted")
        assert client.call("modern.echo", {"text": "x"}).text == "x"


def check(seen, era):
    assert seen["era"] == era, seen["era"]
    assert seen["revision"] == ("2026-07-28" if era == "modern" else "2025-11-25"), seen["revision"]
    assert seen["server"]["name"] == "neurond", seen["server"]
    names = [tool["name"] for tool in seen["tools"]]
    assert names == sorted(names) and len(names) == len(set(names)), names
    assert {n.split(".")[0] for n in names} == {"everything", "files", "host", "modern"}, names
    echo, total, note, host, own, added, failed, steps, routed, long, unknown, down = seen["results"]
    assert echo["content"] == [{"type": "text", "text": "Echo: h\u00e9llo"}], echo
    assert "42" in total["content"][0]["text"], total
    assert note["content"][0]["text"] == "kept 1.10", note
    assert host["structuredContent"] and not host.get("isError"), host
    assert own["content"][0]["text"] == "9007199254740993 \u20ac", own
    assert added["structuredContent"] == {"sum": 0.75}, added
    assert failed["isError"] is True and failed["content"][0]["text"] == "as asked", failed
    assert steps["content"][0]["text"] == "completed", steps
    assert routed["content"][0]["text"] == "h\u00e9", routed
    assert "completed" in long["content"][0]["text"], long
    assert unknown["code"] == -32602 and "modern.no-such-tool" in unknown["thrown"], unknown
    assert down["code"] == -32603 and "Downstream 'down' is not available" in down["thrown"], down
    for name in ("modern.steps", "everything.trigger-long-running-operation"):
        assert seen["progress"][name] == [1, 2, 3, 4], seen["progress"]
    about = [r for r in seen["requests"] if r["method"] == "POST"]
    if era == "modern":
        assert all(r["version"] == "2026-07-28" and not r["session"] for r in about), about
        assert "host.system.info" in [r["name"] for r in about], about
    else:
        assert sum(r["session"] for r in about) >= len(seen["results"]), about


main(__name__)
