"""SIGKILL: of a child in the middle of a call, of the reactor, of the keeper."""
import os
import signal
import threading
import time

from harness import Neurond, hostile, is_alive, main, tree_of
from rawhttp import Conn, wait_for


def kill(pid):
    os.kill(pid, signal.SIGKILL)


def call_in_background(daemon, tool, arguments):
    box = []

    def run():
        try:
            with daemon.client() as client:
                client.reopens = False
                box.append(client.call(tool, arguments))
        except Exception as error:  # the test looks at it
            box.append(error)
    thread = threading.Thread(target=run)
    thread.start()
    return thread, box


def in_flight(daemon, name, count=1):
    wait_for("the call is in flight", lambda: sum(
        b'"tools/call"' in line for line in daemon.received(name)) >= count)


def test_a_child_in_the_middle_of_a_call():
    with Neurond({"bad": hostile(), "good": hostile()}) as daemon:
        thread, box = call_in_background(daemon, "bad.silent", {})
        in_flight(daemon, "bad")
        victim = daemon.child("bad")
        began = time.monotonic()
        kill(victim)
        thread.join(5)
        assert time.monotonic() - began < 3, "answered late"
        error = box[0].error
        assert error["code"] == -32603 and error["data"]["type"] == "crash", error
        assert "SIGKILL" in error["message"] or "signal 9" in error["message"], error

        def back():
            with daemon.client() as client:
                return "result" in client.call("bad.echo", {"text": "x"}).message
        wait_for("the child is back", back)
        assert daemon.child("bad") != victim and not is_alive(victim)


def test_grandchildren_of_a_dead_child_go_with_it():
    with Neurond({"bad": hostile()}) as daemon, daemon.client() as client:
        grandchild = int(client.call("bad.spawn").text)
        kill(daemon.child("bad"))
        wait_for("the grandchild is gone", lambda: not is_alive(grandchild))


def test_the_reactor():
    with Neurond({"bad": hostile(), "good": hostile()}) as daemon:
        with daemon.client() as client:
            stray = int(client.call("bad.spawn", {"setsid": True}).text)
        thread, box = call_in_background(daemon, "bad.silent", {})
        in_flight(daemon, "bad", 2)
        reactor, keeper = daemon.reactor, daemon.pid
        old = tree_of(reactor)
        refusals, stop = [], threading.Event()

        def knock():
            while not stop.is_set():
                try:
                    Conn(daemon.address).close()
                except ConnectionRefusedError as error:
                    refusals.append(error)
        knocker = threading.Thread(target=knock)
        knocker.start()
        at = len(daemon.lines)
        kill(reactor)
        daemon.wait_for_log(r"daemon: ready", since=at)
        thread.join(10)
        stop.set()
        knocker.join()
        assert not refusals, f"{len(refusals)} refused"
        assert isinstance(box[0], Exception), box[0].raw
        assert daemon.pid == keeper and daemon.reactor != reactor
        with daemon.client() as client:
            assert client.call("good.echo", {"text": "back"}).text == "back"
        wait_for("orphans are gone", lambda: not [p for p in old + [stray] if is_alive(p)], 5)


def test_a_session_survives_the_reactor():
    with Neurond({"good": hostile()}) as daemon, daemon.client() as client:
        at = len(daemon.lines)
        kill(daemon.reactor)
        daemon.wait_for_log(r"daemon: ready", since=at)
        assert client.call("good.echo", {"text": "same session"}).text == "same session"


def test_the_keeper():
    with Neurond({"bad": hostile("ignore-eof", "ignore-term"), "good": hostile()}) as daemon:
        with daemon.client() as client:
            client.call("bad.spawn", {"setsid": True})
        everything = tree_of(daemon.pid)
        assert len(everything) >= 3
        kill(daemon.pid)
        assert daemon.process.wait(5) == -signal.SIGKILL
        daemon.expect_nothing_left({}, timeout=5)
        wait_for("all gone", lambda: not [p for p in everything if is_alive(p)], 1)


def test_a_reactor_that_keeps_dying_ends_the_service():
    with Neurond({"good": hostile()}) as daemon:
        for _ in range(5):
            if daemon.process.poll() is not None:
                break
            at = len(daemon.lines)
            kill(daemon.reactor)
            if daemon.process.poll() is None:
                try:
                    daemon.wait_for_log(r"daemon: ready", since=at, timeout=20)
                except AssertionError:
                    break
        assert daemon.wait_exit(30) not in (0, None)
        daemon.expect_nothing_left({}, timeout=5)


main(__name__)
