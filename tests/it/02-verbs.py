"""The verbs that talk to a running daemon, as people and programs see them."""
import json
import os
import pathlib
import stat
import subprocess
import tempfile
import time

from harness import BINARY, Neurond, hostile, main


def test_status_servers_tools_call_health_stop():
    with Neurond({"a": hostile("tools=one,two"), "b": hostile("crash-start=3")}) as daemon:
        health = daemon.run("health")
        assert health.returncode == 0, health
        status = daemon.run("status")
        assert status.returncode == 0 and str(daemon.pid) in status.stdout, status
        servers = json.loads(daemon.run("servers", "--json").stdout)
        by_name = {row["name"]: row for row in servers}
        assert set(by_name) == {"a", "b"}, servers
        assert by_name["a"]["state"] == "healthy" and by_name["a"]["tools"] == 2, servers
        assert by_name["b"]["state"] != "healthy" and by_name["b"]["last_error"], servers
        for key in ("era", "restarts", "uptime_seconds"):
            assert key in by_name["a"], servers
        table = daemon.run("servers").stdout
        assert "a" in table and "healthy" in table and "\x1b" not in table, table
        tools = json.loads(daemon.run("tools", "--json").stdout)
        assert [tool["name"] for tool in tools] == ["a.one", "a.two"], tools
        assert [tool["name"] for tool in json.loads(
            daemon.run("tools", "a.o*", "--json").stdout)] == ["a.one"]
        called = daemon.run("call", "a.one", '{"text":"shell"}')
        assert called.returncode == 0 and "shell" in called.stdout, called
        assert daemon.run("call", "a.none").returncode == 1
        assert daemon.run("call", "a.one", "{nonsense").returncode in (1, 64)
        shown = daemon.run("-T").stdout
        assert daemon.run("config").stdout == shown != ""
        rows = json.loads(daemon.run("config", "--json").stdout)
        assert rows == json.loads(daemon.run("-T", "--json").stdout), rows
        assert {"section": "downstream", "name": "a", "key": "restart", "value": "on-failure",
                "origin": "default"} in rows, rows
        stopped = daemon.run("stop")
        assert stopped.returncode == 0, stopped
        assert daemon.wait_exit() == 0
        daemon.expect_nothing_left()
        assert daemon.run("health").returncode == 1
        gone = daemon.run("status")
        assert gone.returncode == 1 and "not running" in gone.stderr, gone


def test_calls_from_a_shell_pass_the_policy_as_uid():
    rules = {"rule one": {"effect": "allow", "tools": "a.one", "clients": f"uid:{os.getuid()}"}}
    with Neurond({"a": hostile("tools=one,two")}, rules, allow=False) as daemon:
        assert daemon.run("call", "a.one", '{"text":"x"}').returncode == 0
        refused = daemon.run("call", "a.two")
        assert refused.returncode == 1 and "security policy" in refused.stderr, refused
        with daemon.client() as client:
            assert client.tools() == []
            assert client.call("a.one").error["code"] == -32600
        records = [json.loads(line) for line in daemon.audit()]
        assert records[0]["client"] == f"uid:{os.getuid()}", records[0]
        assert records[-1]["client"] == "anonymous", records[-1]


def test_a_bad_configuration_that_was_named_is_told_as_such():
    verbs = (("status",), ("servers",), ("tools",), ("call", "a.b"), ("health",), ("stop",),
             ("connect",))
    with tempfile.TemporaryDirectory() as home:
        path = pathlib.Path(home) / "bad.conf"
        path.write_text("[server]\nprot = 1\n")
        path.chmod(0o600)
        for verb in verbs:
            for name, said in ((path, "server.prot: unknown key"), (home + "/none", "No such")):
                got = subprocess.run([BINARY, *verb, "-c", name], capture_output=True, text=True,
                                     timeout=20, check=False, stdin=subprocess.DEVNULL)
                assert got.returncode == 78 and said in got.stderr, (verb, got)
            where = "--socket" if verb == ("connect",) else "--control"
            more = ("--wait", "1ms") if verb == ("connect",) else ()
            got = subprocess.run([BINARY, *verb, "-c", path, where, home + "/x.sock", *more],
                                 capture_output=True, text=True, timeout=20, check=False,
                                 stdin=subprocess.DEVNULL)
            assert got.returncode == 1 and "not running" in got.stderr, (verb, got)


def test_the_control_socket_is_private():
    with Neurond() as daemon:
        mode = os.stat(daemon.dir / "run/control.sock").st_mode
        assert stat.S_ISSOCK(mode) and stat.S_IMODE(mode) == 0o600, oct(mode)


def test_host_tools():
    with Neurond({"host": {"command": "self", "args": "host-tools"}}) as daemon:
        with daemon.client() as client:
            names = client.tools()
            assert names == sorted(names) and set(names) >= {
                "host.system.info", "host.system.load", "host.system.memory",
                "host.system.disks", "host.process.list"}, names
            for tool in client.request("tools/list").result["tools"]:
                assert tool["inputSchema"]["type"] == "object", tool
                assert tool["outputSchema"]["type"] == "object", tool
                got = client.call(tool["name"])
                assert not got.result.get("isError"), got.raw
                assert json.loads(got.text) == got.result["structuredContent"], got.raw
            info = client.call("host.system.info").result["structuredContent"]
            assert os.uname().nodename in json.dumps(info), info
            wrong = client.call("host.process.list", {"limit": "many"})
            assert "error" in wrong.message or wrong.result["isError"], wrong.raw


def test_verbs_answer_while_a_downstream_hangs():
    with Neurond({"a": hostile("silent", start_timeout="60s")}, wait=False) as daemon:
        daemon.wait_for_log(r"listening on")
        began = time.monotonic()
        assert daemon.run("status").returncode == 0
        assert "starting" in daemon.run("servers").stdout
        assert time.monotonic() - began < 3
        daemon.stop()


main(__name__)
