"""A downstream with several instances: who gets one of their own, and when it ends."""
import collections
import json
import os
import pathlib
import re
import signal
import tempfile
import threading

from harness import Neurond, hostile, is_alive, main
from lines import SocketLines
from rawhttp import wait_for


def pid_of(client):
    return json.loads(client.call("a.descriptors").text)["pid"]


def gone(pid):
    wait_for(f"process {pid} has ended", lambda: not is_alive(pid))


def test_one_instance_serves_everybody():
    with Neurond({"a": hostile()}) as daemon, daemon.client() as one, daemon.client() as two:
        assert pid_of(one) == pid_of(two) == daemon.child("a")


def test_each_session_has_its_own():
    with Neurond({"a": hostile(share="session")}) as daemon:
        with daemon.client() as one, daemon.client() as two, daemon.modern() as modern:
            pids = [pid_of(one), pid_of(two), pid_of(modern)]
            assert len(set(pids)) == 3, pids
            assert [pid_of(one), pid_of(two), pid_of(modern)] == pids
            with daemon.modern() as same_caller:
                assert pid_of(same_caller) == pids[2]


def test_an_instance_ends_with_its_session():
    with Neurond({"a": hostile(share="session")}) as daemon:
        with daemon.client() as one, daemon.client() as two:
            pids = [pid_of(one), pid_of(two)]
            one.delete()
            gone(pids[0])
            assert is_alive(pids[1]) and pid_of(two) == pids[1]


def test_an_instance_ends_with_its_connection():
    with Neurond({"a": hostile(share="session")}) as daemon:
        with SocketLines(daemon.dir / "run" / "neurond.sock") as lines:
            lines.initialize()
            pid = json.loads(lines.call("a.descriptors"))["pid"]
        gone(pid)


def test_an_idle_instance_is_ended_and_another_started():
    with Neurond({"a": hostile(share="session", instance_idle="200ms")}) as daemon:
        with daemon.client() as client:
            first = pid_of(client)
            gone(first)
            assert pid_of(client) != first
            assert "a.echo" in client.tools()


def test_the_idlest_makes_room_and_nobody_with_work_does():
    keys = {"share": "session", "max_instances": "2"}
    with Neurond({"a": hostile(**keys)}) as daemon:
        with daemon.client() as one, daemon.client() as two, daemon.client() as three:
            first, second = pid_of(one), pid_of(two)
            third = pid_of(three)
            gone(first)
            assert is_alive(second) and pid_of(three) == third
    config = {"server": {"drain_timeout": "200ms"}}
    with Neurond({"a": hostile("silent-calls", **keys)}, config=config) as daemon:
        def call_into_silence(client):
            try:
                client.call("a.echo")
            except Exception:  # the daemon stops before there is an answer
                pass
        clients = [daemon.client() for _ in range(2)]
        threads = [threading.Thread(target=call_into_silence, args=(client,))
                   for client in clients]
        for thread in threads:
            thread.start()
        wait_for("two calls are taken", lambda: sum(
            b'"tools/call"' in line for line in daemon.received("a")) == 2)
        with daemon.client() as late:
            error = late.call("a.echo").error
            assert error["data"]["type"] == "busy", error
            assert "max_instances" in error["message"], error
        daemon.stop()
        for thread in threads:
            thread.join()


def test_one_that_nobody_calls_is_stopped_and_stays_listed():
    with Neurond({"a": hostile(idle_stop="200ms")}) as daemon, daemon.client() as client:
        first = pid_of(client)
        gone(first)
        daemon.wait_for_log(r"a: configured \(starts with the next call\)")
        assert "a.echo" in client.tools() and daemon.child("a") is None
        with daemon.connect() as conn:
            answer = conn.request("GET", "/health")
            assert answer.status == 200 and json.loads(answer.body)["status"] == "healthy"
        assert pid_of(client) != first


def test_one_on_demand_is_learned_once_and_started_by_a_call():
    with tempfile.TemporaryDirectory(prefix="neurond-it-") as state:
        config = {"server": {"state_dir": state}}
        kept = pathlib.Path(state) / "offers/a.json"
        servers = {"a": hostile(start="demand"), "b": hostile()}
        with Neurond(servers, config) as daemon, daemon.client() as client:
            tools = client.tools()  # nothing was known: it was started to learn them
            wait_for("the list is kept", kept.exists)
            assert kept.stat().st_mode & 0o777 == 0o600
        with Neurond(servers, config) as daemon, daemon.client() as client:
            assert client.tools() == tools and daemon.child("a") is None
            assert not daemon.received("a"), "it has not been started"
            assert client.call("a.echo", {"text": "wakes it"}).text == "wakes it"
            assert daemon.child("a") is not None and client.tools() == tools
        for damage in (b"", b"{", b"[]", b'{"revision":"2025-11-25","tools":7}'):
            kept.write_bytes(damage)
            with Neurond(servers, config) as daemon, daemon.client() as client:
                assert client.tools() == tools, damage  # as if none were known
                wait_for("it is kept again", lambda: kept.stat().st_size > 100)


def test_a_call_at_once_waits_for_its_child():
    with Neurond({"a": hostile("start=700")}, wait=False) as daemon:
        daemon.port = int(daemon.wait_for_log(r"listening on 127\.0\.0\.1:(\d+)")[1])
        daemon.address = ("127.0.0.1", daemon.port)
        with daemon.client() as client:
            assert client.call("a.echo", {"text": "early"}).text == "early"
        daemon.wait_for_log(r"daemon: ready")


def test_the_base_instance_declares_nothing():
    with Neurond({"a": hostile()}) as daemon:
        with daemon.client(capabilities={"sampling": {}, "elicitation": {}}) as client:
            assert client.call("a.echo", {"text": "x"}).text == "x"
        hellos = [json.loads(line) for line in daemon.received("a") if b'"initialize"' in line]
        assert [hello["params"]["capabilities"] for hello in hellos] == [{}], hellos


def seconds(line):
    """The time of day of a line of the log."""
    hours, minutes, rest = re.match(r"\S*T(\d+):(\d+):([\d.]+)Z", line).groups()
    return int(hours) * 3600 + int(minutes) * 60 + float(rest)


def test_twenty_children_start_together():
    with Neurond({f"s{n}": hostile("start=200") for n in range(20)}) as daemon:
        daemon.wait_for_log(r"ready: 20 of 20 downstreams healthy")
        starting = [n for n, line in enumerate(daemon.lines) if re.search(r"starting \(", line)]
        healthy = [n for n, line in enumerate(daemon.lines) if re.search(r": healthy \(", line)]
        assert len(starting) == len(healthy) == 20
        assert max(starting) < min(healthy), "one waited for another"
        took = seconds(daemon.lines[healthy[-1]]) - seconds(daemon.lines[starting[0]])
        print(f"note: 20 children of 200 ms each are ready after {took * 1000:.0f} ms")
        with daemon.client() as client:
            for n in range(20):
                assert client.call(f"s{n}.echo", {"text": "hello"}).text == "hello"


def keep_calling(daemon, name, number, over, answers):
    with daemon.client(timeout=60) as client:
        n = 0
        while not over.is_set() or n < 10:
            text = f"{name}:{number}:{n}"
            got = client.call(f"{name}.echo", {"text": text})
            answers.append((name, text, got))
            n += 1


def kill_under_load(daemon, clients, kills):
    over, answers, threads = threading.Event(), [], []
    for n in range(clients):
        threads.append(threading.Thread(
            target=keep_calling, args=(daemon, "bad" if n % 2 else "good", n, over, answers)))
        threads[-1].start()
    for _ in range(kills):
        served = sum(name == "bad" and "result" in got.message for name, _, got in answers)
        wait_for("calls of the bad one are answered", lambda: sum(
            name == "bad" and "result" in got.message for name, _, got in list(answers))
            > served + clients)
        victim = daemon.child("bad")
        os.kill(victim, 9)
        gone(victim)
    over.set()
    for thread in threads:
        thread.join()
    return answers


def test_a_child_killed_under_load_costs_only_its_own_calls():
    restless = hostile(max_restarts="0", backoff="50ms", breaker_failures="0")
    with Neurond({"bad": restless, "good": hostile()}) as daemon:
        answers = kill_under_load(daemon, 32, 3)
        failed = 0
        for name, text, got in answers:
            if name == "good" or "result" in got.message:
                assert got.text == text, got.raw[:300]
            else:
                failed += 1
                assert got.error["data"]["type"] in ("crash", "unavailable"), got.raw[:300]
        lines = [json.loads(line) for line in daemon.audit()]
        seen = collections.Counter((line["request_id"], line["event"]) for line in lines)
        assert set(seen.values()) == {1}, "a call was answered twice"
        calls = [line for line in lines if line["event"] == "call"]
        allowed = [line for line in calls if line["decision"] == "allowed"]
        assert len(calls) == len(answers), (len(calls), len(answers))
        assert len(lines) - len(calls) == len(allowed), "a call has no result"
        print(f"note: {len(answers)} calls, {failed} failed by 3 kills")


def test_what_a_dead_child_was_not_sent_the_next_one_gets():
    config = {"a": hostile(max_restarts="0", backoff="50ms", health_interval="0s")}
    with Neurond(config) as daemon:
        boxes, threads = [[], []], []

        def call(box, arguments):
            with daemon.client(timeout=30) as client:
                box.append(client.call("a.echo", arguments))
        victim = daemon.child("a")
        os.kill(victim, signal.SIGSTOP)  # it reads nothing: its pipe fills
        for n, text in enumerate(["p" * 150000, "second"]):
            threads.append(threading.Thread(target=call, args=(boxes[n], {"text": text})))
            threads[-1].start()
            wait_for("the call is on its way", lambda: sum(
                '"event":"call"' in line for line in daemon.audit()) == len(threads))
        os.kill(victim, signal.SIGKILL)
        for thread in threads:
            thread.join()
        assert boxes[0][0].error["data"]["type"] == "crash", boxes[0][0].raw
        assert boxes[1][0].text == "second", boxes[1][0].raw
        written = [line for line in daemon.received("a") if b'"tools/call"' in line]
        assert len(written) == 1, "sent twice"


def test_a_crash_costs_one_session_only():
    with Neurond({"a": hostile(share="session", backoff="100ms")}) as daemon:
        with daemon.client() as one, daemon.client() as two:
            pids = [pid_of(one), pid_of(two)]
            os.kill(pids[0], 9)
            gone(pids[0])
            assert pid_of(two) == pids[1]


main(__name__)
