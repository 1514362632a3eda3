"""Many clients, several servers, one of them slow and out of order: nothing is crossed,
lost or doubled, and the others do not wait for the slow one."""
import collections
import statistics
import threading
import time

from harness import Neurond, hostile, main, scaled

CLIENTS = scaled(16, 64)
CALLS = scaled(25, 200)
SLOW_MS = 2000


def caller(daemon, number, names, calls, log):
    try:
        with daemon.client(timeout=90) as client:
            for n in range(calls):
                name = names[(number + n) % len(names)]
                text = f"{number}:{n}:{name}:" + "p" * (n * 37 % 3000)
                began = time.monotonic()
                got = client.call(f"{name}.echo", {"text": text})
                log.append((name, time.monotonic() - began, got.text == text, got.raw[:200]))
    except BaseException as error:  # counted by the test
        log.append(("broken", 0, False, repr(error)))


def round_of(daemon, names, calls):
    """CLIENTS at once; the medians by server, in ms."""
    logs = [[] for _ in range(CLIENTS)]
    threads = [threading.Thread(target=caller, args=(daemon, n, names, calls, logs[n]))
               for n in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    everything = [row for log in logs for row in log]
    wrong = [row for row in everything if not row[2]]
    assert not wrong, f"{len(wrong)} wrong, first: {wrong[:3]}"
    assert len(everything) == CLIENTS * calls, len(everything)
    times = collections.defaultdict(list)
    for name, seconds, _, _ in everything:
        times[name].append(seconds * 1000)
    return {name: statistics.median(values) for name, values in sorted(times.items())}


def test_nothing_is_crossed_lost_or_doubled():
    downstreams = {"a": hostile(), "b": hostile(), "slow": hostile(f"slow={SLOW_MS}")}
    with Neurond(downstreams) as daemon:
        fds = daemon.fd_count()
        alone = round_of(daemon, ["a", "b"], CALLS)
        # The slow server has clients of its own, all of whose calls are in flight at once.
        slow_log, slow_threads = [], []
        for n in range(CLIENTS):
            slow_threads.append(threading.Thread(
                target=caller, args=(daemon, 1000 + n, ["slow"], scaled(2, 8), slow_log)))
            slow_threads[-1].start()
        beside = round_of(daemon, ["a", "b"], CALLS)
        for thread in slow_threads:
            thread.join()
        assert all(row[2] for row in slow_log), [row for row in slow_log if not row[2]][:3]
        assert len(slow_log) == CLIENTS * scaled(2, 8)
        mixed = round_of(daemon, ["a", "b", "slow"], scaled(3, 9))
        print(f"note: load: {CLIENTS} clients; medians in ms: alone {show(alone)}; beside a slow"
              f" server {show(beside)}; mixed {show(mixed)}")
        for name in ("a", "b"):
            assert beside[name] < alone[name] * 3 + 100, (alone, beside)
        sent = sum(b'"tools/call"' in line for name in downstreams
                   for line in daemon.received(name))
        assert sent == CLIENTS * (2 * CALLS + scaled(2, 8) + scaled(3, 9)), sent
        lines = daemon.audit()
        assert len(lines) == 2 * sent, (len(lines), sent)
        assert daemon.fd_count() <= fds + 2, "descriptors leak"


def show(medians):
    return ", ".join(f"{name} {value:.1f}" for name, value in medians.items())


def test_hundreds_of_calls_on_one_child_at_once():
    with Neurond({"one": hostile()}, {"downstream one": {"max_in_flight": 512}}) as daemon:
        results, threads = [], []

        def one(n):
            with daemon.client(timeout=60) as client:
                text = f"call {n}"
                got = client.call("one.reorder", {"ms": 1500, "text": text})
                results.append(got.text == text)

        for n in range(scaled(150, 400)):
            threads.append(threading.Thread(target=one, args=(n,)))
            threads[-1].start()
        for thread in threads:
            thread.join()
        assert len(results) == len(threads) and all(results)


main(__name__)
