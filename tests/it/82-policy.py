"""Policy by identity: who sees and calls what; every way round a rule is refused and
audited; report mode; what `neurond tools --client` tells."""
import json
import os
import pathlib
import shutil
import tempfile

from harness import Neurond, Table, hostile, main
from lines import SocketLines
from mcp import MODERN, PREFIX, McpClient, ModernClient
from rawhttp import Conn, wait_for

DENIED, UNKNOWN = -32600, -32602
TOKENS = {name: f"token-of-{name}-0123456789" for name in ("reader", "writer", "guest", "locked")}
RULES = {
    "rule read": {"effect": "allow", "tools": ["a.read*", "a.list"], "clients": ["reader", "writer"]},
    "rule write": {"effect": "allow", "tools": "a.write*", "clients": "writer"},
    "rule everyone": {"effect": "allow", "tools": "b.hello"},
    "rule local": {"effect": "allow", "tools": "b.local", "clients": ["uid:*", "anonymous"]},
    "rule no-secrets": {"effect": "deny", "tools": "*secret*"},
    "rule never-locked": {"effect": "deny", "tools": "*", "clients": "locked"},
}
DOWNSTREAMS = {"a": hostile("tools=read,read_secret,list,write,write_all,drop,secret"),
               "b": hostile("tools=hello,local,other")}
ALLOWED = {
    "reader": {"a.read": "read", "a.list": "read", "b.hello": "everyone"},
    "writer": {"a.read": "read", "a.list": "read", "a.write": "write", "a.write_all": "write",
               "b.hello": "everyone"},
    "guest": {"b.hello": "everyone"},
    "anonymous": {"b.hello": "everyone", "b.local": "local"},
    "unix": {"b.hello": "everyone", "b.local": "local"},
    "locked": {},
}
DENYING = {"a.read_secret": "no-secrets", "a.secret": "no-secrets"}
OWN = {"a": ["read", "read_secret", "list", "write", "write_all", "drop", "secret"],
       "b": ["hello", "local", "other"]}
NAMES = [f"{space}.{own}" for space, owns in OWN.items() for own in owns]


class World:
    """A daemon with clients that are known by tokens."""

    def __init__(self, **config):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="neurond-pol-"))
        sections = dict(RULES)
        for name, token in TOKENS.items():
            path = self.dir / name
            path.touch(0o600)
            path.write_text(token)
            sections[f"client {name}"] = {"token_file": path}
        self.daemon = Neurond(DOWNSTREAMS, {**sections, **config}, allow=False)

    def __enter__(self):
        self.daemon.__enter__()
        return self

    def __exit__(self, *error):
        shutil.rmtree(self.dir, ignore_errors=True)
        return self.daemon.__exit__(*error)

    def headers(self, who):
        return [("Authorization", f"Bearer {TOKENS[who]}")] if who in TOKENS else []

    def address(self, who):
        return str(self.daemon.dir / "run/neurond.sock") if who == "unix" else self.daemon.address

    def client(self, who, kind=McpClient, **keys):
        return kind(self.address(who), headers=self.headers(who), **keys)

    def name(self, who):
        return f"uid:{os.getuid()}" if who == "unix" else who

    def last(self, event="call"):
        lines = [json.loads(line) for line in self.daemon.audit()]
        return [line for line in lines if line.get("event") == event][-1]

    def sent(self):
        return [line for space in OWN for line in self.daemon.received(space)
                if b"tools/call" in line]


def test_everybody_and_everything():
    table = Table()
    with World() as world:
        def row(client, who, name):
            rule = ALLOWED[who].get(name)
            before, got = len(world.sent()), client.call(name, {})
            line = world.last()
            assert line["client"] == world.name(who) and line["tool"] == name, line
            if rule:
                assert got.error["code"] != DENIED if "error" in got.message else got.result
                assert line["decision"] == "allowed" and line["rule"] == rule, line
                return
            assert got.error["code"] == DENIED, got.raw
            assert got.error["message"].startswith(f"Access denied to tool {name}"), got.raw
            denying = "never-locked" if who == "locked" else DENYING.get(name, "default")
            assert line["decision"] == "denied" and line["result"] == "blocked", line
            expected = {denying, "no-secrets"} if who == "locked" else {denying}
            assert line["rule"] in expected, line
            assert len(world.sent()) == before, "it was forwarded"

        for who in ALLOWED:
            with world.client(who) as client:
                for name in NAMES:
                    table.row(f"{who} {name}", lambda: row(client, who, name))
    assert not table.failed


def test_lists_never_show_what_may_not_be_called():
    table = Table()
    with World() as world:
        def row(who, kind, path, shown):
            with world.client(who, kind, path=path) as client:
                if kind is McpClient:
                    seen = client.tools()
                else:
                    seen = [t["name"] for t in client.request("tools/list", {}).result["tools"]]
            assert seen == sorted(shown), (seen, shown)

        for who, allowed in ALLOWED.items():
            own = [name[2:] for name in allowed if name.startswith("a.")]
            strict = [name.replace(".", "_") for name in allowed]
            for kind in (McpClient, ModernClient):
                for path, shown in (("/api/v1/mcp", list(allowed)), ("/api/v1/mcp/a", own),
                                    ("/mcp?names=strict", strict)):
                    table.row(f"{who} {kind.__name__} {path}", lambda: row(who, kind, path, shown))
    assert not table.failed


def raw_call(world, who, path, params, fields=()):
    """A modern call with the header fields given, whatever they are."""
    meta = {PREFIX + "protocolVersion": MODERN, PREFIX + "clientCapabilities": {}}
    body = (b'{"jsonrpc":"2.0","id":7,"method":"tools/call","params":' +
            params.replace(b"META", b'"_meta":' + json.dumps(meta).encode()) + b"}")
    headers = [("Content-Type", "application/json"),
               ("Accept", "application/json, text/event-stream"),
               ("MCP-Protocol-Version", MODERN), ("Mcp-Method", "tools/call"),
               *fields, *world.headers(who)]
    with Conn(world.address(who)) as conn:
        return conn.request("POST", path, headers, body)


def test_ways_round_a_rule():
    """Each tries to reach a.write or a.secret as somebody who may not."""
    table = Table()
    top, space, strict = "/api/v1/mcp", "/api/v1/mcp/a", "/mcp?names=strict"
    legacy = [  # path, params
        (top, b'{"name":"a.write"}'), (top, b'{"name":"a\\u002ewrite"}'),
        (top, b'{"name":"\\u0061\\u002e\\u0077rite"}'), (top, b'{"name":"a.wr\\u0069te"}'),
        (top, b'{"n\\u0061me":"a.write"}'), (top, b'{"name":"a.read","name":"a.write"}'),
        (top, b'{"name":"a.write","name":"a.read"}'),
        (top, b'{"name":"a.read","n\\u0061me":"a.write"}'),
        (top, b'{"Name":"a.read","name":"a.write"}'), (top, b'{"NAME":"a.write"}'),
        (top, b'{"name":"A.write"}'), (top, b'{"name":"a.Write"}'), (top, b'{"name":"a.write "}'),
        (top, b'{"name":" a.write"}'), (top, b'{"name":"a.write\\u0000"}'),
        (top, b'{"name":"a..write"}'), (top, b'{"name":"a%2ewrite"}'), (top, b'{"name":"a.wri%74e"}'),
        (top, b'{"name":"a/write"}'), (top, b'{"name":"a_write"}'), (top, b'{"name":"write"}'),
        (top, b'{"name":"b.a.write"}'), (top, b'{"name":"a.\\uff57rite"}'),
        (top, b'{"name":["a.write"]}'), (top, b'{"name":{"name":"a.write"}}'), (top, b'{"name":null}'),
        (top, b'{"name":"a.write*"}'), (top, b'{"name":"a.secret"}'), (top, b'{"name":"a.read_secret"}'),
        (top, b'{"arguments":{"name":"a.read"},"name":"a.write"}'),
        (top, b'{"name":"a.write","_meta":{"name":"a.read"}}'),
        (space, b'{"name":"write"}'), (space, b'{"name":"secret"}'), (space, b'{"name":"a.write"}'),
        (space, b'{"name":"wr\\u0069te"}'), ("/a/mcp", b'{"name":"write"}'),
        ("/%61/mcp", b'{"name":"write"}'), ("/api/v1/mcp/%61", b'{"name":"write"}'),
        ("/api/v1/mcp/b/../a", b'{"name":"write"}'), ("/api/v1//mcp/a", b'{"name":"write"}'),
        ("/api/v1/mcp/A", b'{"name":"write"}'), ("/api/v1/mcp/a/", b'{"name":"write"}'),
        (strict, b'{"name":"a_write"}'), (strict, b'{"name":"a.write"}'),
        (strict, b'{"name":"a_secret"}'), (strict, b'{"name":"a\\u005fwrite"}'),
        ("/mcp?names=strict&names=plain", b'{"name":"a_write"}'),
        ("/mcp?names=%73trict", b'{"name":"a_write"}'),
    ]
    modern = [  # fields, params
        ((("Mcp-Name", "a.read"),), b'{"name":"a.write",META}'),
        ((("Mcp-Name", "a.write"),), b'{"name":"a.write",META}'),
        ((("Mcp-Name", "a.write"),), b'{"name":"a.read",META}'),
        ((("Mcp-Name", "a.read"), ("Mcp-Name", "a.write")), b'{"name":"a.write",META}'),
        ((), b'{"name":"a.write",META}'),
        ((("Mcp-Name", "a.read"),), b'{"name":"a.read","name":"a.write",META}'),
        ((("Mcp-Name", "a.write"),), b'{"name":"a.wr\\u0069te",META}'),
        ((("Mcp-Name", "a%2Ewrite"),), b'{"name":"a.write",META}'),
        ((("Mcp-Name", "A.WRITE"),), b'{"name":"a.write",META}'),
        ((("Mcp-Name", "=?base64?YS53cml0ZQ==?="),), b'{"name":"a.write",META}'),
        ((("Mcp-Name", "a.write"), ("Mcp-Method", "tools/list")), b'{"name":"a.write",META}'),
    ]
    with World() as world:
        def by_session(path, params):
            before = len(denials())
            with world.client("reader", path=path, start=False) as client:
                with world.client("reader") as known:
                    client.session = known.session
                    got = client.request("tools/call", params)
                assert got.status in (200, 400, 404), got.status
                assert got.message is None or "error" in got.message, got.raw
                recorded(got.raw or b"", before)

        def recorded(raw, before):
            """What was refused for what it named, or for meaning two things, is told once."""
            if any(word in raw for word in (b"Access denied", b"Unknown tool",
                                            b"Header mismatch", b"duplicate")):
                wait_for("its record", lambda: len(denials()) > before)
                (line,) = denials()[before:]
                assert (line["client"], line["event"]) == ("reader", "call"), line
                told.append(line)

        def denials():
            lines = [json.loads(line) for line in world.daemon.audit()]
            return [line for line in lines if line["decision"] == "denied"]

        told = []

        def by_head(fields, params):
            before = len(denials())
            got = raw_call(world, "reader", top, params, fields)
            recorded(got.body, before)
            assert b'"error"' in got.body and b'"result"' not in got.body, got

        for path, params in legacy:
            table.row(f"{path} {params.decode()}", lambda: tolerant(by_session, path, params))
        for fields, params in modern:
            table.row(f"{fields} {params.decode()}", lambda: by_head(fields, params))
        assert not world.sent(), world.sent()
        assert len(told) >= 40, len(told)
        blocked = [json.loads(line) for line in world.daemon.audit() if '"blocked"' in line]
        assert len(blocked) >= 12, len(blocked)
        assert all(line["client"] == "reader" and line["decision"] == "denied" for line in blocked)
        assert {line.get("tool") for line in blocked} >= {"a.write", "a.secret", "a.read_secret"}
        with world.client("writer") as client:  # the same names work for those who may
            client.call("a.write", {})
        assert world.sent()
    assert not table.failed


def test_a_line_that_says_two_things():
    with World() as world, SocketLines(world.address("unix")) as lines:
        lines.initialize()
        lines.put(b'{"jsonrpc":"2.0","id":5,"method":"tools/call","params":'
                  b'{"name":"b.local","name":"a.write"}}\n')
        assert "duplicate" in lines.read()["error"]["message"]
        wait_for("its record", world.daemon.audit)
        (line,) = [json.loads(line) for line in world.daemon.audit()]
        assert (line["client"], line["decision"]) == (world.name("unix"), "denied"), line
        assert line["result"] == "blocked" and line["request_id"], line


def tolerant(check, path, params):
    """A path that is none may be answered by plain text."""
    try:
        check(path, params)
    except json.JSONDecodeError:
        pass


def test_report_denies_nothing_and_tells():
    with World(policy={"mode": "report"}) as world:
        assert "policy.mode: report: nothing is denied to anybody" in world.daemon.log
        with world.client("guest") as client:
            assert client.tools() == sorted(NAMES)
            client.call("a.secret", {})
            line = world.last()
            assert (line["decision"], line["rule"]) == ("allowed", "report:no-secrets"), line
            client.call("a.drop", {})
            assert world.last()["rule"] == "report:default"
            client.call("b.hello", {})
            assert world.last()["rule"] == "everyone"
        assert len(world.sent()) == 3


def test_what_an_identity_may_do_can_be_asked():
    with World() as world:
        for who, allowed in ALLOWED.items():
            got = world.daemon.run("tools", "--client", world.name(who), "--json")
            assert got.returncode == 0, got.stderr
            seen = {t["name"]: (t["decision"], t["rule"]) for t in json.loads(got.stdout)}
            assert {n for n, (decision, _) in seen.items() if decision == "allowed"} == set(allowed)
            assert all(seen[name] == ("allowed", rule) for name, rule in allowed.items()), seen
        table = world.daemon.run("tools", "a.s*", "--client", "reader").stdout
        assert table.split() == ["NAME", "DECISION", "RULE", "a.secret", "denied", "no-secrets"], table
        plain = json.loads(world.daemon.run("tools", "--json").stdout)
        assert "decision" not in plain[0] and "server" in plain[0]
        assert world.daemon.run("status", "--client", "x").returncode == 64


main(__name__)
