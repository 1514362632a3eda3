"""neurond.sock: who may connect, HTTP or lines by the first byte, both eras message by
message, ids and bytes as they came, cancellation, slow and vanished clients."""
import json
import os
import signal
import socket
import stat
import subprocess
import threading
import time

from harness import Neurond, SANITIZED, hostile, main, scaled
from lines import SocketLines
from mcp import LEGACY, MODERN, McpClient, ModernClient, PREFIX
from rawhttp import Conn, wait_for

NOBODY = 65534


def sock(daemon):
    return daemon.dir / "run/neurond.sock"


def as_user(uid, script):
    """Runs Python as another user; what it printed."""
    done = subprocess.run(["setpriv", f"--reuid={uid}", f"--regid={uid}", "--clear-groups",
                           "/usr/bin/env", "python3", "-c", script],
                          capture_output=True, text=True, timeout=20, check=False)
    return done.stdout.strip() or done.stderr.strip()


def page(daemon, path):
    with Conn(str(daemon.dir / "run/control.sock")) as conn:
        return conn.request("GET", path).body.decode()


def metrics(daemon):
    return page(daemon, "/metrics")


# -- the file

def test_mode_and_group_are_as_configured():
    group = os.getgid() if os.geteuid() else 4711
    with Neurond({}, {"server": {"socket_mode": "0660", "socket_group": group,
                                 "control_mode": "0640", "control_group": group}}) as daemon:
        for name, mode in (("neurond.sock", 0o660), ("control.sock", 0o640)):
            about = os.stat(daemon.dir / "run" / name)
            assert stat.S_IMODE(about.st_mode) == mode, (name, oct(about.st_mode))
            assert about.st_gid == group, (name, about.st_gid)
        path = sock(daemon)
        daemon.stop()
        assert not path.exists(), "the daemon left its socket behind"


def test_wrong_settings_are_configuration_errors():
    rows = (({"socket_group": "no-such-group"}, r"server.socket_group: find group no-such-group"),
            ({"control_group": "no-such-group"}, r"server.control_group: find group"),
            ({"socket": "neurond.sock"}, r"server.socket: .*neither an absolute path nor none"),
            ({"socket": "/" + "x" * 108}, r"server.socket: longer than the path of a socket"),
            ({"socket_mode": "0999"}, r"server.socket_mode: "))
    for keys, said in rows:
        daemon = Neurond({}, {"server": keys}, wait=False)
        try:
            daemon.wait_for_log(said)
            assert daemon.wait_exit() == 78, keys
        finally:
            daemon.clean_up(show_log=False)


def test_none_is_no_socket():
    with Neurond({}, {"server": {"socket": "none"}}) as daemon:
        assert os.listdir(daemon.dir / "run") and not sock(daemon).exists()
        done = daemon.run("connect")
        assert done.returncode == 1 and "socket = none" in done.stderr, done


def test_a_stale_socket_is_replaced_and_a_live_one_respected():
    def leave_stale(daemon):
        with socket.socket(socket.AF_UNIX) as dead:
            dead.bind(str(sock(daemon)))
    with Neurond({"a": hostile()}, setup=leave_stale) as daemon:
        with SocketLines(sock(daemon)) as client:
            client.initialize()
        other = Neurond({}, {"server": {"socket": sock(daemon)}}, wait=False)
        try:
            other.wait_for_log(r"neurond\.sock: in use by another process")
            assert other.wait_exit() == 1
        finally:
            other.clean_up(show_log=False)
        with SocketLines(sock(daemon)) as client:  # it is still there
            client.initialize()
        os.unlink(sock(daemon))
        with socket.socket(socket.AF_UNIX) as foreign:
            foreign.bind(str(sock(daemon)))
            daemon.stop()
            assert sock(daemon).exists(), "the daemon removed somebody else's socket"


def test_two_users_and_sockets_of_two_modes():
    if os.geteuid() != 0:
        print("note: not root: two users are not tried")
        return
    rule = {"rule nobody": {"effect": "allow", "tools": "a.*", "clients": f"uid:{NOBODY}"}}
    try_it = """
import json, socket, sys
s = socket.socket(socket.AF_UNIX)
try: s.connect(%r)
except PermissionError: sys.exit(print("denied"))
def ask(o): s.sendall(json.dumps({"jsonrpc": "2.0", **o}).encode() + b"\\n")
ask({"id": 1, "method": "initialize", "params": {"protocolVersion": "2025-11-25",
     "capabilities": {}, "clientInfo": {"name": "x", "version": "1"}}})
f = s.makefile("rb"); f.readline()
ask({"id": 2, "method": "tools/call", "params": {"name": "a.echo", "arguments": {"text": "t"}}})
print("result" in json.loads(f.readline()))
"""
    for mode, answer in (("0600", "denied"), ("0666", "True")):
        with Neurond({"a": hostile()}, {"server": {"socket_mode": mode}, **rule},
                     allow=False) as daemon:
            for directory in (daemon.dir, daemon.dir / "run"):
                os.chmod(directory, 0o711)
            assert as_user(NOBODY, try_it % str(sock(daemon))) == answer, mode
            with SocketLines(sock(daemon)) as root:
                root.initialize()
                assert root.tools() == []
                got = root.request("tools/call", {"name": "a.echo"})
                assert got["error"]["code"] == -32600, got
            who = [json.loads(line)["client"] for line in daemon.audit()]
            assert ("uid:65534" in who) == (mode == "0666") and "uid:0" in who, who


# -- the first byte

def test_the_first_byte_decides():
    with Neurond({"a": hostile()}) as daemon:
        with Conn(str(sock(daemon))) as conn:
            assert conn.request("GET", "/health").status == 200
            assert conn.request("GET", "/api/v1/admin/status").status == 404
        for lead in (b"", b" ", b"\t", b"\n", b"\r\n"):
            with SocketLines(sock(daemon)) as client:
                client.send(lead + b'{"jsonrpc":"2.0","id":1,"method":"ping"}')
                assert client.read() == {"jsonrpc": "2.0", "id": 1, "result": {}}, lead
        with SocketLines(sock(daemon)) as client:
            client.send(b"[]")
            assert client.read()["error"]["code"] == -32600
        with Conn(str(sock(daemon))) as conn:
            conn.send(b"\x00\x01\r\n\r\n")
            assert conn.response().status == 400


def test_mcp_over_http_works_on_it_too():
    with Neurond({"a": hostile("tools=one")}) as daemon:
        with McpClient(str(sock(daemon))) as client:
            assert client.tools() == ["a.one"]
        with ModernClient(str(sock(daemon))) as client:
            assert client.tools() == ["a.one"]
        assert "anonymous" not in "\n".join(daemon.audit())


def test_who_says_nothing_is_closed_and_who_does_not_serve_mcp_takes_no_lines():
    with Neurond({}, {"limits": {"idle_timeout": "300ms"},
                      "server": {"serve": "health"}}) as daemon:
        with SocketLines(sock(daemon)) as client:
            assert client.read_line() is None
        with Conn(str(sock(daemon))) as conn:
            conn.send(b'{"jsonrpc":"2.0","id":1,"method":"ping"}\r\n\r\n')
            assert conn.response().status == 400


# -- both eras

def test_the_handshake_belongs_to_the_connection():
    with Neurond({"a": hostile("tools=one")}) as daemon:
        for version in LEGACY:
            with SocketLines(sock(daemon)) as client:
                assert client.request("tools/list")["error"]["code"] == -32600
                assert client.request("ping")["result"] == {}
                got = client.initialize(version)["result"]
                assert got["protocolVersion"] == version, got
                assert got["serverInfo"]["name"] == "neurond", got
                assert client.tools() == ["a.one"]
                assert client.call("a.one", {"text": version}) == version
        with SocketLines(sock(daemon)) as client:
            assert client.request("initialize", {})["error"]["code"] == -32602
            assert client.request("tools/list")["error"]["code"] == -32600


def test_the_era_is_chosen_for_each_message():
    with Neurond({"a": hostile("tools=one")}) as daemon, SocketLines(sock(daemon)) as client:
        got = client.modern("server/discover")["result"]
        assert got["supportedVersions"] == [MODERN] and got["resultType"] == "complete", got
        assert client.request("tools/list")["error"]["code"] == -32600  # no handshake yet
        got = client.modern("tools/list")["result"]
        assert got["resultType"] == "complete" and "ttlMs" in got, got
        client.initialize()
        assert "resultType" not in client.request("tools/list")["result"]
        call = {"name": "a.one", "arguments": {"text": "x"}}
        assert client.modern("tools/call", call)["result"]["resultType"] == "complete"
        assert "resultType" not in client.request("tools/call", call)["result"]
        meta = dict(client.meta)
        rows = ((-32022, "tools/list", {**meta, PREFIX + "protocolVersion": "2099-01-01"}),
                (-32602, "tools/list", {PREFIX + "protocolVersion": MODERN}),
                (-32602, "tools/list", {**meta, PREFIX + "protocolVersion": 7}),
                (-32601, "initialize", meta), (-32601, "ping", meta))
        for code, method, params in rows:
            got = client.request(method, {"_meta": params})
            assert got["error"]["code"] == code, (method, params, got)


def test_ids_come_back_as_they_were_written():
    with Neurond({"a": hostile()}) as daemon, SocketLines(sock(daemon)) as client:
        client.initialize()
        for raw in (b"0", b"-1", b"9007199254740993", b'""', b'"1"', b'"\\u0061"', b'"\xc3\xa9"',
                    b"123456789012345678901234567890"):
            client.send(b'{"jsonrpc":"2.0","method":"tools/call","params":{"name":"a.echo",'
                        b'"arguments":{"text":1.10}},"id":%s}' % raw)
            line = client.read_line()
            assert line.startswith(b'{"jsonrpc":"2.0","id":' + raw + b","), (raw, line)
            assert b'"text":1.10' in line, line


def test_a_batch_is_answered_by_one_array():
    batch = [{"jsonrpc": "2.0", "id": "slow", "method": "tools/call", "params": {
                 "name": "a.sleep_ms", "arguments": {"ms": 200, "text": "1"}}},
             {"jsonrpc": "2.0", "method": "notifications/initialized"},
             {"jsonrpc": "2.0", "id": "ping", "method": "ping"},
             {"jsonrpc": "2.0", "id": 7, "method": "initialize", "params": {}},
             {"jsonrpc": "2.0", "id": "gone", "method": "tools/call", "params": {
                 "name": "a.silent"}},
             {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {
                 "requestId": "gone"}}, 5]
    with Neurond({"a": hostile()}) as daemon:
        with SocketLines(sock(daemon)) as client:
            client.initialize("2025-03-26")
            client.send(batch)
            client.send({"jsonrpc": "2.0", "id": "behind", "method": "ping"})
            assert client.read()["id"] == "behind"  # a batch holds nothing up
            got = client.read()
            assert {m.get("id") for m in got} == {"slow", "ping", 7, None}, got
            client.send([{"jsonrpc": "2.0", "method": "notifications/x"}])
            client.send([{"jsonrpc": "2.0", "id": 1, "method": "ping",
                          "params": {"_meta": client.meta}}])
            assert client.read()["error"]["code"] == -32600
        with SocketLines(sock(daemon)) as client:
            client.initialize("2025-06-18")
            client.send(batch)
            assert client.read()["error"]["code"] == -32600


def test_garbage_is_answered_and_survived():
    rows = ((b"garbage", -32700, None), (b'{"jsonrpc":"2.0","id":1,"method":', -32700, None),
            (b'{"jsonrpc":"2.0","id":1,"id":1,"method":"ping"}', -32600, None),
            (b'{"jsonrpc":"2.0","id":3}', -32600, 3), (b'"text"', -32600, None),
            (b'{"jsonrpc":"1.0","id":4,"method":"ping"}', -32600, 4),
            (b'{"jsonrpc":"2.0","id":5,"method":"ping","params":[]}', -32602, 5),
            (b'{"jsonrpc":"2.0","id":6,"method":"no/such"}', -32601, 6),
            (b"[" * 100 + b"]" * 100, -32700, None), (b"\xff\xfe", -32700, None),
            (b'{"jsonrpc":"2.0","id":"big","method":"ping","params":{"x":"%s"}}'
             % (b"x" * 2_000_000), -32600, "big"))
    with Neurond({"a": hostile()}, {"limits": {"message_max": "1m"}}) as daemon:
        with SocketLines(sock(daemon)) as client:
            client.initialize()
            for line, code, request_id in rows:
                client.send(line)
                got = client.read()
                assert got["error"]["code"] == code, (line[:80], got)
                assert got.get("id") == request_id and ("id" in got) == (
                    request_id is not None), (line[:80], got)
            client.send(b'{"jsonrpc":"2.0","method":5}')  # nobody may answer that
            client.send(b'{"jsonrpc":"2.0","id":99,"result":{}}')
            client.send(b"\r")
            client.send(b"")
            assert client.request("ping")["result"] == {}


# -- calls

def test_progress_cancellation_and_change_notices():
    with Neurond({"a": hostile()}) as daemon, SocketLines(sock(daemon)) as client, \
            SocketLines(sock(daemon)) as silent:
        silent.request("initialize", {"protocolVersion": LEGACY[-1], "capabilities": {},
                                      "clientInfo": {"name": "it", "version": "1"}})
        client.initialize()
        client.request("tools/call", {"name": "a.progress", "arguments": {"count": 3},
                                      "_meta": {"progressToken": "t\u00e9"}})
        seen = [m["params"] for m in client.others]
        assert [(p["progressToken"], p["progress"]) for p in seen] == [
            ("t\u00e9", 1), ("t\u00e9", 2), ("t\u00e9", 3)], seen
        client.others.clear()
        for era in ({}, {"_meta": client.meta}):
            for request_id, other in (("1", 1), (1, "1")):
                before = len(daemon.received("a"))
                client.start("tools/call", {"name": "a.silent", **era}, request_id)
                wait_for("the call is in flight", lambda: len(daemon.received("a")) > before)
                client.notify("notifications/cancelled", {"requestId": other})
                client.notify("notifications/cancelled", {"requestId": request_id})
                wait_for("the server heard of it", lambda: b"notifications/cancelled"
                         in daemon.received("a")[-1])
        assert sum(b"notifications/cancelled" in line for line in daemon.received("a")) == 4
        client.expect_nothing()
        client.call("a.add_tool", {"name": "late"})
        notice = client.others.pop() if client.others else client.read()
        assert notice["method"] == "notifications/tools/list_changed", notice
        assert "a.late" in client.tools()
        silent.expect_nothing()  # it has not said that it is ready for notices


def test_many_calls_of_many_connections_get_their_own_answers():
    with Neurond({"a": hostile(), "b": hostile()}) as daemon:
        count, failed = scaled(50, 400), []

        def one(n):
            try:
                with SocketLines(sock(daemon)) as client:
                    client.initialize()
                    ids = [client.start("tools/call", {
                        "name": f"{'ab'[k % 2]}.reorder",
                        "arguments": {"ms": 20, "text": f"{n}/{k}"}}) for k in range(40)]
                    for k, request_id in enumerate(ids):
                        text = client.answer(request_id)["result"]["content"][0]["text"]
                        assert text == f"{n}/{k}", (n, k, text)
            except Exception as error:  # looked at below
                failed.append(repr(error))
        for begin in range(0, count, 25):
            threads = [threading.Thread(target=one, args=(n,)) for n in range(begin, begin + 25)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        assert not failed, failed[:3]
        wait_for("all have gone", lambda: 'door="ndjson"} 0' in metrics(daemon))


def test_a_client_that_sends_no_more_gets_its_answers_and_one_that_has_gone_none():
    with Neurond({"a": hostile()}) as daemon:
        with SocketLines(sock(daemon)) as client:
            client.initialize()
            client.start("tools/call", {"name": "a.sleep_ms",
                                        "arguments": {"ms": 300, "text": "x"}}, "late")
            client.put(b'{"jsonrpc":"2.0","id":"last","method":"ping"}')  # no line end
            client.end_output()
            assert {client.read()["id"], client.read()["id"]} == {"late", "last"}
            assert client.read_line() is None
        for half_first in (False, True):
            before = len(daemon.received("a"))
            client = SocketLines(sock(daemon))
            client.initialize()
            client.start("tools/call", {"name": "a.silent"})
            wait_for("the call is in flight", lambda: len(daemon.received("a")) > before)
            if half_first:
                client.end_output()
                time.sleep(0.1)
            client.close()
            wait_for("the call was taken back", lambda: b"notifications/cancelled"
                     in daemon.received("a")[-1])
        results = [json.loads(line).get("result") for line in daemon.audit()]
        assert results.count("cancelled") == 2, results


def test_a_client_that_does_not_read_is_not_read_from_and_harms_nobody():
    with Neurond({"a": hostile()}, {"limits": {"body_timeout": "2s"}}) as daemon, \
            SocketLines(sock(daemon)) as slow, SocketLines(sock(daemon)) as other:
        other.initialize()
        slow.initialize()
        before = daemon.rss()
        line = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/list"}).encode() + b"\n"
        slow.sock.setblocking(False)
        sent, quiet = 0, 0
        while quiet < 5 and sent < 100_000_000:
            try:
                sent += slow.sock.send(line * 500)
                quiet = 0
            except BlockingIOError:
                quiet += 1
                time.sleep(0.02)
        assert sent < 10_000_000, f"{sent} bytes were taken from a client that reads nothing"
        grown = daemon.rss() - before
        assert SANITIZED or grown < 20_000_000, f"{grown} bytes for one slow client"
        assert other.call("a.echo", {"text": "x"}) == "x"
        wait_for("it is closed after body_timeout", lambda: 'door="ndjson"} 1' in metrics(daemon))
        assert other.call("a.echo", {"text": "y"}) == "y"


def test_a_slow_reader_gets_everything():
    with Neurond({"a": hostile()}) as daemon, SocketLines(sock(daemon)) as client:
        client.initialize()
        count = 300
        for _ in range(count):
            client.start("tools/call", {"name": "a.bulk", "arguments": {"bytes": 20000}})
        time.sleep(0.5)
        for n in range(count):
            got = client.answer(n + 2)
            assert len(got["result"]["content"][0]["text"]) == 20000


# -- views

def test_the_first_line_may_choose_the_view():
    servers = {"a": hostile("tools=one,x.y"), "b": hostile("tools=two")}
    with Neurond(servers) as daemon:
        rows = (({}, ["a.one", "a.x.y", "b.two"]), ({"names": "plain"}, ["a.one", "a.x.y", "b.two"]),
                ({"names": "strict"}, ["a_one", "a_x_y", "b_two"]),
                ({"namespace": "a"}, ["one", "x.y"]),
                ({"namespace": "a", "names": "strict"}, ["one", "x_y"]))
        for view, names in rows:
            with SocketLines(sock(daemon)) as client:
                client.view(**view)
                client.initialize()
                assert client.tools() == names, (view, client.tools())
                assert client.call(names[-1], {"text": "t"}) == "t"
        for view in ({"namespace": "nope"}, {"namespace": 5}, {"names": "loud"}, {"names": None}):
            with SocketLines(sock(daemon)) as client:
                client.view(**view)
                got = client.initialize()
                assert got["error"]["code"] == -32602, (view, got)
        with SocketLines(sock(daemon)) as client:
            client.initialize()
            client.view(names="strict")  # too late
            assert client.tools() == ["a.one", "a.x.y", "b.two"]


def test_names_of_the_configuration_hold_until_the_client_chooses():
    with Neurond({"a": hostile("tools=one")}, {"federation": {"names": "strict"}}) as daemon:
        for view, name in ((None, "a_one"), ("plain", "a.one")):
            with SocketLines(sock(daemon)) as client:
                if view:
                    client.view(names=view)
                client.initialize()
                assert client.tools() == [name]


# -- the daemon's life

def test_a_crash_of_the_reactor_keeps_the_socket():
    with Neurond({"a": hostile()}) as daemon, SocketLines(sock(daemon)) as client:
        client.initialize()
        inode = os.stat(sock(daemon)).st_ino
        os.kill(daemon.reactor, signal.SIGKILL)
        assert client.read_line() is None
        with SocketLines(sock(daemon)) as again:  # waits in the kernel's queue
            again.initialize()
            wait_for("the tools are back", lambda: "a.echo" in again.tools())
        assert os.stat(sock(daemon)).st_ino == inode


def test_a_stop_answers_what_is_in_flight_and_closes_the_rest():
    with Neurond({"a": hostile()}) as daemon, SocketLines(sock(daemon)) as busy, \
            SocketLines(sock(daemon)) as idle, SocketLines(sock(daemon)) as mute:
        busy.initialize()
        idle.initialize()
        before = len(daemon.received("a"))
        request_id = busy.start("tools/call", {"name": "a.sleep_ms",
                                               "arguments": {"ms": 700, "text": "done"}})
        wait_for("the call is in flight", lambda: len(daemon.received("a")) > before)
        daemon.process.send_signal(signal.SIGTERM)
        assert idle.read_line() is None
        assert mute.read_line() is None
        assert busy.answer(request_id)["result"]["content"][0]["text"] == "done"
        assert busy.read_line() is None
        assert daemon.wait_exit() == 0
        assert not sock(daemon).exists()
        daemon.expect_nothing_left()


def test_connections_are_limited_together():
    with Neurond({}, {"limits": {"connections": 20}}) as daemon:
        clients = [SocketLines(sock(daemon)) for _ in range(20)]
        for client in clients:
            client.initialize()
        with SocketLines(sock(daemon), timeout=0.5) as late:
            late.start("ping", request_id="late")
            late.expect_nothing(0.3)
            assert daemon.run("status").returncode == 0  # operators get in
            clients.pop().close()
            assert late.answer("late", 5)["result"] == {}
        for client in clients:
            client.close()


def test_nothing_leaks():
    with Neurond({"a": hostile()}) as daemon:
        def session(n):
            with SocketLines(sock(daemon)) as client:
                if n % 3:
                    client.initialize()
                if n % 3 == 2:
                    client.start("tools/call", {"name": "a.silent"})
        for n in range(50):
            session(n)
        wait_for("all have gone", lambda: 'door="ndjson"} 0' in metrics(daemon))
        descriptors, memory = daemon.fd_count(), daemon.rss()
        for n in range(scaled(600, 10000)):
            session(n)
        wait_for("all have gone", lambda: 'door="ndjson"} 0' in metrics(daemon))
        wait_for("no descriptor is left", lambda: daemon.fd_count() <= descriptors + 1)
        assert SANITIZED or daemon.rss() < memory + 8_000_000, (memory, daemon.rss())
        assert '"calls_in_flight":0' in page(daemon, "/api/v1/admin/status")


main(__name__)
