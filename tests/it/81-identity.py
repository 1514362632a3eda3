"""Who calls: certificates, tokens, users of the Unix socket; who is refused; what a bind
beyond loopback needs; that no proof goes on to a server."""
import fcntl
import hashlib
import json
import os
import pathlib
import re
import shutil
import socket
import struct
import subprocess
import sys
import tempfile

from fixtures.http_server import HttpServer
from harness import Neurond, Table, hostile, main
from mcp import McpClient
from rawhttp import Conn
from tls_files import DAY, Authority, secure

TOKEN, OTHER = "0123456789abcdef0123", "another-token-of-24-bytes"
JSON = [("Content-Type", "application/json"),
        ("Accept", "application/json, text/event-stream")]
PING = b'{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":' \
       b'"2025-06-18","capabilities":{},"clientInfo":{"name":"x","version":"1"}}}'


def bearer(token):
    return ("Authorization", f"Bearer {token}")


class Files:
    def __enter__(self):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="neurond-id-"))
        self.ca = Authority(self.dir / "ca")
        self.cert, self.key = self.ca.issue("server")
        self.token = self.dir / "token"
        self.token.touch(0o600)
        self.token.write_text(TOKEN + "\n")
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.dir, ignore_errors=True)

    def config(self, **tls):
        return {"tls": {"cert_path": self.cert, "key_path": self.key, **tls},
                "client ci": {"token_file": self.token},
                "client two": {"token_sha256": hashlib.sha256(OTHER.encode()).hexdigest()},
                "client alice": {"cert": "alice*", "uid": "4711"}}


def last_client(daemon):
    return json.loads(daemon.audit()[-1])["client"]


def auth_failures(daemon):
    """What /metrics counts, by reason."""
    with Conn(daemon.address) as conn:
        got = conn.request("GET", "/metrics").body.decode()
    return {reason: int(float(value)) for reason, value in re.findall(
        r'^neurond_auth_failures_total\{reason="(\w+)"\} (\S+)$', got, re.M)}


def called_as(daemon, address, headers=()):
    with McpClient(address, headers=headers) as client:
        assert client.call("a.echo", {"text": "x"}).text == "x"
    return last_client(daemon)


def own_address():
    """An address of this machine that is not on loopback, or None."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        try:
            sock.connect(("192.0.2.1", 9))
        except OSError:
            return None
        address = sock.getsockname()[0]
        return None if address.startswith("127.") or address == "0.0.0.0" else address


def test_names_of_callers():
    with Files() as files:
        alice = files.ca.issue("alice", san="DNS:a.example,URI:spiffe://x/alice")
        bob = files.ca.issue("bob", san="DNS:alice.example")
        eve = files.ca.issue("eve")
        fake = files.ca.issue("ci")  # a name that is a client's ID
        odd = files.ca.issue("odd", subject="/CN=two/CN=three", san=None)
        config = files.config(ca_path=files.ca.cert, client_auth="optional")
        with Neurond({"a": hostile()}, config) as daemon:
            rows = [(None, (), "anonymous"), (alice, (), "alice"), (bob, (), "alice"),
                    (eve, (), "cert:eve"), (fake, (), "cert:ci"), (odd, (), "cert:three"),
                    (None, [bearer(TOKEN)], "ci"), (None, [bearer(OTHER)], "two"),
                    (alice, [bearer(TOKEN)], "ci"),
                    (None, [("authorization", f"bEaReR   {TOKEN}")], "ci")]
            table = Table()

            def row(cert, headers, name):
                address = secure(daemon.address, files.ca.cert, *(cert or ()))
                got = called_as(daemon, address, headers)
                assert got == name, got

            for cert, headers, name in rows:
                table.row(f"{name} {cert and cert[0].name} {len(headers)}",
                          lambda: row(cert, headers, name))
            unix = str(daemon.dir / "run/neurond.sock")
            assert called_as(daemon, unix) == f"uid:{os.getuid()}"
            by_kernel = json.loads(daemon.audit()[-1])["peer"]
            assert by_kernel == f"unix uid {os.getuid()} pid {os.getpid()}", by_kernel
            assert called_as(daemon, unix, [bearer(TOKEN)]) == "ci"
            assert json.loads(daemon.audit()[-1])["peer"] == by_kernel  # whoever it is then
            assert not table.failed


def test_users_of_the_unix_socket():
    for keys in ({"uid": os.getuid()}, {"gid": [424242, os.getgid()]}):
        with Neurond({"a": hostile()}, {"client me": keys}) as daemon:
            assert called_as(daemon, str(daemon.dir / "run/neurond.sock")) == "me"


def test_wrong_tokens_get_401_everywhere():
    wrong = [("Authorization", "Bearer wrong"), bearer(TOKEN + "x"), bearer(TOKEN[:-1]),
             bearer(TOKEN.upper()), ("Authorization", f"Basic {TOKEN}"), ("Authorization", TOKEN),
             ("Authorization", "Bearer"), ("Authorization", "Bearer "), ("Authorization", ""),
             bearer(hashlib.sha256(TOKEN.encode()).hexdigest())]
    table = Table()
    with Files() as files:
        config = files.config()
        del config["tls"]
        with Neurond({"a": hostile()}, config) as daemon:
            def row(address, headers, path):
                with Conn(address) as conn:
                    got = conn.request("POST" if path.endswith("mcp") else "GET", path,
                                       JSON + headers, PING if path.endswith("mcp") else None)
                    assert got.status == 401, got
                    challenge = got.header("www-authenticate")
                    assert challenge == 'Bearer realm="neurond", error="invalid_token"', challenge

            for header in wrong:
                for path in ("/api/v1/mcp", "/health", "/metrics", "/nothing"):
                    table.row(f"{header[1]} {path}", lambda: row(daemon.address, [header], path))
            unix = str(daemon.dir / "run/neurond.sock")
            table.row("unix", lambda: row(unix, [wrong[0]], "/api/v1/mcp"))
            twice = [bearer(TOKEN), bearer(TOKEN)]
            table.row("twice", lambda: row(daemon.address, twice, "/api/v1/mcp"))
            assert not [line for line in daemon.audit() if "ci" in line]
            count = 4 * len(wrong) + 2
            assert auth_failures(daemon) == {"invalid": count, "missing": 0, "forbidden": 0}
            line = re.search(r"warn http: 127\.0\.0\.1:\d+: refused: its token .*", daemon.log)
            assert "(POST /api/v1/mcp) [req=" in line[0], line
            lines = daemon.log.count(": refused: its token or certificate counts for nothing")
            assert 1 <= lines <= count, lines
            assert "wrong" not in daemon.log and TOKEN.lower() not in daemon.log.lower()
    assert not table.failed


def test_a_session_belongs_to_its_caller():
    with Files() as files:
        config = files.config()
        del config["tls"]
        with Neurond({"a": hostile()}, config) as daemon:
            with McpClient(daemon.address, headers=[bearer(TOKEN)]) as mine, \
                    McpClient(daemon.address, headers=[bearer(OTHER)], start=False) as thief:
                thief.session = mine.session
                assert thief.request("tools/list").status == 404
                thief.extra = []
                assert thief.request("tools/list").status == 404
                assert mine.call("a.echo", {"text": "x"}).text == "x"


def test_from_elsewhere():
    address = own_address()
    if address is None:  # one of its own, in a network of its own
        again = subprocess.run(["unshare", "-rn", sys.executable, __file__, "in_own_network"],
                               check=False, timeout=60)
        assert again.returncode == 0
        return
    with Files() as files:
        bind = {"server": {"bind": "0.0.0.0"}}
        everybody = {"http": {"allowed_hosts": "*"}}
        cert, key = files.ca.issue("net", san=f"DNS:localhost,IP:{address}")
        config = {**files.config(cert_path=cert, key_path=key), **bind, **everybody}
        with Neurond({"a": hostile()}, config, wait=False) as daemon:
            port = int(daemon.wait_for_log(r"listening on 0\.0\.0\.0:(\d+)")[1])
            daemon.wait_for_log("daemon: ready")
            far = secure((address, port), files.ca.cert)

            def status(path, headers=(), body=None):
                with Conn(far) as conn:
                    return conn.request("POST" if body else "GET", path,
                                        JSON + list(headers), body)

            refused = status("/api/v1/mcp", body=PING)
            assert refused.status == 401, refused
            assert refused.header("www-authenticate") == 'Bearer realm="neurond"', refused
            assert status("/metrics").status == 401
            shown = status("/metrics", [bearer(TOKEN)]).body
            assert b'neurond_auth_failures_total{reason="missing"} 2' in shown, shown
            assert "it shows neither certificate nor token (GET /metrics)" in daemon.log
            assert status("/metrics", [bearer(TOKEN)]).status == 200
            plain, known = status("/health"), status("/health", [bearer(TOKEN)])
            assert b'"list"' not in plain.body and b'"list"' in known.body
            assert called_as(daemon, far, [bearer(TOKEN)]) == "ci"
            near = secure(("127.0.0.1", port), files.ca.cert)
            assert called_as(daemon, near) == "anonymous"
        with Neurond({"a": hostile()}, {"server": {"bind": "0.0.0.0", "allow_insecure": "yes"}},
                     wait=False) as daemon:
            port = int(daemon.wait_for_log(r"listening on 0\.0\.0\.0:(\d+)")[1])
            daemon.wait_for_log("daemon: ready")
            assert "without proving who they are" in daemon.log
            assert called_as(daemon, (address, port)) == "unauthenticated"
            with Conn((address, port)) as conn:
                assert conn.request("GET", "/metrics").status == 401


def in_own_network():
    """lo is up and also has 192.0.2.1 (RFC 5737)."""
    def of(name, rest):
        return name.ljust(16, b"\0") + rest.ljust(24, b"\0")
    up, set_address, set_flags = 1, 0x8916, 0x8914
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        fcntl.ioctl(sock, set_flags, of(b"lo", struct.pack("H", up)))
        for name, address in ((b"lo", "127.0.0.1"), (b"lo:1", "192.0.2.1")):
            fcntl.ioctl(sock, set_address, of(name, struct.pack(
                "HH4s", socket.AF_INET, 0, socket.inet_aton(address))))
    assert own_address() == "192.0.2.1"
    test_from_elsewhere()


def test_what_a_bind_beyond_loopback_needs():
    table = Table()
    with Files() as files, Neurond() as daemon:
        config = files.config()
        tls, clients = {"tls": config["tls"]}, {k: v for k, v in config.items() if k != "tls"}
        with_ca = {"tls": {**config["tls"], "ca_path": files.ca.cert}}
        no_auth = {"tls": {**with_ca["tls"], "client_auth": "none"}}
        insecure = {"server": {"allow_insecure": "yes"}}
        rows = [("nothing", {}, False), ("TLS alone", tls, False), ("tokens alone", clients, False),
                ("TLS and tokens", {**tls, **clients}, True), ("client certificates", with_ca, True),
                ("a CA nobody is asked for", no_auth, False), ("insecure", insecure, True),
                ("TLS and a user", {**tls, "client x": {"uid": 1}}, False)]

        def row(keys, fine):
            keys = {**keys, "server": {"bind": "0.0.0.0", **keys.get("server", {})}}
            daemon.conf.write_text(daemon.sections({}, keys, True))
            got = daemon.run("-t")
            assert got.returncode == (0 if fine else 78), got.stderr
            if not fine:
                assert "server.bind: 0.0.0.0 can be reached from other hosts" in got.stderr
                assert "expected a loopback address" in got.stderr, got.stderr

        for name, keys, fine in rows:
            table.row(name, lambda: row(keys, fine))
    assert not table.failed


def test_origins_are_checked():
    table = Table()
    with Files() as files, Neurond() as daemon:
        open_to_all = {"server": {"bind": "0.0.0.0", "allow_insecure": "yes"}}
        proved = {**files.config(ca_path=files.ca.cert), "server": {"bind": "0.0.0.0"}}
        rows = [
            ("https://app.example:8443", {}, 0, ""), ("moz-extension://0a1b", {}, 0, ""),
            ("null", {}, 0, ""), ("*", {}, 0, "allowed_origins: *: no web page is kept out"),
            ("*", proved, 0, "no web page is kept out"),
            ("*", open_to_all, 78, "allowed_origins: * lets every web page call"),
            ("app.example", {}, 78, "is no origin, expected one such as"),
            ("https://app.example/", {}, 78, "is no origin"), ("https://", {}, 78, "is no origin"),
        ]

        def row(origin, keys, code, says):
            keys = {**keys, "http": {"allowed_origins": origin}}
            daemon.conf.write_text(daemon.sections({}, keys, True))
            got = daemon.run("-t")
            assert got.returncode == code and says in got.stderr, got.stderr

        for origin, keys, code, says in rows:
            table.row(f"{origin} {code}", lambda: row(origin, keys, code, says))
    assert not table.failed


def test_clients_are_checked():
    table = Table()
    with Files() as files, Neurond() as daemon:
        public, short, two = files.dir / "public", files.dir / "short", files.dir / "two"
        for path, text in ((public, TOKEN), (short, "short"), (two, f"{TOKEN}\n{OTHER}\n")):
            path.touch(0o600)
            path.write_text(text)
        public.chmod(0o644)
        digest = hashlib.sha256(TOKEN.encode()).hexdigest()
        rows = [
            ({"client x": {}}, "nobody can be this client"),
            ({"client anonymous": {"uid": 1}}, "expected another ID"),
            ({"client a:b": {"uid": 1}}, "is no client ID"),
            ({"client x": {"token_file": public}}, "can be read by everybody"),
            ({"client x": {"token_file": short}}, "expected one token of at least 16"),
            ({"client x": {"token_file": two}}, "expected one token of at least 16"),
            ({"client x": {"token_file": files.dir / "no"}}, "No such file or directory"),
            ({"client x": {"token_file": "token"}}, "is not an absolute path"),
            ({"client x": {"token_sha256": "abc"}}, "is no SHA-256"),
            ({"client x": {"cert": "[a"}}, "is not a valid pattern"),
            ({"client x": {"uid": "root"}}, "is not a number of the kernel's"),
            ({"client x": {"token_file": files.token}, "client y": {"token_sha256": digest}},
             "the same token as that of [client x]"),
        ]

        def row(keys, says):
            daemon.conf.write_text(daemon.sections({}, keys, True))
            got = daemon.run("-t")
            assert got.returncode == 78 and says in got.stderr, got.stderr

        for keys, says in rows:
            table.row(says, lambda: row(keys, says))
    assert not table.failed


def test_no_proof_goes_on_to_a_server():
    with Files() as files, HttpServer() as server:
        config = files.config(ca_path=files.ca.cert, client_auth="optional")
        alice = files.ca.issue("alice")
        with Neurond({"a": {"url": server.url}, "b": hostile()}, config) as daemon:
            address = secure(daemon.address, files.ca.cert, *alice)
            with McpClient(address, headers=[bearer(TOKEN)]) as client:
                client.call("a.echo", {"text": "x"})
                client.call("b.echo", {"text": "x"})
            for request in server.requests:
                assert "authorization" not in request.fields, request.fields
                assert TOKEN not in json.dumps(request.fields) + request.body.decode()
            assert not [line for line in daemon.received("b") if TOKEN.encode() in line]
            assert TOKEN not in daemon.log and TOKEN not in "".join(daemon.audit())


main(__name__)
