"""A child that prints nonsense harms its own callers at most: a clear error for them, a
line in the log, all else unharmed."""
import pathlib
import tempfile
import time

from harness import Neurond, hostile, main
from rawhttp import wait_for


def beside(daemon):
    """What everybody else sees."""
    with daemon.client() as client:
        assert client.call("good.echo", {"text": "fine"}).text == "fine"


def test_garbage_on_stdout_is_logged_and_passed_over():
    lines = ["not json", "{", "[]", "7", "null", '"x"', '{"jsonrpc":"2.0"}', "",
             '{"jsonrpc":"2.0","id":987654,"result":{}}', '{"jsonrpc":"2.0","id":"x","result":{}}',
             '{"jsonrpc":"2.0","method":5}', '{"jsonrpc":"2.0","id":null,"error":{}}',
             '{"jsonrpc":"2.0","method":"notifications/nobody/knows","params":{}}',
             '{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":77}}']
    with Neurond({"bad": hostile(), "good": hostile()}) as daemon, daemon.client() as client:
        pid = daemon.child("bad")
        for line in lines:
            at = len(daemon.lines)
            assert client.call("bad.emit", {"line": line}).text == "emitted", line
            if line and "notifications/" not in line:
                daemon.wait_for_log(r"bad", since=at)
        for data in ("ff00fe", "e282", "c0af", "eda080", "00", "22e28222"):
            assert client.call("bad.emit", {"hex": data}).text == "emitted", data
        assert client.call("bad.emit", {"line": "noise", "times": 3000}).text == "emitted"
        assert daemon.child("bad") == pid, "restarted because of garbage"
        beside(daemon)


def test_a_line_of_20_mb_does_not_fill_the_memory():
    with Neurond({"bad": hostile(), "good": hostile()}) as daemon, daemon.client() as client:
        before = daemon.rss()
        got = client.call("bad.huge", {"bytes": 20_000_000})
        if "error" in got.message:
            assert got.error["code"] == -32603 and got.error["data"]["server"] == "bad", got.raw
        else:
            assert got.text == "emitted"
        daemon.wait_for_log(r"(?i)bad.*(line|message|long|large|bytes)")
        grown = daemon.rss() - before
        assert grown < 60_000_000, grown
        beside(daemon)
        wait_for("bad serves again", lambda: serves(daemon, "bad"))


def serves(daemon, name):
    with daemon.client() as client:
        got = client.call(f"{name}.echo", {"text": "x"})
        return "result" in got.message


def test_an_answer_doubled_is_dropped():
    with Neurond({"bad": hostile(), "good": hostile()}) as daemon, daemon.client() as client:
        for _ in range(20):
            assert client.call("bad.twice").text == "first"
            assert client.call("bad.echo", {"text": "mine"}).text == "mine"
        beside(daemon)


def test_silence_ends_in_a_timeout():
    with Neurond({"bad": hostile(call_timeout="700ms"), "good": hostile()}) as daemon:
        with daemon.client() as client:
            began = time.monotonic()
            error = client.call("bad.silent").error
            took = time.monotonic() - began
            assert error["code"] == -32603 and error["data"]["type"] == "timeout", error
            assert error["data"]["server"] == "bad" and error["data"]["request_id"], error
            assert 0.6 < took < 5, took
            wait_for("the child is told", lambda: any(
                b"notifications/cancelled" in line for line in daemon.received("bad")))
            beside(daemon)


def test_a_late_answer_reaches_nobody():
    with Neurond({"bad": hostile(call_timeout="300ms")}) as daemon, daemon.client() as client:
        assert client.call("bad.sleep_ms", {"ms": 600, "text": "late"}).error
        for n in range(30):
            text = f"on time {n}"
            assert client.call("bad.sleep_ms", {"ms": 30, "text": text}).text == text


def test_a_crash_answers_its_calls_at_once_with_the_reason():
    with Neurond({"bad": hostile(), "good": hostile()}) as daemon, daemon.client() as client:
        for arguments, words in (({"status": 3}, "3"), ({"signal": 11}, "SIGSEGV|signal 11")):
            wait_for("bad serves", lambda: serves(daemon, "bad"))
            began = time.monotonic()
            error = client.call("bad.crash", arguments).error
            assert time.monotonic() - began < 5
            assert error["code"] == -32603 and error["data"]["type"] == "crash", error
            assert error["data"]["server"] == "bad", error
            assert any(word in error["message"] for word in words.split("|")), error
            assert "reason 42" in str(error), error
            daemon.wait_for_log(r"bad.*reason 42")
            beside(daemon)


def broken_program():
    """A file that may be executed and cannot be."""
    path = pathlib.Path(tempfile.mkdtemp(prefix="neurond-it-")) / "program"
    path.write_text("#!/nonexistent/interpreter\n")
    path.chmod(0o755)
    return path


def test_children_that_never_get_up():
    downstreams = {"good": hostile(), "dies": hostile("crash-start=9"),
                   "mute": hostile("silent", start_timeout="1s"),
                   "unlisted": hostile("silent-list", start_timeout="1s"),
                   "missing": {"command": str(broken_program())},
                   "plain": {"command": "/bin/cat"}, "false": {"command": "/bin/false"}}
    with Neurond(downstreams) as daemon, daemon.client() as client:
        beside(daemon)
        assert {name.split(".")[0] for name in client.tools()} == {"good"}
        for name in downstreams:
            if name != "good":
                error = client.call(f"{name}.echo").error
                assert error["code"] == -32603, error
                assert error["message"].startswith(f"Downstream '{name}' is not available"), error
                assert error["data"]["type"] == "unavailable", error


def test_odd_manners_at_the_start():
    downstreams = {"banner": hostile("banner"), "flood": hostile("flood-stderr"),
                   "old": hostile("version=2024-11-05"), "late": hostile("start=1500"),
                   "empty": hostile("no-tools"), "odd": hostile("bad-tools")}
    with Neurond(downstreams) as daemon, daemon.client() as client:
        for name in ("banner", "flood", "old", "late", "odd"):
            assert client.call(f"{name}.echo", {"text": name}).text == name
        assert not [name for name in client.tools() if name.startswith("empty.")]


def test_stderr_is_drained_and_logged():
    with Neurond({"bad": hostile(), "good": hostile()}) as daemon, daemon.client() as client:
        assert client.call("bad.stderr", {"lines": 20000}).text == "written"
        daemon.wait_for_log(r"bad.*hostile: line 1\b")
        beside(daemon)


def test_questions_to_a_shared_child_are_refused_and_pings_answered():
    with Neurond({"bad": hostile()}) as daemon, daemon.client() as client:
        assert '"result":{}' in client.call("bad.ask", {"method": "ping"}).text.replace(" ", "")
        for method in ("roots/list", "sampling/createMessage", "elicitation/create", "no/such"):
            answer = client.call("bad.ask", {"method": method, "id": 0}).text
            assert '"error"' in answer and '"id":0' in answer.replace(" ", ""), answer


main(__name__)
