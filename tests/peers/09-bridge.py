"""Every revision of client with every era of server, over every transport, in everything
that MCP has: prints the matrix, of which each cell is ok, or something that the client's
revision does not know."""
import contextlib
import hashlib
import json
import subprocess

from peers import HERE, NODE, node

from harness import BINARY, Neurond, Table, main

SERVER = str(HERE / "bridge_server.mjs")
STDIO = {"command": NODE, "start_timeout": "60s"}
HTTP = {"start_timeout": "60s"}

# Namespace → what it is.
SERVERS = {"lstdio": "legacy stdio", "lhttp": "legacy HTTP", "mhttp": "modern HTTP",
           "mstdio": "modern stdio"}

# Those with a token are somebody each, as clients of one daemon are.
TOKENS = {name: f"token-of-{name}" for name in ("sse", "http1", "http2")}


def clients(daemon):
    """Client → the script that is it, and what that is told."""
    lines = str(daemon.dir / "run/neurond.sock")
    connect = json.dumps([BINARY, "connect", "--names", "plain", "--socket", lines])
    frames = f"ws://127.0.0.1:{daemon.port}/ws"
    sse = f"http://127.0.0.1:{daemon.port}/sse"
    return {
        "2024-11-05 SDK 1.x SSE": ("bridge_sdk1.mjs", "sse", sse, TOKENS["sse"]),
        "2025-11-25 SDK 1.x HTTP": ("bridge_sdk1.mjs", "http", daemon.url, TOKENS["http1"]),
        "2025-11-25 SDK 1.x connect": ("bridge_sdk1.mjs", "stdio", connect),
        "2026-07-28 SDK 2.x HTTP": ("bridge_sdk2.mjs", "http", daemon.url, TOKENS["http2"]),
        "2026-07-28 SDK 2.x lines": ("bridge_sdk2.mjs", "lines", lines),
        "2026-07-28 SDK 2.x WebSocket": ("bridge_sdk2.mjs", "ws", frames),
        "2025-11-25 SDK 1.x WebSocket": ("bridge_sdk1.mjs", "ws", frames),
    }


@contextlib.contextmanager
def http_server(name):
    with subprocess.Popen([NODE, SERVER, "http", name], stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        try:
            yield f"http://127.0.0.1:{int(process.stdout.readline())}/mcp"
        finally:
            process.kill()


def sections(lhttp, mhttp):
    return {
        "lstdio": {**STDIO, "args": [SERVER, "legacy", "lstdio"], "share": "session",
                   "protocol": "legacy"},
        "lhttp": {**HTTP, "url": lhttp, "protocol": "legacy"},
        "mhttp": {**HTTP, "url": mhttp, "protocol": "modern"},
        "mstdio": {**STDIO, "args": [SERVER, "modern", "mstdio"],
                   "protocol": "modern"},
    }


def run(command):
    script, how, target, *token = command
    return node(script, how, target, json.dumps(list(SERVERS)), *token, timeout=150)


def show(results):
    """A table for each client: servers down, what MCP has across."""
    for client, found in results.items():
        things = list(next(iter(found.values())))
        print(f"note: | {client} | " + " | ".join(things) + " |")
        print("note: " + "|---" * (len(things) + 1) + "|")
        for space, cells in found.items():
            short = [cells[each].split(":")[0] for each in things]
            print(f"note: | {SERVERS[space]} | " + " | ".join(short) + " |")


def fine(cell):
    assert cell in ("ok", "no such thing"), cell


def test_the_matrix():
    config = {f"client {name}": {"token_sha256": hashlib.sha256(token.encode()).hexdigest()}
              for name, token in TOKENS.items()}
    with http_server("lhttp") as lhttp, http_server("mhttp") as mhttp, Neurond(
            sections(lhttp, mhttp), config) as daemon:
        for space in SERVERS:
            daemon.wait_for_log(f"{space}: healthy", 60)
        # One after the other: what a modern server logs on its pipe belongs to a call only
        # while all calls there are one client's.
        results = {client: run(how) for client, how in clients(daemon).items()}
    show(results)
    table = Table()
    for client, found in results.items():
        for space, cells in found.items():
            for thing, cell in cells.items():
                table.row(f"{client}, {SERVERS[space]}: {thing}", lambda: fine(cell))
    assert not table.failed


main(__name__)
