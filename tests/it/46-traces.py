"""The context of a trace goes with a call to servers of both eras, as header fields and in
`_meta`, and neurond's own log names the trace. So does the id of the request."""
import json

from fixtures.http_server import HttpServer

from harness import Neurond, main
from lines import SocketLines
from mcp import McpClient, ModernClient

TRACE, OTHER = "4bf92f3577b34da6a3ce929d0e0e4736", "0af7651916cd43dd8448eb211c80319c"
FIELDS = {"TraceParent": f"00-{TRACE}-00f067aa0ba902b7-01", "tracestate": "a=1,b=2",
          "baggage": "user=42"}
META = {"traceparent": f"00-{OTHER}-00f067aa0ba902b7-00", "baggage": "user=43"}
PARAMS = {"name": "a.forwarded", "arguments": {}, "_meta": META}


def received(server):
    """The header fields and the `_meta` of the last call."""
    call = [r for r in server.requests if r.params.get("name") == "forwarded"][-1]
    return ({name: call.fields.get(name.lower()) for name in FIELDS},
            {name: call.params.get("_meta", {}).get(name) for name in META})


def test_the_context_of_a_trace_passes():
    for era in ("legacy", "modern"):
        with HttpServer(era, sessions=era == "legacy") as server, Neurond(
                {"a": {"url": server.url}}, {"log": {"level": "debug"}}) as daemon:
            for make in (McpClient, ModernClient):
                with make(daemon.address, headers=list(FIELDS.items())) as client:
                    since = len(daemon.lines)
                    client.request("tools/call", PARAMS)
                    assert received(server) == (FIELDS, META), received(server)
                    found = daemon.wait_for_log(r"request: .*\[req=(\S+) trace=(\w+)\]",
                                                since=since)
                    assert found[2] == TRACE, found


def test_a_client_without_headers_has_it_in_meta():
    with HttpServer() as server, Neurond(
            {"a": {"url": server.url}}, {"log": {"level": "debug"}}) as daemon:
        with SocketLines(daemon.dir / "run/neurond.sock") as client:
            client.initialize()
            client.request("tools/call", PARAMS)
        assert received(server) == (dict.fromkeys(FIELDS), META), received(server)
        daemon.wait_for_log(rf"request: tools/call a.forwarded .*result=success.* "
                            rf"\[req=\S+ trace={OTHER}\]")


def test_the_id_of_a_request_passes():
    for era in ("legacy", "modern"):
        with HttpServer(era, sessions=era == "legacy") as server, Neurond(
                {"a": {"url": server.url, "forward_headers": "X-Request-Id"}}) as daemon:
            def seen():
                call = [r for r in server.requests if r.params.get("name") == "forwarded"][-1]
                return call.fields.get("x-request-id")
            for given in ("r-7", "r 8", None):  # the second cannot be repeated
                headers = [("x-request-id", given)] if given else []
                with McpClient(daemon.address, headers=headers) as client:
                    client.request("tools/call", {**PARAMS, "_meta": {}})
                audited = json.loads(daemon.audit()[-1])["request_id"]
                assert seen() == audited != "r 8", (seen(), audited)
                assert (audited == given) == (given == "r-7"), audited


def test_what_is_no_trace_is_not_logged_as_one():
    with HttpServer() as server, Neurond(
            {"a": {"url": server.url}}, {"log": {"level": "debug"}}) as daemon:
        with McpClient(daemon.address, headers=[("traceparent", "00-x-y-01")]) as client:
            client.request("tools/call", {**PARAMS, "_meta": {}})
        daemon.wait_for_log(r"request: tools/call a.forwarded .*result=success.* \[req=\S+\]$")
        assert received(server)[0]["TraceParent"] == "00-x-y-01"  # theirs to judge


main(__name__)
