"""The official SDK 1.x client over Streamable HTTP sees server-everything,
server-filesystem and host-tools as one list and calls their tools."""
import json
import pathlib
import tempfile

from peers import EVERYTHING, FILESYSTEM, NODE, node, received_names, teed

from harness import BINARY, Neurond, main


def test_one_sorted_namespaced_list_of_three_servers():
    with tempfile.TemporaryDirectory() as name:
        home = pathlib.Path(name)
        (home / "note.txt").write_text("kept 1.10")
        copies = {who: home.parent / f"{home.name}-{who}" for who in ("everything", "files")}
        downstreams = {
            "files": teed(copies["files"], NODE, FILESYSTEM, home),
            "everything": teed(copies["everything"], NODE, EVERYTHING, "stdio"),
            "host": {"command": BINARY, "args": ["host-tools"]},
        }
        with Neurond(downstreams) as daemon:
            daemon.wait_for_log("everything: healthy", 60)
            daemon.wait_for_log("files: healthy", 60)
            seen = node("sdk1.mjs", daemon.url, json.dumps([
                ["everything.echo", {"message": "héllo"}],
                ["everything.get-sum", {"a": 19, "b": 23}],
                ["files.read_text_file", {"path": str(home / "note.txt")}],
                ["host.system.info", {}],
                ["host.no-such-tool", {}],
                ["everything.trigger-long-running-operation", {"duration": 1, "steps": 4}],
            ]))
        check(seen)
        sent = {who: received_names(copy) for who, copy in copies.items()}
        for copy in copies.values():
            copy.unlink()
        assert sent["files"] == ["read_text_file"], sent
        assert sent["everything"] == ["echo", "get-sum", "trigger-long-running-operation"], sent


def check(seen):
    names = [tool["name"] for tool in seen["tools"]]
    assert names == sorted(names) and len(names) == len(set(names)), names
    assert {name.split(".")[0] for name in names} == {"everything", "files", "host"}, names
    assert seen["server"]["name"] == "neurond" and seen["session"], seen["server"]
    assert seen["revision"] == "2025-11-25", seen["revision"]
    echo, total, note, host, unknown, long = seen["results"]
    assert echo["content"] == [{"type": "text", "text": "Echo: héllo"}], echo
    assert "42" in total["content"][0]["text"], total
    assert note["content"][0]["text"] == "kept 1.10", note
    assert not host.get("isError") and host["structuredContent"], host
    assert unknown["code"] == -32602 or unknown.get("isError"), unknown
    assert "completed" in long["content"][0]["text"], long
    progress = seen["progress"]["everything.trigger-long-running-operation"]
    assert progress == sorted(progress) and len(progress) >= 3, progress


main(__name__)
