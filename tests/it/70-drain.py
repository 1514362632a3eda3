"""TERM: no new connections, calls in flight finish within drain_timeout, children leave
in order, exit status 0."""
import signal
import threading
import time

from harness import Neurond, hostile, main
from rawhttp import Closed, Conn, wait_for


def calls_in_background(daemon, count, ms):
    boxes, threads = [], []

    def one(n):
        try:
            with daemon.client() as client:
                boxes.append((n, client.call("a.sleep_ms", {"ms": ms, "text": str(n)})))
        except Exception as error:  # looked at by the test
            boxes.append((n, error))
    for n in range(count):
        threads.append(threading.Thread(target=one, args=(n,)))
        threads[-1].start()
    wait_for("all are in flight", lambda: sum(
        b"tools/call" in line for line in daemon.received("a")) == count)
    return boxes, threads


def test_calls_in_flight_finish():
    with Neurond({"a": hostile()}) as daemon:
        boxes, threads = calls_in_background(daemon, 10, 1500)
        daemon.process.send_signal(signal.SIGTERM)
        for thread in threads:
            thread.join()
        for n, got in boxes:
            assert not isinstance(got, Exception), (n, got)
            assert got.text == str(n), (n, got.raw)
        assert daemon.wait_exit() == 0
        daemon.expect_nothing_left()


def test_new_connections_are_refused_while_draining():
    with Neurond({"a": hostile()}) as daemon:
        boxes, threads = calls_in_background(daemon, 1, 1500)
        daemon.process.send_signal(signal.SIGTERM)

        def refused():
            try:
                with Conn(daemon.address) as conn:
                    conn.sock.settimeout(0.2)
                    return conn.request("GET", "/health/ready").status == 503
            except (OSError, Closed):
                return True
        wait_for("new connections are refused", refused, timeout=1)
        for thread in threads:
            thread.join()
        assert boxes[0][1].text == "0"
        assert daemon.wait_exit() == 0


def test_what_is_not_done_in_time_gets_an_error():
    config = {"server": {"drain_timeout": "500ms"}}
    with Neurond({"a": hostile()}, config) as daemon:
        boxes, threads = calls_in_background(daemon, 3, 30_000)
        began = time.monotonic()
        daemon.process.send_signal(signal.SIGTERM)
        for thread in threads:
            thread.join()
        assert time.monotonic() - began < 5
        for n, got in boxes:
            if isinstance(got, Exception):
                assert isinstance(got, (Closed, OSError)), (n, got)
            else:
                assert got.error["code"] == -32603, (n, got.raw)
        assert daemon.wait_exit() == 0
        daemon.expect_nothing_left()


def test_idle_connections_and_streams_do_not_hold_it_up():
    with Neurond({"a": hostile()}) as daemon, daemon.client() as client, \
            Conn(daemon.address) as silent:
        stream = client.stream()
        assert stream.head.status == 200
        began = time.monotonic()
        daemon.stop()
        assert time.monotonic() - began < 4
        assert stream.next() is None and silent.is_closed()


main(__name__)
