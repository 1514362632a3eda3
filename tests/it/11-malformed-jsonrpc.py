"""Bodies that are not JSON, not JSON-RPC or not MCP: HTTP status and error code of each,
on one connection, which stays usable because every body was framed well."""
import json

from harness import Neurond, Table, hostile, main
from rawhttp import Conn

PARSE, INVALID, METHOD, PARAMS = -32700, -32600, -32601, -32602
DEEP = 70

# name, body, HTTP status, code (None: nothing is owed), id in the answer (… = none)
NONE = ...
ROWS = [
    # not JSON: nothing in it can be trusted, so no id
    ("empty object cut", b"{", 400, PARSE, NONE),
    ("blanks alone", b"   ", 400, PARSE, NONE),
    ("a word", b"hello", 400, PARSE, NONE),
    ("trailing comma", b'{"jsonrpc":"2.0","id":1,"method":"ping",}', 400, PARSE, NONE),
    ("missing comma", b'{"jsonrpc":"2.0" "id":1,"method":"ping"}', 400, PARSE, NONE),
    ("single quotes", b"{'jsonrpc':'2.0','id':1,'method':'ping'}", 400, PARSE, NONE),
    ("bare key", b'{jsonrpc:"2.0","id":1,"method":"ping"}', 400, PARSE, NONE),
    ("comment", b'{"jsonrpc":"2.0",/* */"id":1,"method":"ping"}', 400, PARSE, NONE),
    ("two texts", b'{"jsonrpc":"2.0","id":1,"method":"ping"}{}', 400, PARSE, NONE),
    ("text behind", b'{"jsonrpc":"2.0","id":1,"method":"ping"} x', 400, PARSE, NONE),
    ("byte order mark", b'\xef\xbb\xbf{"jsonrpc":"2.0","id":1,"method":"ping"}', 400, PARSE, NONE),
    ("UTF-16", '{"jsonrpc":"2.0","id":1,"method":"ping"}'.encode("utf-16-le"), 400, PARSE, NONE),
    ("NUL behind", b'{"jsonrpc":"2.0","id":1,"method":"ping"}\0', 400, PARSE, NONE),
    ("raw newline in a string", b'{"jsonrpc":"2.0","id":1,"method":"pi\nng"}', 400, PARSE, NONE),
    ("raw control byte in a string", b'{"jsonrpc":"2.0","id":"\x01","method":"ping"}', 400, PARSE,
     NONE),
    ("escape nobody knows", b'{"jsonrpc":"2.0","id":1,"method":"p\\ing"}', 400, PARSE, NONE),
    ("short \\u", b'{"jsonrpc":"2.0","id":1,"method":"\\u00g0"}', 400, PARSE, NONE),
    ("invalid UTF-8", b'{"jsonrpc":"2.0","id":1,"method":"\xff"}', 400, PARSE, NONE),
    ("overlong UTF-8", b'{"jsonrpc":"2.0","id":1,"method":"\xc0\xaf"}', 400, PARSE, NONE),
    ("surrogate in UTF-8", b'{"jsonrpc":"2.0","id":1,"method":"\xed\xa0\x80"}', 400, PARSE, NONE),
    ("half a UTF-8 character", b'{"jsonrpc":"2.0","id":1,"method":"\xe2\x82"}', 400, PARSE, NONE),
    ("leading zero", b'{"jsonrpc":"2.0","id":01,"method":"ping"}', 400, PARSE, NONE),
    ("number with a plus", b'{"jsonrpc":"2.0","id":+1,"method":"ping"}', 400, PARSE, NONE),
    ("number without digits", b'{"jsonrpc":"2.0","id":-,"method":"ping"}', 400, PARSE, NONE),
    ("number ending in a point", b'{"jsonrpc":"2.0","id":1.,"method":"ping"}', 400, PARSE, NONE),
    ("hex number", b'{"jsonrpc":"2.0","id":0x1,"method":"ping"}', 400, PARSE, NONE),
    ("NaN", b'{"jsonrpc":"2.0","id":NaN,"method":"ping"}', 400, PARSE, NONE),
    ("Infinity", b'{"jsonrpc":"2.0","id":1,"method":"ping","params":{"x":Infinity}}', 400, PARSE,
     NONE),
    ("True", b'{"jsonrpc":"2.0","id":1,"method":"ping","params":{"x":True}}', 400, PARSE, NONE),
    ("brackets crossed", b'{"jsonrpc":"2.0","id":1,"method":"ping","params":[}]', 400, PARSE, NONE),
    ("too deep in arrays", b'{"jsonrpc":"2.0","id":1,"method":"ping","params":{"a":' + b"[" * DEEP
     + b"]" * DEEP + b"}}", 400, PARSE, NONE),
    ("too deep in objects", b'{"jsonrpc":"2.0","id":1,"method":"ping","params":' + b'{"a":' * DEEP
     + b"1" + b"}" * DEEP + b"}", 400, PARSE, NONE),
    ("broken far behind a good id", b'{"jsonrpc":"2.0","id":1,"method":"ping","params":{"a":[1,2,'
     + b"3," * 5000 + b"]}}", 400, PARSE, NONE),
    ("NUL in front", b'\0{"jsonrpc":"2.0","id":1,"method":"ping"}', 400, PARSE, NONE),
    ("NUL inside", b'{"jsonrpc":"2.0",\0"id":1,"method":"ping"}', 400, PARSE, NONE),
    ("NUL in a string", b'{"jsonrpc":"2.0","id":1,"method":"pi\0ng"}', 400, PARSE, NONE),
    ("raw tab in a string", b'{"jsonrpc":"2.0","id":1,"method":"pi\tng"}', 400, PARSE, NONE),
    ("form feed between", b'{"jsonrpc":"2.0",\x0c"id":1,"method":"ping"}', 400, PARSE, NONE),
    ("no-break space between", b'{"jsonrpc":"2.0",\xc2\xa0"id":1,"method":"ping"}', 400, PARSE, NONE),
    ("UTF-16 with a mark", '{"jsonrpc":"2.0","id":1,"method":"ping"}'.encode("utf-16"), 400, PARSE,
     NONE),
    ("UTF-32", '{"jsonrpc":"2.0","id":1,"method":"ping"}'.encode("utf-32-be"), 400, PARSE, NONE),
    ("UTF-8 over U+10FFFF", b'{"jsonrpc":"2.0","id":1,"method":"\xf4\x90\x80\x80"}', 400, PARSE,
     NONE),
    ("five bytes of UTF-8", b'{"jsonrpc":"2.0","id":1,"method":"\xf8\x88\x80\x80\x80"}', 400, PARSE,
     NONE),
    ("continuation byte alone", b'{"jsonrpc":"2.0","id":1,"method":"\x80"}', 400, PARSE, NONE),
    ("invalid UTF-8 in a key", b'{"jsonrpc":"2.0","id":1,"method":"ping","\xff":1}', 400, PARSE, NONE),
    ("string without its end", b'{"jsonrpc":"2.0","id":1,"method":"ping', 400, PARSE, NONE),
    ("string ending in a backslash", b'{"jsonrpc":"2.0","id":1,"method":"ping\\"}', 400, PARSE, NONE),
    ("key without a value", b'{"jsonrpc":"2.0","id":1,"method"}', 400, PARSE, NONE),
    ("key without a colon", b'{"jsonrpc":"2.0","id" 1,"method":"ping"}', 400, PARSE, NONE),
    ("two colons", b'{"jsonrpc":"2.0","id"::1,"method":"ping"}', 400, PARSE, NONE),
    ("two commas", b'{"jsonrpc":"2.0",,"id":1,"method":"ping"}', 400, PARSE, NONE),
    ("comma first", b'{,"jsonrpc":"2.0","id":1,"method":"ping"}', 400, PARSE, NONE),
    ("key a number", b'{"jsonrpc":"2.0","id":1,"method":"ping",7:1}', 400, PARSE, NONE),
    ("comment behind", b'{"jsonrpc":"2.0","id":1,"method":"ping"} // x', 400, PARSE, NONE),
    ("brace too many", b'{"jsonrpc":"2.0","id":1,"method":"ping"}}', 400, PARSE, NONE),
    ("bracket too many", b'[{"jsonrpc":"2.0","id":1,"method":"ping"}]]', 400, PARSE, NONE),
    ("closing brackets alone", b"]]]]}}}}", 400, PARSE, NONE),
    ("opening brackets alone", b"[" * 60, 400, PARSE, NONE),
    ("a million opening brackets", b"[" * 1000000, 400, PARSE, NONE),
    ("number with two points", b'{"jsonrpc":"2.0","id":1.2.3,"method":"ping"}', 400, PARSE, NONE),
    ("number without an exponent", b'{"jsonrpc":"2.0","id":1e,"method":"ping"}', 400, PARSE, NONE),
    ("number beginning with a point", b'{"jsonrpc":"2.0","id":.5,"method":"ping"}', 400, PARSE, NONE),
    ("number in two words", b'{"jsonrpc":"2.0","id":1 2,"method":"ping"}', 400, PARSE, NONE),
    ("word cut short", b'{"jsonrpc":"2.0","id":1,"method":"ping","params":{"x":nul}}', 400, PARSE,
     NONE),
    ("words run together", b'{"jsonrpc":"2.0","id":1,"method":"ping","params":{"x":truefalse}}', 400,
     PARSE, NONE),
    ("undefined", b'{"jsonrpc":"2.0","id":1,"method":"ping","params":{"x":undefined}}', 400, PARSE,
     NONE),
    ("a form", b"jsonrpc=2.0&id=1&method=ping", 400, PARSE, NONE),
    ("XML", b'<?xml version="1.0"?><methodCall/>', 400, PARSE, NONE),
    ("an event", b'data: {"jsonrpc":"2.0","id":1,"method":"ping"}\n\n', 400, PARSE, NONE),
    ("a line of framing", b'Content-Length: 40\r\n\r\n{"jsonrpc":"2.0","id":1,"method":"ping"}',
     400, PARSE, NONE),
    # JSON, but no message
    ("a number", b"42", 400, INVALID, NONE),
    ("a string", b'"ping"', 400, INVALID, NONE),
    ("null", b"null", 400, INVALID, NONE),
    ("true", b"true", 400, INVALID, NONE),
    ("empty object", b"{}", 400, INVALID, NONE),
    ("empty array", b"[]", 400, INVALID, NONE),
    ("batch in a revision without", b'[{"jsonrpc":"2.0","id":1,"method":"ping"}]', 400, INVALID,
     NONE),
    ("array of nothing", b"[1,2,3]", 400, INVALID, NONE),
    ("no jsonrpc", b'{"id":1,"method":"ping"}', 400, INVALID, 1),
    ("jsonrpc 1.0", b'{"jsonrpc":"1.0","id":1,"method":"ping"}', 400, INVALID, 1),
    ("jsonrpc as a number", b'{"jsonrpc":2.0,"id":1,"method":"ping"}', 400, INVALID, 1),
    ("JSONRPC in capitals", b'{"JSONRPC":"2.0","id":1,"method":"ping"}', 400, INVALID, 1),
    ("method a number", b'{"jsonrpc":"2.0","id":1,"method":7}', 400, INVALID, 1),
    ("method null", b'{"jsonrpc":"2.0","id":1,"method":null}', 400, INVALID, 1),
    ("Method in capitals", b'{"jsonrpc":"2.0","id":1,"Method":"ping"}', 400, INVALID, 1),
    ("id null", b'{"jsonrpc":"2.0","id":null,"method":"ping"}', 400, INVALID, NONE),
    ("id true", b'{"jsonrpc":"2.0","id":true,"method":"ping"}', 400, INVALID, NONE),
    ("id an object", b'{"jsonrpc":"2.0","id":{},"method":"ping"}', 400, INVALID, NONE),
    ("id an array", b'{"jsonrpc":"2.0","id":[1],"method":"ping"}', 400, INVALID, NONE),
    ("id with a fraction", b'{"jsonrpc":"2.0","id":1.5,"method":"ping"}', 400, INVALID, NONE),
    ("id twice", b'{"jsonrpc":"2.0","id":1,"id":2,"method":"ping"}', 400, INVALID, NONE),
    ("method twice", b'{"jsonrpc":"2.0","id":1,"method":"ping","method":"tools/list"}', 400, INVALID,
     "any"),
    ("method twice, once escaped",
     b'{"jsonrpc":"2.0","id":1,"method":"ping","m\\u0065thod":"tools/list"}', 400, INVALID, "any"),
    ("params twice", b'{"jsonrpc":"2.0","id":1,"method":"ping","params":{},"params":{}}', 400,
     INVALID, "any"),
    ("name twice", b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":'
     b'{"name":"good.echo","n\\u0061me":"good.crash"}}', 400, INVALID, "any"),
    ("method and result", b'{"jsonrpc":"2.0","id":1,"method":"ping","result":{}}', 400, INVALID,
     "any"),
    ("id alone", b'{"jsonrpc":"2.0","id":1}', 400, INVALID, 1),
    ("a huge number", b"9" * 100000, 400, INVALID, NONE),
    ("an object in an array in an array", b'[[{"jsonrpc":"2.0","id":1,"method":"ping"}]]', 400,
     INVALID, NONE),
    ("jsonrpc twice", b'{"jsonrpc":"2.0","jsonrpc":"1.0","id":1,"method":"ping"}', 400, INVALID,
     "any"),
    ("jsonrpc null", b'{"jsonrpc":null,"id":1,"method":"ping"}', 400, INVALID, 1),
    ("jsonrpc 2.00", b'{"jsonrpc":"2.00","id":1,"method":"ping"}', 400, INVALID, 1),
    ("jsonrpc with a blank", b'{"jsonrpc":"2.0 ","id":1,"method":"ping"}', 400, INVALID, 1),
    ("jsonrpc in an array", b'{"jsonrpc":["2.0"],"id":1,"method":"ping"}', 400, INVALID, 1),
    ("method an object", b'{"jsonrpc":"2.0","id":1,"method":{}}', 400, INVALID, 1),
    ("method an array", b'{"jsonrpc":"2.0","id":1,"method":["ping"]}', 400, INVALID, 1),
    ("method true", b'{"jsonrpc":"2.0","id":1,"method":true}', 400, INVALID, 1),
    ("id with an exponent", b'{"jsonrpc":"2.0","id":1e400,"method":"ping"}', 400, INVALID, NONE),
    ("id false", b'{"jsonrpc":"2.0","id":false,"method":"ping"}', 400, INVALID, NONE),
    ("id twice, once escaped", b'{"jsonrpc":"2.0","id":1,"\\u0069d":2,"method":"ping"}', 400, INVALID,
     NONE),
    ("id in capitals", b'{"jsonrpc":"2.0","ID":1,"method":"tools/call","params":{}}', (202, 400), None,
     NONE),
    ("method and error", b'{"jsonrpc":"2.0","id":1,"method":"ping","error":{"code":1,"message":"x"}}',
     400, INVALID, "any"),
    ("arguments twice", b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":'
     b'{"name":"good.echo","arguments":{},"arguments":{"text":"x"}}}', 400, INVALID, "any"),
    ("two thousand keys", b'{"jsonrpc":"2.0","id":1,"method":"ping",'
     + b",".join(b'"k%d":1' % n for n in range(2000)) + b"}", 400, INVALID, "any"),
    # answers to nothing: 202 for a good one, since who waits for it may just have left
    ("result nobody waits for", b'{"jsonrpc":"2.0","id":99,"result":{}}', (202, 400), None, NONE),
    ("error nobody waits for",
     b'{"jsonrpc":"2.0","id":99,"error":{"code":1,"message":"x"}}', (202, 400), None, NONE),
    ("result and error", b'{"jsonrpc":"2.0","id":99,"result":{},"error":{"code":1,"message":"x"}}',
     400, None, NONE),
    ("result without id", b'{"jsonrpc":"2.0","result":{}}', 400, None, NONE),
    ("result a number", b'{"jsonrpc":"2.0","id":99,"result":7}', 400, None, NONE),
    ("error a string", b'{"jsonrpc":"2.0","id":99,"error":"x"}', 400, None, NONE),
    ("error without code", b'{"jsonrpc":"2.0","id":99,"error":{"message":"x"}}', 400, None, NONE),
    ("error without message", b'{"jsonrpc":"2.0","id":99,"error":{"code":1}}', (202, 400), None,
     NONE),
    ("error with a code in words", b'{"jsonrpc":"2.0","id":99,"error":{"code":"x","message":"x"}}',
     (202, 400), None, NONE),
    ("error null", b'{"jsonrpc":"2.0","id":99,"error":null}', 400, None, NONE),
    ("result null", b'{"jsonrpc":"2.0","id":99,"result":null}', (202, 400), None, NONE),
    ("result with an id of another kind", b'{"jsonrpc":"2.0","id":{},"result":{}}', 400, None, NONE),
    ("notification nobody knows", b'{"jsonrpc":"2.0","method":"notifications/no/such"}', (202, 400),
     None, NONE),
    ("notification that is a call", b'{"jsonrpc":"2.0","method":"tools/call","params":'
     b'{"name":"good.echo","arguments":{"text":"x"}}}', (202, 400), None, NONE),
    ("cancellation of nothing", b'{"jsonrpc":"2.0","method":"notifications/cancelled"}', (202, 400),
     None, NONE),
    ("cancellation of an object", b'{"jsonrpc":"2.0","method":"notifications/cancelled","params":'
     b'{"requestId":{}}}', (202, 400), None, NONE),
    ("progress nobody asked for", b'{"jsonrpc":"2.0","method":"notifications/progress","params":'
     b'{"progressToken":1,"progress":1}}', (202, 400), None, NONE),
    # messages, but nothing we can do
    ("params an array", b'{"jsonrpc":"2.0","id":1,"method":"ping","params":[]}', (200, 400), PARAMS,
     1),
    ("params a string", b'{"jsonrpc":"2.0","id":1,"method":"ping","params":"x"}', (200, 400), PARAMS,
     1),
    ("params null", b'{"jsonrpc":"2.0","id":1,"method":"ping","params":null}', (200, 400), PARAMS,
     1),
    ("method nobody knows", b'{"jsonrpc":"2.0","id":1,"method":"no/such"}', 200, METHOD, 1),
    ("empty method", b'{"jsonrpc":"2.0","id":"a","method":""}', (200, 400), (METHOD, INVALID), "a"),
    ("method in other letters", b'{"jsonrpc":"2.0","id":1,"method":"Tools/List"}', 200, METHOD, 1),
    ("method with a NUL", b'{"jsonrpc":"2.0","id":1,"method":"ping\\u0000"}', 200, METHOD, 1),
    ("call without params", b'{"jsonrpc":"2.0","id":1,"method":"tools/call"}', 200, PARAMS, 1),
    ("call without a name", b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{}}', 200,
     PARAMS, 1),
    ("name a number", b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":7}}', 200,
     PARAMS, 1),
    ("name empty", b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":""}}', 200,
     PARAMS, 1),
    ("tool nobody has", b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"a.b"}}',
     200, PARAMS, 1),
    ("tool of a server we have",
     b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"good.nothing"}}', 200, PARAMS,
     1),
    ("name without a namespace",
     b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"echo"}}', 200, PARAMS, 1),
    ("arguments an array", b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":'
     b'{"name":"good.echo","arguments":[1]}}', 200, PARAMS, 1),
    ("cursor we never gave", b'{"jsonrpc":"2.0","id":1,"method":"tools/list","params":'
     b'{"cursor":"zzz"}}', 200, PARAMS, 1),
    ("cursor a number", b'{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{"cursor":7}}',
     200, PARAMS, 1),
    ("cursor empty", b'{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{"cursor":""}}',
     200, PARAMS, 1),
    ("cursor of a megabyte", b'{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{"cursor":"'
     + b"A" * 1000000 + b'"}}', 200, PARAMS, 1),
    ("name of a megabyte", b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"'
     + b"n" * 1000000 + b'"}}', 200, PARAMS, 1),
    ("name that climbs", b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":'
     b'{"name":"../good.echo"}}', 200, PARAMS, 1),
    ("name with control bytes", b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":'
     b'{"name":"good.echo\\r\\nX: y\\u001b[2J"}}', 200, PARAMS, 1),
    ("name with a NUL", b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":'
     b'{"name":"good.echo\\u0000"}}', 200, PARAMS, 1),
    ("name in other letters", b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":'
     b'{"name":"GOOD.ECHO"}}', 200, PARAMS, 1),
    ("name with a lone surrogate", b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":'
     b'{"name":"good.\\ud800"}}', 200, PARAMS, 1),
    ("name null", b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":null}}', 200,
     PARAMS, 1),
    ("arguments a string", b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":'
     b'{"name":"good.echo","arguments":"x"}}', 200, PARAMS, 1),
    ("uri a number", b'{"jsonrpc":"2.0","id":1,"method":"resources/read","params":{"uri":7}}', 200,
     PARAMS, 1),
    ("uri missing", b'{"jsonrpc":"2.0","id":1,"method":"resources/read","params":{}}', 200, PARAMS, 1),
    ("uri of nobody", b'{"jsonrpc":"2.0","id":1,"method":"resources/read","params":'
     b'{"uri":"file:///etc/passwd"}}', 200, (PARAMS, -32002), 1),
    ("uri with line breaks", b'{"jsonrpc":"2.0","id":1,"method":"resources/read","params":'
     b'{"uri":"a:\\r\\nX: y"}}', 200, (PARAMS, -32002), 1),
    ("prompt of nobody", b'{"jsonrpc":"2.0","id":1,"method":"prompts/get","params":{"name":"x.y"}}',
     200, PARAMS, 1),
    ("level nobody knows", b'{"jsonrpc":"2.0","id":1,"method":"logging/setLevel","params":'
     b'{"level":"loud"}}', 200, (PARAMS, METHOD), 1),
    ("completion of nothing", b'{"jsonrpc":"2.0","id":1,"method":"completion/complete","params":{}}',
     200, PARAMS, 1),
    ("subscription to nothing", b'{"jsonrpc":"2.0","id":1,"method":"resources/subscribe","params":{}}',
     200, (PARAMS, METHOD), 1),
    ("initialize without params", b'{"jsonrpc":"2.0","id":1,"method":"initialize"}', 200, PARAMS, 1),
    ("initialize, version a number", b'{"jsonrpc":"2.0","id":1,"method":"initialize","params":'
     b'{"protocolVersion":7,"capabilities":{},"clientInfo":{"name":"x","version":"1"}}}', 200, PARAMS,
     1),
]

# These are fine, however odd they look: name, body, id in the answer.
FINE = [
    ("id last", b'{"method":"ping","jsonrpc":"2.0","id":7}', 7),
    ("method escaped", b'{"jsonrpc":"2.0","id":8,"m\\u0065thod":"p\\u0069ng"}', 8),
    ("blanks and newlines", b' \r\n\t{ "jsonrpc" : "2.0" , "id" : 9 , "method" : "ping" } \r\n', 9),
    ("unknown members", b'{"jsonrpc":"2.0","x":{"id":5},"id":10,"method":"ping","y":[1]}', 10),
    ("id in a string before the id", b'{"jsonrpc":"2.0","x":"\\"id\\":3","id":11,"method":"ping"}',
     11),
    ("id 0", b'{"jsonrpc":"2.0","id":0,"method":"ping"}', 0),
    ("id empty string", b'{"jsonrpc":"2.0","id":"","method":"ping"}', ""),
    ("id negative", b'{"jsonrpc":"2.0","id":-7,"method":"ping"}', -7),
    ("id over 64 bits", b'{"jsonrpc":"2.0","id":123456789012345678901234567890,"method":"ping"}',
     123456789012345678901234567890),
    ("id with a lone surrogate", b'{"jsonrpc":"2.0","id":"\\ud800","method":"ping"}', "\ud800"),
    ("depth of 60", b'{"jsonrpc":"2.0","id":12,"method":"ping","params":{"a":' + b"[" * 58
     + b"]" * 58 + b"}}", 12),
]


class Poster:
    """Posts on one connection, which may not be opened anew."""

    def __init__(self, daemon):
        self.client = daemon.client()
        self.conn = Conn(daemon.address)

    def post(self, body):
        headers = self.client.headers()
        return self.conn.request("POST", self.client.path, headers, body)


def refused(poster, body, status, code, id_value):
    got = poster.post(body)
    wanted = status if isinstance(status, tuple) else (status,)
    assert got.status in wanted, f"HTTP {got.status} instead of {status}: {got.body[:300]!r}"
    assert got.header("connection") != "close", "closes"
    if code is None:
        return
    message = json.loads(got.body)
    codes = code if isinstance(code, tuple) else (code,)
    assert message["error"]["code"] in codes, f"{message} instead of {code}"
    assert message["error"]["message"], message
    if id_value is NONE:
        assert "id" not in message, message
    elif id_value != "any":
        assert message["id"] == id_value and type(message["id"]) is type(id_value), message


def fine(poster, body, id_value):
    got = poster.post(body)
    assert got.status == 200, got
    message = json.loads(got.body)
    assert message["id"] == id_value and message["result"] == {}, message


def test_malformed_bodies():
    table = Table()
    with Neurond({"good": hostile()}) as daemon:
        poster = Poster(daemon)

        def row(name, check, *args):
            nonlocal poster
            before = table.failed
            table.row(name, lambda: check(poster, *args))
            if table.failed > before:
                poster = Poster(daemon)

        for name, body, status, code, id_value in ROWS:
            row(f"refused: {name}", refused, body, status, code, id_value)
        for name, body, id_value in FINE:
            row(f"fine: {name}", fine, body, id_value)
        assert daemon.client().call("good.echo", {"text": "still here"}).text == "still here"
        calls = [line for line in daemon.received("good") if b"tools/call" in line]
        assert len(calls) == 1, calls
    assert not table.failed


main(__name__)
