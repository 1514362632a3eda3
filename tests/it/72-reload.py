"""Reload: what is new is started beside what runs, the change happens at once, and what goes
has finished its calls; anything wrong leaves everything as it was."""
import hashlib
import json
import os
import re
import signal
import socket
import threading

from harness import BINARY, Neurond, Table, hostile, is_alive, main
from mcp import McpClient, ModernClient
from rawhttp import Closed, Conn, wait_for

DEAD = {"command": "/bin/false"}


def reload(daemon, *args, expect=0):
    """`neurond reload`, asked of the daemon itself whatever its file says now."""
    done = daemon.run("reload", *args, "--control", str(daemon.dir / "run/control.sock"))
    assert done.returncode == expect, (done.returncode, done.stdout, done.stderr)
    return done


def plan(daemon, *args, expect=0):
    return json.loads(reload(daemon, "--json", *args, expect=expect).stdout)


def metric(daemon, name):
    with daemon.connect() as conn:
        text = conn.request("GET", "/metrics").body.decode()
    found = re.search(rf"^{re.escape(name)} (\S+)$", text, re.M)
    return None if found is None else float(found[1])


def reloads(daemon, result):
    return metric(daemon, f'neurond_config_reloads_total{{result="{result}"}}')


def background(action):
    """Runs `action` in a thread; a function that waits for what it returns."""
    box = []

    def run():
        try:
            box.append(action())
        except Exception as error:  # raised where it is waited for
            box.append(error)
    thread = threading.Thread(target=run)
    thread.start()

    def join():
        thread.join(30)
        assert box, "it takes too long"
        if isinstance(box[0], Exception):
            raise box[0]
        return box[0]
    return join


def slow_call(daemon, tool, ms, text):
    name = tool.split(".")[0]
    before = sum(b"tools/call" in line for line in daemon.received(name))

    def call():
        with daemon.client() as client:
            return client.call(tool, {"ms": ms, "text": text})
    join = background(call)
    wait_for("it is in flight", lambda: sum(
        b"tools/call" in line for line in daemon.received(name)) > before)
    return join


def test_add_remove_change_and_keep():
    with Neurond({"keep": hostile(), "change": hostile(), "go": hostile()}) as daemon, \
            daemon.client() as client:
        pids = {name: daemon.child(name) for name in ("keep", "change", "go")}
        daemon.configure({"new": hostile(), "change": hostile("many=1"), "keep": hostile()})
        want = {"add": ["new"], "remove": ["go"], "change": ["change"], "keep": ["keep"]}
        dry = plan(daemon, "--dry-run")
        assert dry["dry_run"] and {k: dry[k] for k in want} == want, dry
        assert {n: daemon.child(n) for n in pids} == pids, "a dry run has done something"
        assert reloads(daemon, "success") == 0
        table = reload(daemon, "--dry-run").stdout
        assert re.search(r"^remove +go$", table, re.M), table

        done = plan(daemon)
        assert done["result"] == "success" and {k: done[k] for k in want} == want, done
        servers = json.loads(daemon.run("servers", "--json").stdout)
        assert [s["name"] for s in servers] == ["new", "change", "keep"], servers
        assert daemon.child("keep") == pids["keep"]
        wait_for("what has gone is gone", lambda: not is_alive(pids["go"]))
        wait_for("the old form is gone", lambda: not is_alive(pids["change"]))
        assert daemon.child("change") is not None
        for name in ("new", "change", "keep"):
            assert client.call(f"{name}.echo", {"text": name}).text == name
        assert client.call("go.echo", {"text": "x"}).error["code"] == -32602
        assert reloads(daemon, "success") == 1
        assert metric(daemon, 'neurond_downstream_up{downstream="go"}') is None
        assert metric(daemon, 'neurond_downstream_up{downstream="new"}') == 1


def test_calls_in_flight_outlive_what_they_were_given_to():
    with Neurond({"a": hostile(), "b": hostile()}) as daemon:
        old = {name: daemon.child(name) for name in ("a", "b")}
        calls = [slow_call(daemon, f"{name}.sleep_ms", 1500, name) for name in ("a", "b")]
        daemon.configure({"a": hostile("many=1")})
        plan(daemon)
        assert all(is_alive(pid) for pid in old.values())
        with daemon.client() as client:
            assert client.call("a.echo", {"text": "new"}).text == "new"
        assert [call().text for call in calls] == ["a", "b"]
        wait_for("the old ones have gone",
                 lambda: not any(is_alive(pid) for pid in old.values()))


def test_a_form_that_does_not_start_leaves_the_old_one_serving():
    with Neurond({"a": hostile(), "b": hostile()}) as daemon:
        pid = daemon.child("a")
        daemon.configure({"a": DEAD, "b": hostile(), "c": DEAD})
        done = reload(daemon, "--json", expect=1)
        report = json.loads(done.stdout)
        assert report["result"] == "partial", report
        assert {f["name"]: f["old_one_serves"] for f in report["failed"]} == \
            {"a": True, "c": False}, report
        assert "a does not serve in its new form" in done.stderr, done.stderr
        daemon.wait_for_log(r"reload: a: its new form does not serve: .*the old one goes on")
        assert daemon.child("a") == pid and reloads(daemon, "partial") == 1
        with daemon.client() as client:
            assert client.call("a.echo", {"text": "x"}).text == "x"
        daemon.configure({"a": hostile(), "b": hostile()})
        again = plan(daemon)
        assert again["keep"] == ["a", "b"] and again["remove"] == ["c"], again
        assert daemon.child("a") == pid


def test_what_is_wrong_changes_nothing():
    table = Table()
    good = {"a": hostile()}
    with Neurond(good, {"rule r": {"effect": "deny", "tools": "a.fail"}}) as daemon:
        rows = [  # what is wrong, the text of it, what is said
            ("syntax", "[server\n", r"\[section\]|\]"),
            ("unknown key", "[server]\nprot = 1\n", r"server\.prot: unknown key"),
            ("two mistakes", "[server]\nprot = 1\n[log]\nlevel = loud\n", r"log\.level"),
            ("unset variable", "[log]\nlevel = ${env:NOT_THERE}\n", "NOT_THERE"),
            ("no such program", "[downstream b]\ncommand = /not/there\n", "/not/there"),
            ("no such certificate", "[tls]\ncert_path = /no.pem\nkey_path = /no.key\n",
             "/no.pem"),
            ("no such token file", "[client c]\ntoken_file = /no.token\n", "/no.token"),
            ("no such log", "[log]\ntarget = /not/there/log\n", r"log\.target: open /not/there/log"),
            ("open bind", "[server]\nbind = 0.0.0.0\n", r"server\.bind"),
        ]
        pid, failed = daemon.child("a"), 0

        def row(text, said):
            since = len(daemon.lines)
            daemon.configure(good, text=text)
            done = reload(daemon, expect=78)
            assert re.search(said, done.stderr) and "nothing has been changed" in done.stderr
            daemon.wait_for_log(f"error reload: .*({said})", since=since)
            daemon.process.send_signal(signal.SIGHUP)
            wait_for("HUP fares no better",
                     lambda: reloads(daemon, "invalid") == failed + 2)
            with daemon.client() as client:
                assert client.call("a.echo", {"text": "x"}).text == "x"
                assert client.call("a.fail").error["code"] == -32600
            assert daemon.child("a") == pid
        for name, text, said in rows:
            table.row(name, lambda text=text, said=said: row(text, said))
            failed += 2
        assert reloads(daemon, "success") == 0
        daemon.configure(good)
        assert plan(daemon)["result"] == "success"
    assert table.failed == 0


def test_everything_else_changes_at_once():
    first = {"rule r": {"effect": "deny", "tools": "a.fail"}}
    with Neurond({"a": hostile()}, first) as daemon, daemon.client() as client:
        pid = daemon.child("a")
        assert client.call("a.fail").error["code"] == -32600
        assert "a.fail" not in client.tools()
        daemon.configure({"a": hostile()}, {
            "rule other": {"effect": "deny", "tools": "a/echo"},
            "federation": {"separator": "/", "page_size": 3},
            "log": {"level": "debug"}})
        assert plan(daemon)["keep"] == ["a"]
        assert "a/fail" in client.tools() and "a/echo" not in client.tools()
        assert client.call("a/fail").error["code"] == 1, "the server's own error"
        assert client.call("a.fail").error["code"] == -32602
        assert len(client.request("tools/list").result["tools"]) == 3
        assert daemon.child("a") == pid
        daemon.wait_for_log(" debug ")


def port_of(daemon, name, since):
    found = daemon.wait_for_log(rf"daemon: listening on 127\.0\.0\.1:(\d+) \({name}\)",
                                since=since)
    return "127.0.0.1", int(found[1])


def is_open(address):
    try:
        with Conn(address) as conn:
            return conn.request("GET", "/health/live").status == 200
    except (OSError, Closed):
        return False


def test_listeners_come_and_go():
    one, server = {"a": hostile()}, {"port": 0}
    listener = {"listener x": {"address": "127.0.0.1:0"},
                "listener u": {"address": None}}
    with Neurond(one) as daemon, daemon.client() as client:
        unix = str(daemon.dir / "run/more.sock")
        listener["listener u"]["address"] = f"unix:{unix}"
        since = len(daemon.lines)
        daemon.configure(one, listener)
        dry = plan(daemon, "--dry-run")
        assert dry["keep"] == ["a"] and not os.path.exists(unix)
        plan(daemon)
        address = port_of(daemon, r"listener\.x", since)
        assert is_open(address) and is_open(unix) and is_open(daemon.address)
        plan(daemon)
        assert is_open(address), "an unchanged listener has lost its socket"
        with McpClient(address) as through, McpClient(unix) as local:
            calls = [background(lambda c=c: c.call("a.sleep_ms", {"ms": 1200, "text": "x"}))
                     for c in (through, local)]
            wait_for("both are in flight", lambda: sum(
                b"tools/call" in line for line in daemon.received("a")) == 2)
            daemon.configure(one)
            plan(daemon)
            assert not is_open(address) and not os.path.exists(unix)
            assert [call().text for call in calls] == ["x", "x"]
        wait_for("its connections end", lambda: metric(
            daemon, 'neurond_connections{door="http"}') <= 2)
        since = len(daemon.lines)
        daemon.configure(one, {"server": {**server, "bind": "127.0.0.2"}})
        plan(daemon)
        found = daemon.wait_for_log(r"listening on 127\.0\.0\.2:(\d+) \(server\.bind\)",
                                    since=since)
        assert is_open(("127.0.0.2", int(found[1]))) and not is_open(daemon.address)
        assert client.conn.is_closed(), "an idle connection of a listener that has gone"


def test_a_port_goes_from_one_address_to_another():
    one = {"a": hostile()}
    token = hashlib.sha256(b"a token of some length").hexdigest()
    open_to_all = {"server": {"bind": "0.0.0.0", "allow_insecure": True},
                   "client c": {"token_sha256": token}}
    with Neurond(one) as daemon, daemon.client() as client:
        client.call("a.echo", {"text": "x"})
        for bind, config in (("0.0.0.0", open_to_all), ("127.0.0.1", {}),
                             ("127.0.0.2", {}), ("127.0.0.1", {})):
            settings = {**config, "server": {**config.get("server", {}), "bind": bind,
                                             "port": daemon.port}}
            daemon.configure(one, settings)
            since = len(daemon.lines)
            plan(daemon)
            daemon.wait_for_log(r"listening on .*\(server\.bind\)", since=since)
            host = "127.0.0.1" if bind == "0.0.0.0" else bind
            wait_for(f"it serves at {bind}", lambda h=host: is_open((h, daemon.port)))
            if bind == "0.0.0.0":
                assert is_open(("127.0.0.2", daemon.port))
                with socket.socket() as other:
                    assert other.connect_ex(("127.0.0.2", daemon.port)) == 0
                try:
                    socket.create_server(("127.0.0.1", daemon.port)).close()
                    raise AssertionError("it is shared with everybody")
                except OSError:
                    pass


def test_a_stream_of_a_listener_that_has_gone_ends():
    one = {"a": hostile()}
    with Neurond(one) as daemon:
        since = len(daemon.lines)
        daemon.configure(one, {"listener x": {"address": "127.0.0.1:0"}})
        plan(daemon)
        address = port_of(daemon, r"listener\.x", since)
        with McpClient(address) as client:
            head = "".join(f"{name}: {value}\r\n" for name, value in client.headers()[2:])
            with socket.create_connection(address) as stream:
                stream.sendall(f"GET /api/v1/mcp HTTP/1.1\r\nHost: localhost\r\nAccept: "
                               f"text/event-stream\r\n{head}\r\n".encode())
                text = stream.recv(65536)
                assert text.startswith(b"HTTP/1.1 200 "), text
                daemon.configure(one)
                plan(daemon)
                stream.settimeout(15)
                while more := stream.recv(65536):
                    text += more
            assert text.endswith(b"0\r\n\r\n"), text
            assert not is_open(address)


def test_a_listener_that_cannot_be_opened_changes_nothing():
    one = {"a": hostile()}
    with Neurond(one) as daemon, socket.create_server(("127.0.0.1", 0)) as taken:
        busy = f"127.0.0.1:{taken.getsockname()[1]}"
        unix = str(daemon.dir / "run/more.sock")
        daemon.configure({**one, "b": hostile()}, {"listener u": {"address": f"unix:{unix}"},
                                                   "listener x": {"address": busy}})
        done = reload(daemon, expect=78)
        assert busy in done.stderr and "in use" in done.stderr, done.stderr
        assert not os.path.exists(unix) and daemon.child("b") is None
        os.kill(daemon.reactor, signal.SIGKILL)
        daemon.wait_for_log("daemon: ready", since=len(daemon.lines) - 1)
        assert is_open(daemon.address) and daemon.child("a")


def test_files_that_change_are_put_in_force_by_themselves():
    watching = {"server": {"watch_config": "yes"}}
    with Neurond({"a": hostile()}, watching) as daemon:
        pid = daemon.child("a")
        (daemon.dir / "unrelated").write_text("x")
        daemon.configure({"a": hostile(), "b": hostile()}, watching)
        daemon.wait_for_log("reload: add b; keep 1")
        daemon.wait_for_log("reload: done")
        since = len(daemon.lines)
        daemon.configure(text="[broken\n")
        daemon.wait_for_log("reload: invalid: nothing is changed", since=since)
        since = len(daemon.lines)
        daemon.configure({"a": hostile()})
        daemon.wait_for_log("reload: remove b; keep 1", since=since)
        daemon.wait_for_log("reload: done", since=since)
        assert daemon.child("a") == pid
        daemon.configure({"c": hostile()})  # not watched any more
        assert plan(daemon, "--dry-run")["add"] == ["c"]


def test_a_connection_is_whose_the_clients_now_say():
    me = {"client me": {"uid": os.getuid()}}
    rule = {"rule r": {"effect": "deny", "tools": "a.echo", "clients": "me"}}
    with Neurond({"a": hostile()}, rule) as daemon:
        modern = ModernClient(str(daemon.dir / "run/neurond.sock"))
        assert modern.call("a.echo", {"text": "x"}).text == "x"
        conn = modern.conn
        daemon.configure({"a": hostile()}, {**rule, **me})
        plan(daemon)
        assert modern.call("a.echo", {"text": "x"}).error["code"] == -32600
        assert modern.conn is conn, "the same connection"
        modern.close()


def test_limits_that_come_without_cgroups_are_told():
    with Neurond({"a": hostile()}) as daemon:
        daemon.configure({"a": hostile(limit_memory="1g")})
        assert plan(daemon)["change"] == ["a"]
        daemon.wait_for_log("warn keeper: limits of children are weaker until the next start")


def test_the_daemon_is_asked_although_the_file_is_broken():
    with Neurond({"a": hostile()}) as daemon:
        daemon.conf.write_text(daemon.conf.read_text() + "[server]\nprot = 1\n")
        done = daemon.run("reload")
        assert done.returncode == 78, done
        assert f"has errors (see neurond -t), asking {daemon.dir}/run/control.sock" in done.stderr
        assert "server.prot: unknown key" in done.stderr and "nothing has been" in done.stderr
        assert daemon.run("status").returncode == 0


def test_keys_that_need_a_restart_are_named():
    with Neurond({"a": hostile()}) as daemon:
        daemon.configure({"a": hostile()}, {"server": {"control_mode": "0660"},
                                            "audit": {"path": daemon.dir / "other.log"}})
        done = plan(daemon)
        assert done["needs_restart"] == ["server.control_mode", "audit.path"], done
        daemon.wait_for_log("warn reload: audit.path: the new value holds from the next start")
        assert not (daemon.dir / "other.log").exists()


def test_keys_that_need_a_restart_outlive_a_reactor():
    with Neurond({"a": hostile()}) as daemon:
        key = (daemon.dir / "state/session.key").read_bytes()
        (daemon.dir / "other").mkdir()
        daemon.configure({"b": hostile()}, {"server": {"state_dir": daemon.dir / "other"},
                                            "audit": {"path": daemon.dir / "other.log"}})
        named = ["server.state_dir", "audit.path"]
        assert plan(daemon)["needs_restart"] == named
        since = len(daemon.lines)
        os.kill(daemon.reactor, signal.SIGKILL)
        daemon.wait_for_log("daemon: ready", since=since)
        with daemon.client() as client:
            assert client.call("b.echo", {"text": "x"}).text == "x"
        assert '"tool":"b.echo"' in daemon.audit()[-1], daemon.audit()
        assert not (daemon.dir / "other.log").exists()
        assert not list((daemon.dir / "other").iterdir())
        assert (daemon.dir / "state/session.key").read_bytes() == key
        assert plan(daemon, "--dry-run")["needs_restart"] == named


def news_of(stream):
    """The methods of what has come, until nothing comes for a while."""
    found = []
    while True:
        try:
            event = stream.events.get(timeout=0.6)
        except Exception:  # nothing more
            return found
        if event and event.data:
            found.append(json.loads(event.data)["method"])


def test_clients_are_told_once_and_only_of_what_they_see():
    hidden = {"rule h": {"effect": "deny", "tools": "b.*"}}
    with Neurond({"a": hostile()}, hidden) as daemon, daemon.client() as client:
        stream = client.stream()
        daemon.configure({"a": hostile(), "b": hostile()}, hidden)
        plan(daemon)
        assert news_of(stream) == [], "a client is told of what it may not see"
        daemon.configure({"a": hostile("many=2"), "c": hostile(), "b": hostile()}, hidden)
        plan(daemon)
        assert news_of(stream) == ["notifications/tools/list_changed"]
        daemon.configure({"a": hostile("many=2"), "c": hostile(), "b": hostile()})
        plan(daemon)
        assert news_of(stream) == ["notifications/tools/list_changed"]
        plan(daemon)
        assert news_of(stream) == []
        stream.close()


def test_a_reactor_that_comes_back_runs_what_was_reloaded():
    with Neurond({"a": hostile()}) as daemon:
        daemon.configure({"b": hostile()})
        plan(daemon)
        daemon.configure(text="[broken\n")
        reload(daemon, expect=78)
        since = len(daemon.lines)
        os.kill(daemon.reactor, signal.SIGKILL)
        daemon.wait_for_log("daemon: ready", since=since)
        with daemon.client() as client:
            assert client.call("b.echo", {"text": "x"}).text == "x"


def test_a_hup_that_no_reactor_hears_is_kept():
    with Neurond({"a": hostile()}) as daemon:
        reactor = daemon.reactor
        daemon.process.send_signal(signal.SIGSTOP)
        os.kill(reactor, signal.SIGKILL)
        wait_for("the reactor is dead", lambda: not is_alive(reactor))
        daemon.configure({"b": hostile()})
        daemon.process.send_signal(signal.SIGHUP)
        since = len(daemon.lines)
        daemon.process.send_signal(signal.SIGCONT)
        daemon.wait_for_log("reload: done", since=since)
        with daemon.client() as client:
            assert client.call("b.echo", {"text": "x"}).text == "x"


def has_taken_its_hups(pid):
    """None is pending, and it sleeps: what it read it has passed on, too."""
    with open(f"/proc/{pid}/status", encoding="latin-1") as file:
        fields = {name: value.strip() for name, _, value in
                  (line.partition(":") for line in file)}
    pending = int(fields["SigPnd"], 16) | int(fields["ShdPnd"], 16)
    return not pending >> (signal.SIGHUP - 1) & 1 and fields["State"].startswith("S")


def test_a_storm_of_hups_is_two_reloads():
    with Neurond({"a": hostile()}) as daemon:
        pid, gate = daemon.child("a"), daemon.dir / "gate"
        os.mkfifo(gate)
        held = hostile(start_timeout="60s")
        held["args"] = ["-c", 'read -r _ <"$0"; exec "$@"', gate, held["command"],
                        *held["args"]]
        daemon.configure({"a": hostile(), "b": {**held, "command": "/bin/sh"}})
        daemon.process.send_signal(signal.SIGHUP)
        daemon.wait_for_log("supervisor: b: starting")
        for n in range(20):  # each is heard while the first reload waits for its server
            daemon.configure({"a": hostile(), "b": hostile(f"many={n % 7}")})
            daemon.process.send_signal(signal.SIGHUP)
            for process in (daemon.pid, daemon.reactor):
                wait_for("it has taken it", lambda p=process: has_taken_its_hups(p))
        daemon.configure({"a": hostile(), "b": hostile("many=9")})
        assert reloads(daemon, "success") == 0
        gate.write_text("go\n")
        wait_for("both are done", lambda: reloads(daemon, "success") >= 2, timeout=20)
        # It would wait for a third.
        assert plan(daemon, "--dry-run")["keep"] == ["a", "b"]
        assert reloads(daemon, "success") == 2, daemon.log
        assert daemon.child("a") == pid

        def one_b():
            found = daemon.processes(f"RECORD={daemon.dir / 'b.record'}")
            return len(found) == 1
        wait_for("one b is left", one_b)
        with daemon.client() as client:
            assert "b.many8" in client.tools() or len(client.tools()) > 9


def test_hup_while_draining_and_term_while_reloading():
    with Neurond({"a": hostile()}) as daemon:
        call = slow_call(daemon, "a.sleep_ms", 1500, "x")
        daemon.process.send_signal(signal.SIGTERM)
        daemon.wait_for_log("daemon: draining")
        daemon.process.send_signal(signal.SIGHUP)
        daemon.wait_for_log("reload: ignored: the daemon is stopping")
        assert call().text == "x"
        assert daemon.wait_exit() == 0
        daemon.expect_nothing_left()
    with Neurond({"a": hostile()}) as daemon:
        daemon.configure({"a": hostile(), "b": hostile("start=5000")})
        asked = background(lambda: daemon.run(
            "reload", "--control", str(daemon.dir / "run/control.sock")))
        daemon.wait_for_log("supervisor: b: starting")
        daemon.stop()
        assert asked().returncode == 1


def test_hup_and_term_while_starting():
    with Neurond({"a": hostile("start=1500")}, wait=False) as daemon:
        daemon.wait_for_log("supervisor: a: starting")
        daemon.process.send_signal(signal.SIGHUP)
        daemon.wait_for_log("reload: done")
        daemon.wait_ready()
        with daemon.client() as client:
            assert client.call("a.echo", {"text": "x"}).text == "x"
    with Neurond({"a": hostile("start=5000")}, wait=False) as daemon:
        daemon.wait_for_log("supervisor: a: starting")
        daemon.stop()


def test_a_second_term_ends_it_at_once():
    with Neurond({"a": hostile()}) as daemon:
        call = slow_call(daemon, "a.sleep_ms", 30_000, "x")
        daemon.process.send_signal(signal.SIGTERM)
        daemon.wait_for_log("daemon: draining")
        daemon.process.send_signal(signal.SIGTERM)
        daemon.wait_exit(5)
        daemon.expect_nothing_left()
        try:
            call()
        except Exception:  # its connection went with the daemon
            pass


def test_the_admin_path_takes_post_alone():
    with Neurond({"a": hostile()}) as daemon, \
            Conn(str(daemon.dir / "run/control.sock")) as conn:
        assert conn.request("GET", "/api/v1/admin/reload").status == 405
        got = conn.request("POST", "/api/v1/admin/reload?dry_run=1", body=b"")
        assert got.status == 200 and json.loads(got.body)["keep"] == ["a"], got
        with daemon.connect() as tcp:
            assert tcp.request("POST", "/api/v1/admin/reload", body=b"").status == 404


main(__name__)
