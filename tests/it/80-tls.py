"""TLS on listeners: which certificates a start takes, which clients get in, versions, sizes,
what stalls and what breaks off."""
import pathlib
import shutil
import socket
import ssl
import subprocess
import tempfile
import threading
import time

from fixtures.http_server import HttpServer
from harness import Neurond, Table, hostile, main, scaled
from mcp import McpClient
from rawhttp import Closed, Conn, render, wait_for
from tls_files import DAY, Authority, SecureAddress, openssl, secure

INITIALIZE = (b'{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":'
              b'"2025-06-18","capabilities":{},"clientInfo":{"name":"x","version":"1"}}}')
HEADERS = [("Content-Type", "application/json"),
           ("Accept", "application/json, text/event-stream")]


class Files:
    """A directory with a CA, another one nobody trusts, and a server certificate."""

    def __enter__(self):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="neurond-tls-"))
        self.ca = Authority(self.dir / "ca")
        self.other = Authority(self.dir / "other", "other CA")
        self.cert, self.key = self.ca.issue("server")
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.dir, ignore_errors=True)

    def tls(self, **keys):
        return {"tls": {"cert_path": self.cert, "key_path": self.key, **keys}}

    def daemon(self, downstreams=None, config=None, **keys):
        return Neurond(downstreams or {"a": hostile()}, {**self.tls(**keys), **(config or {})})

    def client(self, daemon, cert=None, **keys):
        return McpClient(secure(daemon.address, self.ca.cert, *(cert or ())), **keys)


def refused(action):
    """Whether a client does not get in: the handshake fails, or what follows it."""
    try:
        action()
    except (ssl.SSLError, ConnectionError, Closed, OSError):
        return True
    return False


def ask_health(address):
    with Conn(address) as conn:
        got = conn.request("GET", "/health/live")
        assert got.status == 200, got
        return conn.sock.version() if hasattr(conn.sock, "version") else None


def test_files_of_every_kind():
    table = Table()
    with Files() as files:
        place = files.dir
        old = files.ca.issue("old", begin=-9 * DAY, end=-DAY)
        young = files.ca.issue("young", begin=DAY)
        ending = files.ca.issue("ending", end=9 * DAY)
        large = files.ca.issue("large", key="rsa:4096")
        locked = place / "locked.key"
        openssl("pkey", "-in", files.key, "-aes256", "-passout", "pass:x", "-out", locked)
        public = place / "public.key"
        shutil.copy(files.key, public)
        public.chmod(0o644)
        garbage, empty, folder = place / "garbage.pem", place / "empty.pem", place / "folder"
        garbage.touch(0o600)
        garbage.write_text("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
        empty.write_text("")
        folder.mkdir()
        crl = files.ca.crl()
        rows = [  # keys, exit status, what is said
            ({}, 0, None),
            ({"ca_path": files.ca.cert}, 0, None),
            ({"ca_path": files.ca.cert, "crl_path": crl}, 0, None),
            ({"cert_path": old[0], "key_path": old[1]}, 78, f"tls.cert_path: certificate {old[0]} has expired"),
            ({"cert_path": young[0], "key_path": young[1]}, 78, f"{young[0]} is not valid yet"),
            ({"cert_path": ending[0], "key_path": ending[1]}, 0, "expires in 8 days"),
            ({"cert_path": large[0], "key_path": large[1]}, 0, "RSA key of 4096 bits"),
            ({"key_path": ending[1]}, 78, "key values mismatch"),
            ({"key_path": locked}, 78, f"tls.key_path: read key {locked}: it is encrypted"),
            ({"key_path": public}, 78, f"tls.key_path: {public} can be read by everybody"),
            ({"key_path": place / "no.key"}, 78, "no.key: No such file or directory"),
            ({"cert_path": place / "no.pem"}, 78, "no.pem: No such file or directory"),
            ({"cert_path": folder}, 78, "not a regular file"),
            ({"cert_path": garbage}, 78, f"tls.cert_path: read certificate {garbage}: "),
            ({"cert_path": empty}, 78, "it is empty"),
            ({"key_path": garbage}, 78, f"tls.key_path: read key {garbage}: "),
            ({"cert_path": files.key}, 78, f"read certificate {files.key}: no start line"),
            ({"ca_path": garbage}, 78, f"tls.ca_path: read CA certificate {garbage}"),
            ({"ca_path": place / "no.pem"}, 78, "tls.ca_path: open"),
            ({"ca_path": files.ca.cert, "crl_path": garbage}, 78, "tls.crl_path: read CRL"),
            ({"crl_path": crl}, 78, "tls.crl_path: stands without ca_path"),
            ({"key_path": None}, 78, "tls.cert_path: stands without key_path"),
            ({"cert_path": None}, 78, "tls.key_path: stands without cert_path"),
            ({"cert_path": "server.pem"}, 78, "is not an absolute path"),
            ({"client_auth": "required"}, 78, "tls.client_auth: required needs ca_path"),
            ({"ciphers": "NONSENSE"}, 78, 'tls.ciphers: use "NONSENSE": no cipher match'),
            ({"ciphersuites": "NONSENSE"}, 78, 'tls.ciphersuites: use "NONSENSE"'),
        ]
        with Neurond() as daemon:
            def row(keys, code, says):
                daemon.conf.write_text(daemon.sections({}, files.tls(**keys), True))
                got = daemon.run("-t")
                assert got.returncode == code, (got.returncode, got.stderr)
                assert (says in got.stderr) if says else not got.stderr, got.stderr

            for keys, code, says in rows:
                table.row(f"{ {k: pathlib.Path(str(v)).name for k, v in keys.items()} }",
                          lambda: row(keys, code, says))
        with Neurond(config=files.tls(key_path=locked), wait=False) as daemon:
            assert daemon.wait_exit() == 78
            assert "it is encrypted" in daemon.log, daemon.log
    assert not table.failed


def test_a_call_and_who_made_it():
    with Files() as files, files.daemon() as daemon:
        with files.client(daemon) as client:
            assert client.call("a.echo", {"text": "hello"}).text == "hello"
        assert '"client":"anonymous"' in daemon.audit()[-1]
        with Conn(daemon.address) as plain:  # plain HTTP gets no HTTP back
            plain.send_lenient(render("GET", "/health"))
            assert b"HTTP/" not in plain.rest()


def test_clients_need_the_right_certificate():
    table = Table()
    with Files() as files:
        good, gone = files.ca.issue("alice"), files.ca.issue("revoked")
        rows = {
            "none at all": None,
            "expired": files.ca.issue("late", begin=-9 * DAY, end=-DAY),
            "not valid yet": files.ca.issue("early", begin=DAY),
            "another CA's": files.other.issue("mallory"),
            "revoked": gone,
        }
        files.ca.revoke(gone[0])
        with files.daemon(ca_path=files.ca.cert, crl_path=files.ca.crl()) as daemon:
            def row(cert):
                address = secure(daemon.address, files.ca.cert, *(cert or ()))
                assert refused(lambda: ask_health(address))

            for name, cert in rows.items():
                table.row(name, lambda: row(cert))
            with files.client(daemon, good) as client:
                assert client.call("a.echo", {"text": "hi"}).text == "hi"
            assert '"client":"cert:alice"' in daemon.audit()[-1], daemon.audit()[-1]
            daemon.wait_for_log(r"TLS: certificate revoked")
            daemon.wait_for_log(r"TLS: certificate has expired")
            daemon.wait_for_log(r"TLS: peer did not return a certificate")
        with files.daemon(ca_path=files.ca.cert, client_auth="optional") as daemon:
            with files.client(daemon) as client:
                client.call("a.echo", {"text": "x"})
            assert '"client":"anonymous"' in daemon.audit()[-1]
            address = secure(daemon.address, files.ca.cert, *rows["another CA's"])
            assert refused(lambda: ask_health(address))
    assert not table.failed


def context_for(files, low, high, ciphers=None):
    context = ssl.create_default_context(cafile=str(files.ca.cert))
    context.minimum_version, context.maximum_version = low, high
    context.set_ciphers(ciphers or "ALL:@SECLEVEL=0")
    return context


def test_versions_and_protocols():
    versions = ssl.TLSVersion
    with Files() as files, files.daemon() as daemon, files.daemon(min_version="1.3") as new:
        def version(server, which):
            return ask_health(SecureAddress(server.address, context_for(files, which, which)))

        assert version(daemon, versions.TLSv1_2) == "TLSv1.2"
        assert version(daemon, versions.TLSv1_3) == "TLSv1.3"
        for old in (versions.TLSv1, versions.TLSv1_1):
            assert refused(lambda: version(daemon, old)), old
        assert version(new, versions.TLSv1_3) == "TLSv1.3"
        assert refused(lambda: version(new, versions.TLSv1_2))
        weak = context_for(files, versions.TLSv1_2, versions.TLSv1_2, "AES128-SHA:@SECLEVEL=0")
        assert refused(lambda: ask_health(SecureAddress(daemon.address, weak)))
        for offered, chosen in ((["http/1.1"], "http/1.1"), (["h2", "http/1.1"], "http/1.1")):
            context = ssl.create_default_context(cafile=str(files.ca.cert))
            context.set_alpn_protocols(offered)
            with Conn(SecureAddress(daemon.address, context)) as conn:
                assert conn.sock.selected_alpn_protocol() == chosen
        context.set_alpn_protocols(["h2"])
        assert refused(lambda: ask_health(SecureAddress(daemon.address, context)))


def test_ciphers_are_those_of_the_configuration():
    """What a client offers alone is taken or refused, in both versions."""
    narrow = {"ciphers": "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384",
              "ciphersuites": "TLS_AES_256_GCM_SHA384"}
    rows = [("-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256"),
            ("-tls1_2", "-cipher", narrow["ciphers"]),
            ("-tls1_3", "-ciphersuites", "TLS_CHACHA20_POLY1305_SHA256"),
            ("-tls1_3", "-ciphersuites", narrow["ciphersuites"])]
    table = Table()
    with Files() as files, files.daemon() as usual, files.daemon(**narrow) as strict:
        def row(daemon, options, fine):
            got = subprocess.run(
                ["openssl", "s_client", "-connect", f"127.0.0.1:{daemon.port}", "-CAfile",
                 files.ca.cert, *options], stdin=subprocess.DEVNULL, timeout=30,
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
            assert (b"Cipher is (NONE)" not in got.stdout) == fine, got.stdout
            assert (b"alert handshake failure" in got.stdout) == (not fine), got.stdout

        for options in rows:
            table.row(f"usual {options}", lambda: row(usual, options, True))
            fine = options[2] in narrow.values()
            table.row(f"narrow {options}", lambda: row(strict, options, fine))
    assert not table.failed


def test_nobody_negotiates_again():
    with Files() as files, files.daemon() as daemon:
        with subprocess.Popen(
                ["openssl", "s_client", "-connect", "127.0.0.1:%d" % daemon.port, "-tls1_2",
                 "-CAfile", files.ca.cert], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT) as client:
            said = b""
            while b"---\nread R BLOCK" not in said and b"Extended master" not in said:
                said += (got := client.stdout.read1(4096))
                assert got, said
            client.stdin.write(b"R\n")
            client.stdin.flush()
            said = client.stdout.read()  # it gives up
            assert b"no renegotiation" in said, said
        with files.client(daemon) as client:
            assert client.call("a.echo", {"text": "alive"}).text == "alive"


def test_sessions_are_resumed():
    with Files() as files, files.daemon() as daemon, \
            files.daemon(session_tickets="no") as forgetful:
        for server, resumes in ((daemon, True), (forgetful, False)):
            context = context_for(files, ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_2)
            with Conn(SecureAddress(server.address, context)) as conn:
                session = conn.sock.session
            sock = socket.create_connection(server.address)
            with context.wrap_socket(sock, server_hostname="localhost", session=session) as again:
                assert again.session_reused is resumes


def metric(daemon, name):
    """The samples of a family, by their labels; over the control socket."""
    with Conn(str(daemon.dir / "run/control.sock")) as conn:
        text = conn.request("GET", "/metrics").body.decode()
    lines = [line.rpartition(" ") for line in text.splitlines() if line.startswith(name)]
    return {labels[len(name):]: float(value) for labels, _, value in lines}


def test_handshakes_and_ends_of_certificates_are_counted():
    with Files() as files, HttpServer() as server:
        mine, other = files.ca.issue("mine"), files.ca.issue("short", end=9 * DAY)
        config = {"listener two": {"address": "127.0.0.1:0", "cert_path": other[0],
                                   "key_path": other[1]}}
        leg = {"url": server.url.replace("http:", "https:"), "tls_ca": files.ca.cert,
               "tls_cert": mine[0], "tls_key": mine[1]}
        with files.daemon({"a": hostile(), "b": leg}, config) as daemon:
            context = context_for(files, ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_2)
            with Conn(SecureAddress(daemon.address, context)) as conn:
                session = conn.sock.session
            with socket.create_connection(daemon.address) as sock, context.wrap_socket(
                    sock, server_hostname="localhost", session=session) as again:
                assert again.session_reused
            with Conn(daemon.address) as plain:
                plain.send_lenient(render("GET", "/health"))
                plain.rest()
            wanted = {'{result="success",resumed="no"}': 1, '{result="success",resumed="yes"}': 1,
                      '{result="error",resumed="no"}': 1}
            wait_for("the counts",
                     lambda: metric(daemon, "neurond_tls_handshakes_total") == wanted)
            ends = metric(daemon, "neurond_certificate_expiry_timestamp_seconds")
            days = {label.split("/")[-1]: round((end - time.time()) / DAY)
                    for label, end in ends.items()}
            assert days == {'server.pem"}': 50, 'short.pem"}': 9, 'mine.pem"}': 50}, days


def test_large_bodies_and_single_bytes():
    with Files() as files, files.daemon() as daemon:
        with files.client(daemon, timeout=60) as client:
            text = "x" * 9_900_000
            assert client.call("a.echo", {"text": text}).text == text
        request = render("POST", "/api/v1/mcp", HEADERS, INITIALIZE)
        with Conn(secure(daemon.address, files.ca.cert)) as conn:
            for at in range(len(request)):  # a record for each byte
                conn.send(request[at:at + 1])
            assert conn.response().status == 200
            conn.send(request * 3)  # several requests in one record
            assert [conn.response().status for _ in range(3)] == [200] * 3


def test_the_end_is_told():
    with Files() as files, files.daemon() as daemon:
        with Conn(secure(daemon.address, files.ca.cert)) as conn:
            got = conn.request("GET", "/health/live", [("Connection", "close")])
            assert got.status == 200
            assert conn.sock.recv(1) == b""  # a close_notify; without one this raises
        with Conn(secure(daemon.address, files.ca.cert)) as conn:
            conn.send(render("GET", "/health/live"))
            assert conn.response().status == 200
            conn.sock = conn.sock.unwrap()  # our close_notify, and the wait for theirs
            assert conn.is_closed()


def hello(files):
    """The first bytes of a handshake, as a client sends them."""
    context = ssl.create_default_context(cafile=str(files.ca.cert))
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    side = context.wrap_bio(incoming, outgoing, server_hostname="localhost")
    try:
        side.do_handshake()
    except ssl.SSLWantReadError:
        pass
    return side, incoming, outgoing, outgoing.read()


def break_off(files, address, version, flight, part, abrupt):
    """A client that hangs up within its flight of that number, after `part` bytes of it."""
    context = context_for(files, version, version)
    context.load_cert_chain(*map(str, (files.cert, files.key)))
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    side = context.wrap_bio(incoming, outgoing, server_hostname="localhost")
    with socket.create_connection(address) as sock:
        sock.settimeout(10)
        if abrupt:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        for step in range(flight + 1):
            if step > 0:
                incoming.write(sock.recv(1 << 16))
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                pass
            data = outgoing.read()
            sock.sendall(data if step < flight else data[:part])


def test_breaks_at_every_step():
    with Files() as files, files.daemon(config={"limits": {"handshake_timeout": "30s"}},
                                        ca_path=files.ca.cert) as daemon:
        first = hello(files)[3]
        before = daemon.fd_count()
        cuts = sorted({0, 1, 4, 5, 6, 9, 43, len(first) // 2, len(first) - 1, len(first)})
        for at in cuts:
            for abrupt in (False, True):
                with socket.create_connection(daemon.address) as sock:
                    sock.sendall(first[:at])
                    if abrupt:  # a reset instead of an end
                        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                                        b"\1\0\0\0\0\0\0\0")
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            for flight in (1, 2):  # after the hello: the answer to the server's first, and so on
                for part in (0, 1, 7, 1 << 16):
                    for abrupt in (False, True):
                        break_off(files, daemon.address, version, flight, part, abrupt)
        for garbage in (b"\x16\x03\x01\xff\xff" + b"x" * 100, b"GET / HTTP/1.1\r\n\r\n",
                        b"\0" * 64, b"\x15\x03\x03\0\x02\x02\x28", first[:60] + b"\xff" * len(first)):
            with socket.create_connection(daemon.address) as sock:
                sock.settimeout(10)
                sock.sendall(garbage)
                try:
                    while sock.recv(4096):
                        pass
                except ConnectionResetError:
                    pass
        wait_for("no connection is left", lambda: daemon.fd_count() <= before)
        with files.client(daemon, (files.cert, files.key)) as client:
            assert client.call("a.echo", {"text": "alive"}).text == "alive"


def test_stalled_handshakes_beside_live_traffic():
    count = scaled(200, 200)
    limits = {"limits": {"handshake_timeout": "5s", "connections": count + 50}}
    with Files() as files, files.daemon(config=limits) as daemon:
        first = hello(files)[3]
        stalled = []
        with files.client(daemon) as client:
            for _ in range(count):
                sock = socket.create_connection(daemon.address)
                sock.sendall(first[:-1])
                stalled.append(sock)
            for i in range(20):
                assert client.call("a.echo", {"text": str(i)}).text == str(i)
            with files.client(daemon) as late:
                assert late.call("a.echo", {"text": "late"}).text == "late"
            for sock in stalled:  # each is cut
                sock.settimeout(30)
                try:
                    assert sock.recv(1) == b""
                except ConnectionResetError:
                    pass
                sock.close()
            assert client.call("a.echo", {"text": "end"}).text == "end"
        daemon.wait_for_log(r"TLS: no handshake in time")


def test_many_clients_at_once():
    with Files() as files, files.daemon() as daemon:
        failures = []

        def work():
            try:
                with files.client(daemon) as client:
                    for i in range(5):
                        assert client.call("a.echo", {"text": str(i)}).text == str(i)
            except Exception as error:  # told below
                failures.append(error)

        threads = [threading.Thread(target=work) for _ in range(20)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert not failures, failures


main(__name__)
