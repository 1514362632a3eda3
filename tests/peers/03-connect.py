"""Desktop clients: the official SDK's stdio transport starts `neurond connect`, as the
command lines in their configuration files do."""
import json
import re
import subprocess

from peers import EVERYTHING, FILESYSTEM, HERE, NODE, node

from harness import BINARY, Neurond, main


def desktop(daemon, *args, calls=()):
    """What a client sees that was told to start this command."""
    command = [BINARY, "connect", "--socket", str(daemon.dir / "run/neurond.sock"), *args]
    return node("sdk1.mjs", json.dumps(command), json.dumps(calls))


def servers(home):
    slow = {"start_timeout": "60s"}
    return {"everything": {"command": NODE, "args": [EVERYTHING, "stdio"], **slow},
            "files": {"command": NODE, "args": [FILESYSTEM, home], **slow},
            "host": {"command": BINARY, "args": ["host-tools"]}}


def test_a_desktop_client_has_the_tools_of_all_servers():
    with Neurond(servers(HERE)) as daemon:
        for name in ("everything", "files"):
            daemon.wait_for_log(f"{name}: healthy", 60)
        seen = desktop(daemon, calls=[
            ["everything_echo", {"message": "héllo"}],
            ["everything_get-sum", {"a": 19, "b": 23}],
            ["files_read_text_file", {"path": str(HERE / "package.json")}],
            ["host_system_info", {}],
            ["everything_trigger-long-running-operation", {"duration": 1, "steps": 4}],
            ["everything_no-such-tool", {}]])
        names = [tool["name"] for tool in seen["tools"]]
        assert names == sorted(names) and len(names) == len(set(names)), names
        assert all(re.fullmatch(r"[A-Za-z0-9_-]{1,64}", name) for name in names), names
        assert {name.split("_")[0] for name in names} == {"everything", "files", "host"}, names
        assert seen["server"]["name"] == "neurond", seen["server"]
        echo, total, file, host, long, unknown = seen["results"]
        assert echo["content"] == [{"type": "text", "text": "Echo: héllo"}], echo
        assert "42" in total["content"][0]["text"], total
        assert "@modelcontextprotocol" in file["content"][0]["text"], file
        assert host["structuredContent"], host
        assert "completed" in long["content"][0]["text"], long
        assert unknown["code"] == -32602, unknown
        progress = seen["progress"]["everything_trigger-long-running-operation"]
        assert progress == sorted(progress) and len(progress) >= 3, progress


def test_one_server_alone_has_its_own_names():
    with Neurond(servers(HERE)) as daemon:
        daemon.wait_for_log("everything: healthy", 60)
        plain = desktop(daemon, "--names", "plain", "host", calls=[["system.load", {}]])
        assert "system.info" in [tool["name"] for tool in plain["tools"]], plain["tools"]
        assert plain["results"][0]["structuredContent"], plain["results"]
        alone = desktop(daemon, "everything", calls=[["echo", {"message": "x"}]])
        assert alone["results"][0]["content"][0]["text"] == "Echo: x", alone["results"]


def test_the_sdk_2_in_each_of_its_modes():
    with Neurond(servers(HERE)) as daemon:
        daemon.wait_for_log("everything: healthy", 60)
        command = [BINARY, "connect", "--socket", str(daemon.dir / "run/neurond.sock")]
        for mode, era in (("legacy", "legacy"), ("auto", "modern"), ("modern", "modern")):
            seen = node("sdk2.mjs", mode, json.dumps(command), json.dumps([
                ["everything_echo", {"message": mode}],
                ["everything_trigger-long-running-operation", {"duration": 0.4, "steps": 4}]]))
            assert seen["era"] == era, (mode, seen["era"])
            assert seen["results"][0]["content"][0]["text"] == "Echo: " + mode, seen["results"]
            assert "completed" in seen["results"][1]["content"][0]["text"], seen["results"]
            assert len(seen["progress"]["everything_trigger-long-running-operation"]) >= 3, mode


def test_a_client_without_a_daemon_is_told_why():
    command = [BINARY, "connect", "--socket", "/nonexistent/neurond.sock", "--wait", "200ms"]
    done = subprocess.run([NODE, str(HERE / "sdk1.mjs"), json.dumps(command)],
                          capture_output=True, text=True, timeout=60, check=False, cwd=HERE)
    assert done.returncode != 0 and "neurond is not running" in done.stderr, done


main(__name__)
