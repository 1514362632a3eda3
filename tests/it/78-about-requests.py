"""Every warning and every error that is about a request says which: its id, the operation,
the server where there is one, and why. As JSON these are members."""
import json
import re
import socket

from harness import Neurond, hostile, main
from rawhttp import render, wait_for

JSON_LOG = {"log": {"format": "json"}}


class Logged(Neurond):
    """A daemon with a log in JSON."""

    def __init__(self, config, **keys):
        super().__init__({"a": hostile()}, {**JSON_LOG, **config}, wait=False, **keys)
        port = self.wait_for_log(r"listening on 127\.0\.0\.1:(\d+)")[1]
        self.address = ("127.0.0.1", int(port))
        self.wait_for_log(r'"module":"daemon","message":"ready')

    def complaint(self, pattern):
        """The warning or error with this message, parsed."""
        def find():
            for line in list(self.lines):
                record = json.loads(line)
                if record["level"] in ("warn", "error") and re.search(pattern, record["message"]):
                    return record
            return None
        return wait_for(f"a complaint like {pattern}", find)


def test_a_caller_who_is_refused():
    with Logged({}) as daemon:
        with daemon.connect() as conn:
            got = conn.request("GET", "/health", [("Authorization", "Bearer wrong"),
                                                  ("X-Request-Id", "r-refused")])
            assert got.status == 401, got
        line = daemon.complaint("refused: its token")
        assert line["request_id"] == "r-refused" and line["operation"] == "GET /health", line
        assert line["reason"].startswith("its token or certificate"), line


def test_a_server_that_answers_with_nonsense():
    with Logged({"limits": {"message_max": "1m"}}) as daemon:
        with daemon.client(headers=[("X-Request-Id", "r-huge")]) as client:
            assert client.call("a.bulk", {"bytes": 2 << 20}).error
        line = daemon.complaint("over limits.message_max")
        assert line["request_id"] == "r-huge" and line["server"] == "a", line
        assert line["operation"] == "tools/call a.bulk" or \
            line["operation"] == "tools/call bulk", line
        assert line["reason"].startswith("it sent a message over"), line


def test_a_client_that_does_not_read():
    with Logged({"limits": {"body_timeout": "500ms"}}) as daemon, daemon.client() as client:
        sock = socket.socket()
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        sock.connect(daemon.address)
        body = b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"a.bulk",' \
               b'"arguments":{"bytes":9000000}}}'
        sock.sendall(render("POST", "/api/v1/mcp", [
            *client.headers(), ("X-Request-Id", "r-deaf")], body))
        line = daemon.complaint("dropped: the client does not read")
        assert line["request_id"] == "r-deaf", line
        assert line["operation"] == "POST /api/v1/mcp" and "bytes wait" in line["reason"], line
        sock.close()


def test_a_client_that_does_not_read_and_asks_badly():
    """How much the kernel takes is not known, so several leave a little less than too much."""
    request, bad = render("GET", "/metrics", []), b"GET /secret HTTP/1.1\r\nBad Field: x\r\n\r\n"
    with Logged({"limits": {"body_timeout": "500ms", "connections": 200}}) as daemon:
        socks = []
        for count in range(20, 620, 20):
            sock = socket.socket()
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            sock.connect(daemon.address)
            sock.sendall(request * count + bad)
            socks.append(sock)

        def dropped():
            return [json.loads(line) for line in list(daemon.lines) if "does not read" in line]
        wait_for("some are dropped", lambda: len(dropped()) >= 5)
        for line in dropped():
            assert line.get("operation", "") in ("", "GET /metrics"), line
        for sock in socks:
            sock.close()


def test_as_text_the_id_stands_at_the_end():
    with Neurond({"a": hostile()}) as daemon:
        with daemon.connect() as conn:
            conn.request("GET", "/health", [("Authorization", "Bearer wrong"),
                                            ("X-Request-Id", "r-text")])
        daemon.wait_for_log(r"warn http: 127\.0\.0\.1:\d+: refused: its token or certificate "
                            r"counts for nothing \(GET /health\) \[req=r-text\]$")


main(__name__)
