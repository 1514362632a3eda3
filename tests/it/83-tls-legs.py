"""Servers behind https: whose certificate is believed, what neurond shows them, sessions,
and what a connection that breaks costs."""
import pathlib
import shutil
import socket
import ssl
import tempfile
import threading

from fixtures.http_server import HttpServer
from harness import Neurond, Table, main, scaled
from rawhttp import wait_for
from tls_files import DAY, Authority, openssl


class Files:
    def __enter__(self):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="neurond-leg-"))
        self.ca, self.other = Authority(self.dir / "ca"), Authority(self.dir / "other", "other CA")
        self.cert = self.ca.issue("server")
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.dir, ignore_errors=True)

    def context(self, cert=None, asks=False):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*map(str, cert or self.cert))
        context.set_alpn_protocols(["h2", "http/1.1"])
        if asks:
            context.verify_mode = ssl.CERT_REQUIRED
            context.load_verify_locations(str(self.ca.cert))
        return context


class TlsServer(HttpServer):
    """The fixture behind TLS; keeps what each handshake was like."""

    def __init__(self, context, **keys):
        self.context, self.shown, self.names = context, [], []
        context.sni_callback = lambda sock, name, ctx: self.names.append(name)
        super().__init__(**keys)

    @property
    def url(self):
        return super().url.replace("http:", "https:")

    def serve(self, conn):
        try:
            secure = self.context.wrap_socket(conn, server_side=True)
        except (OSError, ssl.SSLError):
            conn.close()
            return
        with self.lock:
            self.conns.discard(conn)
            self.conns.add(secure)
            self.shown.append((secure.getpeercert(), secure.session_reused,
                               secure.selected_alpn_protocol(), secure.version()))
        super().serve(secure)


def leg(server, **keys):
    return {"url": server.url, "backoff": "200ms", "backoff_max": "400ms", **keys}


def test_calls_through_tls():
    with Files() as files, TlsServer(files.context()) as server:
        with Neurond({"a": leg(server, tls_ca=files.ca.cert)}) as daemon, daemon.client() as client:
            assert client.call("a.echo", {"text": "x"}).result
            large = "y" * 9_800_000
            assert large in client.call("a.echo", {"text": large}).raw.decode()
            assert {shown[2] for shown in server.shown} == {"http/1.1"}
            assert set(server.names) == {None}  # an address has no SNI
            server.close_all()  # the kept connections die: the next call makes its own
            wait_for("a call", lambda: "result" in client.call("a.echo", {"text": "z"}).message)
        assert not server.complaints, server.complaints


def test_sessions_are_resumed():
    with Files() as files:
        context = files.context()
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        with TlsServer(context) as server, \
                Neurond({"a": leg(server, tls_ca=files.ca.cert, idle_connections=0)}) as daemon, \
                daemon.client() as client:
            for _ in range(3):
                assert client.call("a.echo", {"text": "x"}).result
            assert any(shown[1] for shown in server.shown), server.shown


def test_servers_that_are_not_believed():
    table = Table()
    with Files() as files:
        rows = [
            ("expired", files.ca.issue("old", begin=-9 * DAY, end=-DAY), "certificate has expired"),
            ("not valid yet", files.ca.issue("young", begin=DAY), "certificate is not yet valid"),
            ("wrong host", files.ca.issue("else", san="DNS:else.example,IP:127.0.0.9"),
             "IP address mismatch"),
            ("common name only", files.ca.issue("cn", san=None, subject="/CN=127.0.0.1"), None),
            ("another CA", files.other.issue("server"), "unable to get local issuer certificate"),
        ]

        def row(cert, why):
            with TlsServer(files.context(cert)) as server, \
                    Neurond({"a": leg(server, tls_ca=files.ca.cert)}) as daemon:
                with daemon.client() as client:
                    if why:
                        daemon.wait_for_log("TLS: .*" + why)
                        assert client.call("a.echo", {"text": "x"}).error
                        assert not server.requests, server.requests
                    else:
                        client.request("tools/list")

        for name, cert, why in rows:
            table.row(name, lambda: row(cert, why))
        table.row("self-made, without tls_ca", lambda: no_ca(files))
    assert not table.failed


def no_ca(files):
    with TlsServer(files.context()) as server, Neurond({"a": leg(server)}) as daemon:
        daemon.wait_for_log("TLS: (unable to get local issuer|self.signed) certificate")
        assert not server.requests


def test_names_are_checked_and_told():
    with Files() as files, TlsServer(files.context()) as server:
        url = server.url.replace("127.0.0.1", "localhost")
        with Neurond({"a": leg(server, url=url, tls_ca=files.ca.cert)}) as daemon:
            with daemon.client() as client:
                assert client.call("a.echo", {"text": "x"}).result
        assert set(server.names) == {"localhost"}, server.names
        assert all("Host: localhost" in said for said in server.complaints), server.complaints
    with Files() as files, TlsServer(files.context(files.ca.issue("x", san="DNS:else.example"))) \
            as server:
        url = server.url.replace("127.0.0.1", "localhost")
        with Neurond({"a": leg(server, url=url, tls_ca=files.ca.cert)}) as daemon:
            daemon.wait_for_log("TLS: hostname mismatch")
            assert not server.requests


def test_what_is_shown_to_a_server():
    with Files() as files:
        cert, key = files.ca.issue("neurond")
        with TlsServer(files.context(asks=True)) as server:
            keys = {"tls_ca": files.ca.cert, "tls_cert": cert, "tls_key": key}
            with Neurond({"a": leg(server, **keys)}) as daemon, daemon.client() as client:
                assert client.call("a.echo", {"text": "x"}).result
            assert (("commonName", "neurond"),) in server.shown[0][0]["subject"]
        with TlsServer(files.context(asks=True)) as server:
            with Neurond({"a": leg(server, tls_ca=files.ca.cert)}) as daemon:
                with daemon.client() as client:
                    assert client.call("a.echo", {"text": "x"}).error
            assert not server.requests


def reload(daemon):
    got = daemon.run("reload")
    assert got.returncode == 0, got.stderr


def test_renewal_of_what_is_shown():
    """Under load: no call fails, and calls after the reload show the new certificate."""
    with Files() as files, TlsServer(files.context(asks=True)) as server:
        cert, key = files.ca.issue("neurond")
        keys = {"tls_ca": files.ca.cert, "tls_cert": cert, "tls_key": key}
        with Neurond({"a": leg(server, **keys)}) as daemon, daemon.client() as client:
            stop, failures, count = threading.Event(), [], []

            def work():
                try:
                    with daemon.client() as other:
                        while not stop.is_set():
                            assert other.call("a.echo", {"text": "x"}).result
                            count.append(1)
                except Exception as error:  # told below
                    failures.append(error)

            threads = [threading.Thread(target=work) for _ in range(4)]
            for thread in threads:
                thread.start()
            serials = []
            for i in range(scaled(4, 30)):
                before = len(server.shown)
                assert client.call("a.echo", {"text": str(i)}).result
                wait_for("load", lambda: failures or len(count) > 10 * i)
                serials.append(server.shown[-1][0]["serialNumber"])
                fresh = files.ca.issue(f"fresh{i}")
                shutil.copy(fresh[1], key)
                shutil.copy(fresh[0], cert)
                reload(daemon)
                assert client.call("a.echo", {"text": "new"}).result
                assert len(server.shown) > before, "the old connections go on"
            stop.set()
            for thread in threads:
                thread.join()
            assert not failures, failures
            assert len(set(serials)) == len(serials), serials


def test_renewal_of_whom_is_believed():
    with Files() as files:
        second = files.other.issue("server")
        believed = files.dir / "believed.pem"
        shutil.copy(files.ca.cert, believed)
        with TlsServer(files.context()) as server, \
                Neurond({"a": leg(server, tls_ca=believed)}) as daemon, \
                daemon.client() as client:
            assert client.call("a.echo", {"text": "x"}).result
            shutil.copy(files.other.cert, believed)
            reload(daemon)  # the connection that is kept does not outlive its CA
            assert client.call("a.echo", {"text": "x"}).error
            daemon.wait_for_log("TLS: .*certificate")
            server.context = files.context(second)
            wait_for("a call", lambda: "result" in client.call("a.echo", {"text": "z"}).message)


def test_servers_that_are_revoked():
    with Files() as files, TlsServer(files.context()) as server:
        keys = {"tls_ca": files.ca.cert, "tls_crl": files.ca.crl()}
        with Neurond({"a": leg(server, **keys)}) as daemon, daemon.client() as client:
            assert client.call("a.echo", {"text": "x"}).result
            files.ca.revoke(files.cert[0])
            files.ca.crl()
            assert client.call("a.echo", {"text": "x"}).result
            reload(daemon)
            before = len(server.requests)
            assert client.call("a.echo", {"text": "x"}).error
            daemon.wait_for_log("TLS: certificate revoked")
            assert len(server.requests) == before
        with Neurond({"a": leg(server, **keys)}) as daemon:  # nor from the start
            daemon.wait_for_log("TLS: certificate revoked")


def break_off(listener, context, breaks):
    """One connection after the other: `breaks` has (flight, bytes of it, abrupt)."""
    for flight, size, abrupt in breaks:
        conn, _ = listener.accept()
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        side = context.wrap_bio(incoming, outgoing, server_side=True)
        with conn:
            if abrupt:
                conn.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            for step in range(flight + 1):
                if flight == 0 and size == 0:
                    break  # before it has said anything
                incoming.write(conn.recv(1 << 16))
                try:
                    side.do_handshake()
                except ssl.SSLWantReadError:
                    pass
                data = outgoing.read()
                conn.sendall(data if step < flight else data[:size])


def test_servers_that_break_off_at_every_step():
    table = Table()
    with Files() as files:
        context = files.context()
        breaks = [(flight, size, abrupt) for flight in (0, 1) for size in (0, 1, 5, 60, 1 << 16)
                  for abrupt in (False, True)]
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            context.minimum_version = ssl.TLSVersion.TLSv1_2
            context.maximum_version = version

            def row():
                with socket.create_server(("127.0.0.1", 0)) as listener:
                    thread = threading.Thread(target=break_off, daemon=True,
                                              args=(listener, context, breaks))
                    thread.start()
                    url = f"https://127.0.0.1:{listener.getsockname()[1]}/mcp"
                    config = {"url": url, "tls_ca": files.ca.cert, "backoff": "10ms",
                              "backoff_max": "20ms", "max_restarts": 0, "restart_window": 0,
                              "breaker_failures": 1000}
                    with Neurond({"a": config}) as daemon:
                        before = daemon.fd_count()
                        thread.join(60)
                        assert not thread.is_alive(), "it does not come again"
                        wait_for("no connection is left", lambda: daemon.fd_count() <= before + 2)

            table.row(version.name, row)
    assert not table.failed


def answer_plainly(listener):
    """Whatever is said, HTTP is the answer."""
    while True:
        try:
            conn, _ = listener.accept()
        except OSError:
            return
        with conn:
            conn.recv(1)
            conn.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")


def test_plain_servers_and_old_ones():
    with Files() as files, socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=answer_plainly, args=(listener,), daemon=True).start()
        url = f"https://127.0.0.1:{listener.getsockname()[1]}/mcp"
        with Neurond({"a": {"url": url, "tls_ca": files.ca.cert}}) as daemon:
            daemon.wait_for_log("TLS: wrong version number")
        listener.shutdown(socket.SHUT_RDWR)
    with Files() as files:
        context = files.context()
        context.minimum_version = ssl.TLSVersion.TLSv1
        context.maximum_version = ssl.TLSVersion.TLSv1_1
        context.set_ciphers("ALL:@SECLEVEL=0")
        with TlsServer(context) as server, Neurond({"a": leg(server, tls_ca=files.ca.cert)}) as daemon:
            daemon.wait_for_log("TLS: .*(version|alert|closed)")
            assert not server.requests


def test_files_of_every_kind():
    table = Table()
    with Files() as files, Neurond() as daemon:
        cert, key = files.ca.issue("mine")
        old = files.ca.issue("old", begin=-9 * DAY, end=-DAY)
        locked, public = files.dir / "locked.key", files.dir / "public.key"
        openssl("pkey", "-in", key, "-aes256", "-passout", "pass:x", "-out", locked)
        shutil.copy(key, public)
        public.chmod(0o644)
        rows = [
            ({"tls_ca": files.dir / "no.pem"}, "downstream.a.tls_ca: open"),
            ({"tls_ca": key}, f"downstream.a.tls_ca: read CA certificate {key}: no start line"),
            ({"tls_crl": files.ca.crl()}, "downstream.a.tls_crl: stands without tls_ca"),
            ({"tls_cert": cert}, "downstream.a.tls_cert: stands without tls_key"),
            ({"tls_key": key}, "downstream.a.tls_key: stands without tls_cert"),
            ({"tls_cert": cert, "tls_key": old[1]}, "key values mismatch"),
            ({"tls_cert": cert, "tls_key": locked}, "it is encrypted"),
            ({"tls_cert": cert, "tls_key": public}, "can be read by everybody"),
            ({"tls_cert": old[0], "tls_key": old[1]}, "has expired"),
            ({"url": "http://a/", "tls_ca": files.ca.cert}, "has no effect without a url"),
            ({"tls_ca": "ca.pem"}, "is not an absolute path"),
        ]

        def row(keys, says):
            daemon.conf.write_text(daemon.sections({"a": {"url": "https://a/", **keys}}, {}, True))
            got = daemon.run("-t")
            assert got.returncode == 78 and says in got.stderr, got.stderr

        for keys, says in rows:
            table.row(says, lambda: row(keys, says))
    assert not table.failed


main(__name__)
