"""The audit record: two lines a call, written before the call is sent; without it, no
call."""
import json
import os
import re
import signal
import threading

from harness import Neurond, hostile, main
from rawhttp import wait_for


def records(daemon):
    return [json.loads(line) for line in daemon.audit()]


def test_two_lines_a_call_one_a_refusal():
    rules = {"rule ok": {"effect": "allow", "tools": "a.*"},
             "rule no": {"effect": "deny", "tools": "a.raw"}}
    with Neurond({"a": hostile()}, rules, allow=False) as daemon, daemon.client() as client:
        client.call_raw("a.echo", b'{"text":"x","n":9007199254740993,"m":1.10}')
        client.call("a.raw")
        client.call("a.fail")
        client.call("a.nothing")
        wait_for("all lines", lambda: len(daemon.audit()) >= 5)
        call, result, refusal, failing, failed = records(daemon)[:5]
        for record in (call, result, refusal):
            assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", record["timestamp"])
            assert record["client"] == "anonymous" and record["peer"].startswith("127.0.0.1:")
            assert record["method"] == "tools/call" and record["request_id"]
        assert (call["event"], call["tool"], call["downstream"], call["decision"], call["rule"]) == (
            "call", "a.echo", "a", "allowed", "ok"), call
        assert '"params":{"name":"a.echo","arguments":{"text":"x","n":9007199254740993,"m":1.10}}' \
            in daemon.audit()[0].replace(": ", ":") or '"n":9007199254740993,"m":1.10' \
            in daemon.audit()[0], daemon.audit()[0]
        assert result["event"] == "result" and result["result"] == "success", result
        assert result["request_id"] == call["request_id"] and result["duration_ms"] >= 0
        assert result["bytes_in"] > 0 and result["bytes_out"] > 0, result
        assert refusal["decision"] == "denied" and refusal["result"] == "blocked", refusal
        assert refusal["rule"] == "no" and refusal["tool"] == "a.raw", refusal
        assert failing["event"] == "call" and failed["result"] == "error", (failing, failed)


def test_arguments_as_hash_or_not_at_all():
    for how in ("hash", "none"):
        with Neurond({"a": hostile()}, {"audit": {"arguments": how}}) as daemon:
            with daemon.client() as client:
                client.call("a.echo", {"text": "very-secret-value"})
                wait_for("two lines", lambda: len(daemon.audit()) == 2)
                assert "very-secret-value" not in "".join(daemon.audit())


def test_a_full_disk_refuses_the_call_before_it_is_sent():
    with Neurond({"a": hostile()}, {"audit": {"path": "/dev/full"}}) as daemon:
        with daemon.client() as client:
            for _ in range(3):
                error = client.call("a.echo", {"text": "x"}).error
                assert error["code"] == -32603 and error["data"]["type"] == "audit", error
            assert client.tools(), "lists go on"
        assert not [line for line in daemon.received("a") if b"tools/call" in line]
        daemon.wait_for_log(r"(?i)audit.*No space left")


def test_on_failure_continue_lets_it_pass_and_says_so():
    config = {"audit": {"path": "/dev/full", "on_failure": "continue"}}
    with Neurond({"a": hostile()}, config) as daemon, daemon.client() as client:
        assert client.call("a.echo", {"text": "x"}).text == "x"
        daemon.wait_for_log(r"(?i)audit.*No space left")


def test_no_audit_when_it_is_switched_off():
    with Neurond({"a": hostile()}, {"audit": {"path": "none"}}) as daemon:
        with daemon.client() as client:
            assert client.call("a.echo", {"text": "x"}).text == "x"
        assert not daemon.audit()


def test_the_call_line_survives_the_reactor():
    with Neurond({"a": hostile()}) as daemon:
        def call():
            try:
                with daemon.client() as client:
                    client.call("a.silent", {"mark": "before the end"})
            except Exception:  # the connection dies with the reactor
                pass
        thread = threading.Thread(target=call)
        thread.start()
        wait_for("the child has it", lambda: any(
            b"before the end" in line for line in daemon.received("a")))
        at = len(daemon.lines)
        os.kill(daemon.reactor, signal.SIGKILL)
        thread.join()
        assert any("before the end" in line for line in daemon.audit()), daemon.audit()
        daemon.wait_for_log(r"daemon: ready", since=at)
        with daemon.client() as client:
            client.call("a.echo", {"text": "x"})


def test_the_file_is_private_and_appended_to():
    def leave_one(daemon):
        (daemon.dir / "audit.log").write_text('{"old":1}\n')
        (daemon.dir / "audit.log").chmod(0o600)
    with Neurond({"a": hostile()}, setup=leave_one) as daemon, daemon.client() as client:
        client.call("a.echo", {"text": "x"})
        assert daemon.audit()[0] == '{"old":1}' and len(daemon.audit()) >= 2
    with Neurond({"a": hostile()}) as daemon, daemon.client() as client:
        client.call("a.echo", {"text": "x"})
        assert (daemon.dir / "audit.log").stat().st_mode & 0o027 == 0


main(__name__)
