"""Many calls parked and many running at once over three downstreams, whose clients do as they
like: every answer is its own, and afterwards everything is as before."""
import collections
import json
import random
import re
import resource
import threading

from fixtures.asker import HttpAsker

from harness import Neurond, SANITIZED, main, scaled
from mcp import ModernClient
from rawhttp import Closed, wait_for

COUNT = scaled(48, 500)
EXPIRY = scaled("5s", "30s")  # those who never come back are waited for
CAPS = {"elicitation": {}, "roots": {}}
NAMES = ("a", "b", "c")
CONFIG = {"federation": {"parked_max": str(4 * COUNT), "input_timeout": "1m"},
          "limits": {"connections": str(4 * COUNT + 100)}}
# How much more it may take after a wave, whatever COUNT is: of buffers and descriptors than
# after the first one, resident than before any.
BUFFERS_MORE, FDS_MORE, RESIDENT_MORE = 64 << 10, 15, 12 << 20
Size = collections.namedtuple("Size", "rss buffers fds")
KEYS = {"max_connections": "1000", "max_in_flight": "1000", "call_timeout": "2m"}


def form(who, n):
    return ["elicitation/create", {"message": f"{who} {n}", "requestedSchema": {
        "type": "object", "properties": {}}}]


def reply_to(request):
    """Says whose question it was."""
    if request["method"] == "roots/list":
        return {"roots": []}
    return {"action": "accept", "content": {"who": request["params"]["message"]}}


class Client(ModernClient):
    def __init__(self, daemon, who):
        super().__init__(daemon.address, capabilities=CAPS, timeout=120)
        self.who, self.name = who, NAMES[who % 3]
        self.random = random.Random(who)

    def play(self, steps, **more):
        self.params = {"name": self.name + ".play",
                       "arguments": {"who": self.who, "steps": steps}}
        return self.again(**more)

    def again(self, **more):
        return self.request("tools/call", {**self.params, **more})

    def park(self):
        """The first round; what comes is its own."""
        self.rounds = self.random.randint(1, 3)
        steps = [{"ask": [form(self.who, n), ["roots/list", None]]}
                 for n in range(self.rounds)]
        self.got = self.play(steps).result
        self.close()  # a parked client has no connection
        self.check(0)

    def stray(self):
        """Only the second question of a round: the two did not come within one window."""
        asked = self.got.get("inputRequests", {}).values()
        return asked and all(each["method"] == "roots/list" for each in asked)

    def settle(self):
        while self.stray():
            self.got = self.again(requestState=self.got["requestState"], inputResponses={
                key: reply_to(each)
                for key, each in self.got["inputRequests"].items()}).result

    def check(self, n):
        assert self.got["resultType"] == "input_required", self.got
        said = [r["params"]["message"] for r in self.got["inputRequests"].values()
                if r["method"] != "roots/list"]
        assert said == [f"{self.who} {n}"], (self.who, n, said)

    def come_back(self):
        what = self.random.choice(["reply", "reply", "reply", "part", "change", "never",
                                   "twice"])
        if what == "never":
            return what
        if what == "change":
            kept, self.params = self.params, {**self.params, "arguments": {}}
            got = self.again(requestState=self.got["requestState"], inputResponses={})
            assert got.error["code"] == -32602, got.raw
            self.params = kept
        for n in range(self.rounds):
            self.check(n)
            requests, state = self.got["inputRequests"], self.got["requestState"]
            replies = {key: reply_to(each) for key, each in requests.items()}
            if what == "part":
                first, *rest = replies
                got = self.again(requestState=state, inputResponses={first: replies[first]})
                asked = got.result["inputRequests"]
                assert not rest or list(asked) == rest, got.raw
                state = got.result["requestState"]
                replies = {key: reply_to(each) for key, each in asked.items()}
            got = self.again(requestState=state, inputResponses=replies)
            if what == "twice":
                late = self.again(requestState=state, inputResponses=replies)
                assert late.error["code"] == -32602, late.raw
            self.got = got.result
            self.settle()
        answers = json.loads(self.got["content"][0]["text"])
        said = [each["content"]["who"] for each in answers if "content" in each]
        assert said == [f"{self.who} {n}" for n in range(self.rounds)], answers
        return what

    def run(self):
        """A call that asks nothing, or leaves before its answer."""
        leaves = self.random.random() < 0.2
        text = [{"type": "text", "text": str(self.who)}]
        try:
            got = self.play([{"wait": f"go {leaves}"}, {"answer": {"content": text}}])
            assert not leaves and got.text == str(self.who), got.raw
        except (Closed, OSError):
            assert leaves


def everyone(clients, do):
    wrong = []

    def one(client):
        try:
            do(client)
        except Exception as error:  # pylint: disable=broad-except
            wrong.append((client.who, repr(error)[:500]))
    threads = [threading.Thread(target=one, args=(c,), daemon=True) for c in clients]
    for thread in threads:
        thread.start()
    return threads, wrong


def join(threads, wrong):
    for thread in threads:
        thread.join(120)
    assert not wrong, (len(wrong), wrong[:3])


def counts(daemon):
    got = json.loads(daemon.run("status", "--json").stdout)
    return got["calls_in_flight"], got["parked_calls"]


def buffers(daemon):
    with daemon.connect() as conn:
        text = conn.request("GET", "/metrics").body.decode()
    return float(re.search(r"^neurond_buffer_bytes (\S+)", text, re.M)[1])


def wave(daemon, servers, first):
    parked = [Client(daemon, first + n) for n in range(COUNT)]
    running = [Client(daemon, first + COUNT + n) for n in range(COUNT)]
    runs = everyone(running, Client.run)
    join(*everyone(parked, Client.park))
    wait_for("all of them", lambda: counts(daemon) == (2 * COUNT, COUNT), 60)
    for client in running:
        if random.Random(client.who).random() < 0.2:
            client.conn.sock.shutdown(2)
    left = []
    comers = everyone(parked, lambda c: left.append(c) if c.come_back() == "never" else None)
    for server in servers:
        server.signals["go False"].set()
    join(*runs)
    join(*comers)
    for client in [*parked, *running]:
        client.close()
    for server in servers:
        server.signals["go True"].set()
    wait_for("those who left", lambda: counts(daemon) == (len(left), len(left)), 60)
    for client in left:  # so that the next wave need not wait for them
        requests = client.got["inputRequests"]
        client.rounds = 0
        client.again(requestState=client.got["requestState"], inputResponses={
            key: reply_to(each) for key, each in requests.items()})
        client.close()
    return left


def settled(daemon, servers, start):
    """What it takes when nothing is going on; as few descriptors as at the `start`."""
    for server in servers:
        server.signals.clear()
    wait_for("nothing kept", lambda: counts(daemon) == (0, 0), 60)
    most = start.fds + FDS_MORE if start else 100 + COUNT
    wait_for("no connection", lambda: daemon.fd_count() <= most, 60)
    return Size(daemon.rss(), buffers(daemon), daemon.fd_count())


def test_every_answer_is_its_own_and_nothing_is_left():
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    servers = [HttpAsker() for _ in NAMES]
    try:
        with Neurond({n: {"url": s.url, **KEYS} for n, s in zip(NAMES, servers)},
                     {**CONFIG, "federation": {**CONFIG["federation"],
                                               "input_timeout": EXPIRY}}) as daemon:
            fresh = daemon.rss()
            most = fresh + RESIDENT_MORE
            wave(daemon, servers, 0)  # what a first time makes, connections to servers too, stays
            start = settled(daemon, servers, None)
            for number in (1, 2):
                wave(daemon, servers, number * 2 * COUNT)
                after = settled(daemon, servers, start)
                assert after.buffers <= start.buffers + BUFFERS_MORE, (start, after)
                if not SANITIZED:
                    wait_for("as small as before", lambda: daemon.rss() <= most, 30)
                print(f"note: resident {fresh >> 10} KiB fresh, {after.rss >> 10} after wave "
                      f"{number + 1}, then {daemon.rss() >> 10}; buffers {after.buffers}")
    finally:
        for server in servers:
            server.stop()


main(__name__)
