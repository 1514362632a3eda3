"""Nothing leaks: after many starts and ends of every kind, processes, descriptors and
memory of the daemon are where they were; and no process of any child outlives a TERM, or a
SIGKILL of the reactor or of the keeper."""
import os
import signal
import subprocess
import threading

from harness import BINARY, SANITIZED, Neurond, hostile, is_alive, main, scaled, stat_of
from rawhttp import wait_for

CYCLES = scaled(50, 500)
MAX_GROWTH = 16 << 20
NAMES = ("killed", "crashes", "hides", "runs", "mute")


def lasting(**keys):
    """Keys with which a server is started again for ever, at once."""
    schema = subprocess.run([BINARY, "--dump-schema"], capture_output=True, text=True,
                            check=True).stdout
    wanted = {"backoff": "10ms", "backoff_max": "50ms", "max_restarts": 0,
              "restart_window": "0", "crash_window": "0s", "breaker_failures": 0,
              **keys}
    return {key: value for key, value in wanted.items() if f".{key}\t" in schema}


def kill(pid):
    os.kill(pid, signal.SIGKILL)


def family(client, name):
    """Grandchildren of every kind."""
    client.call(f"{name}.spawn", {"setsid": True})
    client.call(f"{name}.spawn")
    client.call(f"{name}.runner")
    client.call(f"{name}.runner", {"setsid": True})


def end(daemon, client, name):
    """Ends the server `name`, in its own way."""
    child = daemon.child(name)
    if name == "crashes":
        client.call("crashes.crash", {"status": 3})
    elif name == "mute":
        client.call("mute.close_stdout")
    else:
        if name == "hides":
            client.call("hides.spawn", {"setsid": True})
        elif name == "runs":
            client.call("runs.runner", {"setsid": True})
        kill(child)
    return child


def cycle(daemon, name, times, failures):
    try:
        for _ in range(times):
            with daemon.client() as client:
                old = end(daemon, client, name)

            def back():
                child = daemon.child(name)
                if child in (None, old):
                    return False
                with daemon.client() as again:
                    return "result" in again.call(f"{name}.echo", {"text": "x"}).message
            wait_for(f"{name} is back", back, 30)
    except Exception as error:  # the test looks at it
        failures.append(f"{name}: {error!r}")


def cycles(daemon, times):
    failures = []
    threads = [threading.Thread(target=cycle, args=(daemon, name, times, failures))
               for name in NAMES]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures, failures


def counts(daemon):
    return {"processes": len(daemon.processes()), "reactor's fds": daemon.fd_count(),
            "keeper's fds": daemon.fd_count(daemon.pid)}


def test_starts_and_ends_of_every_kind():
    downstreams = {name: hostile(**lasting()) for name in NAMES}
    with Neurond(downstreams) as daemon:
        cycles(daemon, 1)  # what is made once is there now
        wait_for("the last connections are closed", lambda: counts(daemon) == counts(daemon))
        before, rss = counts(daemon), daemon.rss()
        cycles(daemon, CYCLES // len(NAMES))
        wait_for(f"processes and descriptors are {before}", lambda: counts(daemon) == before)
        grown = daemon.rss() - rss
        print(f"note: nothing-leaks: {CYCLES} cycles, {grown >> 10} kB more", flush=True)
        assert SANITIZED or grown < MAX_GROWTH, grown


def with_families(daemon):
    """The pids of all there is below the reactor, and their start times."""
    with daemon.client() as client:
        for name in ("a", "b", "stubborn"):
            family(client, name)
    found = {pid: stat_of(pid) for pid in daemon.processes() if pid != daemon.pid}
    assert len(found) >= 3 * 7, len(found)
    return found


def gone(found):
    return not [pid for pid, stat in found.items()
                if is_alive(pid) and (stat_of(pid) or (0, 0, 0))[2] == stat[2]]


def families():
    return Neurond({"a": hostile(), "b": hostile("daemonize"), "stubborn": hostile(
        "ignore-eof", "ignore-term", "daemonize", stop_timeout="500ms")})


def test_after_term_nothing_is_left():
    with families() as daemon:
        found = with_families(daemon)
        daemon.stop(timeout=10)
        wait_for("all have gone", lambda: gone(found), 5)


def test_after_a_kill_of_the_reactor_nothing_is_left():
    with families() as daemon:
        found = with_families(daemon)
        at = len(daemon.lines)
        kill(daemon.reactor)
        wait_for("all have gone", lambda: gone(found), 5)
        daemon.wait_for_log(r"daemon: ready", since=at)


def test_after_a_kill_of_the_keeper_nothing_is_left():
    with families() as daemon:
        found = with_families(daemon)
        kill(daemon.pid)
        daemon.process.wait(5)
        wait_for("all have gone", lambda: gone(found), 5)
        assert not daemon.processes()


def test_after_the_end_of_one_server_nothing_of_it_is_left():
    with families() as daemon:
        with daemon.client() as client:
            pids = [int(client.call("b.runner", {"setsid": True}).text),
                    int(client.call("b.spawn", {"setsid": True}).text)]
            others = int(client.call("a.spawn", {"setsid": True}).text)
            client.call("b.crash", {"status": 1})
        wait_for("they have gone", lambda: not [p for p in pids if is_alive(p)], 5)
        assert is_alive(others), "another server's went, too"


main(__name__)
