"""What becomes of a server that dies, hangs or is told to: restarts and their limits, the
circuit, health checks, orders of an operator, alarms. With timers scaled down."""
import json
import os
import pathlib
import re
import signal
import sys
import time

from fixtures.http_server import BAD, HttpServer, TOOLS
from harness import Neurond, hostile, is_alive, main
from rawhttp import wait_for

FLAKY = str(pathlib.Path(__file__).resolve().parent / "fixtures/flaky.py")
FAST = {"backoff": "50ms", "backoff_max": "200ms", "backoff_jitter": "0", "crash_window": "20s",
        "breaker_failures": 0, "health_interval": "0s"}


def flaky(*lives, **keys):
    return {"command": sys.executable, "args": [FLAKY, *lives], **{**FAST, **keys}}


def starts(daemon, name="a"):
    return len(daemon.received(name))


def server(daemon, name="a"):
    answer = daemon.run("servers", name, "--json")
    assert answer.returncode == 0, answer
    return json.loads(answer.stdout)


def history(daemon, name="a"):
    answer = daemon.run("history", name, "--json")
    assert answer.returncode == 0, answer
    return json.loads(answer.stdout)


def metric(daemon, pattern):
    with daemon.connect() as conn:
        text = conn.request("GET", "/metrics").body.decode()
    found = re.search(rf"^{pattern} (\S+)$", text, re.M)
    return float(found[1]) if found else None


def failure(client, tool="a.echo", kind="unavailable"):
    """The error of a call that neurond itself fails, and how long that took."""
    began = time.monotonic()
    error = client.call(tool).error
    took = time.monotonic() - began
    assert error["code"] == -32603 and error["data"]["type"] == kind, error
    assert error["data"]["server"] == tool.split(".")[0], error
    return error, took


def echoes(client, tool="a.echo"):
    return "result" in client.call(tool).message


def test_an_instant_crash_is_an_error_of_configuration():
    downstreams = {"a": flaky("exit=3", "--", "--token=s3cret", "--api-key", "s3cret")}
    with Neurond(downstreams) as daemon, daemon.client() as client:
        daemon.wait_for_log(r"error supervisor: a: failed \(configuration error: .*status 3")
        found = daemon.wait_for_log(r"a: crashed immediately \(\d\.\d s uptime\).*Command: (.*)")
        assert "--token=***" in found[1] and "--api-key ***" in found[1], found[1]
        assert "s3cret" not in daemon.log and FLAKY in found[1], found[1]
        error, _ = failure(client)
        assert "no such option: --bad" in error["message"], error
        one = server(daemon)
        assert one["state"] == "failed" and one["restarts"] == 0, one
        assert metric(daemon, r'neurond_downstream_state\{downstream="a",state="failed"\}') == 1
        # Once as a modern server, which it might have been, and once as a legacy one.
        assert starts(daemon) <= 2, daemon.received("a")
        assert history(daemon)[0]["next"] == "given up: configuration error"


def test_a_program_that_cannot_be_run_is_one_too():
    with Neurond({"a": {**flaky(), "command": "/nonexistent", "enabled": "no"}}) as daemon:
        assert server(daemon)["state"] == "disabled"
        assert daemon.run("enable", "a").returncode == 0
        daemon.wait_for_log(r"a: failed \(configuration error: .*No such file")
        assert server(daemon)["state"] == "failed"


def test_restarts_back_off_until_they_are_too_many_in_a_row():
    with Neurond({"a": flaky("after=10:4", backoff="100ms", backoff_max="1s")}) as daemon:
        daemon.wait_for_log(r"a: failed \(it ended again after 3 restarts: exited with status 4")
        assert starts(daemon) == 4
        entries = history(daemon)
        assert [entry["next"] for entry in entries] == [
            "start 1 of 3 in 100 ms", "start 2 of 3 in 200 ms", "start 3 of 3 in 400 ms",
            "given up: it ended again after 3 restarts"], entries
        assert all(entry["status"] == "exited with status 4" for entry in entries), entries
        times = [float(line.split()[1]) for line in daemon.received("a")]
        gaps = [b - a for a, b in zip(times, times[1:])]
        assert all(gap >= wait for gap, wait in zip(gaps, (0.1, 0.2, 0.4))), gaps
        assert metric(daemon, r'neurond_downstream_restarts_total\{downstream="a",'
                              r'reason="crash"\}') == 3
        table = daemon.run("history", "a").stdout
        assert table.startswith("TIME") and "start 3 of 3" in table, table
        with daemon.client() as client:
            assert client.tools() == [], "the tools of a failed server are withdrawn"
            failure(client)


def test_health_begins_a_row_anew_but_not_the_window():
    lives = flaky("after=120:4", max_restarts=1, restart_window="4/1h", stable_after="100ms")
    with Neurond({"a": lives}) as daemon:
        daemon.wait_for_log(r"a: failed \(4 restarts within 3600 s: ")
        assert starts(daemon) == 5
        assert [entry["next"] for entry in history(daemon)][:4] == ["start 1 of 1 in 50 ms"] * 4


def test_restart_says_when():
    downstreams = {
        "never": flaky("ok", restart="never"), "failing": flaky("ok", "ok"),
        "always": flaky("ok", restart="always")}
    with Neurond(downstreams) as daemon, daemon.client() as client:
        for name in downstreams:
            client.call(f"{name}.exit", {"status": 0})
        wait_for("always is back", lambda: echoes(client, "always.echo"))
        wait_for("the others have ended", lambda: [server(daemon, n)["state"] for n in (
            "never", "failing")] == ["failed", "configured"])
        client.call("always.exit", {"status": 0})
        wait_for("always is back again", lambda: echoes(client, "always.echo"))
        assert starts(daemon, "never") == 1 and starts(daemon, "failing") == 1
        assert daemon.run("restart", "failing").returncode == 0
        wait_for("failing is back", lambda: echoes(client, "failing.echo"))
        client.call("failing.exit", {"status": 1})
        wait_for("a failure is one", lambda: echoes(client, "failing.echo"))


def open_by_calls(daemon, client, count=3):
    for _ in range(count):
        failure(client, "a.silent", "timeout")
    daemon.wait_for_log(r"a: open \(")


def test_calls_open_the_circuit_and_one_probe_closes_it():
    keys = {"call_timeout": "300ms", "breaker_failures": 3, "breaker_cooldown": "1500ms"}
    with Neurond({"a": flaky("ok", **keys), "b": flaky("ok")}) as daemon:
        with daemon.client() as client:
            open_by_calls(daemon, client)
            times = []
            for _ in range(20):
                error, took = failure(client, "a.echo", "circuit_open")
                times.append(took)
                assert re.search(r"circuit open, retry in [12] s$", error["message"]), error
                assert error["data"]["retry_after"] in (1, 2), error
            assert max(times) < 1, times
            print(f"note: an open circuit answers in {sorted(times)[10] * 1000:.1f} ms (median)")
            assert metric(daemon, r'neurond_breaker_state\{downstream="a"\}') == 1
            assert server(daemon)["state"] == "open" and echoes(client, "b.echo")
            # The probe fails: open for as long again. Everybody else is still refused.
            wait_for("the probe was let through", lambda: client.call(
                "a.silent").error["data"]["type"] == "timeout")
            failure(client, "a.echo", "circuit_open")
            wait_for("the next probe was let through", lambda: echoes(client))
            assert echoes(client) and server(daemon)["circuit"] == "closed"
            daemon.wait_for_log(r"a: healthy \(the circuit is closed\)")
        calls = [entry for entry in daemon.audit() if '"event":"result"' in entry]
        assert calls and starts(daemon) == 1


def test_a_servers_own_errors_do_not_open_it():
    with Neurond({"a": flaky("ok", breaker_failures=2)}) as daemon, daemon.client() as client:
        for _ in range(5):
            assert client.call("a.refuse").error["code"] == -32000
        assert echoes(client) and server(daemon)["circuit"] == "closed"


def test_crashes_open_the_circuit_and_one_start_closes_it():
    keys = {"max_restarts": 0, "breaker_failures": 3, "breaker_cooldown": "700ms"}
    lives = ("after=10:4", "after=10:4", "after=10:4", "exit=5", "ok")
    with Neurond({"a": flaky(*lives, **keys)}) as daemon, daemon.client() as client:
        daemon.wait_for_log(r"a: open \(.*circuit open, one start in 1 s")
        failure(client, "a.echo", "circuit_open")
        wait_for("it is back", lambda: echoes(client))
        found = [entry["next"] for entry in history(daemon)]
        assert found[2:] == ["circuit open, one start in 1 s"] * 2, found
        assert starts(daemon) == 5 and server(daemon)["circuit"] == "closed"


def test_a_hung_server_is_killed_and_started_again():
    with Neurond({"a": flaky("ok", health_interval="100ms", health_timeout="200ms")}) as daemon:
        with daemon.client() as client:
            assert echoes(client)
            victim = daemon.child("a")
            os.kill(victim, signal.SIGSTOP)
            daemon.wait_for_log(r"a: degraded \(it did not answer a health check within 200 ms\)")
            daemon.wait_for_log(r"a: restarting \(hangs: ")
            wait_for("another one answers", lambda: echoes(client))
            assert not is_alive(victim) and starts(daemon) == 2
            assert history(daemon)[0]["status"] == "killed by SIGKILL", history(daemon)
            assert metric(daemon, r'neurond_downstream_restarts_total\{downstream="a",'
                                  r'reason="hung"\}') == 1


def test_a_server_that_is_only_slow_recovers():
    with Neurond({"a": flaky("ok", health_interval="100ms", health_timeout="2s")}) as daemon:
        victim = daemon.child("a")
        os.kill(victim, signal.SIGSTOP)
        daemon.wait_for_log(r"a: degraded ")
        assert server(daemon)["state"] == "degraded"
        os.kill(victim, signal.SIGCONT)
        daemon.wait_for_log(r"a: healthy \(it answers again\)")
        assert starts(daemon) == 1


def test_a_server_busy_with_a_call_is_not_taken_for_a_hung_one():
    keys = {"health_interval": "50ms", "health_timeout": "50ms", "call_timeout": "1500ms"}
    with Neurond({"a": flaky("ok", **keys)}) as daemon, daemon.client() as client:
        failure(client, "a.hang", "timeout")
        daemon.wait_for_log(r"a: restarting \(hangs: ")
        entry = history(daemon)[0]
        assert entry["uptime_seconds"] >= 1.5, entry


def test_health_checks_of_servers_without_ping():
    keys = {"health_interval": "50ms", "health_timeout": "5s"}
    with Neurond({"a": flaky("ok+no-ping", **keys), "b": flaky("ok+bad-ping", **keys)}) as daemon:
        daemon.wait_for_log(r"b: degraded \(it answered a health check with an error\)")
        with daemon.client() as client:
            assert echoes(client) and echoes(client, "b.echo"), "a degraded server serves"
        assert server(daemon)["state"] == "healthy" and starts(daemon) == 1
        health = json.loads(daemon.run("health", "--json").stdout)
        assert health["status"] == "ready", health


def test_orders_of_an_operator():
    with Neurond({"a": flaky("ok")}) as daemon, daemon.client() as client:
        first = daemon.child("a")
        assert daemon.run("disable", "a").stdout == "a: disabled\n"
        wait_for("it has gone", lambda: not is_alive(first))
        wait_for("its tools, too", lambda: client.tools() == [])
        error, _ = failure(client)
        assert "disabled" in error["message"], error
        assert server(daemon)["state"] == "disabled"
        assert daemon.run("enable", "a").returncode == 0
        wait_for("it is back", lambda: echoes(client))
        second = daemon.child("a")
        told = json.loads(daemon.run("restart", "a", "--json").stdout)
        assert told["name"] == "a" and told["state"] == "restarting", told
        assert echoes(client), "a call waits for a server that is being restarted"
        assert daemon.child("a") not in (first, second, None)
        for verb in ("restart", "enable", "disable", "history", "logs", "servers"):
            wrong = daemon.run(verb, "none")
            assert wrong.returncode == 1 and "no downstream is called none" in wrong.stderr, wrong
        assert daemon.run("restart").returncode == 64
        with daemon.connect() as conn:
            paths = ("/api/v1/admin/servers/a/disable", "/api/v1/admin/servers/a/logs")
            assert [conn.request("POST", path).status for path in paths] == [404, 404]


def test_what_is_disabled_stays_so_until_its_section_changes():
    with Neurond({"a": hostile(), "b": hostile()}) as daemon:
        kept = daemon.dir / "state/disabled"
        assert daemon.run("disable", "a").returncode == 0
        wait_for("it is written down", lambda: kept.exists() and "a " in kept.read_text())
        at = len(daemon.lines)
        os.kill(daemon.reactor, signal.SIGKILL)
        daemon.wait_for_log("daemon: ready", since=at)
        assert [server(daemon, name)["state"] for name in "ab"] == ["disabled", "healthy"]
        assert daemon.run("reload").returncode == 0
        assert server(daemon)["state"] == "disabled"
        text = daemon.conf.read_text()
        daemon.conf.write_text(text.replace("[downstream a]", "[downstream a]\nqueue = 7"))
        assert daemon.run("reload").returncode == 0
        wait_for("it serves", lambda: server(daemon)["state"] == "healthy")


def test_a_failed_server_is_restarted_by_hand():
    with Neurond({"a": flaky("exit=2", "exit=2", "ok")}) as daemon, daemon.client() as client:
        daemon.wait_for_log("a: failed")
        while not server(daemon)["state"] == "healthy":
            daemon.run("restart", "a")
            wait_for("it is decided", lambda: server(daemon)["state"] in ("failed", "healthy"))
        assert echoes(client)


def test_logs_are_kept_over_lives():
    with Neurond({"a": flaky("ok")}) as daemon, daemon.client() as client:
        client.call("a.exit", {"status": 7})
        wait_for("it is back", lambda: echoes(client))
        assert daemon.run("logs", "a").stdout == "told to exit\n"
        assert json.loads(daemon.run("logs", "a", "--json").stdout) == [{"line": "told to exit"}]
        assert history(daemon)[0]["reason"] == "exited with status 7; its last words: told to exit"


def test_required_servers_decide_whether_it_is_ready():
    downstreams = {"a": flaky("ok", required="yes"), "b": flaky("exit=1")}
    with Neurond(downstreams) as daemon, daemon.client() as client:
        assert daemon.run("health").returncode == 0
        assert daemon.run("disable", "a").returncode == 0
        health = daemon.run("health")
        assert health.returncode == 1 and "waiting" in health.stderr, health
        assert metric(daemon, "neurond_ready") == 0
        assert daemon.run("enable", "a").returncode == 0
        wait_for("it is ready", lambda: daemon.run("health").returncode == 0)
        assert echoes(client)


def test_an_alarm_runs_a_command():
    def script(daemon):
        path = daemon.dir / "alert"
        path.write_text(f'#!/bin/sh\necho "$@|$NEUROND_DOWNSTREAM" >>{daemon.dir}/alerts\n')
        path.chmod(0o700)
        daemon.conf.write_text(daemon.conf.read_text()
                               + f"\n[alert]\ncrashes = 2\ncommand = {path}\n")
    with Neurond({"a": flaky("after=10:4", max_restarts=5)}, setup=script) as daemon:
        daemon.wait_for_log(r"critical supervisor: a: alarm: 2 crashes within a minute: ")
        alerts = daemon.dir / "alerts"
        wait_for("the command has run", lambda: alerts.exists() and "|a\n" in alerts.read_text())
        assert alerts.read_text().startswith("a 2 crashes within a minute: exited with status 4")
        daemon.wait_for_log(r"a: failed")
        assert metric(daemon, r'neurond_alert\{downstream="a"\}') == 1
        assert len(alerts.read_text().splitlines()) == 1


def test_http_servers_are_tried_for_ever_and_their_calls_open_the_circuit():
    keys = {**FAST, "max_restarts": 1, "breaker_failures": 3, "breaker_cooldown": "1s",
            "call_timeout": "200ms"}
    with HttpServer(tools=TOOLS + BAD) as backend:
        with Neurond({"a": {"url": backend.url, **keys},
                      "b": {"url": "http://127.0.0.1:1/mcp", **keys}}) as daemon:
            with daemon.client() as client:
                daemon.wait_for_log(r"b: restarting \(.*start 6 in 200 ms")
                failure(client, "b.echo")
                for _ in range(3):
                    failure(client, "a.silent", "timeout")
                failure(client, kind="circuit_open")
                wait_for("the probe closed it", lambda: echoes(client))


main(__name__)
