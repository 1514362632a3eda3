"""A downstream with several instances: who gets one of their own, and when it ends."""
import json
import os
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


def test_twenty_children_start_together():
    with Neurond({f"s{n}": hostile("start=200") for n in range(20)}) as daemon:
        daemon.wait_for_log(r"ready: 20 of 20 downstreams healthy")
        with daemon.client() as client:
            for n in range(20):
                assert client.call(f"s{n}.echo", {"text": "hello"}).text == "hello"


def test_a_crash_costs_one_session_only():
    with Neurond({"a": hostile(share="session", backoff="100ms")}) as daemon:
        with daemon.client() as one, daemon.client() as two:
            pids = [pid_of(one), pid_of(two)]
            os.kill(pids[0], 9)
            gone(pids[0])
            assert pid_of(two) == pids[1]


main(__name__)
