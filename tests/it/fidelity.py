"""What must pass byte for byte through a daemon whose downstream `good` has the tools verbatim,
fail, echo and bulk of fixtures/hostile.py."""
import hashlib
import json
import re

from harness import Table
from mcp import ModernClient

NASTY = (
    b'{"big":9007199254740993,"bigger":123456789012345678901234567890,"money":1.10,'
    b'"power":1E5,"minus":-0,"point":-0.0,"small":1e-400,"list":[ 1 ,2,  3],"z":1,"a":2,'
    b'"escapes":"\\u0041\\/\\\\\\"\\n\\t\\ud83d\\ude00\\u0000","lone":"\\ud800",'
    b'"utf8":"h\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80","pair":{"same":1,"same":2},"":null,'
    b'"_meta":{"x/y":1.0},"deep":[[[[{"id":1,"method":"x","name":"y"}]]]]}'
)
IDS = ("1", '"1"', "-7", "0", '""', str(2 ** 60), str(-2 ** 63), "123456789012345678901234567890",
       '"' + "k" * 1000 + '"', '"\\u0041\\/\\n"', '"h\u00e9\u20ac"', '"notifications/cancelled"')
SIZES = (3000, 4096, 65536, 1_000_000, 8_000_000)
HOP = re.compile(rb'"io\.modelcontextprotocol/protocolVersion":"2026-07-28",'
                 rb'"io\.modelcontextprotocol/clientCapabilities":\{\},'
                 rb'"io\.modelcontextprotocol/clientInfo":\{"name":"neurond",[^}]*\},?')


def sha(data):
    return hashlib.sha256(data).hexdigest()


def result_of(raw):
    """The bytes of the result in an answer that neurond wrote: it is the last member."""
    head, _, rest = raw.partition(b'"result":')
    assert head and rest.endswith(b"}"), raw[:200]
    return rest[:-1]


def last_line(daemon):
    """What the server got, less what belongs to the hop it came over."""
    line = HOP.sub(b"", daemon.received("good")[-1])
    return re.sub(rb'"_meta":\{\},?', b"", line, count=1)


def results_pass(client, body):
    got = client.call_raw("good.verbatim", b'{"result":' + body + b"}")
    if isinstance(client, ModernClient):
        more = b"," if json.loads(body) else b""
        body = b'{"resultType":"complete"' + more + body[1:]
    assert sha(result_of(got.raw)) == sha(body), result_of(got.raw)[:500]


def arguments_pass(daemon, client, arguments):
    client.call_raw("good.echo", arguments)
    assert arguments in last_line(daemon), last_line(daemon)[:500]


def params_pass(daemon, client, before, after):
    """Everything in params but the name arrives as it left."""
    name = b'"name":"good.echo"'
    client.request("tools/call", b"{" + before + name + after + b"}")
    line = last_line(daemon)
    assert b"{" + before + b'"name":"echo"' + after + b"}" in line, line[:500]


def errors_pass(client):
    error = (b'{"data":{"n":9007199254740993,"m":1.10},"message":"h\\u00e9 \\/","code":-32001,'
             b'"extra":[1E5]}')
    got = client.call_raw("good.fail", b'{"error":' + error + b"}")
    assert b'"error":' + error in got.raw, got.raw


def ids_come_back(client, id_raw):
    for method, params in (("tools/call", b'{"name":"good.echo","arguments":{"text":"x"}}'),
                           ("ping", None), ("no/such", None),
                           ("tools/call", b'{"name":"good.none"}')):
        got = client.request(method, params, id_raw=id_raw)
        want = b'"id":' + id_raw.encode()
        assert want + b"," in got.raw or want + b"}" in got.raw, (method, got.raw[:300])


def own_ids_downstream(daemon):
    """The child never sees a client's id: small integers, none twice."""
    seen = [json.loads(line)["id"] for line in daemon.received("good")
            if "id" in json.loads(line)]
    assert all(isinstance(i, int) and 0 <= i < 10_000 for i in seen), seen
    assert len(seen) == len(set(seen))


def huge_result(client, size):
    got = client.call("good.bulk", {"bytes": size})
    assert got.text == "x" * size


def huge_arguments(client, size):
    text = hashlib.sha256(b"x").hexdigest() * (size // 64)
    assert client.call("good.echo", {"text": text}).text == text


def bytes_pass(daemon, client, sizes=SIZES):
    """Every case. Of `daemon` only received() is asked."""
    table = Table()
    table.row("result of nasty values", lambda: results_pass(client, NASTY))
    table.row("empty result", lambda: results_pass(client, b"{}"))
    table.row("result with blanks", lambda: results_pass(client, b'{ "content" :\t[ ] }'))
    table.row("result with members named as the envelope's", lambda: results_pass(
        client, b'{"id":1,"jsonrpc":"1","error":{},"result":{"result":7}}'))
    table.row("nasty arguments", lambda: arguments_pass(daemon, client, NASTY))
    table.row("unknown members behind the name", lambda: params_pass(
        daemon, client, b"", b',"arguments":{},"x":1.10,"_meta":{"a/b":9007199254740993}'))
    table.row("unknown members before the name", lambda: params_pass(
        daemon, client, b'"zz":[1E5, -0],"_meta":{"k":1.0,"traceparent":"00-1"},', b""))
    table.row("blanks around members", lambda: params_pass(
        daemon, client, b' "a" : 1 , ', b' , "arguments" : { "text" : "x" } '))
    table.row("error objects", lambda: errors_pass(client))
    for id_raw in IDS:
        table.row(f"id {id_raw[:40]}", lambda: ids_come_back(client, id_raw))
    for size in sizes:
        table.row(f"result of {size} bytes", lambda: huge_result(client, size))
        table.row(f"arguments of {size} bytes", lambda: huge_arguments(client, size))
    table.row("ids downstream are ours", lambda: own_ids_downstream(daemon))
    assert not table.failed
