"""Secrets come out nowhere: every key, file, variable and header field that may hold one is
planted, servers tell all they know, and what neurond says anywhere is searched for it.
Children get nothing that is not their own."""
import base64
import hashlib
import http.server
import json
import os
import pathlib
import shutil
import ssl
import stat
import sys
import tempfile
import threading

from harness import HERE, Neurond, children_of, hostile, main
from mcp import McpClient
from rawhttp import Closed, Conn, render, wait_for
from tls_files import Authority, openssl, secure

LEAKY = str(HERE / "fixtures/leaky.py")


def planted(name):
    """A secret that nothing else looks like."""
    return f"planted-{name}-" + hashlib.sha256(name.encode()).hexdigest()[:16]


class Telltale(http.server.BaseHTTPRequestHandler):
    """Answers requests with 401 and all that came with them. Under /near it serves until a
    tool is called: with a session, named in `session`."""
    protocol_version = "HTTP/1.1"
    bodies, session = [], None

    def do_POST(self):  # pylint: disable=invalid-name
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.bodies.append(body)
        asked = json.loads(body) if self.path.startswith("/near") else {}
        result = {"initialize": {"protocolVersion": "2025-11-25", "capabilities": {"tools": {}},
                                 "serverInfo": {"name": "near", "version": "1"}},
                  "notifications/initialized": {},
                  "tools/list": {"tools": [{"name": "x", "inputSchema": {"type": "object"}}]},
                  }.get(asked.get("method"))
        words = [self.path] + [f"{name}: {value}" for name, value in self.headers.items()]
        answer = {"error": {"code": -32000, "message": "; ".join(words)}}
        if result is not None:
            answer = {"id": asked.get("id"), "result": result}
        text = json.dumps({"jsonrpc": "2.0", **answer}).encode()
        self.send_response(401 if result is None else 200 if result else 202)
        if "near" in self.path:
            self.send_header("Mcp-Session-Id", self.session)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_):
        pass


class Plant:
    """Files with secrets, HTTP servers that tell them, and the configuration."""

    def __enter__(self):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="neurond-secrets-"))
        self.secrets = []
        self.ca = Authority(self.dir / "ca")
        self.pairs = {name: self.ca.issue(name) for name in (
            "server", "leg", "registration", "cortexd")}
        for _, key in self.pairs.values():
            self.know_key(key.read_text())
        self.servers = [http.server.ThreadingHTTPServer(("127.0.0.1", 0), Telltale)
                        for _ in range(2)]
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(*self.pairs["cortexd"])
        self.servers[1].socket = context.wrap_socket(self.servers[1].socket, server_side=True)
        for server in self.servers:
            threading.Thread(target=server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.servers[0].server_port}"
        self.secure_url = f"https://127.0.0.1:{self.servers[1].server_port}"
        Telltale.bodies, Telltale.session = [], self.plant("session-of-a-server")
        return self

    def __exit__(self, *_):
        for server in self.servers:
            server.shutdown()
            server.server_close()
        shutil.rmtree(self.dir, ignore_errors=True)

    def know_key(self, pem):
        """Its lines, and the number that makes it private."""
        self.secrets += [line for line in pem.splitlines() if len(line) > 16 and "-" not in line]
        told = openssl("ec", "-text", "-noout", input=pem.encode()).decode()
        digits = told.split("priv:")[1].split("pub:")[0]
        self.know_bytes(bytes.fromhex("".join(digits.split()).replace(":", "")))

    def know_bytes(self, key):
        """As it may be written."""
        assert len(key) >= 32, len(key)
        self.secrets += [key.hex(), key.hex().upper(), base64.b64encode(key).decode()[:40],
                         base64.urlsafe_b64encode(key).decode()[:40]]

    def plant(self, name):
        self.secrets.append(planted(name))
        return self.secrets[-1]

    def file(self, name):
        """${file:} of a file that holds a secret."""
        path = self.dir / name
        path.touch(0o600)
        path.write_text(self.plant(name) + "\n")
        return f"${{file:{path}}}"

    def credential(self, name):
        """${credential:} of the same."""
        self.file(name)
        return f"${{credential:{name}}}"

    def text(self, form="text"):
        """Sections as they are written; nothing here may be escaped."""
        self.token = self.plant("token-of-a-client")
        (self.dir / "client.token").touch(0o600)
        (self.dir / "client.token").write_text(self.token + "\n")
        env = f"""
env.FROM_FILE = {self.file('env-file')}
env.IN_PARTS = before-{self.file('env-part')}-after
env.API_TOKEN = ${{env:PLANTED_TOKEN}}
env.OTHER = ${{env:PLANTED_PASSWORD}}
env.DB_PASSWORD = "{self.plant('env-literal')}"
env.PEM = {self.lines()}
env.FROM_CREDENTIAL = {self.credential('env-credential')}
env.DATABASE = "pg://user:{self.plant('userinfo')}@host/x?password={self.plant('query-of-env')}"
env.TOKEN_URL = "https://host/?password={self.plant('query-alone')}"
"""
        return f"""
[log]
level = debug
format = {form}
requests = all
[metrics]
file = {self.dir}/metrics.prom
interval = 1s
[tls]
cert_path = {self.pairs['server'][0]}
key_path = {self.pairs['server'][1]}
[registration]
cortexd_url = {self.secure_url}/{self.file('cortexd-path')}
{self.tls_keys('registration')}
[client someone]
token_file = {self.dir}/client.token
[downstream leaky]
command = {sys.executable}
args = {LEAKY} --token {self.plant('arg-follows')} --key={self.plant('arg-inside')}
args = {self.file('arg-file')} {self.credential('arg-credential')}
args = --database pg://user:{self.plant('userinfo-of-arg')}@host/x
restart = never
{env}
[downstream dying]
command = {sys.executable}
args = {LEAKY} die {self.file('arg-file-dying')}
max_restarts = 1
backoff = 10ms
{env}
[downstream far]
url = {self.url}/mcp?api_key={self.plant('url-query')}&x=1
header.Authorization = "Bearer {self.file('bearer')}"
header.X-Api-Key = "{self.plant('header-literal')}"
header.X-Plain = {self.file('header-file')}
[downstream further]
url = {self.url}/mcp/{self.file('url-path')}
header.Authorization = "Basic {self.basic('basic-of-us')}"
[downstream near]
url = {self.url}/near
protocol = legacy
forward_headers = X-Tenant X-Api-Key
header.X-Auth = {self.credential('header-credential')}
[downstream sealed]
url = {self.secure_url}/mcp
{self.tls_keys('leg')}
[downstream all]
command = {sys.executable}
args = {HERE}/fixtures/hostile.py
inherit_env = all
[alert]
crashes = 1
command = {self.alert()}
"""

    def tls_keys(self, name):
        cert, key = self.pairs[name]
        return f"tls_ca = {self.ca.cert}\ntls_cert = {cert}\ntls_key = {key}"

    def basic(self, name):
        """Credentials of RFC 7617."""
        text = base64.b64encode(b"user:" + self.plant(name).encode()).decode()
        self.secrets.append(text)
        return text

    def lines(self):
        """A secret of several lines, each one by itself."""
        path = self.dir / "pem"
        path.touch(0o600)
        path.write_text("-----BEGIN UNIT-----\n" + self.plant("pem-one") + "\n"
                        + self.plant("pem-two") + "\n-----END UNIT-----\n")
        return f"${{file:{path}}}"

    def alert(self):
        path = self.dir / "alert"
        path.write_text(f"#!/bin/sh\n{{ env; echo \"$@\"; }} >>{self.dir}/alerted\n")
        path.chmod(stat.S_IRWXU)
        return path

    def variables(self):
        return {"PLANTED_TOKEN": self.plant("variable"),
                "PLANTED_PASSWORD": self.plant("variable-by-name"),
                "NEUROND_REGISTRATION_CORTEXD_URL":
                    f"{self.secure_url}/{self.file('cortexd-path-of-variable')}",
                "NEUROND_OTHER_TOKEN": self.plant("variable-of-nobody"),
                "CREDENTIALS_DIRECTORY": str(self.dir)}

    def expect_none(self, what, text):
        text = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
        for secret in self.secrets:
            at = text.find(secret)
            assert at < 0, f"{secret} in {what}: …{text[max(0, at - 200):at + 80]}"
        # A secret cut in two is half a secret.
        for line in text.splitlines():
            assert "planted-" not in line, f"a part of a secret in {what}: {line[-200:]}"


def everything_said(daemon):
    """What an operator can see: name and text of each."""
    for args in (["status"], ["status", "--json"], ["servers"], ["servers", "--json"],
                 ["tools"], ["tools", "--json"], ["tools", "--client", "someone"],
                 ["prompts"], ["resources"], ["call", "leaky.crash"], ["call", "far.x", "{}"],
                 ["reload"], ["reload", "--dry-run"], ["health"], ["audit", "key"],
                 ["-T"], ["-t"]):
        done = daemon.run(*args)
        yield " ".join(args), done.stdout + done.stderr
    for server in ("leaky", "dying", "far", "further", "near", "sealed", "all"):
        for verb in ("servers", "history", "logs"):
            for form in ([], ["--json"]):
                done = daemon.run(verb, server, *form)
                yield f"{verb} {server}", done.stdout + done.stderr
    with daemon.connect() as conn:
        for path in ("/metrics", "/health", "/health/ready", "/openapi.json", "/tools", "/docs",
                     "/no/such"):
            got = conn.request("GET", path)
            yield path, repr(got.headers).encode() + got.body
    for path in sorted((daemon.dir / "state").rglob("*")):
        if path.is_file() and path.suffix != ".key":
            yield str(path), path.read_bytes()
    yield "the audit", (daemon.dir / "audit.log").read_bytes()
    yield "the log", daemon.log


def foreign_headers(plant):
    """What clients send that is nobody's business."""
    return [(name, plant.plant(name.lower())) for name in (
        "Cookie", "Proxy-Authorization", "X-Api-Key", "X-Auth-Token", "Set-Cookie", "X-Tenant")]


def requests_that_fail(plant):
    """What is refused, as bytes: with a secret wherever one may stand."""
    def post(body, *headers):
        return render("POST", "/mcp", [("Content-Type", "application/json"),
                                       ("Accept", "application/json, text/event-stream"),
                                       *headers], body)

    def get(path="/mcp", *headers):
        return render("GET", path, [("Accept", "text/event-stream"), *headers])

    p, ping = plant.plant, b'{"jsonrpc":"2.0","id":1,"method":"ping"}'
    return {
        "a path": get("/no/such?token=" + p("query-of-nothing")),
        "the form of a proxy": get(f"http://user:{p('userinfo-of-target')}@localhost/health"),
        "a host": get("/health", ("Host", f"user:{p('userinfo-of-host')}@localhost")),
        "a field without a colon": get().replace(
            b"\r\n\r\n", b"\r\nAuthorization " + p("no-colon").encode() + b"\r\n\r\n"),
        "a field with a control byte": get().replace(
            b"\r\n\r\n", b"\r\nCookie: " + p("control-byte").encode() + b"\1\r\n\r\n"),
        "a long field": get("/mcp", ("Cookie", p("long-field") + "x" * 20000)),
        "basic credentials": post(ping, ("Authorization", "Basic " + plant.basic("basic"))),
        "digest credentials": post(ping, ("Authorization",
                                          f'Digest response="{p("digest")}"')),
        "two tokens": post(ping, ("Authorization", "Bearer " + p("token-one")),
                           ("Authorization", "Bearer " + p("token-two"))),
        "a token alone": post(ping, ("Authorization", p("token-alone"))),
        "a session": post(ping, ("Mcp-Session-Id", p("session"))),
        "a session of a stream": get("/mcp", ("Mcp-Session-Id", p("session-of-stream"))),
        "a place in a stream": get("/mcp", ("Last-Event-ID", p("last-event"))),
        "a body that is no JSON": post(b'{"token":"' + p("body").encode()),
        "a kind of body": render("POST", "/mcp", [("Content-Type", p("content-type"))], ping),
        "an upgrade": render("GET", "/ws", [
            ("Connection", "Upgrade"), ("Upgrade", "websocket"), ("Sec-WebSocket-Version", "13"),
            ("Sec-WebSocket-Key", p("ws-key")), ("Sec-WebSocket-Protocol", p("ws-protocol"))]),
    }


def refuse_all(plant, daemon):
    for what, request in requests_that_fail(plant).items():
        with daemon.connect() as conn:
            conn.send_lenient(request)
            try:
                got = conn.response("GET" if request.startswith(b"GET") else "POST")
                assert got.status >= 400, f"{what}: {got}"
                plant.expect_none(what, repr(got.headers).encode() + got.body)
            except Closed:
                pass


def test_nothing_that_comes_out_holds_a_secret():
    for form in ("text", "json"):
        nothing_comes_out(form)


def nothing_comes_out(form):
    with Plant() as plant:
        text, variables = plant.text(form), plant.variables()
        with Neurond({}, {}, text, env=variables, wait=False) as daemon:
            found = daemon.wait_for_log(r"listening on 127\.0\.0\.1:(\d+)", timeout=60)
            daemon.address = secure(("127.0.0.1", int(found[1])), plant.ca.cert)
            daemon.wait_for_log("ready: ", timeout=60)
            for key in ("session.key", "audit.key"):
                plant.know_bytes((daemon.dir / "state" / key).read_bytes())
            events = Conn(str(daemon.dir / "run/control.sock"))
            events.send(render("GET", "/api/v1/admin/events"))
            assert events.head().status == 200
            with McpClient(daemon.address, path="/mcp?token=" + plant.plant("query"), headers=[
                    ("Authorization", "Bearer " + plant.token),
                    *foreign_headers(plant)]) as client:
                answers = [client.call(name, {}).raw for name in (
                    "leaky.crash", "dying.crash", "far.x", "further.x", "near.x", "sealed.x",
                    "no.such")]
                plant.secrets.append(client.session)
            assert b"X-Tenant: ***" in answers[4], answers[4]
            refuse_all(plant, daemon)
            for n, answer in enumerate(answers):
                plant.expect_none(f"answer {n}", answer)
            wrong = plant.plant("wrong-token")
            with daemon.connect() as conn:
                got = conn.request("GET", "/health", [("Authorization", "Bearer " + wrong)])
                assert got.status == 401
                plant.expect_none("401", repr(got))
            crashes = daemon.dir / "state/crashes"
            wait_for("crash reports of both", lambda: {
                path.name.split("-")[0] for path in crashes.glob("*.json")} == {"leaky", "dying"})
            wait_for("an alert", (plant.dir / "alerted").exists)
            told = 0
            for what, said in everything_said(daemon):
                plant.expect_none(what, said)
                told += len(said)
            assert told > 10000, "there was something to search"
            assert "I know ***" in daemon.log and "x ***" in daemon.log, "servers told all"
            plant.expect_none("the alert", (plant.dir / "alerted").read_text())
            metrics = plant.dir / "metrics.prom"
            wait_for("metrics", lambda: metrics.exists() and "leaky" in metrics.read_text())
            plant.expect_none("the file of metrics", metrics.read_text())
            registered = [body for body in Telltale.bodies if b"node_id" in body]
            assert registered, Telltale.bodies
            for body in Telltale.bodies:
                plant.expect_none("a body", body)
            daemon.stop()
            plant.expect_none("the log", daemon.log)
            told = events.rest()
            assert b"leaky" in told, told
            plant.expect_none("events", told)
            events.close()


def test_children_have_their_own_secrets_only():
    with Plant() as plant:
        text, variables = plant.text(), plant.variables()
        with Neurond({}, {}, text, env=variables) as daemon:
            seen = {}
            for pid in children_of(daemon.reactor):
                try:
                    line = pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ")
                    seen[line.decode()] = pathlib.Path(f"/proc/{pid}/environ").read_bytes()
                except OSError:
                    pass  # it has just ended
            strangers = {line: environ for line, environ in seen.items() if LEAKY not in line}
            assert len(strangers) >= 2 and len(seen) > len(strangers), list(seen)
            for line, environ in strangers.items():
                plant.expect_none(f"the arguments of {line}", line)
                plant.expect_none(f"the environment of {line}", environ)
                assert b"CREDENTIALS_DIRECTORY" not in environ, (line, environ)
            own = next(environ for line, environ in seen.items() if LEAKY in line)
            assert planted("env-file").encode() in own, "its own it has"
            for name in ("bearer", "url-query", "token-of-a-client", "header-file"):
                assert planted(name).encode() not in own, name
            for pid in (daemon.pid, daemon.reactor):
                plant.expect_none("our own arguments",
                                  pathlib.Path(f"/proc/{pid}/cmdline").read_bytes())


# What is wrong, and must not be told with the value: lines of a configuration.
WRONG = [
    ("a port from a file", "[server]\nport = {file}\n"),
    ("an address from a file", "[server]\nbind = {file}\n"),
    ("a level from a file", "[log]\nlevel = {file}\n"),
    ("a size from a variable", "[limits]\nheader_max = ${{env:PLANTED_TOKEN}}\n"),
    ("a URL with user information", "[downstream a]\nurl = http://u:{secret}@127.0.0.1/\n"),
    ("a URL of cortexd with user information",
     "[registration]\ncortexd_url = http://u:{secret}@127.0.0.1/\n"),
    ("a URL of cortexd with a query",
     "[registration]\ncortexd_url = http://127.0.0.1/?api_key={secret}\n"),
    ("a URL from a file", "[downstream a]\nurl = {file}\n"),
    ("a command from a file", "[downstream a]\ncommand = {file}\n"),
    ("a key nobody knows", "[downstream a]\ncommand = /bin/cat\napi_key = {secret}\n"),
    ("a secret twice", "[downstream a]\ncommand = /bin/cat\nenv.TOKEN = {secret}\n"
                       "env.TOKEN = {secret}\n"),
    ("a quote that does not end", '[downstream a]\ncommand = /bin/cat\nenv.TOKEN = "{secret}\n'),
    ("a header with a line break", '[downstream a]\nurl = http://127.0.0.1/\n'
                                   'header.X-Token = "{secret}\\n{secret}"\n'),
    ("a digest that is a token", "[client a]\ntoken_sha256 = {secret}\n"),
    ("a pattern from a file", "[rule a]\neffect = allow\ntools = [{file}\n"),
]


def test_mistakes_are_told_without_the_secret():
    with Plant() as plant, Neurond({"a": hostile()}) as daemon:
        conf, running, sound = plant.dir / "wrong.conf", daemon.conf, daemon.conf.read_text()
        environment = {**os.environ, "PLANTED_TOKEN": plant.plant("variable")}
        for name, text in WRONG:
            conf.write_text(text.format(file=plant.file("in-a-file"),
                                        secret=plant.plant("in-the-text")))
            conf.chmod(0o600)
            daemon.conf = conf
            done = daemon.run("-t", env=environment)
            assert done.returncode == 78, f"{name}: {done}"
            plant.expect_none(name, done.stdout + done.stderr)
            daemon.conf = running  # and the same mistake in a reload
            running.write_text(sound + conf.read_text().replace("[downstream a]", "[downstream z]"))
            done = daemon.run("reload")
            assert done.returncode == 78, f"{name}: {done}"
            plant.expect_none(name, done.stdout + done.stderr)
        plant.expect_none("the log", daemon.log)


main(__name__)
