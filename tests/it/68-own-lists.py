"""A legacy server chooses what it lists by what its client can do. With an instance for each
session every client sees, and calls, what its own instance lists; nobody else does."""
import json
import os
import random
import signal
import sys
import threading

from fixtures.http_server import HttpServer

from harness import HERE, Neurond, hostile, is_alive, main, scaled
from lines import SocketLines
from listens import Listen
from mcp import McpClient
from rawhttp import wait_for

TOOLS_CHANGED = "notifications/tools/list_changed"
UPDATED = "notifications/resources/updated"
BASIC = ["about", "add", "heard", "slow", "touch"]


def tailored(*words, **keys):
    return {"command": sys.executable, "args": [str(HERE / "fixtures/tailored.py"), *words],
            "share": "session", **keys}


def tools_of(client, prefix="t."):
    names = [name for name in client.tools() if name.startswith(prefix)]
    return sorted(name[len(prefix):] for name in names)


def items(client, method, array, key):
    return [each[key] for each in client.request(method).result[array]]


def is_quiet(stream):
    said = [event.data for event in list(stream.events.queue) if event and event.data]
    assert not said, said
    return True


def about(client, tool="t.about"):
    return json.loads(client.call(tool).text)


def test_two_sessions_see_different_lists():
    with Neurond({"t": tailored(), "other": hostile()}) as daemon:
        with daemon.client(capabilities={"sampling": {}}) as thinks, \
                daemon.client(capabilities={"elicitation": {}, "roots": {}}) as asks, \
                daemon.client() as neither, daemon.modern() as modern:
            assert tools_of(thinks) == sorted(BASIC + ["think"])
            assert tools_of(asks) == sorted(BASIC + ["ask", "walk"])
            assert tools_of(neither) == tools_of(modern) == BASIC
            for client in (thinks, asks, neither):
                assert "other.echo" in client.tools()
            rows = (("prompts/list", "prompts", "name", ["t.deep", "t.plain"], ["t.plain"]),
                    ("resources/list", "resources", "uri", ["mem:///all"],
                     ["mem:///all", "mem:///form"]),
                    ("resources/templates/list", "resourceTemplates", "uriTemplate", [],
                     ["mem:///tree/{n}"]))
            for method, array, key, first, second in rows:
                assert items(thinks, method, array, key) == first, method
                assert items(asks, method, array, key) == second, method


def test_a_modern_client_sees_what_its_capabilities_bring():
    with Neurond({"t": tailored("start=300"), "other": hostile()}) as daemon:
        with daemon.modern(capabilities={"sampling": {}}) as thinks, \
                daemon.modern(capabilities={"elicitation": {"form": {}}}) as asks, \
                daemon.modern() as neither:
            assert tools_of(thinks) == sorted(BASIC + ["think"])
            assert tools_of(asks) == sorted(BASIC + ["ask"])
            assert tools_of(neither) == BASIC
            assert "other.echo" in thinks.tools()
            assert about(thinks, "t.think")["caps"] == ["sampling"]
            assert "Unknown tool" in asks.call("t.think").error["message"]


def test_a_call_goes_to_ones_own_instance_by_ones_own_list():
    with Neurond({"t": tailored()}) as daemon:
        with daemon.client(capabilities={"sampling": {}}) as thinks, \
                daemon.client(capabilities={"roots": {}}) as walks:
            got = about(thinks, "t.think")  # before it has listed anything
            assert got["caps"] == ["sampling"] and got["tool"] == "think", got
            assert about(walks)["pid"] != got["pid"] == about(thinks)["pid"]
            error = walks.call("t.think").error
            assert error["code"] == -32602 and "Unknown tool" in error["message"], error
            read = walks.request("resources/read", {"uri": "mem:///tree/7"}).result
            assert read["contents"][0]["text"] == str(about(walks)["pid"])
            assert thinks.request("prompts/get", {"name": "t.deep"}).result["messages"]


def test_initialize_starts_the_instance_and_the_list_waits_for_it():
    with Neurond({"t": tailored("start=600"), "other": hostile()}) as daemon:
        with daemon.client(capabilities={"sampling": {}}) as client:
            daemon.wait_for_log(r"t#1: starting")
            assert tools_of(client) == sorted(BASIC + ["think"])


def test_a_list_that_does_not_come_is_not_waited_for_longer_than_a_start():
    server = tailored("start=60000", start_timeout="4s", max_restarts="1")
    with Neurond({"t": server}) as daemon:
        with daemon.client(capabilities={"sampling": {}}) as client:
            assert tools_of(client) == BASIC  # what is known


def test_only_the_session_whose_list_changed_is_told():
    with Neurond({"t": tailored()}) as daemon:
        with daemon.client(capabilities={"sampling": {}}) as one, \
                daemon.client(capabilities={"sampling": {}}) as two:
            assert tools_of(one) == tools_of(two)
            streams = [one.stream(), two.stream()]
            one.call("t.add", {"name": "new"})
            assert streams[0].next() == {"jsonrpc": "2.0", "method": TOOLS_CHANGED}
            assert "new" in tools_of(one) and "new" not in tools_of(two)
            assert two.call("t.new").error["code"] == -32602
            two.call("t.add", {"name": "newer"})  # nothing else came before its own
            assert streams[1].next() == {"jsonrpc": "2.0", "method": TOOLS_CHANGED}
            assert "newer" in tools_of(two) and "newer" not in tools_of(one)
            for stream in streams:
                assert is_quiet(stream)
                stream.close()


def test_the_policy_holds_for_what_only_one_session_has():
    rules = {"rule some": {"effect": "allow", "tools": ["t.about", "t.think"]}}
    with Neurond({"t": tailored()}, rules, allow=False) as daemon:
        with daemon.client(capabilities={"sampling": {}, "roots": {}}) as client:
            assert tools_of(client) == ["about", "think"]
            assert "Access denied" in client.call("t.walk").error["message"]
            assert about(client, "t.think")["tool"] == "think"


def test_lists_stay_when_the_instance_rests_and_come_again_with_it():
    with Neurond({"t": tailored(instance_idle="200ms")}) as daemon:
        with daemon.client(capabilities={"sampling": {}}) as client:
            stream = client.stream()
            pid = about(client)["pid"]
            wait_for("it has ended", lambda: not is_alive(pid))
            again = about(client, "t.think")["pid"]
            assert again != pid and is_quiet(stream)
            os.kill(again, signal.SIGKILL)
            wait_for("it has ended", lambda: not is_alive(again))
            assert "think" in tools_of(client)
            stream.close()


def test_one_namespace_alone_and_strict_names():
    with Neurond({"t": tailored(), "u": tailored()}) as daemon:
        with daemon.client(path="/api/v1/mcp/t?names=strict",
                           capabilities={"sampling": {}}) as client:
            assert client.tools() == sorted(BASIC + ["think"])
            assert about(client, "think")["caps"] == ["sampling"]
        with daemon.client(path="/api/v1/mcp?names=strict",
                           capabilities={"roots": {}}) as client:
            assert "t_walk" in client.tools() and "u_walk" in client.tools()


def test_lines_have_their_own_lists():
    with Neurond({"t": tailored()}) as daemon:
        with SocketLines(daemon.dir / "run" / "neurond.sock") as lines:
            lines.request("initialize", {
                "protocolVersion": "2025-11-25", "capabilities": {"roots": {}},
                "clientInfo": {"name": "it", "version": "1"}})
            lines.notify("notifications/initialized")
            names = [each["name"] for each in lines.request("tools/list")["result"]["tools"]]
            assert "t.walk" in names and "t.think" not in names


def test_a_session_hears_of_resources_from_its_own_instance_only():
    with Neurond({"t": tailored()}) as daemon:
        with daemon.client() as one, daemon.client() as two:
            streams = [one.stream(), two.stream()]
            for client in (one, two):
                got = client.request("resources/subscribe", {"uri": "mem:///all"})
                assert got.result == {}, got.raw
            for n, client in enumerate((one, two)):
                wait_for("its server knows", lambda who=client: json.loads(
                    who.call("t.heard").text) == [["subscribe", "mem:///all"]])
                client.call("t.touch", {"uri": "mem:///all"})
                assert streams[n].next() == {"jsonrpc": "2.0", "method": UPDATED,
                                             "params": {"uri": "mem:///all"}}
                assert is_quiet(streams[1 - n])
            for stream in streams:
                stream.close()


def test_a_modern_client_hears_from_the_instance_that_its_calls_go_to():
    wanted = {"toolsListChanged": True, "resourceSubscriptions": ["mem:///all"]}
    with Neurond({"t": tailored()}) as daemon:
        with daemon.modern(capabilities={"sampling": {}}) as one, daemon.modern() as two:
            ears = [Listen(daemon, wanted, capabilities={"sampling": {}}),
                    Listen(daemon, wanted)]
            for ear in ears:
                assert ear.acknowledged() == wanted
            assert about(one, "t.think")["caps"] == ["sampling"]  # its list is another one
            ears[0].expect(TOOLS_CHANGED)
            for client, ear in zip((one, two), ears):
                wait_for("its server knows", lambda who=client: json.loads(
                    who.call("t.heard").text) == [["subscribe", "mem:///all"]])
                client.call("t.touch", {"uri": "mem:///all"})
                assert ear.expect(UPDATED)["uri"] == "mem:///all"
                client.call("t.add", {"name": "new"})
                ear.expect(TOOLS_CHANGED)
            for ear in ears:
                assert ear.messages.empty()
                ear.close()


class Life:
    """A session that does everything at once, and notes what was not its own."""

    def __init__(self, daemon, name):
        self.name, self.failures, self.seen = name, [], []
        self.client = daemon.client(capabilities={"roots": {}, "elicitation": {}}, timeout=60)
        self.other = McpClient(self.client.address, version=self.client.version, start=False)
        self.other.session = self.client.session
        self.stream = self.client.stream()

    def on_event(self, message):
        """What belongs to a call."""
        self.seen.append(message)
        if message.get("method") == "roots/list":
            self.other.respond(message["id"], {"roots": [{"uri": f"file:///{self.name}"}]})
        elif message.get("method") == "elicitation/create":
            self.other.respond(message["id"], {
                "action": "accept", "content": {"who": message["params"]["message"]}})

    def same(self, got, want):
        if got != want:
            self.failures.append((self.name, got, want))

    def live(self):
        client, me, on_event = self.client, self.name, self.on_event
        client.request("logging/setLevel", {"level": "info"})
        client.request("resources/subscribe", {"uri": f"mem:///{me}"})
        for _ in range(3):
            slow = client.call("t.slow", {"who": me, "ms": random.randrange(20)},
                               meta={"progressToken": "same"}, on_event=on_event)
            self.same(slow.text, me)
            self.same(json.loads(client.call("t.walk", on_event=on_event).text),
                      {"roots": [{"uri": f"file:///{me}"}]})
            self.same(json.loads(client.call("t.ask", {"who": me}, on_event=on_event).text),
                      {"action": "accept", "content": {"who": me}})
            client.call("t.touch", {"uri": f"mem:///{me}"})
        for kind, member, count in (("progress", "message", 9), ("message", "data", 9)):
            self.same([m["params"][member] for m in self.seen
                       if m.get("method") == "notifications/" + kind], [me] * count)
        self.same({m["params"]["message"] for m in self.seen
                   if m.get("method") == "elicitation/create"}, {me})

    def end(self):
        """Its stream, on which nothing but updates may have come."""
        self.same(self.stream.next()["params"], {"uri": f"mem:///{self.name}"})
        for event in [each for each in list(self.stream.events.queue) if each and each.data]:
            self.same(json.loads(event.data)["params"], {"uri": f"mem:///{self.name}"})
        for each in (self.stream, self.other, self.client):
            each.close()


def test_sessions_side_by_side_see_nothing_of_each_other():
    count = scaled(8, 32)
    with Neurond({"t": tailored(max_instances=str(count))}) as daemon:
        lives = [Life(daemon, f"c{n}") for n in range(count)]
        threads = [threading.Thread(target=each.live) for each in lives]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for each in lives:
            each.end()
            assert not each.failures, each.failures[:3]


def test_a_late_answer_to_the_probe_is_not_taken_for_the_greeting():
    with Neurond({"t": tailored("late")}) as daemon, daemon.client() as client:
        assert tools_of(client) == BASIC
        assert "start failed" not in "".join(daemon.lines)


class Choosing(HttpServer):
    """A legacy server over HTTP with a tool more for clients that sample."""

    def initialize(self, conn, request):
        with self.lock:
            self.samples = "sampling" in request.params["capabilities"]
            self.known = getattr(self, "known", {})
            before = set(self.sessions)
            done = super().initialize(conn, request)
            for session in set(self.sessions) - before:
                self.known[session] = self.samples
            return done

    def dispatch(self, conn, request, method):
        more = ["think"] if self.known.get(request.fields.get("mcp-session-id")) else []
        if method == "tools/list":
            return self.result(conn, request, {"tools": [
                {"name": name, "inputSchema": {"type": "object"}} for name in ["echo"] + more]})
        return super().dispatch(conn, request, method)


def test_a_server_reached_by_url_lists_by_capabilities_too():
    with Choosing() as server, Neurond({"t": {"url": server.url}}) as daemon:
        with daemon.client(capabilities={"sampling": {}}) as thinks, daemon.client() as not_so, \
                daemon.client(capabilities={"roots": {}}) as walks:
            assert tools_of(thinks) == ["echo", "think"]
            assert tools_of(not_so) == tools_of(walks) == ["echo"]
            assert "result" in thinks.call("t.think", {}).message
            assert not_so.call("t.think", {}).error["code"] == -32602


def heard(client):
    return json.loads(client.call("t.heard").text)


def test_changed_roots_are_told_to_the_instance_of_their_client():
    with Neurond({"t": tailored()}) as daemon:
        with daemon.client(capabilities={"roots": {"listChanged": True}}) as one, \
                daemon.client(capabilities={"roots": {"listChanged": True}}) as two, \
                daemon.client(capabilities={"roots": {}}) as never:
            for client in (one, two, never):
                assert heard(client) == []
            assert one.notify("notifications/roots/list_changed").status == 202
            assert never.notify("notifications/roots/list_changed").status == 202
            wait_for("its server knows", lambda: heard(one) == [["roots changed"]])
            assert heard(two) == [] and heard(never) == []


main(__name__)
