"""Views of the catalog: one downstream alone, strict names, names without prefix, what is
exposed and hidden; and names whose server is not up. Policy knows full names only."""
import hashlib
import json
import re
import threading
import time

from harness import Neurond, Table, hostile, main
from mcp import MODERN
from rawhttp import Conn, wait_for

DENIED, UNKNOWN, FAILED = -32600, -32602, -32603
SPACES = ("/api/v1/mcp/%s", "/%s/mcp")


def doors(daemon, path):
    """A client of each era."""
    return daemon.client(path=path), daemon.modern(path=path)


def called(daemon, name):
    """The own names that the server was called by."""
    return [json.loads(line)["params"]["name"] for line in daemon.received(name)
            if b'"tools/call"' in line]


def strict(name, distinct=False):
    plain = re.sub(rb"[^A-Za-z0-9_-]", b"_", name.encode()).decode()
    if len(plain) > 64 or distinct:
        plain = plain[:55] + "_" + hashlib.sha256(name.encode()).hexdigest()[:8]
    return plain


def test_one_downstream_alone():
    downstreams = {"a": hostile("tools=x,y.z"), "b": hostile("tools=x"), "a-1": hostile("tools=q")}
    with Neurond(downstreams) as daemon:
        for shape in SPACES:
            for client in doors(daemon, shape % "a"):
                with client:
                    assert client.tools() == ["x", "y.z"], client.tools()
                    assert client.call("y.z", {"text": "own"}).text == "own"
                    for other in ("a.x", "b.x", "q", "a-1.q", ".x", ""):
                        assert client.call(other).error["code"] == UNKNOWN, other
        assert called(daemon, "a") == ["y.z"] * 4 and not called(daemon, "b")
        # the audit knows the full name
        assert '"tool":"a.y.z"' in daemon.audit()[0], daemon.audit()[0]
        # a session is not bound to the path it began on
        with daemon.client() as client:
            client.path = "/b/mcp"
            assert client.tools() == ["x"]


def test_namespaces_that_do_not_exist():
    table = Table()
    with Neurond({"a": hostile("tools=x")}) as daemon, daemon.modern() as client:
        def refused(method, path, status):
            with Conn(daemon.address) as conn:
                body = b'{"jsonrpc":"2.0","id":1,"method":"tools/list"}'
                fields = list(client.headers_for("tools/list", {}).items())
                got = conn.request(method, path, fields, body if method == "POST" else None)
                assert got.status == status, got

        for path in ("/api/v1/mcp/b", "/api/v1/mcp/", "/api/v1/mcp/a/", "/api/v1/mcp/a/b",
                     "/api/v1/mcpa", "/api/v1/mcp/A", "/b/mcp", "//mcp", "/a/b/mcp", "/a/mcp/",
                     "/A/mcp", "/api/v1/mcp/%61x", "/mcp/a", "/amcp", "/api/mcp", "/api/v1/mcp/."):
            for method in ("POST", "GET", "DELETE"):
                table.row(f"{method} {path}", lambda: refused(method, path, 404))
        for path in ("/a/mcp", "/api/v1/mcp/a"):
            table.row(f"PUT {path}", lambda: refused("PUT", path, 405))
    assert not table.failed


def test_what_is_denied_stays_denied_in_every_view():
    rules = {"rule some": {"effect": "allow", "tools": ["a.*", "b.x"]},
             "rule not": {"effect": "deny", "tools": "a.bad*"}}
    with Neurond({"a": hostile("tools=bad,bad.one,good"), "b": hostile("tools=x,y")}, rules,
                 allow=False) as daemon:
        views = {"/api/v1/mcp": (["a.good", "b.x"], ["a.bad", "a.bad.one", "b.y"]),
                 "/api/v1/mcp/a": (["good"], ["bad", "bad.one"]),
                 "/b/mcp": (["x"], ["y"]),
                 "/mcp?names=strict": (["a_good", "b_x"], ["a_bad", "a_bad_one", "b_y"]),
                 "/a/mcp?names=strict": (["good"], ["bad", "bad_one"])}
        for path, (shown, hidden) in views.items():
            for client in doors(daemon, path):
                with client:
                    assert client.tools() == shown, (path, client.tools())
                    for name in hidden:
                        error = client.call(name).error
                        assert error["code"] == DENIED, (path, name, error)
                        assert f"Access denied to tool {name} " in error["message"], error
                    for name in shown:
                        assert client.call(name, {"text": "1"}).text == "1"
        assert set(called(daemon, "a")) == {"good"} and set(called(daemon, "b")) == {"x"}
        # a rule on an own name is no rule
    with Neurond({"a": hostile("tools=x")}, {"rule r": {"effect": "allow", "tools": "x"}},
                 allow=False) as daemon, daemon.client(path="/a/mcp") as client:
        assert client.tools() == [] and client.call("x").error["code"] == DENIED


def test_strict_names():
    long = "n" * 70
    own = ["plain", "with.dots", "with_dots", "sla/sh", long, long + "2", "k" * 62, "k" * 63,
           "h\u00e9", "-", "a.b.c"]
    with Neurond({"a": hostile("tools=" + ",".join(own))}) as daemon:
        full = {name: f"a.{name}" for name in own}
        want = {name: strict(full[name]) for name in own}
        want["with_dots"] = strict("a.with_dots", True)  # "a.with.dots" comes first
        for path in ("/api/v1/mcp?names=strict", "/mcp?x=1&names=strict"):
            for client in doors(daemon, path):
                with client:
                    got = client.tools()
                    assert got == sorted(want.values()), (got, sorted(want.values()))
                    assert all(re.fullmatch("[A-Za-z0-9_-]{1,64}", n) for n in got), got
                    for name in own:
                        assert client.call(want[name], {"text": name}).text == name
                        assert called(daemon, "a")[-1] == name
                    for name in ("a.plain", "a.with.dots", "plain", full[long]):
                        assert client.call(name).error["code"] == UNKNOWN, name
        with daemon.client() as client:  # and nobody else sees any of it
            assert client.tools() == sorted(full.values(), key=str.encode)


def test_strict_by_configuration_and_plain_by_the_url():
    with Neurond({"a": hostile("tools=x.y")}, {"federation": {"names": "strict"}}) as daemon:
        for client in doors(daemon, "/api/v1/mcp"):
            with client:
                assert client.tools() == ["a_x_y"]
                assert client.call("a_x_y", {"text": "1"}).text == "1"
        with daemon.client(path="/api/v1/mcp?names=plain") as client:
            assert client.tools() == ["a.x.y"]
        with daemon.client(path="/a/mcp") as client:
            assert client.tools() == ["x_y"]
        with daemon.client(path="/a/mcp?names=plain") as client:
            assert client.tools() == ["x.y"]


def test_strict_names_never_stand_twice():
    """Not even when a server chooses its names so that they would."""
    trap = "b._" + hashlib.sha256(b"a.b_").hexdigest()[:8]
    with Neurond({"a": hostile(f"tools=b.,b_,{trap}")}) as daemon:
        with daemon.client(path="/mcp?names=strict") as client:
            names = client.tools()
            assert len(names) == len(set(names)), names
            for name in names:
                assert client.call(name, {"text": name}).text == name
            assert len(set(called(daemon, "a"))) == len(names), called(daemon, "a")


def test_names_without_a_prefix():
    with Neurond({"a": hostile("tools=x,b.y", prefix="none"), "b": hostile("tools=y,z")}) as daemon:
        for client in doors(daemon, "/api/v1/mcp"):
            with client:
                assert client.tools() == ["b.y", "b.z", "x"], client.tools()
                assert client.call("x", {"text": "1"}).text == "1"
                assert client.call("b.y", {"text": "first"}).text == "first"
                assert client.call("a.x").error["code"] == UNKNOWN
        assert called(daemon, "a") == ["x", "b.y"] * 2 and not called(daemon, "b")
        daemon.wait_for_log(r"b\.y.*\ba\b.*\bb\b")
        with daemon.client(path="/a/mcp") as client:
            assert client.tools() == ["b.y", "x"]


def test_what_is_exposed_and_what_is_hidden():
    tools = "system.info,system.load,process.list,process.kill,secret"
    downstreams = {
        "some": hostile(f"tools={tools}", expose=["system.*", "process.list"]),
        "most": hostile(f"tools={tools}", hide=["process.k*", "secret"]),
        "both": hostile(f"tools={tools}", expose="process.*", hide="*.kill"),
        "none": hostile(f"tools={tools}", expose="nothing.*")}
    with Neurond(downstreams) as daemon:
        for client in doors(daemon, "/api/v1/mcp"):
            with client:
                assert client.tools() == [
                    "both.process.list", "most.process.list", "most.system.info",
                    "most.system.load", "some.process.list", "some.system.info",
                    "some.system.load"], client.tools()
                for name in ("some.secret", "most.process.kill", "both.system.info", "none.secret"):
                    assert client.call(name).error["code"] == UNKNOWN, name
        with daemon.client(path="/most/mcp") as client:
            assert client.tools() == ["process.list", "system.info", "system.load"]
            assert client.call("secret").error["code"] == UNKNOWN
        assert not called(daemon, "some") and not called(daemon, "none")


def test_calls_wait_for_a_server_that_is_starting():
    with Neurond({"slow": hostile("tools=x.y", "start=1500"), "b": hostile("tools=x")},
                 wait=False) as daemon:
        daemon.wait_for_log(r"daemon: listening")
        port = int(daemon.wait_for_log(r"listening on 127\.0\.0\.1:(\d+)")[1])
        daemon.address = ("127.0.0.1", port)
        daemon.wait_for_log("b: healthy")
        got = {}

        def call(path, name, modern):
            client = (daemon.modern if modern else daemon.client)(path=path)
            with client:
                got[path, modern] = client.call(name, {"text": path})

        rows = [("/mcp", "slow.x.y"), ("/slow/mcp", "x.y"), ("/mcp?names=strict", "slow_x_y"),
                ("/slow/mcp?names=strict", "x_y")]
        threads = [threading.Thread(target=call, args=(path, name, modern))
                   for path, name in rows for modern in (False, True)]
        for thread in threads:
            thread.start()
        with daemon.client() as client:  # nobody else waits
            assert client.tools() == ["b.x"]
            assert client.call("b.x", {"text": "1"}).text == "1"
            assert client.call("b.y").error["code"] == UNKNOWN
        for thread in threads:
            thread.join(20)
        for path, _ in rows:
            for modern in (False, True):
                assert got[path, modern].text == path, got[path, modern].raw
        with daemon.client() as client:
            assert client.call("slow.none").error["code"] == UNKNOWN


def test_a_waiting_call_that_is_given_up_is_never_sent():
    with Neurond({"slow": hostile("tools=x", "start=800")}, wait=False) as daemon:
        found = daemon.wait_for_log(r"listening on 127\.0\.0\.1:(\d+)")
        daemon.address = ("127.0.0.1", int(found[1]))
        with daemon.modern() as client:
            body = b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":%s}' % client.with_meta(
                {"name": "slow.x"})
            fields = client.headers_for("tools/call", {"name": "slow.x"})
            with Conn(daemon.address) as conn:
                conn.send(b"POST /mcp HTTP/1.1\r\nHost: localhost\r\n" + "".join(
                    f"{n}: {v}\r\n" for n, v in fields.items()).encode()
                    + b"Content-Length: %d\r\n\r\n" % len(body) + body)
                time.sleep(0.2)
            daemon.wait_for_log("slow: healthy")
            assert client.call("slow.x", {"text": "1"}).text == "1"
        assert called(daemon, "slow") == ["x"]


def test_names_of_servers_that_are_not_up():
    downstreams = {"dead": hostile("crash-start=3", backoff="1h", backoff_max="1h"),
                   "off": hostile(enabled="no"), "up": hostile("tools=x"),
                   "dead-2": hostile("crash-start=4", backoff="1h", backoff_max="1h")}
    with Neurond(downstreams) as daemon:
        rows = [("/mcp", "dead.x", "dead"), ("/mcp", "off.x", "off"), ("/dead/mcp", "x", "dead"),
                ("/dead/mcp", "dead.x", "dead"), ("/mcp?names=strict", "dead_x", "dead"),
                ("/mcp", "dead-2.x", "dead-2"), ("/mcp?names=strict", "dead-2_x", "dead-2")]
        for path, name, server in rows:
            for client in doors(daemon, path):
                with client:
                    got = client.call(name)
                    error = got.error
                    assert got.status == 200 and error["code"] == FAILED, got.raw
                    assert error["message"].startswith(
                        f"Downstream '{server}' is not available: "), error
                    assert error["data"]["type"] == "unavailable", error
                    assert error["data"]["server"] == server and error["data"]["request_id"], error
        with daemon.client() as client:
            assert "status 3" in client.call("dead.x").error["message"]
            assert "disabled" in client.call("off.x").error["message"]
            for name in ("dead", "deadx", "up.y", "dead_x", "nobody.x"):
                assert client.call(name).error["code"] == UNKNOWN, name
            assert client.tools() == ["up.x"]
        with daemon.client(path="/dead/mcp") as client:
            assert client.tools() == []


def test_every_view_is_told_of_what_changes_in_it():
    with Neurond({"a": hostile(), "b": hostile("tools=x")}) as daemon:
        paths = ("/mcp", "/a/mcp", "/b/mcp", "/mcp?names=strict")
        clients = [daemon.client(path=path) for path in paths]
        streams = [client.stream() for client in clients]
        with daemon.modern() as modern:
            modern.call("a.add_tool", {"name": "brand.new"})
            for stream in streams[:2] + streams[3:]:
                assert stream.next()["method"] == "notifications/tools/list_changed"
            assert not [e for e in list(streams[2].events.queue) if e.data], "not its list"
        wait_for("the tool is listed", lambda: "brand.new" in clients[1].tools())
        assert "a_brand_new" in clients[3].tools() and clients[2].tools() == ["x"]
        for stream, client in zip(streams, clients):
            stream.close()
            client.close()


def test_the_header_names_what_the_view_shows():
    with Neurond({"a": hostile("tools=x.y")}) as daemon:
        for path, right, wrong in (("/a/mcp", "x.y", "a.x.y"), ("/mcp", "a.x.y", "x.y"),
                                   ("/mcp?names=strict", "a_x_y", "a.x.y")):
            with daemon.modern(path=path) as client:
                assert client.version == MODERN
                assert client.call(right, {"text": "1"}).text == "1"
                got = client.request("tools/call", {"name": right}, headers={"Mcp-Name": wrong})
                assert (got.status, got.error["code"]) == (400, -32020), got.raw


main(__name__)
