"""Every kind of client lists and calls every kind of server through one daemon; prints the
table."""
import contextlib
import json
import os
import pathlib
import socket
import subprocess
import tempfile

from peers import EVERYTHING, FILESYSTEM, MODERN_SERVER, NODE, node

from harness import BINARY, Neurond, Table, main
from mcp import LATEST
from rawhttp import DEADLINE, wait_for

ECHO = ("echo", {"message": "m"}, "Echo: m")
MODERN_ECHO = ("echo", {"text": "m"}, "m")


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
                       {"url": self.everything("streamableHttp") + "/mcp"}, ECHO),
            "evsse": ("everything SSE", {
                "transport": "sse", "url": self.everything("sse") + "/sse"}, ECHO),
            "files": ("filesystem stdio", {**child, "args": [FILESYSTEM, self.home]},
                      ("read_text_file", {"path": str(note)}, "kept")),
            "mhttp": ("2.x modern HTTP", {"url": self.modern()}, MODERN_ECHO),
            "mstdio": ("2.x modern stdio", {**child, "args": [MODERN_SERVER, "stdio"]},
                       MODERN_ECHO),
            "host": ("host-tools", {"command": BINARY, "args": ["host-tools"]},
                     ("system.info", {}, "hostname")),
        }


def listens(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


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
        raise AssertionError(f"no answer to {method}")


def over_lines(daemon, calls):
    lines = Lines(str(daemon.dir / "run/neurond.sock"))
    hello = lines.request("initialize", {"protocolVersion": LATEST, "capabilities": {},
                                         "clientInfo": {"name": "lines", "version": "1"}})
    assert hello["protocolVersion"] == LATEST, hello
    lines.send({"method": "notifications/initialized"})
    return {"tools": lines.request("tools/list", {})["tools"],
            "results": [lines.request("tools/call", {"name": name, "arguments": arguments})
                        for name, arguments in calls]}


def over_connect(daemon, calls):
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
    """Namespace → None or what went wrong."""
    calls = [[f"{space}.{tool}", arguments]
             for space, (_, _, (tool, arguments, _)) in servers.items()]
    seen = CLIENTS[client](daemon, calls)
    names = [tool["name"] for tool in seen["tools"]]
    assert names == sorted(names) and len(names) == len(set(names)), names
    out = {}
    for (space, (_, _, (_, _, want))), result in zip(servers.items(), seen["results"]):
        try:
            cell(seen, space, result, want)
            out[space] = None
        except AssertionError as error:
            out[space] = str(error) or "failed"
    return out


def show(servers, results):
    print("note: | client \\ server | " + " | ".join(what for what, *_ in servers.values()) + " |")
    print("note: " + "|---" * (len(servers) + 1) + "|")
    for client, cells in results.items():
        row = ["ok" if cells[space] is None else "FAILED" for space in servers]
        print(f"note: | {client} | " + " | ".join(row) + " |")


def test_every_client_with_every_server():
    with tempfile.TemporaryDirectory() as name, contextlib.ExitStack() as stack:
        servers = Servers(stack, pathlib.Path(name)).all()
        with Neurond({space: keys for space, (_, keys, _) in servers.items()}) as daemon:
            for space in servers:
                daemon.wait_for_log(f"{space}: healthy", 60)
            results = {client: run_client(daemon, client, servers) for client in CLIENTS}
        show(servers, results)
        table = Table()
        for client, cells in results.items():
            for space, (what, *_) in servers.items():
                table.row(f"{client} with {what}", lambda: ok(cells[space]))
        assert not table.failed


def ok(error):
    assert error is None, error


main(__name__)
