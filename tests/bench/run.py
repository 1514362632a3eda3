#!/usr/bin/env python3
"""What a call costs: the same tool of the same server, over its own pipes and through
neurond, one call at a time and many at once. Ratios of one run; nothing passes or fails.

usage: run.py [SECONDS]
"""
import json
import pathlib
import random
import statistics
import subprocess
import sys
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "it"))

from harness import Neurond, hostile  # noqa: E402

SECONDS = float(sys.argv[1]) if sys.argv[1:] else 3.0
SERVER = hostile()


def timed(call):
    """Times in ms of one call after the other for SECONDS."""
    times, end = [], time.monotonic() + SECONDS
    while time.monotonic() < end:
        began = time.perf_counter()
        call()
        times.append((time.perf_counter() - began) * 1000)
    return times


def direct():
    with subprocess.Popen([SERVER["command"], *SERVER["args"]], stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE) as server:
        def call(method="tools/call", params=None):
            message = {"jsonrpc": "2.0", "id": 1, "method": method,
                       "params": params or {"name": "echo", "arguments": {"text": "x"}}}
            server.stdin.write(json.dumps(message).encode() + b"\n")
            server.stdin.flush()
            server.stdout.readline()
        call("initialize", {"protocolVersion": "2025-11-25"})
        times = timed(call)
        server.stdin.close()
    return times


def through(daemon, clients):
    logs = [[] for _ in range(clients)]

    def one(log):
        with daemon.client() as client:
            log += timed(lambda: client.call("a.echo", {"text": "x"}))
    threads = [threading.Thread(target=one, args=(log,)) for log in logs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return [value for log in logs for value in log]


def show(name, times, base):
    times.sort()
    median = statistics.median(times)
    print(f"{name:<28} {len(times) / SECONDS:9.0f} calls/s   median {median:7.3f} ms"
          f"   p99 {times[len(times) * 99 // 100]:7.3f} ms   {median / base:5.2f} x direct")


def audit_cost():
    """What the audit adds to a call, by ways of reaching the medium; all daemons at once,
    in turns, so that a busy machine is as busy for each, and each after any other."""
    ways = {"none": {"path": "none"}, "no": {"sync": "no"}, "batch": {"sync": "batch"},
            "each": {"sync": "each"}}
    daemons = {how: Neurond({"a": SERVER}, {"audit": keys}) for how, keys in ways.items()}
    times = {how: [] for how in ways}
    try:
        clients = [(how, daemon.client()) for how, daemon in daemons.items()]
        end = time.monotonic() + 4 * SECONDS
        while time.monotonic() < end:
            random.shuffle(clients)
            for how, client in clients:
                began = time.perf_counter()
                client.call("a.echo", {"text": "x"})
                times[how].append((time.perf_counter() - began) * 1000)
    finally:
        for daemon in daemons.values():
            daemon.__exit__(None, None, None)
    base = statistics.median(times["none"])
    print(f"{'without audit':<28} {'':18}   median {base:7.3f} ms")
    for how in ("no", "batch", "each"):
        median = statistics.median(times[how])
        print(f"{'audit, sync = ' + how:<28} {(median - base) * 1000:9.0f} us more"
              f"       median {median:7.3f} ms   {median / base:5.2f} x without")


def main():
    pipe = direct()
    base = statistics.median(pipe)
    show("direct, over its pipes", pipe, base)
    with Neurond({"a": SERVER}) as daemon:
        for clients in (1, 8, 32):
            show(f"through neurond, {clients} at once", through(daemon, clients), base)
    audit_cost()


if __name__ == "__main__":
    main()
