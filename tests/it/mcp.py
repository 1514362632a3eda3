"""An MCP client that hides nothing: raw bytes of what is sent and of what comes back."""
import base64
import json
import queue
import re
import threading

from rawhttp import Closed, Conn, DEADLINE, sse_events

LEGACY = ("2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25")
LATEST = LEGACY[-1]
MODERN = "2026-07-28"
PREFIX = "io.modelcontextprotocol/"
NAMED_BY = {"tools/call": "name", "prompts/get": "name", "resources/read": "uri"}
ACCEPT = ("Accept", "application/json, text/event-stream")


class Answer:
    """What one POST brought: HTTP status and headers, the JSON-RPC answer as raw bytes and
    parsed, and the messages that came before it on an SSE stream."""

    def __init__(self, response, raw, before=()):
        self.http, self.status, self.raw = response, response.status, raw
        self.before = [json.loads(data) for data in before]
        self.message = json.loads(raw) if raw else None

    @property
    def result(self):
        if not self.message or "result" not in self.message:
            raise AssertionError(f"no result: HTTP {self.status} {self.raw[:500]!r}")
        return self.message["result"]

    @property
    def error(self):
        if not isinstance(self.message, dict) or "error" not in self.message:
            raise AssertionError(f"no error: HTTP {self.status} {self.raw[:500]!r}")
        return self.message["error"]

    @property
    def text(self):
        """The text of a tool's only content block."""
        (block,) = self.result["content"]
        return block["text"]


class McpClient:
    """One legacy session over Streamable HTTP; one connection, so for one thread."""

    def __init__(self, address, path="/api/v1/mcp", version=LATEST, headers=(),
                 capabilities=None, start=True, timeout=DEADLINE):
        self.address, self.path, self.version = address, path, version
        self.extra, self.session, self.next_id = list(headers), None, 0
        self.timeout, self.conn, self.server_info, self.reopens = timeout, None, None, True
        if start:
            self.initialize(capabilities or {})

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        if self.conn:
            self.conn.close()
            self.conn = None

    def headers(self):
        got = [("Content-Type", "application/json"), ACCEPT] + self.extra
        if self.session:
            got.append(("Mcp-Session-Id", self.session))
            if self.version >= "2025-06-18":
                got.append(("MCP-Protocol-Version", self.version))
        return got

    def initialize(self, capabilities):
        got = self.request("initialize", {
            "protocolVersion": self.version, "capabilities": capabilities,
            "clientInfo": {"name": "it", "version": "1"}})
        assert got.result["protocolVersion"] == self.version, got.raw
        self.session = got.http.header("mcp-session-id")
        self.server_info = got.result
        assert self.notify("notifications/initialized").status == 202
        return got

    def post(self, body, headers=None, on_event=None):
        """POSTs `body` as it is, once. A kept connection that the server has closed in the
        meantime is opened anew."""
        headers = self.headers() if headers is None else headers
        if self.conn and self.conn.is_closed(timeout=0.0):
            self.close()
        self.conn = self.conn or Conn(self.address, self.timeout)
        lines = [f"POST {self.path} HTTP/1.1", "Host: localhost",
                 f"Content-Length: {len(body)}"] + [f"{n}: {v}" for n, v in headers]
        self.conn.send("\r\n".join(lines).encode() + b"\r\n\r\n" + body)
        head = self.conn.head()
        while head.status < 200:
            head = self.conn.head()
        return self.read(head, on_event)

    def read(self, head, on_event):
        kind = (head.header("content-type") or "").split(";")[0]
        if kind == "text/event-stream":
            before, last = [], None
            for event in sse_events(self.conn.chunks()):
                if not event.data:
                    continue
                if on_event:
                    on_event(json.loads(event.data))
                if last is not None:
                    before.append(last)
                last = event.data
            return Answer(head, last, before)
        length = int(head.header("content-length") or 0)
        if head.header("transfer-encoding"):
            head.body = b"".join(self.conn.chunks())
        else:
            head.body = self.conn.exactly(length)
        if (head.header("connection") or "").lower() == "close":
            self.close()
        return Answer(head, head.body if kind == "application/json" else None)

    def request(self, method, params=None, id_raw=None, on_event=None):
        """`params`: an object, or bytes that go out as they are; `id_raw`: JSON text."""
        if id_raw is None:
            self.next_id += 1
            id_raw = str(self.next_id)
        body = b'{"jsonrpc":"2.0","id":%s,"method":%s' % (id_raw.encode(),
                                                         json.dumps(method).encode())
        if params is not None:
            raw = params if isinstance(params, bytes) else json.dumps(params).encode()
            body += b',"params":' + raw
        got = self.post(body + b"}", on_event=on_event)
        if got.message is not None and "result" in got.message:
            assert got.message["id"] == json.loads(id_raw), f"another's answer: {got.raw[:300]!r}"
        return got

    def call(self, tool, arguments=None, meta=None, on_event=None):
        params = {"name": tool, "arguments": arguments or {}}
        if meta:
            params["_meta"] = meta
        return self.request("tools/call", params, on_event=on_event)

    def call_raw(self, tool, arguments):
        """`arguments`: bytes."""
        return self.request("tools/call",
                            b'{"name":"%s","arguments":%s}' % (tool.encode(), arguments))

    def notify(self, method, params=None):
        message = {"jsonrpc": "2.0", "method": method}
        if params is not None:
            message["params"] = params
        return self.post(json.dumps(message).encode())

    def respond(self, id_value, result):
        """Answers a request of the server's."""
        return self.post(json.dumps({"jsonrpc": "2.0", "id": id_value,
                                     "result": result}).encode())

    def tools(self):
        """Names of tools/list, all pages."""
        names, params = [], {}
        while True:
            result = self.request("tools/list", params).result
            names += [tool["name"] for tool in result["tools"]]
            if "nextCursor" not in result:
                return names
            params = {"cursor": result["nextCursor"]}

    def stream(self, last_event_id=None):
        return Stream(self, last_event_id)

    def delete(self):
        with Conn(self.address) as conn:
            return conn.request("DELETE", self.path, self.headers())


def header_value(text):
    """Text as the values of Mcp-Name and Mcp-Param-* carry it."""
    plain = all(" " <= c <= "~" or c == "\t" for c in text) and text == text.strip(" \t")
    if plain and not (text.startswith("=?base64?") and text.endswith("?=")):
        return text
    return "=?base64?" + base64.b64encode(text.encode()).decode() + "?="


class ModernClient(McpClient):
    """A client of 2026-07-28 over HTTP: no session; every request says what it is."""

    def __init__(self, address, path="/api/v1/mcp", headers=(), capabilities=None,
                 timeout=DEADLINE):
        super().__init__(address, path, MODERN, headers, start=False, timeout=timeout)
        self.meta = {PREFIX + "protocolVersion": MODERN,
                     PREFIX + "clientCapabilities": capabilities or {},
                     PREFIX + "clientInfo": {"name": "it", "version": "1"}}

    def headers_for(self, method, params):
        """What goes with a request; `params` as an object."""
        got = {"Content-Type": "application/json", ACCEPT[0]: ACCEPT[1],
               "MCP-Protocol-Version": self.version, "Mcp-Method": method}
        name = params.get(NAMED_BY.get(method)) if isinstance(params, dict) else None
        if isinstance(name, str):
            got["Mcp-Name"] = header_value(name)
        return {**got, **dict(self.extra)}

    def with_meta(self, params):
        """`params` (bytes or an object) as bytes with our `_meta` in front, or in theirs."""
        raw = params if isinstance(params, bytes) else json.dumps(params or {}).encode()
        ours = json.dumps(self.meta, separators=(",", ":")).encode()[1:-1]
        for there in re.finditer(rb'"_meta"\s*:\s*\{', raw):
            at = there.end()
            whole = raw[:at] + ours + (b"" if raw[at:at + 1] == b"}" else b",") + raw[at:]
            if self.meta.keys() <= json.loads(whole).get("_meta", {}).keys():
                return whole  # the others lie deeper
        more = b"," if json.loads(raw) else b""
        return b'{"_meta":{' + ours + b"}" + more + raw.lstrip()[1:]

    def request(self, method, params=None, id_raw=None, on_event=None, headers=()):
        """`headers`: names to values that replace ours; None leaves one out."""
        raw = self.with_meta(params)
        return self.request_raw(method, raw, id_raw, on_event,
                                {**self.headers_for(method, json.loads(raw)), **dict(headers)})

    def request_raw(self, method, raw, id_raw, on_event, headers):
        """`raw`: params as they are, or None."""
        if id_raw is None:
            self.next_id += 1
            id_raw = str(self.next_id)
        body = b'{"jsonrpc":"2.0","id":%s,"method":%s%s}' % (
            id_raw.encode(), json.dumps(method).encode(), b"" if raw is None else
            b',"params":' + raw)
        got = self.post(body, [(n, v) for n, v in headers.items() if v is not None], on_event)
        if got.message is not None and "result" in got.message:
            assert got.message["id"] == json.loads(id_raw), f"another's answer: {got.raw[:300]!r}"
        return got

    def discover(self):
        return self.request("server/discover").result


class Stream:
    """The GET stream of a session, read by a thread."""

    def __init__(self, client, last_event_id):
        headers = [("Accept", "text/event-stream")] + client.headers()[2:]
        if last_event_id is not None:
            headers.append(("Last-Event-ID", last_event_id))
        self.conn = Conn(client.address, timeout=120)
        lines = [f"GET {client.path} HTTP/1.1", "Host: localhost"]
        lines += [f"{n}: {v}" for n, v in headers]
        self.conn.send("\r\n".join(lines).encode() + b"\r\n\r\n")
        self.head = self.conn.head()
        self.events = queue.Queue()
        if self.head.status == 200:
            threading.Thread(target=self.read, daemon=True).start()

    def read(self):
        try:
            for event in sse_events(self.conn.chunks()):
                self.events.put(event)
        except (Closed, OSError, ValueError):
            pass
        self.events.put(None)

    def next(self, timeout=DEADLINE):
        """The next event that carries a message, parsed; None when the stream has ended."""
        while True:
            event = self.events.get(timeout=timeout)
            if event is None:
                return None
            if event.data:
                return json.loads(event.data)

    def close(self):
        self.conn.close()
