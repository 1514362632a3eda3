"""The official SDK clients 1.x and 2.x over https, with a client certificate and with a
token; the audit knows them by name, and without either they do not get in."""
import json
import os
import pathlib
import subprocess
import tempfile

from peers import HERE, NODE

from harness import BINARY, Neurond, Table, main
from tls_files import Authority

TOKEN = "a-token-of-some-length"
CLIENTS = [["sdk1.mjs"], ["sdk2.mjs", "legacy"], ["sdk2.mjs", "modern"], ["sdk2.mjs", "auto"]]
CALLS = json.dumps([["host.system.info", {}], ["host.system.memory", {}]])


def run(client, url, ca, **proof):
    env = {"PATH": os.environ["PATH"], "PEER_CA": str(ca),
           **{f"PEER_{k.upper()}": str(v) for k, v in proof.items()}}
    script, *mode = client
    return subprocess.run([NODE, "--import", "./secure.mjs", script, *mode, url, CALLS],
                          capture_output=True, text=True, timeout=90, check=False, cwd=HERE, env=env)


def test_certificates_and_tokens():
    table = Table()
    with tempfile.TemporaryDirectory() as name:
        place = pathlib.Path(name)
        ca = Authority(place / "ca")
        cert, key = ca.issue("server")
        mine = dict(zip(("cert", "key"), ca.issue("alice")))
        token = place / "token"
        token.touch(0o600)
        token.write_text(TOKEN)
        config = {
            "tls": {"cert_path": cert, "key_path": key, "ca_path": ca.cert,
                    "client_auth": "optional"},
            "client ci": {"token_file": token},
            "rule known": {"effect": "allow", "tools": "*", "clients": ["ci", "cert:alice"]},
        }
        host = {"host": {"command": BINARY, "args": ["host-tools"]}}
        with Neurond(host, config, allow=False) as daemon:
            url = daemon.url.replace("http:", "https:")

            def row(client, proof, identity):
                done = run(client, url, ca.cert, **proof)
                assert done.returncode == 0, done.stdout + done.stderr
                seen = json.loads(done.stdout)
                if identity is None:
                    assert not seen["tools"], seen["tools"]
                    assert all("thrown" in result for result in seen["results"]), seen
                    return
                assert any(t["name"] == "host.system.info" for t in seen["tools"]), seen
                assert all("content" in result for result in seen["results"]), seen
                assert json.loads(daemon.audit()[-1])["client"] == identity

            for client in CLIENTS:
                label = " ".join(client)
                table.row(f"{label} certificate", lambda: row(client, mine, "cert:alice"))
                table.row(f"{label} token", lambda: row(client, {"token": TOKEN}, "ci"))
                table.row(f"{label} neither", lambda: row(client, {}, None))
            wrong = run(CLIENTS[0], url, ca.cert, token="x" * 20)
            assert wrong.returncode != 0 and "401" in wrong.stderr, wrong.stderr
            stranger = run(CLIENTS[0], url, Authority(place / "other").cert)
            assert stranger.returncode != 0, stranger.stdout
    assert not table.failed


main(__name__)
