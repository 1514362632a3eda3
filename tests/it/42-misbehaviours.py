"""Every misbehaviour of a child at once in one daemon: for each the caller's answer and the
state that is shown; then, that the others and the daemon are unharmed."""
import json
import os
import subprocess
import threading

from harness import BINARY, SANITIZED, Neurond, Table, hostile, is_alive, main
from rawhttp import wait_for

SLOW_START = {"start_timeout": "60s"}
DOWN = {"starting", "restarting", "failed", "open"}
UP = {"healthy", "degraded"}
MAX_GROWTH = 120 << 20


def known(**keys):
    """Those of the keys that there are: a server that is started again for ever, at once."""
    schema = subprocess.run([BINARY, "--dump-schema"], capture_output=True, text=True,
                            check=True).stdout
    return {key: value for key, value in keys.items() if f".{key}\t" in schema}


def state(daemon, name):
    rows = json.loads(daemon.run("servers", "--json").stdout)
    return next(row["state"] for row in rows if row["name"] == name)


class Case:
    """What is done to the server, what the caller must get, what state is shown then."""

    def __init__(self, traits, act, states, **keys):
        self.traits, self.act, self.states, self.keys = traits.split(), act, states, keys


def error(tool, arguments=None, kinds=("crash",), words=""):
    def act(_daemon, client, name):
        got = client.call(f"{name}.{tool}", arguments or {}).error
        assert got["code"] == -32603 and got["data"]["server"] == name, got
        assert got["data"]["type"] in kinds and words in got["message"], got
    return act


def down():
    def act(_daemon, client, name):
        got = client.call(f"{name}.echo", {"text": "x"}).error
        assert got["code"] == -32603 and got["data"]["server"] == name, got
        assert got["data"]["type"] in ("unavailable", "circuit_open"), got
        assert got["message"].startswith(f"Downstream '{name}' is not available"), got
    return act


def answer(tool, arguments, text):
    def act(_daemon, client, name):
        assert client.call(f"{name}.{tool}", arguments).text == text
        assert client.call(f"{name}.echo", {"text": "mine"}).text == "mine"
    return act


def echoes(_daemon, client, name):
    assert client.call(f"{name}.echo", {"text": "mine"}).text == "mine"


def crash_with_family(**how):
    """Grandchildren outlive neither the call nor their server."""
    def act(daemon, client, name):
        pid = int(client.call(f"{name}.spawn", how).text)
        error("crash", {"status": 4}, words="status 4")(daemon, client, name)
        wait_for("the grandchild is gone", lambda: not is_alive(pid))
    return act


def restarts(daemon, _client, name):
    wait_for("it has been started again", lambda: sum(
        f"supervisor: {name}: starting" in line for line in daemon.lines) >= 2)


def huge(daemon, client, name):
    got = client.call(f"{name}.huge", {"bytes": 100_000_000})
    if "error" in got.message:
        assert got.error["data"]["server"] == name, got.raw
    echoes(daemon, client, name)


def deaf(_daemon, client, name):
    """It reads no more: callers are told, and what waits for it is bounded."""
    assert client.call(f"{name}.deaf").text == "deaf"
    kinds, lock = [], threading.Lock()

    def caller():
        with _daemon.client() as own:
            got = own.call(f"{name}.echo", {"text": "x" * 200_000}).error["data"]["type"]
        with lock:
            kinds.append(got)
    threads = [threading.Thread(target=caller) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(kinds) <= {"timeout", "busy", "unavailable", "crash"} and len(kinds) == 12, kinds
    assert kinds.count("busy") >= 2, kinds


def many_tools(daemon, client, name):
    assert client.call(f"{name}.many9000", {"text": "last"}).text == "last"


ASK = '{"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info","data":1}}'
CASES = {
    "crash-at-once": Case("crash-start=9", down(), DOWN),
    "crash-later": Case("crash-after=1500", restarts, UP | DOWN),
    "exit-at-once": Case("", down(), DOWN, command="/bin/true", args=None),
    "no-server": Case("", down(), DOWN, command="/bin/cat", args=None, start_timeout="1s"),
    "hang-handshake": Case("silent", down(), DOWN, start_timeout="1s"),
    "hang-list": Case("silent-list", down(), DOWN, start_timeout="2s"),
    "crash-list": Case("crash-list=4", down(), DOWN),
    "hang-call": Case("", error("silent", kinds=("timeout",)), UP, call_timeout="400ms"),
    "hang-exit": Case("ignore-eof ignore-term", echoes, UP, stop_timeout="300ms"),
    "stopped": Case("", error("freeze", kinds=("timeout",)), UP | DOWN, call_timeout="400ms",
                    stop_timeout="300ms"),
    "holds-pipes": Case("daemonize", error("crash", {"status": 4}, words="status 4"), UP | DOWN),
    "grandchild": Case("", crash_with_family(), UP | DOWN),
    "hidden-grandchild": Case("", crash_with_family(setsid=True), UP | DOWN),
    "huge-line": Case("", huge, UP | DOWN),
    "garbage": Case("", answer("emit", {"line": "{not json", "times": 2000}, "emitted"), UP),
    "banner": Case("banner", echoes, UP),
    "slow-bytes": Case("", answer("slow_bytes", {"text": "abc", "ms": 2}, "abc"), UP),
    "flood-stdout": Case("", answer("emit", {
        "line": '{"jsonrpc":"2.0","id":99999,"result":{}}', "times": 20000}, "emitted"), UP),
    "flood-stderr": Case("", answer("stderr", {"lines": 20000}, "written"), UP),
    "flood-notices": Case("", answer("emit", {"line": ASK, "times": 20000}, "emitted"), UP),
    "null-id": Case("", answer("emit", {
        "line": '{"jsonrpc":"2.0","id":null,"error":{}}', "times": 50}, "emitted"), UP),
    "close-stdout": Case("", error("close_stdout", kinds=("crash", "unavailable")), UP | DOWN,
                         stop_timeout="300ms"),
    "memory-hog": Case("", error("hog", {"bytes": 1 << 30}, words="probably out of memory"),
                       UP | DOWN, limit_memory="300m"),
    "cpu-hog": Case("", answer("spin", {}, "spinning"), UP),
    "file-hog": Case("", answer("open", {"max": 30}, "30"), UP, limit_files=60),
    "wrong-id": Case("", error("stranger", kinds=("timeout",)), UP, call_timeout="400ms"),
    "doubled": Case("", answer("twice", {}, "first"), UP),
    "late": Case("", error("sleep_ms", {"ms": 900}, kinds=("timeout",)), UP,
                 call_timeout="300ms"),
    "many-tools": Case("many=9900", many_tools, UP),
    "too-many-tools": Case("many=20000", down(), DOWN),
    "cursor-loop": Case("loop", echoes, UP),
    "bad-tools": Case("bad-tools", echoes, UP),
    "deaf": Case("", deaf, UP | DOWN, call_timeout="1500ms", max_in_flight=4, queue=4,
                 stop_timeout="300ms"),
}


def downstreams():
    again = known(max_restarts=0, restart_window="0", breaker_failures=0,
                  crash_window="0s")
    out = {"good": hostile(**SLOW_START)}
    for name, case in CASES.items():
        out[name] = {**hostile(*case.traits), **again, **SLOW_START, **case.keys}
    return out


def test_each_misbehaviour_harms_nobody_else():
    table = Table()
    with Neurond(downstreams()) as daemon:
        keeper, reactor, rss = daemon.pid, daemon.reactor, daemon.rss()
        for name, case in CASES.items():
            def check(name=name, case=case):
                with daemon.client() as client:
                    if case.act:
                        case.act(daemon, client, name)
                    shown = state(daemon, name)
                    assert shown in case.states, shown
                    assert client.call("good.echo", {"text": "fine"}).text == "fine"
            table.row(name, check)
        assert (daemon.pid, daemon.reactor) == (keeper, reactor), "the daemon was harmed"
        grown = daemon.rss() - rss
        print(f"note: misbehaviours: {len(CASES)}, {grown >> 20} MB more", flush=True)
        assert SANITIZED or grown < MAX_GROWTH, grown
        everything = daemon.processes()
        daemon.stop(timeout=15)
        assert not [pid for pid in everything if is_alive(pid)]
    assert not table.failed, f"{table.failed} rows failed"
    assert len(CASES) >= 25 and os.path.exists(BINARY)


main(__name__)
