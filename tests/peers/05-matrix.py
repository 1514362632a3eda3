"""Every kind of client lists and calls every kind of server through one daemon; prints the
table. What this binary cannot do yet is shown as skipped, with the reason."""
import contextlib
import json
import os
import pathlib
import re
import socket
import subprocess
import tempfile
import time

from peers import EVERYTHING, FILESYSTEM, MODERN_SERVER, NODE, node

from harness import BINARY, Neurond, Table, main
from mcp import LATEST
from rawhttp import DEADLINE, wait_for

ECHO = ("echo", {"message": "m"}, "Echo: m")
MODERN_ECHO = ("echo", {"text": "m"}, "m")


class Skipped(Exception):
    """Why a row or a column is left out."""


class Servers:
    """The programs that listen themselves; the rest are children of the daemon."""

    def __init__(self, stack, home):
        self.stack, self.home = stack, home

    def start(self, *command, **environment):
        process = subprocess.Popen(
            [NODE, *command], env={**os.environ, **environment}, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        self.stack.callback(process.wait)
        self.stack.callback(process.kill)
        self.stack.callback(process.stdout.close)
        return process

    def everything(self, transport):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self.start(EVERYTHING, transport, PORT=str(port))
        wait_for(f"everything {transport} listens", lambda: listens(port), 60)
        return f"http://127.0.0.1:{port}"

    def modern(self):
        return f"http://127.0.0.1:{int(self.start(MODERN_SERVER, 'http').stdout.readline())}/mcp"

    def all(self):
        """Namespace → (what it is, keys of its section, a call and the text it brings)."""
        note = self.home / "note.txt"
        note.write_text("kept")
        child = {"command": NODE, "start_timeout": "60s"}
        return {
            "ev": ("everything stdio", {**child, "args": [EVERYTHING, "stdio"]}, ECHO),
            "evhttp": ("everything Streamable HTTP",
                       lambda: {"url": self.everything("streamableHttp") + "/mcp"}, ECHO),
            "evsse": ("everything SSE", lambda: {
                "transport": "sse", "url": self.everything("sse") + "/sse"}, ECHO),
            "files": ("filesystem stdio", {**child, "args": [FILESYSTEM, self.home]},
                      ("read_text_file", {"path": str(note)}, "kept")),
            "mhttp": ("2.x modern HTTP", lambda: {"url": self.modern()}, MODERN_ECHO),
            "mstdio": ("2.x modern stdio", {**child, "args": [MODERN_SERVER, "stdio"]},
                       MODERN_ECHO),
            "host": ("host-tools", {"command": BINARY, "args": ["host-tools"]},
                     ("system.info", {}, "hostname")),
        }


def listens(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def can_be_configured(keys):
    """Whether the binary knows these keys; else what it says."""
    with tempfile.TemporaryDirectory() as name:
        conf = pathlib.Path(name) / "neurond.conf"
        conf.write_text(f"[server]\nrun_dir = {name}\nstate_dir = {name}\n[audit]\npath = none\n"
                        "[downstream x]\n" + "".join(f"{k} = {v}\n" for k, v in keys.items()))
        conf.chmod(0o600)
        done = subprocess.run([BINARY, "-t", "-c", conf], capture_output=True, text=True,
                              timeout=20, check=False)
        said = re.search(r"error: (.*)", done.stderr + done.stdout)
        return None if done.returncode == 0 else said[1] if said else "neurond -t refuses it"


class Lines:
    """A client that writes lines to neurond.sock."""

    def __init__(self, path):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(DEADLINE)
        self.sock.connect(path)
        self.file, self.next_id = self.sock.makefile("rb"), 0

    def send(self, message):
        self.sock.sendall(json.dumps({"jsonrpc": "2.0", **message}).encode() + b"\n")

    def request(self, method, params):
        self.next_id += 1
        self.send({"id": self.next_id, "method": method, "params": params})
        while line := self.file.readline():
            message = json.loads(line)
            if message.get("id") == self.next_id:
                return message.get("result", message.get("error"))
        raise Skipped("neurond.sock does not speak lines")


def over_lines(daemon, calls):
    path = daemon.dir / "run/neurond.sock"
    if not path.exists():
        raise Skipped("there is no neurond.sock")
    lines = Lines(str(path))
    hello = lines.request("initialize", {"protocolVersion": LATEST, "capabilities": {},
                                         "clientInfo": {"name": "lines", "version": "1"}})
    if not hello or hello.get("protocolVersion") != LATEST:
        raise Skipped("neurond.sock does not speak lines")
    lines.send({"method": "notifications/initialized"})
    return {"tools": lines.request("tools/list", {})["tools"],
            "results": [lines.request("tools/call", {"name": name, "arguments": arguments})
                        for name, arguments in calls]}


def over_connect(daemon, calls):
    known = subprocess.run([BINARY, "help", "connect"], capture_output=True, timeout=20, check=False)
    if known.returncode != 0:
        raise Skipped("there is no neurond connect")
    return node("sdk1.mjs", json.dumps([BINARY, "connect", "--names", "plain", "--socket",
                                        str(daemon.dir / "run/neurond.sock")]), json.dumps(calls))


CLIENTS = {
    "SDK 1.x Streamable HTTP": lambda d, calls: node("sdk1.mjs", d.url, json.dumps(calls)),
    "SDK 1.x stdio via connect": over_connect,
    "SDK 2.x modern HTTP": lambda d, calls: node("sdk2.mjs", "modern", d.url, json.dumps(calls)),
    "SDK 2.x legacy HTTP": lambda d, calls: node("sdk2.mjs", "legacy", d.url, json.dumps(calls)),
    "lines on the socket": over_lines,
}


def cell(seen, space, result, want):
    names = [t["name"] for t in seen["tools"] if t["name"].startswith(space + ".")]
    assert names, f"{space} is not in the list"
    assert "content" in result, result
    text = "".join(block.get("text", "") for block in result["content"])
    assert want in text + json.dumps(result.get("structuredContent")), result


def run_client(daemon, client, servers):
    """Namespace → None or what went wrong; or one reason for all."""
    calls = [[f"{space}.{tool}", arguments]
             for space, (_, _, (tool, arguments, _)) in servers.items()]
    try:
        seen = CLIENTS[client](daemon, calls)
    except Skipped as why:
        return str(why)
    names = [tool["name"] for tool in seen["tools"]]
    out = {}
    for (space, (_, _, (_, _, want))), result in zip(servers.items(), seen["results"]):
        try:
            assert names == sorted(names) and len(names) == len(set(names)), "not one sorted list"
            cell(seen, space, result, want)
            out[space] = None
        except AssertionError as error:
            out[space] = str(error) or "failed"
    return out


def show(servers, skipped, results):
    print("note: | client \\ server | " + " | ".join(what for what, *_ in servers.values()) + " |")
    print("note: " + "|---" * (len(servers) + 1) + "|")
    for client, cells in results.items():
        row = []
        for space in servers:
            why = skipped.get(space) or (cells if isinstance(cells, str) else None)
            row.append("skipped" if why else "ok" if cells[space] is None else "FAILED")
        print(f"note: | {client} | " + " | ".join(row) + " |")
    for space, why in skipped.items():
        print(f"note: skipped server {servers[space][0]}: {why}")
    for client, cells in results.items():
        if isinstance(cells, str):
            print(f"note: skipped client {client}: {cells}")


def test_every_client_with_every_server():
    with tempfile.TemporaryDirectory() as name, contextlib.ExitStack() as stack:
        servers = Servers(stack, pathlib.Path(name)).all()
        skipped = {}
        for space, (what, keys, call) in list(servers.items()):
            if callable(keys):
                sample = {"url": "http://127.0.0.1:1/x"}
                if space == "evsse":
                    sample["transport"] = "sse"
                if why := can_be_configured(sample):
                    skipped[space] = why
                    continue
                servers[space] = (what, keys(), call)
        there = {space: row for space, row in servers.items() if space not in skipped}
        with Neurond({space: keys for space, (_, keys, _) in there.items()}) as daemon:
            for space in there:
                daemon.wait_for_log(f"{space}: healthy", 60)
            began = time.monotonic()
            results = {client: run_client(daemon, client, there) for client in CLIENTS}
            took = time.monotonic() - began
        show(servers, skipped, results)
        print(f"{len(CLIENTS)} clients in {took:.1f} s")
        table = Table()
        for client, cells in results.items():
            for space in there if not isinstance(cells, str) else ():
                table.row(f"{client} with {servers[space][0]}", lambda: ok(cells[space]))
        assert not table.failed


def ok(error):
    assert error is None, error


main(__name__)
