"""A node at cortexd: what it says about itself, over which connection, and what a cortexd that is
down, slow or forgetful costs."""
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import ssl
import subprocess
import tempfile
import time

from fixtures.cortexd import Cortexd
from harness import BINARY, Neurond, Table, hostile, main
from rawhttp import wait_for
from tls_files import Authority

UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"


def with_cortexd(cortexd, **keys):
    return {"registration": {"cortexd_url": cortexd.url + "/", "heartbeat_interval": "100ms",
                             **keys}}


def status(daemon):
    return json.loads(daemon.run("status", "--json").stdout)


def test_it_registers_beats_and_deregisters():
    with Cortexd() as cortexd:
        servers = {"b": hostile(), "a": hostile("crash-at-start"),
                   "off": hostile(enabled=False)}
        with Neurond(servers, with_cortexd(cortexd)) as daemon:
            register, = cortexd.wait("register")
            node_id = (daemon.dir / "state/node_id").read_text()
            assert re.fullmatch(UUID + "\n", node_id), node_id
            node_id = node_id.strip()
            assert register.line == "POST /api/v1/nodes/register HTTP/1.1", register.line
            assert register.fields["content-type"] == "application/json"
            assert register.fields["host"] == f"127.0.0.1:{cortexd.port}"
            assert register.body.decode() == json.dumps({
                "node_id": node_id, "hostname": socket.gethostname(), "ip_address": "127.0.0.1",
                "port": daemon.port, "capabilities": ["b", "a"]}, separators=(",", ":"))
            alone = json.dumps({"node_id": node_id}, separators=(",", ":"))
            for beat in cortexd.wait("heartbeat", 3):
                assert beat.line == "POST /api/v1/nodes/heartbeat HTTP/1.1", beat.line
                assert beat.body.decode() == alone
            said = status(daemon)
            assert said["node_id"] == node_id and said["registration"] == "registered", said
            daemon.stop()
            last = cortexd.posts[-1]
            assert last.line == "POST /api/v1/nodes/deregister HTTP/1.1", last.line
            assert last.body.decode() == alone
            assert len(cortexd.of("register")) == len(cortexd.of("deregister")) == 1
            # one connection; a heartbeat that was open when the stop came may have cost another
            assert cortexd.accepted <= 2 and cortexd.of("heartbeat")[-1].conn == 1


def test_it_is_the_same_node_after_a_restart():
    with Cortexd() as cortexd:
        with Neurond({}, with_cortexd(cortexd)) as daemon:
            first = cortexd.wait("register")[0].json["node_id"]
            daemon.wait_for_log("fleet: registered with .* as " + first)
            # a reactor that dies takes no leave, and the next one is the same node
            os.kill(daemon.reactor, signal.SIGKILL)
            again = cortexd.wait("register", 2)[1].json
            assert again["node_id"] == first and again["port"] == daemon.port
            assert not cortexd.of("deregister")
            state = daemon.dir / "state"
            with Neurond({}, {**with_cortexd(cortexd), "server": {
                    "state_dir": state, "run_dir": daemon.dir / "run2"}}):
                assert cortexd.wait("register", 3)[2].json["node_id"] == first


def test_node_id_table():
    def kept():
        with Neurond(setup=lambda d: (d.dir / "state/node_id").write_text(
                " F81D4FAE-7DEC-41D0-A765-00A0C91E6BF6\n\n")) as daemon:
            assert status(daemon)["node_id"] == "f81d4fae-7dec-41d0-a765-00a0c91e6bf6"

    def refused(text):
        def check():
            with Neurond(wait=False, setup=lambda d: (
                    d.dir / "state/node_id").write_text(text)) as daemon:
                assert daemon.wait_exit() == 1
                assert "state/node_id: expected a UUID; restore it, or remove it" in daemon.log
                assert (daemon.dir / "state/node_id").read_text() == text
        return check

    def made():
        with Neurond() as daemon:
            assert re.fullmatch(UUID, status(daemon)["node_id"])
            assert "registration" not in status(daemon)
            assert (daemon.dir / "state/node_id").stat().st_mode & 0o777 == 0o644
    table = Table()
    table.row("blanks around it do not count", kept)
    table.row("an empty file is corrupt", refused(""))
    table.row("so is half an id", refused("f81d4fae-7dec-41d0-a765\n"))
    table.row("so is another text of the length", refused("x" * 36))
    table.row("it is made without a registration, too", made)
    assert not table.failed


def test_what_the_configuration_says_of_the_node():
    with Cortexd() as cortexd:
        keys = {"node_id": "rack-7.node_2", "advertise_address": "[2001:DB8::1]:8443"}
        config = with_cortexd(cortexd, **keys)
        config["registration"]["cortexd_url"] = cortexd.url + "/fleet//"
        with Neurond({}, config):
            register, = cortexd.wait("register")
            assert register.line == "POST /fleet/api/v1/nodes/register HTTP/1.1", register.line
            said = register.json
            assert (said["node_id"], said["ip_address"], said["port"], said["capabilities"]) == (
                "rack-7.node_2", "2001:db8::1", 8443, []), said


def test_a_cortexd_that_comes_later():
    with Cortexd() as cortexd:
        cortexd.stop()
        with Neurond({"a": hostile()}, with_cortexd(cortexd)) as daemon:
            daemon.wait_for_log("warn fleet: register with http://.*refused")
            assert "not registered" in status(daemon)["registration"]
            with daemon.client() as client:
                assert client.call("a.echo", {"text": "x"}).text == "x"
            cortexd.start()
            cortexd.wait("register")
            cortexd.wait("heartbeat")
            began = time.monotonic()
            cortexd.stop()
            daemon.wait_for_log("warn fleet: heartbeat to http://.*")
            daemon.stop()
            assert time.monotonic() - began < 6
            assert len([x for x in daemon.lines if "warn fleet: register with" in x]) == 1


def test_forgetful():
    for forgotten in (404, 410):
        with Cortexd({"heartbeat": [200, forgotten, 200]}) as cortexd, \
                Neurond({}, with_cortexd(cortexd)) as daemon:
            first, second = cortexd.wait("register", 2)
            assert first.body == second.body and first.conn == second.conn == 1
            daemon.wait_for_log("info fleet: .* has forgotten this node: registering again")
            cortexd.wait("heartbeat", 4)
            assert len(cortexd.of("register")) == 2


def test_refused_and_accepted_later():
    with Cortexd({"register": [503, 201], "heartbeat": [500, 200]}) as cortexd, \
            Neurond({}, with_cortexd(cortexd)) as daemon:
        cortexd.wait("register", 2)
        daemon.wait_for_log("warn fleet: register with .*: answered 503")
        daemon.wait_for_log("warn fleet: heartbeat to .*: answered 500")
        cortexd.wait("heartbeat", 3)
        assert len(cortexd.of("register")) == 2
        wait_for("all is well", lambda: status(daemon)["registration"] == "registered")


def test_a_connection_that_was_closed_meanwhile():
    with Cortexd() as cortexd, Neurond({}, with_cortexd(cortexd)) as daemon:
        count = len(cortexd.wait("heartbeat"))
        cortexd.close_all()
        cortexd.wait("heartbeat", count + 2)
        assert cortexd.accepted == 2 and len(cortexd.of("register")) == 1
        assert "warn fleet" not in daemon.log


def test_a_tarpit_delays_nothing():
    with Cortexd({"register": None, "deregister": None}) as cortexd:
        began = time.monotonic()
        with Neurond({"a": hostile()}, with_cortexd(cortexd)) as daemon:
            cortexd.wait("register")
            with daemon.client() as client:
                assert client.call("a.echo", {"text": "x"}).text == "x"
            assert time.monotonic() - began < 8
            assert len(cortexd.of("register")) == 1
            began = time.monotonic()
            daemon.stop()
            assert time.monotonic() - began < 4
            cortexd.wait("deregister")


def test_a_farewell_that_nobody_answers():
    with Cortexd({"deregister": None}) as cortexd:
        with Neurond({}, with_cortexd(cortexd)) as daemon:
            cortexd.wait("heartbeat")
            began = time.monotonic()
            daemon.stop()
            assert 4 < time.monotonic() - began < 8
            assert "warn fleet: deregister from" in daemon.log
        with Neurond({}, with_cortexd(cortexd)) as daemon:
            cortexd.wait("register", 2)
            daemon.wait_for_log("fleet: registered")
            daemon.process.send_signal(signal.SIGTERM)
            cortexd.wait("deregister", 2)
            began = time.monotonic()
            daemon.process.send_signal(signal.SIGTERM)
            daemon.wait_exit()
            assert time.monotonic() - began < 3


def test_only_a_ready_node_registers():
    with Cortexd() as cortexd:
        server = hostile()
        late = {"command": "/bin/sh", "required": True, "crash_window": "0s",
                "restart": "always", "max_restarts": 0, "backoff": "50ms",
                "args": ["-c", "test -e ready || exit 0; exec \"$0\" \"$@\"",
                         server["command"], *server["args"]]}
        with Neurond({"late": late}, with_cortexd(cortexd)) as daemon:
            with daemon.connect() as conn:
                assert conn.request("GET", "/health/ready").status == 503
            assert not cortexd.posts
            (daemon.dir / "ready").touch()
            cortexd.wait("register")
            with daemon.connect() as conn:
                assert conn.request("GET", "/health/ready").status == 200


def test_reloads():
    with Cortexd() as one, Cortexd() as two, Neurond({"a": hostile()}) as daemon:
        def reload(servers, config):
            daemon.configure(servers, config)
            done = daemon.run("reload")
            assert done.returncode == 0, done.stderr

        reload({"a": hostile()}, with_cortexd(one))
        assert one.wait("register")[0].json["capabilities"] == ["a"]
        one.wait("heartbeat")
        reload({"a": hostile(), "b": hostile()}, with_cortexd(one))
        assert one.wait("register", 2)[1].json["capabilities"] == ["a", "b"]
        reload({"a": hostile(), "b": hostile()}, with_cortexd(one, heartbeat_interval="1d"))
        reload({"a": hostile(), "b": hostile()}, with_cortexd(two, node_id="other"))
        assert two.wait("register")[0].json["node_id"] == "other"
        assert one.wait("deregister")[0].json == {"node_id": one.of("register")[0].json["node_id"]}
        assert len(one.of("register")) == 2
        two.wait("heartbeat")
        reload({"a": hostile()}, {})
        two.wait("deregister")
        assert "registration" not in status(daemon)
        assert len(one.of("deregister")) == 1 and len(two.of("register")) == 1


def test_tls():
    home = pathlib.Path(tempfile.mkdtemp(prefix="neurond-cortexd-"))
    try:
        ca, other = Authority(home / "ca"), Authority(home / "other", "other CA")
        cert, key = ca.issue("cortexd")
        mine, my_key = ca.issue("node")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(str(cert), str(key))
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(str(ca.cert))
        with Cortexd(context=context) as cortexd:
            keys = {"tls_ca": ca.cert, "tls_cert": mine, "tls_key": my_key}
            with Neurond({}, with_cortexd(cortexd, **keys)):
                cortexd.wait("register")
                cortexd.wait("heartbeat", 2)
                assert cortexd.accepted == 1
            assert len(cortexd.of("deregister")) == 1
            with Neurond({}, with_cortexd(cortexd, **{**keys, "tls_ca": other.cert})) as daemon:
                daemon.wait_for_log("warn fleet: register with https://.*certificate")
            assert len(cortexd.of("register")) == 1 and cortexd.failed_handshakes >= 1
    finally:
        shutil.rmtree(home, ignore_errors=True)


def test_mistakes_table():
    table = Table()
    for name, keys, words in (
            ("a key without the url", {"node_id": "x"},
             "registration.cortexd_url: missing, expected http://HOST:PORT"),
            ("a url of another kind", {"cortexd_url": "ws://x"}, "neither http: nor https:"),
            ("a url with a query", {"cortexd_url": "http://x/?a=1"}, "has a query"),
            ("no url at all", {"cortexd_url": "cortexd:9000"}, "registration.cortexd_url: "),
            ("blanks in an id", {"cortexd_url": "http://x", "node_id": "a b"},
             "registration.node_id: "),
            ("no address", {"cortexd_url": "http://x", "advertise_address": "http://me"},
             "registration.advertise_address: "),
            ("TLS without https", {"cortexd_url": "http://x", "tls_ca": "/x"},
             "registration.tls_ca: has no effect without a cortexd_url that begins with https:")):
        def check(keys=keys, words=words):
            with tempfile.NamedTemporaryFile("w", suffix=".conf") as file:
                lines = "".join(f'{key} = "{value}"\n' for key, value in keys.items())
                file.write("[registration]\n" + lines)
                file.flush()
                done = subprocess.run([BINARY, "-t", "-c", file.name], capture_output=True,
                                      text=True, check=False)
                assert done.returncode == 78 and words in done.stderr, done.stderr
        table.row(name, check)
    assert not table.failed


main(__name__)
