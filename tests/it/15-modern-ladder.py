"""Every rung of the ladder that a request of 2026-07-28 climbs,
with the code and the HTTP status when it falls."""
import base64
import json

from harness import Neurond, Table, hostile, main
from mcp import ACCEPT, MODERN, PREFIX
from rawhttp import Conn

VERSION, CAPS, INFO = (PREFIX + key for key in
                       ("protocolVersion", "clientCapabilities", "clientInfo"))
META = {VERSION: MODERN, CAPS: {}, INFO: {"name": "it", "version": "1"}}
OK, BAD, GONE = 200, 400, 404
PARSE, INVALID, NO_METHOD, PARAMS = -32700, -32600, -32601, -32602
MISMATCH, UNSUPPORTED = -32020, -32022
ECHO = {"name": "a.echo", "arguments": {"text": "x"}}


def meta(**changes):
    """META with keys changed; a value of None leaves the key out."""
    named = {"version": VERSION, "caps": CAPS, "info": INFO}
    out = {**META, **{named.get(k, k): v for k, v in changes.items()}}
    return {k: v for k, v in out.items() if v is not None}


class Null:
    """Stands for a JSON null in meta()."""


def plain(value):
    return {k: None if v is Null else v for k, v in value.items()}


# (what, status, code or None, keys): method, params, meta (None: no `_meta`), headers, words
META_ROWS = [
    ("all as it should be", OK, None, {}),
    ("no clientInfo", OK, None, {"meta": meta(info=None)}),
    ("capabilities we do not know", OK, None, {"meta": meta(caps={"x": {"y": 1}})}),
    ("keys of others", OK, None, {"meta": meta(**{"a/b": 1, "traceparent": "00"})}),
    ("no version", BAD, PARAMS, {"meta": meta(version=None), "words": VERSION}),
    ("a number as version", BAD, PARAMS, {"meta": meta(version=20260728), "words": VERSION}),
    ("null as version", BAD, PARAMS, {"meta": meta(version=Null), "words": VERSION}),
    ("a list as version", BAD, PARAMS, {"meta": meta(version=[MODERN]), "words": VERSION}),
    ("no capabilities", BAD, PARAMS, {"meta": meta(caps=None), "words": CAPS}),
    ("null as capabilities", BAD, PARAMS, {"meta": meta(caps=Null), "words": CAPS}),
    ("a list as capabilities", BAD, PARAMS, {"meta": meta(caps=[]), "words": CAPS}),
    ("a string as capabilities", BAD, PARAMS, {"meta": meta(caps="{}"), "words": CAPS}),
    ("clientInfo without name", BAD, PARAMS, {"meta": meta(info={"version": "1"})}),
    ("clientInfo without version", BAD, PARAMS, {"meta": meta(info={"name": "it"})}),
    ("clientInfo with a number", BAD, PARAMS, {"meta": meta(info={"name": "i", "version": 1})}),
    ("a string as clientInfo", BAD, PARAMS, {"meta": meta(info="it 1"), "words": INFO}),
    ("no _meta", BAD, PARAMS, {"meta": None, "words": VERSION}),
    ("an empty _meta", BAD, PARAMS, {"meta": {}, "words": VERSION}),
    ("_meta that is a number", BAD, PARAMS, {"params": {**ECHO, "_meta": 7}, "meta": None}),
    ("discover with empty params", BAD, PARAMS,
     {"method": "server/discover", "params": {}, "meta": None, "words": VERSION}),
    ("discover without params", BAD, PARAMS,
     {"method": "server/discover", "params": None, "meta": None}),
    ("bad _meta before bad headers", BAD, PARAMS,
     {"meta": meta(caps=None), "headers": {"Mcp-Method": "x", "Mcp-Name": None}}),
]

VERSION_ROWS = [
    ("no version header", BAD, MISMATCH, {"headers": {"MCP-Protocol-Version": None}}),
    ("an empty version header", BAD, MISMATCH, {"headers": {"MCP-Protocol-Version": ""}}),
    ("header before unknown version", BAD, MISMATCH, {"meta": meta(version="v999")}),
    ("a version of ours and a strange header", BAD, MISMATCH,
     {"headers": {"MCP-Protocol-Version": "v999"}}),
    ("a legacy header, a modern claim", BAD, MISMATCH,
     {"headers": {"MCP-Protocol-Version": "2025-11-25"}}),
    ("a modern header, a legacy claim", BAD, MISMATCH, {"meta": meta(version="2025-11-25")}),
    ("a version nobody knows, twice the same", BAD, UNSUPPORTED,
     {"meta": meta(version="v999"), "headers": {"MCP-Protocol-Version": "v999"}}),
    ("a version nobody knows, without header", BAD, UNSUPPORTED,
     {"meta": meta(version="v999"), "headers": {"MCP-Protocol-Version": None}}),
    ("a later version", BAD, UNSUPPORTED,
     {"meta": meta(version="2027-01-01"), "headers": {"MCP-Protocol-Version": "2027-01-01"}}),
    ("a legacy version as a claim", BAD, UNSUPPORTED,
     {"meta": meta(version="2025-11-25"), "headers": {"MCP-Protocol-Version": "2025-11-25"}}),
    ("the oldest version as a claim", BAD, UNSUPPORTED,
     {"meta": meta(version="2024-11-05"), "headers": {"MCP-Protocol-Version": None}}),
    ("an empty claim", BAD, UNSUPPORTED,
     {"meta": meta(version=""), "headers": {"MCP-Protocol-Version": ""}}),
    ("blanks around the header", OK, None,
     {"headers": {"MCP-Protocol-Version": f"\t {MODERN} \t"}}),
    ("names of headers in another case", OK, None,
     {"headers": {"MCP-Protocol-Version": None, "mcp-protocol-VERSION": MODERN}}),
]


def encoded(text, shape="=?base64?%s?="):
    return shape % base64.b64encode(text.encode()).decode()


HEADER_ROWS = [
    ("no Mcp-Method", BAD, MISMATCH, {"headers": {"Mcp-Method": None}, "words": "Mcp-Method"}),
    ("an empty Mcp-Method", BAD, MISMATCH, {"headers": {"Mcp-Method": ""}}),
    ("another Mcp-Method", BAD, MISMATCH, {"headers": {"Mcp-Method": "tools/list"}}),
    ("Mcp-Method in capitals", BAD, MISMATCH, {"headers": {"Mcp-Method": "Tools/Call"}}),
    ("Mcp-Method in Base64", BAD, MISMATCH, {"headers": {"Mcp-Method": encoded("tools/call")}}),
    ("blanks around Mcp-Method", OK, None, {"headers": {"Mcp-Method": " tools/call "}}),
    ("no Mcp-Name", BAD, MISMATCH, {"headers": {"Mcp-Name": None}, "words": "Mcp-Name"}),
    ("an empty Mcp-Name", BAD, MISMATCH, {"headers": {"Mcp-Name": ""}}),
    ("another Mcp-Name", BAD, MISMATCH, {"headers": {"Mcp-Name": "a.raw"}}),
    ("Mcp-Name without the prefix", BAD, MISMATCH, {"headers": {"Mcp-Name": "echo"}}),
    ("Mcp-Name in capitals", BAD, MISMATCH, {"headers": {"Mcp-Name": "A.ECHO"}}),
    ("Mcp-Name in Base64", OK, None, {"headers": {"Mcp-Name": encoded("a.echo")}}),
    ("another Mcp-Name in Base64", BAD, MISMATCH, {"headers": {"Mcp-Name": encoded("a.raw")}}),
    ("Base64 without padding", BAD, MISMATCH,
     {"params": {**ECHO, "name": "a.raw"}, "headers": {"Mcp-Name": "=?base64?YS5yYXc?="}}),
    ("Base64 with padding", OK, None,
     {"params": {**ECHO, "name": "a.raw"}, "headers": {"Mcp-Name": "=?base64?YS5yYXc=?="}}),
    ("Base64 of another alphabet", BAD, MISMATCH,
     {"headers": {"Mcp-Name": "=?base64?YS5l-2hv?="}}),
    ("Base64 with a blank in it", BAD, MISMATCH,
     {"headers": {"Mcp-Name": "=?base64?YS5l Y2hv?="}}),
    ("markers in capitals are literal", BAD, MISMATCH,
     {"headers": {"Mcp-Name": encoded("a.echo", "=?BASE64?%s?=")}}),
    ("no marker at the end is literal", BAD, MISMATCH,
     {"headers": {"Mcp-Name": encoded("a.echo", "=?base64?%s")}}),
    ("no marker at the beginning is literal", BAD, MISMATCH,
     {"headers": {"Mcp-Name": encoded("a.echo", "%s?=")}}),
    ("bytes beyond ASCII as they are", BAD, MISMATCH,
     {"params": {**ECHO, "name": "a.h\u00e9"}, "headers": {"Mcp-Name": "a.h\u00e9"}}),
    ("a name beyond ASCII in Base64", OK, PARAMS, {"params": {**ECHO, "name": "a.h\u00e9"}}),
    ("a name that looks encoded", OK, PARAMS, {"params": {**ECHO, "name": encoded("a.echo")}}),
    ("Mcp-Name where none belongs", OK, None,
     {"method": "tools/list", "params": {}, "headers": {"Mcp-Name": "whatever"}}),
    ("a parameter nobody announced", OK, None, {"headers": {"Mcp-Param-Other": "x"}}),
    ("a session that never was", OK, None, {"headers": {"Mcp-Session-Id": "nonsense"}}),
    ("a Last-Event-ID", OK, None, {"headers": {"Last-Event-ID": "7"}}),
]

METHODS_GONE = ("initialize", "ping", "logging/setLevel", "resources/subscribe",
                "resources/unsubscribe", "tasks/result", "tasks/list", "no/such", "TOOLS/LIST",
                "notifications/initialized")

METHOD_ROWS = [(f"method {name}", GONE, NO_METHOD, {"method": name, "params": {}})
               for name in METHODS_GONE] + [
    ("an unknown method in a wrong header", BAD, MISMATCH,
     {"method": "no/such", "params": {}, "headers": {"Mcp-Method": "no/such2"}}),
    ("an unknown tool", OK, PARAMS, {"params": {**ECHO, "name": "a.none"}, "words": "a.none"}),
    ("an unknown server", OK, PARAMS, {"params": {**ECHO, "name": "b.echo"}}),
    ("a tool without a name", OK, PARAMS, {"params": {"arguments": {}}}),
    ("a name that is a number", OK, PARAMS, {"params": {"name": 7}}),
    ("arguments that are a list", OK, PARAMS, {"params": {"name": "a.echo", "arguments": []}}),
    ("a cursor of nobody's", OK, PARAMS, {"method": "tools/list", "params": {"cursor": "x"}}),
    ("an empty cursor", OK, PARAMS, {"method": "tools/list", "params": {"cursor": ""}}),
]


def send(client, method="tools/call", params=ECHO, meta=META, headers=(), id_raw='"r"', **_):
    whole = params
    if meta is not None:
        whole = {**(params or {}), "_meta": plain(meta)}
    raw = None if whole is None else json.dumps(whole).encode()
    return client.request_raw(method, raw, id_raw, None,
                              {**client.headers_for(method, whole or {}), **dict(headers)})


def expect(client, status, code, keys):
    got = send(client, **keys)
    assert got.status == status, (got.status, got.raw)
    assert got.http.header("mcp-session-id") is None
    if code is None:
        assert got.result["resultType"] == "complete", got.raw
        return
    assert got.error["code"] == code, got.raw
    assert got.message["id"] == "r", got.raw
    assert keys.get("words", "") in got.error["message"], got.raw
    if code == UNSUPPORTED:
        asked = keys["meta"][VERSION]
        assert got.error["data"] == {"supported": [MODERN], "requested": asked}, got.raw


def test_every_rung_of_the_ladder():
    table = Table()
    with Neurond({"a": hostile()}) as daemon, daemon.modern() as client:
        for what, status, code, keys in META_ROWS + VERSION_ROWS + HEADER_ROWS + METHOD_ROWS:
            table.row(what, lambda: expect(client, status, code, keys))
        for id_raw in ("0", '""', "9007199254740993", '"h\\u00e9"'):
            table.row(f"an error echoes id {id_raw}", lambda: echoes(client, id_raw))
        calls = [line for line in daemon.received("a") if b"tools/call" in line]
        good = sum(1 for _, status, code, keys in META_ROWS + VERSION_ROWS + HEADER_ROWS
                   if code is None and keys.get("method", "tools/call") == "tools/call")
        table.row("what is refused reaches no child", lambda: same(len(calls), good))
    assert not table.failed


def same(got, want):
    assert got == want, (got, want)


def echoes(client, id_raw):
    for keys in ({"meta": None}, {"headers": {"Mcp-Name": None}}, {"method": "no/such"},
                 {"params": {"name": "a.none"}}):
        got = send(client, id_raw=id_raw, **keys)
        assert got.error and b'"id":' + id_raw.encode() + b"," in got.raw, got.raw


def test_bodies_that_are_no_request():
    table = Table()
    claim = json.dumps({"_meta": META}).encode()
    request = b'{"jsonrpc":"2.0","id":1,"method":"tools/list","params":%s}' % claim
    rows = [
        ("no JSON", b"{", BAD, PARSE), ("nothing", b"", BAD, PARSE),
        ("two values", request + b"{}", BAD, PARSE),
        ("a batch", b"[" + request + b"]", BAD, INVALID), ("an empty batch", b"[]", BAD, INVALID),
        ("a number", b"7", BAD, INVALID),
        ("another jsonrpc", request.replace(b'"2.0"', b'"1.0"', 1), BAD, INVALID),
        ("a fractional id", request.replace(b'"id":1', b'"id":1.5'), BAD, INVALID),
        ("a null id", request.replace(b'"id":1', b'"id":null'), BAD, INVALID),
        ("a method that is a number", request.replace(b'"tools/list"', b"7"), BAD, INVALID),
        ("params that are a list", b'{"jsonrpc":"2.0","id":1,"method":"tools/list","params":[]}',
         BAD, PARAMS),
        ("an answer", b'{"jsonrpc":"2.0","id":1,"result":{}}', BAD, INVALID),
        ("an error", b'{"jsonrpc":"2.0","id":1,"error":{"code":1,"message":"x"}}', BAD, INVALID),
    ]
    with Neurond({"a": hostile()}) as daemon, daemon.modern() as client:
        headers = list(client.headers_for("tools/list", {}).items())

        def refused(body, status, code):
            got = client.post(body, headers)
            assert got.status == status and got.error["code"] == code, (got.status, got.raw)

        def accepted(body, extra):
            got = client.post(body, extra)
            assert got.status == 202 and not got.http.body, (got.status, got.raw)

        for what, body, status, code in rows:
            table.row(what, lambda: refused(body, status, code))
        for method in ("notifications/initialized", "notifications/cancelled", "no/such"):
            note = {"jsonrpc": "2.0", "method": method}
            table.row(f"{method} with a claim", lambda: accepted(
                json.dumps({**note, "params": {"_meta": META}}).encode(), [headers[0], ACCEPT]))
            table.row(f"{method} with a header", lambda: accepted(
                json.dumps(note).encode(), headers))
        table.row("one of 2025-03-26 with a claim in it", lambda: mixed_batch(daemon, request))
    assert not table.failed


def mixed_batch(daemon, request):
    with daemon.client(version="2025-03-26") as legacy:
        for body in (b"[%s]" % request, b'[{"jsonrpc":"2.0","id":2,"method":"ping"},%s]' % request):
            got = legacy.post(body)
            assert got.status == BAD and got.error["code"] == INVALID, (got.status, got.raw)


def test_what_http_itself_decides():
    with Neurond({"a": hostile()}) as daemon, daemon.modern() as client:
        modern = [("MCP-Protocol-Version", MODERN), ("Accept", "text/event-stream")]
        for method in ("GET", "DELETE"):
            with Conn(daemon.address) as conn:
                assert conn.request(method, "/api/v1/mcp", modern).status in (400, 405)
        with Conn(daemon.address) as conn:
            got = conn.request("PUT", "/api/v1/mcp", modern, b"{}")
            assert got.status == 405 and "POST" in got.header("allow"), got
        for headers, status in (({"Content-Type": "text/plain"}, 415), ({"Accept": "text/html"}, 406),
                                ({"Origin": "http://evil.example"}, 403),
                                ({"Host": "evil.example"}, 403)):
            with Conn(daemon.address) as conn:
                fields = {**client.headers_for("tools/list", {}), **headers}
                body = client.with_meta({})
                got = conn.request("POST", "/api/v1/mcp", list(fields.items()), b'{"jsonrpc":"2.0",'
                                   b'"id":1,"method":"tools/list","params":' + body + b"}")
                assert got.status == status, (headers, got)
        # two of one name: nobody knows which one the next hop believes
        got = client.post(b'{"jsonrpc":"2.0","id":1,"method":"tools/list","params":%s}'
                          % client.with_meta({}),
                          list(client.headers_for("tools/list", {}).items())
                          + [("Mcp-Method", "tools/call")])
        assert got.status == 400, got.raw


def test_initialize_is_of_the_other_era():
    with Neurond({"a": hostile()}) as daemon, daemon.modern() as client:
        hello = {"protocolVersion": MODERN, "capabilities": {},
                 "clientInfo": {"name": "it", "version": "1"}}
        got = send(client, "initialize", hello, None)
        assert (got.status, got.error["code"]) == (BAD, MISMATCH), got.raw
        for about in (None, {VERSION: 7}, {VERSION: "2025-11-25"}, {CAPS: {}}):
            got = send(client, "initialize", hello, about, {"MCP-Protocol-Version": None})
            assert got.result["protocolVersion"] == "2025-11-25", got.raw
            assert got.http.header("mcp-session-id")


def calls(daemon, server):
    return [json.loads(line)["id"] for line in daemon.received(server) if b'"tools/call"' in line]


# -- Mcp-Param-*

PARAM_ROWS = [
    ("a string", {"region": "eu-1"}, {"Region": "eu-1"}, None),
    ("none, none", {}, {}, None),
    ("null is none", {"region": None}, {}, None),
    ("null and a header", {"region": None}, {"Region": "null"}, MISMATCH),
    ("missing", {"region": "eu-1"}, {}, MISMATCH),
    ("another", {"region": "eu-1"}, {"Region": "eu-2"}, MISMATCH),
    ("in capitals", {"region": "eu-1"}, {"Region": "EU-1"}, MISMATCH),
    ("a header without an argument", {}, {"Region": "eu-1"}, MISMATCH),
    ("no arguments at all", None, {"Region": "eu-1"}, MISMATCH),
    ("an empty string", {"region": ""}, {"Region": ""}, None),
    ("blanks inside", {"region": "a b  c"}, {"Region": "a b  c"}, None),
    ("blanks outside", {"region": " a "}, {"Region": encoded(" a ")}, None),
    ("blanks outside, plain", {"region": " a "}, {"Region": " a "}, MISMATCH),
    ("beyond ASCII", {"region": "h\u00e9"}, {"Region": encoded("h\u00e9")}, None),
    ("ASCII in Base64", {"region": "x"}, {"Region": encoded("x")}, None),
    ("broken Base64", {"region": "x"}, {"Region": "=?base64?e?="}, MISMATCH),
    ("a value that looks encoded", {"region": "=?base64?eA==?="},
     {"Region": encoded("=?base64?eA==?=")}, None),
    ("the same, plain", {"region": "=?base64?eA==?="}, {"Region": "=?base64?eA==?="}, MISMATCH),
    ("an integer", {"count": 42}, {"Count": "42"}, None),
    ("an integer written otherwise", {"count": 42}, {"Count": "42.0"}, None),
    ("another integer", {"count": 42}, {"Count": "43"}, MISMATCH),
    ("no number", {"count": 42}, {"Count": "x42"}, MISMATCH),
    ("a negative one", {"count": -7}, {"Count": "-7"}, None),
    ("true", {"dry": True}, {"Dry": "true"}, None),
    ("False", {"dry": False}, {"Dry": "False"}, MISMATCH),
    ("nested", {"at": {"zone": "b"}}, {"Zone": "b"}, None),
    ("nested and missing", {"at": {"zone": "b"}}, {}, MISMATCH),
    ("all of them", {"region": "r", "count": 1, "dry": False, "at": {"zone": "z"}},
     {"REGION": "r", "count": "1", "Dry": "false", "Zone": "z"}, None),
    ("the first is wrong, the last is right", {"region": "r", "at": {"zone": "z"}},
     {"Region": "q", "Zone": "z"}, MISMATCH),
    ("nobody's header", {"text": "x"}, {"Other": "y"}, None),
]


def test_arguments_in_headers():
    table = Table()
    with Neurond({"a": hostile("modern")}) as daemon, daemon.modern() as client:
        def row(arguments, headers, code):
            params = {"name": "a.headed"}
            if arguments is not None:
                params["arguments"] = arguments
            got = client.request("tools/call", params, headers={
                f"Mcp-Param-{name}": value for name, value in headers.items()})
            if code is None:
                assert got.status == 200 and "result" in got.message, got.raw
            else:
                assert (got.status, got.error["code"]) == (400, code), got.raw
                assert "Mcp-Param-" in got.error["message"], got.raw

        for what, arguments, headers, code in PARAM_ROWS:
            table.row(what, lambda: row(arguments, headers, code))
        good = sum(code is None for *_, code in PARAM_ROWS)
        table.row("what is refused reaches no child",
                  lambda: same(len(calls(daemon, "a")), good))
        tool = next(t for t in client.request("tools/list").result["tools"]
                    if t["name"] == "a.headed")
        table.row("the annotations are listed", lambda: same(
            tool["inputSchema"]["properties"]["region"]["x-mcp-header"], "Region"))
        with daemon.client() as legacy:
            table.row("a legacy client needs none", lambda: same(
                legacy.call("a.headed", {"region": "x", "text": "t"}).text, "t"))
    assert not table.failed


main(__name__)
