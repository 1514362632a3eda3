"""Change notices: only what a client would see, coalesced, to each in its own era's way."""
import json
import os
import random
import signal
import sys
import threading
import time

from fixtures.http_server import HttpServer

from harness import HERE, Neurond, hostile, main
from lines import SocketLines
from listens import ACKNOWLEDGED, Listen, SUBSCRIPTION
from rawhttp import wait_for

TOOLS_CHANGED = "notifications/tools/list_changed"


def news_server(*traits):
    return {"command": sys.executable, "args": [str(HERE / "fixtures/news.py"), *traits]}


def test_a_listen_is_acknowledged_first_and_hears_what_it_asked_for():
    with Neurond({"a": hostile()}) as daemon, daemon.client() as client:
        deaf = Listen(daemon, {"promptsListChanged": True}, "1")
        assert deaf.acknowledged() == {"promptsListChanged": True}
        ears = [Listen(daemon, {"toolsListChanged": True, "unknown": True}, id_raw)
                for id_raw in ('"x"', "7", "9007199254740993", '"7"')]
        for ear in ears:
            assert ear.acknowledged() == {"toolsListChanged": True}
        client.call("a.add_tool", {"name": "one"})
        for ear in ears:
            ear.expect(TOOLS_CHANGED)
        assert deaf.messages.empty()
        for ear in ears + [deaf]:
            ear.close()


def test_what_a_listen_may_not_be():
    with Neurond({"a": hostile()}) as daemon, daemon.modern() as client:
        for params in ({}, {"notifications": []}, {"notifications": {
                "resourceSubscriptions": "mem:///a"}}, {"notifications": {
                    "resourceSubscriptions": [1]}}):
            got = client.request("subscriptions/listen", params)
            assert got.error["code"] == -32602, got.raw
        with daemon.client() as legacy:
            got = legacy.request("subscriptions/listen", {"notifications": {}})
            assert got.error["code"] == -32601, got.raw


def test_a_drain_ends_listens_in_good_order():
    with Neurond({"a": hostile()}) as daemon:
        ears = [Listen(daemon, {"toolsListChanged": True}, id_raw) for id_raw in ('"x"', "0")]
        for ear in ears:
            ear.acknowledged()
        os.kill(daemon.pid, signal.SIGTERM)
        for ear in ears:
            got = ear.next()
            assert got["id"] == ear.id and got["result"] == {
                "resultType": "complete", "_meta": {SUBSCRIPTION: ear.id}}, got
            assert ear.next() is None
        daemon.wait_exit()


def test_each_client_is_told_only_of_what_it_would_see():
    rules = {"rule all": {"effect": "allow", "tools": "a.*"},
             "rule hidden": {"effect": "deny", "tools": "*.secret*"}}
    with Neurond({"a": hostile(), "b": hostile()}, rules, allow=False) as daemon:
        with daemon.client() as client, daemon.client(path="/api/v1/mcp/b") as other:
            streams = [client.stream(), other.stream()]
            client.call("a.add_tool", {"name": "secret-1"})
            client.call("a.add_tool", {"name": "visible"})
            wait_for("it is listed", lambda: "a.visible" in client.tools())
            assert streams[0].next()["method"] == TOOLS_CHANGED
            client.call("a.add_tool", {"name": "secret-2"})
            client.call("a.echo", {"text": "x"})
            # Whatever that change brought would have come before what follows it.
            client.call("a.add_tool", {"name": "visible-2"})
            wait_for("it is listed", lambda: "a.visible-2" in client.tools())
            assert streams[0].next()["method"] == TOOLS_CHANGED
            time_for_more = [e for e in list(streams[0].events.queue) if e and e.data]
            assert not time_for_more, time_for_more
            assert not [e for e in list(streams[1].events.queue) if e and e.data]
            for stream in streams:
                stream.close()


def test_news_wait_for_a_session_without_a_stream():
    with Neurond({"a": hostile()}) as daemon, daemon.client() as one, daemon.client() as two:
        one.call("a.add_tool", {"name": "while-away"})
        wait_for("it is listed", lambda: "a.while-away" in one.tools())
        stream = two.stream()
        assert stream.next()["method"] == TOOLS_CHANGED
        stream.close()


def lines_of(daemon):
    return SocketLines(daemon.dir / "run" / "neurond.sock")


def listen_line(lines, wanted, request_id):
    lines.start("subscriptions/listen", {"_meta": lines.meta, "notifications": wanted},
                request_id)
    got = lines.read()
    assert got["method"] == ACKNOWLEDGED, got
    assert got["params"]["_meta"][SUBSCRIPTION] == request_id, got
    return got["params"]["notifications"]


def test_listens_on_a_connection_of_lines():
    with Neurond({"a": hostile()}) as daemon, daemon.client() as client:
        with lines_of(daemon) as lines:
            for request_id in ("one", 2):
                assert listen_line(lines, {"toolsListChanged": True}, request_id) == {
                    "toolsListChanged": True}
            again = lines.request("subscriptions/listen", {
                "_meta": lines.meta, "notifications": {}}, "one")
            assert again["error"]["code"] == -32600, again
            client.call("a.add_tool", {"name": "x1"})
            tags = {json.dumps(lines.read()["params"]["_meta"][SUBSCRIPTION]) for _ in range(2)}
            assert tags == {'"one"', "2"}
            lines.notify("notifications/cancelled", {"_meta": lines.meta, "requestId": "one"})
            assert lines.modern("tools/list")["result"]
            client.call("a.add_tool", {"name": "x2"})
            assert lines.read()["params"]["_meta"][SUBSCRIPTION] == 2
            lines.end_output()
            got = lines.read()
            assert got["id"] == 2 and got["result"]["_meta"] == {SUBSCRIPTION: 2}, got
            assert lines.read_line() is None


def test_a_legacy_client_of_lines_is_told_once_it_has_shaken_hands():
    with Neurond({"a": hostile()}) as daemon, daemon.client() as client:
        with lines_of(daemon) as lines:
            lines.initialize()
            lines.request("ping")
            client.call("a.add_tool", {"name": "x1"})
            assert lines.read() == {"jsonrpc": "2.0", "method": TOOLS_CHANGED}


def test_a_modern_server_is_listened_to():
    with Neurond({"a": news_server("modern")}) as daemon, daemon.client() as client:
        stream, ear = client.stream(), Listen(daemon, {"toolsListChanged": True})
        ear.acknowledged()
        wait_for("neurond listens", lambda: json.loads(client.call("a.heard").text) == [
            ["listen", []]])
        client.call("a.add", {"name": "new"})
        assert stream.next()["method"] == TOOLS_CHANGED
        ear.expect(TOOLS_CHANGED)
        assert "a.new" in client.tools()
        stream.close()
        ear.close()


UPDATED = "notifications/resources/updated"


def heard(client, tool="a.heard"):
    return json.loads(client.call(tool).text)


def test_a_legacy_server_has_one_subscription_for_all_clients():
    servers = {"a": news_server(), "b": news_server()}
    with Neurond(servers) as daemon, daemon.client() as one, daemon.client() as two:
        assert one.server_info["capabilities"]["resources"]["subscribe"] is True
        streams = [one.stream(), two.stream()]
        ear = Listen(daemon, {"resourceSubscriptions": ["mem:///a", "gone:///x"]}, "5")
        assert ear.acknowledged() == {"resourceSubscriptions": ["mem:///a"]}
        for client in (one, two):
            assert client.request("resources/subscribe", {"uri": "mem:///a"}).result == {}
        got = one.request("resources/subscribe", {"uri": "gone:///x"})
        assert got.error["code"] == -32602, got.raw
        assert heard(one) == [["subscribe", "mem:///a"]]
        one.call("a.touch", {"uri": "mem:///a", "times": 500})
        for stream in streams:
            assert stream.next() == {"jsonrpc": "2.0", "method": UPDATED,
                                     "params": {"uri": "mem:///a"}}
        assert ear.expect(UPDATED)["uri"] == "mem:///a"
        ear.close()
        one.request("resources/unsubscribe", {"uri": "mem:///a"})
        two.request("resources/subscribe", {"uri": "mem:///dir/"})
        one.call("a.touch", {"uri": "mem:///dir/x"})
        assert streams[1].next()["params"]["uri"] == "mem:///dir/x"
        two.delete()
        wait_for("the server is told", lambda: heard(one)[-2:] == [
            ["unsubscribe", "mem:///a"], ["unsubscribe", "mem:///dir/"]] or heard(one)[-2:] == [
                ["unsubscribe", "mem:///dir/"], ["unsubscribe", "mem:///a"]])


def test_a_resource_of_a_taken_uri_is_told_of_by_its_own_name():
    servers = {"a": news_server(), "b": news_server("modern")}
    with Neurond(servers) as daemon, daemon.client() as client:
        with daemon.client(path="/api/v1/mcp/b") as alone:
            streams = [client.stream(), alone.stream()]
            (wrapped,) = [item["uri"] for item in client.request("resources/list").result[
                "resources"] if item["name"] == "mem:///a" and item["uri"] != "mem:///a"]
            client.request("resources/subscribe", {"uri": wrapped})
            alone.request("resources/subscribe", {"uri": "mem:///a"})
            wait_for("b is listened to", lambda: heard(alone, "heard")[-2:] == [
                ["listen", ["mem:///a"]], ["cancel"]])
            client.call("a.touch", {"uri": "mem:///a"})  # nobody's
            alone.call("touch", {"uri": "mem:///a"})
            assert streams[0].next()["params"] == {"uri": wrapped}
            assert streams[1].next()["params"] == {"uri": "mem:///a"}
            assert heard(client) == []
            for stream in streams:
                stream.close()


def test_a_modern_server_has_one_listen_for_all_clients():
    with Neurond({"a": news_server("modern")}) as daemon, daemon.client() as client:
        stream = client.stream()
        client.request("resources/subscribe", {"uri": "mem:///a"})
        wait_for("the listen was replaced", lambda: heard(client) == [
            ["listen", []], ["listen", ["mem:///a"]], ["cancel"]])
        client.call("a.touch", {"uri": "mem:///a"})
        assert stream.next()["params"] == {"uri": "mem:///a"}
        ear = Listen(daemon, {"resourceSubscriptions": ["mem:///b"]})
        ear.acknowledged()
        wait_for("both are in it", lambda: heard(client)[-2:] == [
            ["listen", ["mem:///a", "mem:///b"]], ["cancel"]])
        client.call("a.touch", {"uri": "mem:///b"})
        assert ear.expect(UPDATED)["uri"] == "mem:///b"
        ear.close()
        stream.close()


def test_subscriptions_outlive_the_server():
    with Neurond({"a": news_server()}) as daemon, daemon.client() as client:
        stream = client.stream()
        client.request("resources/subscribe", {"uri": "mem:///a"})
        os.kill(daemon.child("a"), signal.SIGKILL)
        while (got := stream.next())["method"] != UPDATED:
            pass  # the lists go and come back
        assert got["params"] == {"uri": "mem:///a"}, got  # it may have changed meanwhile
        assert heard(client) == [["subscribe", "mem:///a"]]
        stream.close()


def test_a_server_that_rests_is_woken_by_a_subscription():
    server = {**news_server(), "idle_stop": "200ms"}
    with Neurond({"a": server}) as daemon, daemon.client() as client:
        daemon.wait_for_log(r"a: configured \(starts with the next call\)")
        stream = client.stream()
        assert client.request("resources/subscribe", {"uri": "mem:///a"}).result == {}
        assert stream.next()["method"] == UPDATED  # it may have changed meanwhile
        assert heard(client) == [["subscribe", "mem:///a"]]
        stream.close()


def test_who_may_not_read_may_not_subscribe():
    rules = {"rule tools": {"effect": "allow", "tools": "*"},
             "rule a": {"effect": "allow", "resources": "mem:///a"}}
    with Neurond({"a": news_server()}, rules, allow=False) as daemon, daemon.client() as client:
        assert client.request("resources/subscribe", {"uri": "mem:///a"}).result == {}
        assert client.request("resources/subscribe", {"uri": "mem:///b"}).error["code"] == -32602
        ear = Listen(daemon, {"resourceSubscriptions": ["mem:///a", "mem:///b"]})
        assert ear.acknowledged() == {"resourceSubscriptions": ["mem:///a"]}
        ear.close()


def test_a_server_without_subscriptions():
    with Neurond({"a": news_server("deaf")}) as daemon, daemon.client() as client:
        assert "subscribe" not in client.server_info["capabilities"]["resources"]
        got = client.request("resources/subscribe", {"uri": "mem:///a"})
        assert got.error["code"] == -32602, got.raw


def test_a_resource_of_a_server_that_is_down_is_not_called_unknown():
    servers = {"a": {**news_server(), "backoff": "60s"}, "b": hostile()}
    with Neurond(servers) as daemon, daemon.client() as client:
        assert client.request("resources/read", {"uri": "mem:///b"}).result["contents"]
        os.kill(daemon.child("a"), signal.SIGKILL)
        daemon.wait_for_log(r"a: restarting")
        error = client.request("resources/read", {"uri": "mem:///other"}).error
        assert error["code"] == -32002, error
        error = client.request("resources/read", {"uri": "mem:///b"}).error
        assert error["code"] == -32603 and "Downstream 'a' is not available" in error["message"]


def hear_each_of_its_own(clients):
    streams = [client.stream() for client in clients]

    def live(n):
        uri = f"mem:///dir/{n}"
        assert clients[n].request("resources/subscribe", {"uri": uri}).result == {}
        for _ in range(3):
            time.sleep(random.random() / 20)
            clients[n].call("a.touch", {"uri": uri})
    threads = [threading.Thread(target=live, args=(n,)) for n in range(len(clients))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for n, stream in enumerate(streams):
        assert stream.next() == {"jsonrpc": "2.0", "method": UPDATED,
                                 "params": {"uri": f"mem:///dir/{n}"}}
    for n, stream in enumerate(streams):
        for event in [each for each in list(stream.events.queue) if each and each.data]:
            assert json.loads(event.data)["params"]["uri"] == f"mem:///dir/{n}", event
        stream.close()
        clients[n].close()


def test_many_clients_of_one_server_hear_each_of_its_own():
    with Neurond({"a": news_server()}) as daemon:
        hear_each_of_its_own([daemon.client() for _ in range(32)])


class HttpNews(HttpServer):
    """A legacy server over HTTP that tells each session of what it has subscribed to."""

    def __init__(self):
        super().__init__(tools=["touch"])
        self.subscribed = []

    def result(self, conn, request, result, fields=()):
        if request.message.get("method") == "initialize":
            result["capabilities"]["resources"] = {"subscribe": True}
        return super().result(conn, request, result, list(fields))

    def dispatch(self, conn, request, method):
        session = request.fields.get("mcp-session-id")
        if method == "resources/list":
            return self.result(conn, request, {
                "resources": [{"uri": "mem:///dir/", "name": "dir"}]})
        if method == "resources/subscribe":
            with self.lock:
                self.subscribed.append((session, request.params["uri"]))
            return self.result(conn, request, {})
        if method == "tools/call":
            self.tell(request.params["arguments"]["uri"])
        return super().dispatch(conn, request, method)

    def tell(self, uri):
        message = {"jsonrpc": "2.0", "method": UPDATED, "params": {"uri": uri}}
        with self.lock:
            for conn, request in self.streams:
                if (request.fields["mcp-session-id"], uri) in self.subscribed:
                    conn.sendall(f"data: {json.dumps(message)}\n\n".encode())


def test_many_clients_of_one_http_server_hear_each_of_its_own():
    with HttpNews() as server, Neurond({"a": {"url": server.url}}) as daemon:
        clients = [daemon.client(capabilities={"sampling": {}} if n % 2 else {})
                   for n in range(32)]
        hear_each_of_its_own(clients)
        told = [uri for _, uri in server.subscribed]
        assert sorted(told) == sorted(f"mem:///dir/{n}" for n in range(32)), told
        assert len({session for session, _ in server.subscribed}) == 1, "one tells for all"


class Renewing(HttpServer):
    """A legacy server over HTTP that has a resource, and loses its sessions when told to."""

    subscribed = 0

    def result(self, conn, request, result, fields=()):
        if request.message.get("method") == "initialize":
            result["capabilities"]["resources"] = {"subscribe": True}
        return super().result(conn, request, result, list(fields))

    def dispatch(self, conn, request, method):
        if method == "resources/list":
            return self.result(conn, request, {"resources": [{"uri": "mem:///a", "name": "a"}]})
        if method == "resources/subscribe":
            self.subscribed += 1
            return self.result(conn, request, {})
        return super().dispatch(conn, request, method)


def test_a_server_that_lost_its_session_may_have_news():
    with Renewing() as server, Neurond({"a": {"url": server.url}}) as daemon, \
            daemon.client() as client:
        stream = client.stream()
        assert client.request("resources/subscribe", {"uri": "mem:///a"}).result == {}
        wait_for("the server knows", lambda: server.subscribed == 1)
        server.sessions.clear()
        assert "result" in client.call("a.echo", {}).message
        assert stream.next() == {"jsonrpc": "2.0", "method": UPDATED,
                                 "params": {"uri": "mem:///a"}}
        wait_for("the server knows again", lambda: server.subscribed == 2)
        stream.close()


def cpu_seconds(pid):
    with open(f"/proc/{pid}/stat", encoding="latin-1") as file:
        fields = file.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def test_a_storm_of_changes_costs_little():
    with Neurond({"a": news_server()}) as daemon, daemon.client() as client:
        stream, ear = client.stream(), Listen(daemon, {"toolsListChanged": True})
        ear.acknowledged()
        before = cpu_seconds(daemon.reactor)
        # An odd number: in the end the list is another one.
        text = client.call("a.storm", {"count": 1001, "ms": 1000}).text
        spent = cpu_seconds(daemon.reactor) - before
        assert stream.next()["method"] == TOOLS_CHANGED
        last = client.call("a.add", {"name": "last"}).text
        wait_for("it is listed", lambda: "a.last" in client.tools())
        told = 1 + len([e for e in list(stream.events.queue) if e and e.data])
        print(f"   {text}: {told} notices, {spent * 1000:.0f} ms of CPU")
        assert last == "added" and told <= 30 and ear.messages.qsize() <= 30, told
        assert spent < 2, spent
        stream.close()
        ear.close()


main(__name__)
