"""[listener NAME]: several ways in, each with its own address, pages, names and TLS; what a
crash leaves of them; who may use the admin API over them; every mistake that -t finds."""
import hashlib
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile

from harness import Neurond, Table, hostile, main
from lines import SocketLines
from mcp import McpClient
from rawhttp import Conn, wait_for
from tls_files import Authority, secure

ADMIN, PLAIN = "token-of-an-operator-01", "token-of-somebody-else-01"
NOBODY = 65534


def digest(token):
    return hashlib.sha256(token.encode()).hexdigest()


CLIENTS = {"client boss": {"token_sha256": digest(ADMIN), "cert": "boss", "admin": "yes"},
           "client staff": {"token_sha256": digest(PLAIN), "cert": "staff"}}


def bearer(token):
    return [("Authorization", f"Bearer {token}")] if token else []


def address_of(daemon, name, since=0):
    """Where the listener NAME listens: (host, port), or a path."""
    text = daemon.wait_for_log(rf"listening on (\S+) \(listener {name}\)", since=since)[1]
    if text.startswith("unix:"):
        return text[5:]
    host, _, port = text.rpartition(":")
    return host, int(port)


def get(address, path, token=None, method="GET"):
    with Conn(address) as conn:
        return conn.request(method, path, bearer(token), b"" if method == "POST" else None)


class Place:
    """A directory with a CA and a server's certificate."""

    def __enter__(self):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="neurond-li-"))
        self.ca = Authority(self.dir / "ca")
        self.cert, self.key = self.ca.issue("server")
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.dir, ignore_errors=True)

    def tls(self, **keys):
        return {"cert_path": self.cert, "key_path": self.key, **keys}


def test_each_serves_its_own():
    table = Table()
    with Place() as place:
        sock = place.dir / "more.sock"
        config = {
            "server": {"serve": "mcp"},
            "listener probes": {"address": "127.0.0.1:0", "serve": ["health", "metrics"]},
            "listener models": {"address": "127.0.0.1:0", "serve": "mcp", "names": "strict"},
            "listener more": {"address": f"unix:{sock}", "serve": ["mcp", "health"]},
            "listener safe": {"address": "127.0.0.1:0",
                              **place.tls(ca_path=place.ca.cert, client_auth="optional")},
            "listener dumb": {"address": f"unix:{place.dir}/dumb.sock", "serve": "health"},
            **CLIENTS}
        with Neurond({"a": hostile()}, config) as daemon:
            safe = address_of(daemon, "safe")
            where = {
                "server": (daemon.address, "mcp"),
                "probes": (address_of(daemon, "probes"), "health metrics"),
                "models": (address_of(daemon, "models"), "mcp"),
                "more": (address_of(daemon, "more"), "mcp health"),
                "safe": (secure(safe, place.ca.cert), "mcp health metrics"),
                "dumb": (address_of(daemon, "dumb"), "health"),
            }
            pages = {"mcp": ("/api/v1/mcp", 405), "health": ("/health/live", 200),
                     "metrics": ("/metrics", 200), "admin": ("/api/v1/admin/status", 200)}

            def row(name, what):
                path, fine = pages[what]
                address, serves = where[name]
                method = "PUT" if what == "mcp" else "GET"
                got = get(address, path, method=method).status
                assert got == (fine if what in serves.split() else 404), got

            for name in where:
                for what in pages:
                    table.row(f"{name} {what}", lambda: row(name, what))
            for name, seen in (("server", "a.echo"), ("models", "a_echo"), ("more", "a.echo"),
                               ("safe", "a.echo")):
                with McpClient(where[name][0]) as client:
                    assert seen in client.tools(), name
                    assert client.call(seen, {"text": "x"}).text == "x"
            with SocketLines(str(sock)) as lines:
                lines.initialize()
                assert lines.request("tools/list", {})["result"]["tools"]
            with SocketLines(str(place.dir / "dumb.sock")) as lines:  # it speaks HTTP alone
                lines.put(b'{"jsonrpc":"2.0","id":1,"method":"ping"}\n\n')
                assert lines.read_line().startswith(b"HTTP/1.1 400"), "lines were taken"
            staff = secure(safe, place.ca.cert, *place.ca.issue("staff"))
            with McpClient(staff) as client:
                client.call("a.echo", {"text": "x"})
            assert '"client":"staff"' in daemon.audit()[-1]
            status = json.loads(daemon.run("status", "--json").stdout)
            assert len(status["listeners"]) == 3 + 5, status["listeners"]
            daemon.stop()
            assert not sock.exists(), "the daemon left its socket behind"
    assert not table.failed


def test_they_outlive_a_reactor():
    with Place() as place:
        config = {"listener b": {"address": "127.0.0.1:0", "serve": "mcp"},
                  "listener c": {"address": f"unix:{place.dir}/c.sock"}}
        with Neurond({"a": hostile()}, config) as daemon:
            one, two = address_of(daemon, "b"), address_of(daemon, "c")
            with socket.create_connection(one):  # not lost: it waits in the kernel's queue
                seen, old = len(daemon.lines), daemon.reactor
                os.kill(old, signal.SIGKILL)
                daemon.wait_for_log("daemon: ready", since=seen)
                assert address_of(daemon, "b", since=seen) == one
            for address in (daemon.address, one, two):
                with McpClient(address) as client:
                    assert client.call("a.echo", {"text": "again"}).text == "again"


def test_ipv6():
    if not socket.has_ipv6:
        return
    try:
        with socket.create_server(("::1", 0), family=socket.AF_INET6):
            pass
    except OSError:
        print("no IPv6 here")
        return
    with Neurond({}, {"listener six": {"address": "[::1]:0"}}) as daemon:
        host, port = address_of(daemon, "six")
        assert host == "[::1]", host
        with socket.create_connection(("::1", port)) as sock:
            sock.sendall(b"GET /health/live HTTP/1.1\r\nHost: [::1]\r\n\r\n")
            assert sock.recv(4096).startswith(b"HTTP/1.1 200")


def test_admin_over_listeners():
    table = Table()
    status, stop = "/api/v1/admin/status", "/api/v1/admin/stop"
    with Place() as place:
        boss, staff, eve = (place.ca.issue(name) for name in ("boss", "staff", "eve"))
        config = {"listener ops": {"address": "127.0.0.1:0", "serve": ["admin", "health"]},
                  "listener secure": {"address": "127.0.0.1:0", "serve": "admin",
                                      **place.tls(ca_path=place.ca.cert, client_auth="optional")},
                  "listener local": {"address": f"unix:{place.dir}/l.sock", "serve": "admin"},
                  **CLIENTS}
        with Neurond({"a": hostile()}, config) as daemon:
            ops, tls = address_of(daemon, "ops"), address_of(daemon, "secure")
            local = address_of(daemon, "local")
            certs = {name: secure(tls, place.ca.cert, *(cert or ())) for name, cert in (
                ("boss", boss), ("staff", staff), ("eve", eve), ("nobody", None))}
            rows = [
                (ops, None, 401), (ops, "wrong-token-of-nobody-1", 401), (ops, PLAIN, 403),
                (ops, ADMIN, 200), (certs["boss"], None, 200), (certs["staff"], None, 403),
                (certs["eve"], None, 403), (certs["nobody"], None, 401),
                (certs["nobody"], ADMIN, 200), (certs["boss"], PLAIN, 403),  # the token counts
                (certs["staff"], ADMIN, 200), (local, None, 403), (local, ADMIN, 200),
                (daemon.address, ADMIN, 404), (str(daemon.dir / "run/neurond.sock"), ADMIN, 404),
                (str(daemon.dir / "run/control.sock"), None, 200),
                (str(daemon.dir / "run/control.sock"), PLAIN, 403),
                (str(daemon.dir / "run/control.sock"), ADMIN, 200),
            ]

            def row(address, token, wanted):
                for path in (status, "/api/v1/admin/servers", "/api/v1/admin/servers/a/logs"):
                    got = get(address, path, token)
                    assert got.status == wanted, (path, got)
                    challenge = got.header("www-authenticate")
                    assert bool(challenge) == (wanted == 401), challenge
                if wanted in (401, 403):
                    for path in (stop, "/api/v1/admin/servers/a/restart"):
                        assert get(address, path, token, "POST").status == wanted, path

            for number, (address, token, wanted) in enumerate(rows):
                table.row(f"{number} {wanted} {token}", lambda: row(address, token, wanted))
            counts = get(daemon.address, "/metrics").body.decode()
            for reason, refused in (("invalid", 1), ("missing", 2), ("forbidden", 6)):
                count = f'neurond_auth_failures_total{{reason="{reason}"}} {refused * 5}\n'
                assert count in counts, counts
            foreign = [("Origin", "https://evil.example"), *bearer(ADMIN)]
            with Conn(ops) as conn:
                assert conn.request("POST", stop, foreign, b"").status == 403
            assert get(ops, "/api/v1/admin/servers/a/restart", ADMIN, "POST").status == 202
            assert get(ops, stop, ADMIN, "POST").status == 202
            assert daemon.wait_exit() == 0
    assert not table.failed


def test_the_control_socket_is_for_root_and_the_daemons_user():
    if os.geteuid() != 0:
        print("needs root to be somebody else")
        return
    script = ("import socket,sys; s=socket.socket(socket.AF_UNIX); s.connect(sys.argv[1]); "
              "s.sendall(b'POST /api/v1/admin/stop HTTP/1.1\\r\\nHost: x\\r\\n"
              "Content-Length: 0\\r\\n\\r\\n'); print(s.recv(99).split()[1].decode())")
    for clients, said in (({}, "403"), ({"client n": {"uid": NOBODY, "admin": "yes"}}, "202")):
        with Neurond({}, {"server": {"control_mode": "0666"}, **clients}) as daemon:
            daemon.dir.chmod(0o755)
            (daemon.dir / "run").chmod(0o755)
            done = subprocess.run(
                ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups",
                 "/usr/bin/env", "python3", "-c", script, str(daemon.dir / "run/control.sock")],
                capture_output=True, text=True, timeout=20, check=False)
            assert done.stdout.strip() == said, done
            if said == "202":
                assert daemon.wait_exit() == 0


def test_mistakes():
    table = Table()
    with Place() as place, Neurond() as daemon:
        good = {"address": "127.0.0.1:9000"}
        near, far = f"{place.dir}/x.sock", {"address": "0.0.0.0:9000"}
        token = {"client ci": {"token_sha256": digest(PLAIN)}}
        rows = [
            ({"listener a": good}, None),
            ({"listener a": {"address": "[::1]:9000"}}, None),
            ({"listener a": {"address": f"unix:{near}"}}, None),
            ({"listener a": {}}, "listener.a.address: missing"),
            ({"listener a": {"address": "localhost:9000"}}, "is no address to listen on"),
            ({"listener a": {"address": "127.0.0.1"}}, "is no address to listen on"),
            ({"listener a": {"address": "127.0.0.1:65536"}}, "is no address to listen on"),
            ({"listener a": {"address": "::1:9000"}}, "is no address to listen on"),
            ({"listener a": {"address": "[127.0.0.1]:9000"}}, "is no address to listen on"),
            ({"listener a": {"address": "unix:x.sock"}}, "is no path of a socket"),
            ({"listener a": {"address": "unix:/" + "x" * 108}}, "is no path of a socket"),
            ({"listener a": {"address": f"unix:{near}", **place.tls()}},
             "listener.a.cert_path: TLS on a Unix socket is not supported"),
            ({"listener a": {**good, "serve": ["mcp", "helth"]}},
             '"helth" is not known here, expected mcp, health, metrics or admin'),
            ({"listener a": {**good, "serve": "rest"}}, '"rest" is not known here'),
            ({"listener a": {**good, "serve": []}}, "names nothing"),
            ({"listener a": {**good, "names": "loose"}}, "expected auto, plain or strict"),
            ({"listener a": {**good, "port": 1}}, "listener.a.port: unknown key"),
            ({"listener": good}, "[listener]"),
            ({"listener a.b": good}, "is no name of a listener"),
            ({"listener a": good, "listener b": good},
             "listener.b.address: 127.0.0.1:9000 is the address of [listener a] already"),
            ({"server": {"port": 9000}, "listener b": good}, "is the address of [server] already"),
            ({"listener b": {"address": "unix:/x.s"}, "server": {"socket": "/x.s"}},
             "is the address of [server] socket already"),
            ({"listener a": {**good, "serve": "admin"}}, "listener.a.serve: admin is for nobody"),
            ({"server": {"serve": ["mcp", "admin"]}}, "server.serve: admin is for nobody"),
            ({"listener a": {**good, "serve": "admin"}, **CLIENTS}, None),
            ({"listener a": far}, "listener.a.address: 0.0.0.0 can be reached from other hosts"),
            ({"listener a": {"address": "[::]:9000"}}, "listener.a.address: :: can be reached"),
            ({"listener a": far, **token}, "can be reached from other hosts"),
            ({"listener a": {**far, **place.tls()}}, "can be reached from other hosts"),
            ({"listener a": {**far, **place.tls()}, **token}, None),
            ({"listener a": {**far, **place.tls(ca_path=place.ca.cert)}}, None),
            ({"listener a": far, "tls": place.tls(ca_path=place.ca.cert)},
             "can be reached from other hosts"),  # [tls] is of [server]
            ({"listener a": {**good, "cert_path": place.cert}}, "cert_path: stands without key_path"),
            ({"listener a": {**good, **place.tls(key_path=place.ca.dir / "ca.key")}},
             "key values mismatch"),
            ({"listener a": {**good, **place.tls(cert_path="x.pem")}}, "is not an absolute path"),
            ({f"listener l{n}": {"address": f"127.0.0.1:{9000 + n}"} for n in range(65)},
             "one too many, expected at most 64 listeners"),
        ]

        def row(keys, says):
            daemon.conf.write_text(daemon.sections({}, keys, True))
            got = daemon.run("-t")
            assert got.returncode == (78 if says else 0), got.stderr
            assert (says in got.stderr) if says else not got.stderr, got.stderr

        for keys, says in rows:
            table.row(f"{says or keys}", lambda: row(keys, says))
    assert not table.failed


def test_addresses_that_are_taken():
    with Place() as place, socket.create_server(("127.0.0.1", 0)) as holder:
        port = holder.getsockname()[1]
        taken = {"listener a": {"address": f"unix:{place.dir}/a.sock"},
                 "listener b": {"address": f"127.0.0.1:{port}"}}
        with Neurond({}, taken, wait=False) as daemon:
            assert daemon.wait_exit() == 1
            assert f"bind 127.0.0.1:{port}: Address already in use" in daemon.log, daemon.log
        assert not (place.dir / "a.sock").exists(), "what was open already was not put away"
        path = place.dir / "b.sock"
        with socket.socket(socket.AF_UNIX) as live:
            live.bind(str(path))
            live.listen()
            with Neurond({}, {"listener a": {"address": f"unix:{path}"}}, wait=False) as daemon:
                assert daemon.wait_exit() == 1 and "in use by another process" in daemon.log
        with Neurond({}, {"listener a": {"address": f"unix:{path}"}}) as daemon:  # a stale one
            assert get(address_of(daemon, "a"), "/health/live").status == 200


def test_as_many_as_there_may_be():
    config = {f"listener l{n}": {"address": "127.0.0.1:0"} for n in range(64)}
    with Neurond({}, config) as daemon:
        for name in ("l0", "l63"):
            wait_for(name, lambda: get(address_of(daemon, name), "/health/live").status == 200)


main(__name__)
