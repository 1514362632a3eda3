"""Byte fidelity over HTTP legs: the cases of 40-fidelity, in every form that an answer may
have on the wire, cut wherever a network may cut it."""
import re

from fidelity import NASTY, bytes_pass, errors_pass, last_line, result_of, results_pass
from fixtures.http_server import HttpServer, events, pieces
from lines import SocketLines

from harness import Neurond, Table, main, scaled


def several_lines(messages):
    """The JSON of an answer on several data lines, cut between tokens; a blank may lack."""
    out = b""
    for message in messages:
        head, mark, tail = message.rpartition(b',"jsonrpc"')
        cut = [message[:1], head[1:], mark + tail] if mark else [message]
        out += b"".join(b"data:%s%s\n" % (b" " * (n % 2), c) for n, c in enumerate(cut)) + b"\n"
    return out


def stream(template):
    return lambda messages: b"".join(template % m for m in messages)


FORMS = {
    "JSON of a known length": {},
    "JSON in chunks": {"chunked": True},
    "JSON up to the close": {"until_close": True},
    "events, LF": {"events": stream(b"data: %s\n\n")},
    "events, CRLF": {"events": stream(b"event: message\r\ndata: %s\r\n\r\n")},
    "events, CR": {"events": stream(b"event: message\rdata: %s\r\r"), "chunked": True},
    "events, comments and other fields": {"events": stream(
        b": one\n\nretry: 9\nfoo: bar\ndata\n\n:\r\nid: 7\r\n: two\r\ndata:%s\r\nx\r\n\r\n: three\n")},
    "events, several data lines": {"events": several_lines, "chunked": True},
    "events, BOM, up to the close": {"events": events, "until_close": True},
}


class Plain(HttpServer):
    """The tools of fixtures/hostile.py that the cases need."""

    def __init__(self, era="legacy"):
        super().__init__(era, tools=["verbatim", "fail", "echo", "bulk"], get="none")
        self.use_sessions = era == "legacy"
        self.pretty = None  # a result, whatever is asked for

    def use(self, form):
        self.form = "sse" if "events" in form else "json"
        self.events = form.get("events", events)
        self.chunked, self.until_close = form.get("chunked", False), form.get("until_close", False)

    def received(self, _name):
        return [r.body for r in self.requests if r.id is not None]

    def call(self, conn, request, name):
        found = re.search(rb'"arguments"\s*:\s*(?=\{)', request.body)
        arguments = request.arguments(found.end()) if found else b"{}"
        if name == "verbatim":
            return self.raw(conn, request, self.pretty or arguments[len(b'{"result":'):-1])
        if name == "fail":
            error = arguments[len(b'{"error":'):-1]
            return self.answer(conn, b'{"error":%s,"jsonrpc":"2.0","id":%d}' % (error, request.id))
        text = b'"%s"' % (b"x" * request.params["arguments"]["bytes"]) if name == "bulk" else b'""'
        if found := re.search(rb'"text"\s*:\s*("[^"]*")', arguments):
            text = found[1]
        return self.raw(conn, request, b'{"content":[{"type":"text","text":%s}]}' % text)


def leg(server):
    return {"good": {"url": server.url}}


def every_form(era, client_of):
    for name, form in FORMS.items():
        print(f"-- {name}", flush=True)
        with Plain(era) as server, Neurond(leg(server)) as daemon:
            server.use(form)
            with client_of(daemon) as client:
                bytes_pass(server, client, scaled((4096, 1_000_000), (3000, 4096, 65536, 8_000_000)))
            assert not server.complaints, server.complaints[:3]


def test_from_a_legacy_client_to_a_legacy_server():
    every_form("legacy", lambda daemon: daemon.client())


def test_from_a_modern_client_to_a_modern_server():
    every_form("modern", lambda daemon: daemon.modern())


def test_every_byte_alone():
    with Plain() as server, Neurond(leg(server)) as daemon, daemon.client() as client:
        def check(form):
            server.use(form)
            server.cut = lambda b: pieces(b, 1)
            results_pass(client, NASTY)
            errors_pass(client)
            server.cut = None
        table = Table()
        for name, form in FORMS.items():
            table.row(name, lambda: check(form))
        assert not table.failed


def test_two_pieces_at_every_boundary():
    with Plain() as server, Neurond(leg(server)) as daemon, daemon.client() as client:
        def check(form):
            server.use(form)
            server.cut, server.size = None, 0
            results_pass(client, NASTY)
            size = server.size
            assert size > len(NASTY), size
            for at in range(1, size, scaled(37, 1)):
                server.cut = lambda b: [p for p in (b[:at], b[at:]) if p]
                results_pass(client, NASTY)
            server.cut = None
        table = Table()
        for name, form in FORMS.items():
            table.row(name, lambda: check(form))
        assert not table.failed


def test_line_breaks_between_tokens():
    """Legal over HTTP. Each becomes a blank on arrival, because the other side may speak in
    lines."""
    pretty = b'{\r\n  "content" : [\n ],\r  "structuredContent": { "n": 1.10\n }\n}'
    flat = pretty.replace(b"\r", b" ").replace(b"\n", b" ")
    with Plain() as server, Neurond(leg(server)) as daemon, daemon.client() as client, \
            SocketLines(daemon.dir / "run/neurond.sock") as lines:
        lines.initialize()
        server.pretty = pretty
        for form in FORMS.values():
            server.use({k: v for k, v in form.items() if k != "events"})
            got = client.call_raw("good.verbatim", b"{}")
            assert result_of(got.raw) == flat, got.raw
            lines.start("tools/call", {"name": "good.verbatim"})
            assert result_of(lines.read_line()) == flat
        client.request("tools/call", b'{\n"name"\r\n:"good.echo",\n"arguments":{\n}\n}')
        assert b'"arguments":{ } }' in last_line(server), last_line(server)


main(__name__)
