"""Policy by identity for all that is no tool: prompts, resources, templates, completion and
subscriptions. Every spelling of what may not be used is refused and audited."""
import collections
import hashlib
import json
import sys

from harness import HERE, Neurond, Table, main
from listens import Listen
from mcp import McpClient, ModernClient
from prometheus import samples
from rawhttp import wait_for

DENIED = -32600
TOKENS = {name: f"token-of-{name}-0123456789" for name in ("reader", "writer")}
WHO = ("reader", "writer", "anonymous")
RULES = {
    "rule tools": {"effect": "allow", "tools": "n.*"},
    "rule read": {"effect": "allow", "prompts": "a.read", "resources": "mem:///pub/*",
                  "clients": ["reader", "writer"]},
    "rule write": {"effect": "allow", "prompts": "a.write", "resources": "mem:///own*",
                   "clients": "writer"},
    "rule no-secrets": {"effect": "deny", "prompts": "*secret*", "resources": "mem:///pub/secret*"},
    "rule news": {"effect": "allow", "resources": ["mem:///a", "mem:///dir/*"], "clients": "reader"},
    "rule no-news": {"effect": "deny", "resources": "mem:///dir/secret*"},
}
RULED = {"default", "no-secrets", "no-news"}
SECRET, WRAPPED = "mem:///pub/secret", "neurond://b/mem%3A%2F%2F%2Fpub%2Fsecret"
LISTS = {  # method, member, field: what each identity sees
    ("prompts/list", "prompts", "name"): {"reader": ["a.read"], "writer": ["a.read", "a.write"]},
    ("resources/list", "resources", "uri"): {
        "reader": ["mem:///a", "mem:///dir/", "mem:///pub/a"],
        "writer": ["mem:///own", "mem:///pub/a"]},
    ("resources/templates/list", "resourceTemplates", "uriTemplate"): {
        "reader": ["mem:///pub/{name}"], "writer": ["mem:///own/{x}", "mem:///pub/{name}"]},
}
SPELLINGS = [  # of what the reader may not read
    SECRET, "mem:///own", WRAPPED, "neurond://b/mem:///pub/secret", "neurond://a/" + SECRET,
    "neurond://b/mem%3A%2F%2F%2Fpub%2F%2573ecret", "mem:///pub/%73ecret", "mem:///pub/%2573ecret",
    "mem:///pub/%252573ecret", "mem:///%70ub/secret", "mem:///pub%2Fsecret", "mem:///pub/./secret",
    "mem:///pub/a/../secret", "mem:///pub/%2e%2e/own", "mem:///pub/../own", "mem:///pub/..%2Fown",
    "mem:///pub/../pub/secret", "mem:///pub/\\..\\..\\own", "mem:///pub\\secret", "MEM:///pub/secret",
    "mEm:///own", "mem:///pub/se\tcret", "mem:///pub/se\ncret", "mem:///pub/secret ",
    " mem:///pub/secret", "mem:///pub/secret#x", "mem:///pub/secret?x", "mem:///pub/secret/",
    "mem:///pub/%73ecret/x", "mem:///own/x", "mem:///own/%2e%2e/pub/secret", "mem:///Own",
    "mem:///pub/..;/secret/../secret", "mem:///pub/%00/../secret", "mem%3A///own",
]


def fixture(name, *words):
    return {"command": sys.executable, "args": [str(HERE / f"fixtures/{name}.py"), *words]}


DOWNSTREAMS = {
    "a": fixture("lists", "prompts=read,write,secret", f"resources=mem:///pub/a,{SECRET},mem:///own",
                 "templates=mem:///pub/{name},mem:///own/{x}"),
    "b": fixture("lists", "modern", f"resources={SECRET}"),
    "n": fixture("news"),
}


def world(**config):
    clients = {f"client {name}": {"token_sha256": hashlib.sha256(token.encode()).hexdigest()}
               for name, token in TOKENS.items()}
    return Neurond(DOWNSTREAMS, {**RULES, **clients, **config}, allow=False)


def client(daemon, who, kind=McpClient, **keys):
    headers = [("Authorization", f"Bearer {TOKENS[who]}")] if who in TOKENS else []
    return kind(daemon.address, headers=headers, **keys)


def denials(daemon):
    return [json.loads(line) for line in daemon.audit() if '"decision":"denied"' in line]


def test_lists_show_only_what_may_be_used():
    table = Table()
    with world() as daemon:
        def row(who, kind, method, member, field, shown):
            with client(daemon, who, kind) as mine:
                seen = [item[field] for item in mine.request(method, {}).result[member]]
            assert seen == shown, (seen, shown)

        for (method, member, field), shown in LISTS.items():
            for who in WHO:
                for kind in (McpClient, ModernClient):
                    table.row(f"{who} {kind.__name__} {method}",
                              lambda: row(who, kind, method, member, field, shown.get(who, [])))
    assert not table.failed


def test_prompts_and_completion_by_identity():
    table = Table()
    rows = []
    for who in WHO:
        for name in ("a.read", "a.write", "a.secret"):
            fine = name in LISTS[("prompts/list", "prompts", "name")].get(who, [])
            rows.append((who, "prompts/get", {"name": name}, fine))
            rows.append((who, "completion/complete", {"ref": {"type": "ref/prompt", "name": name}},
                         fine))
        for uri in ("mem:///pub/{name}", "mem:///own/{x}"):
            fine = uri in LISTS[("resources/templates/list", "resourceTemplates",
                                 "uriTemplate")].get(who, [])
            rows.append((who, "completion/complete", {"ref": {"type": "ref/resource", "uri": uri}},
                         fine))
    rows += [("reader", "completion/complete", {"ref": {"type": "ref/resource", "uri": uri}}, False)
             for uri in (SECRET, WRAPPED, "mem:///pub/%73ecret", "mem:///pub/../own",
                         "mem:///own/%7Bx%7D", "MEM:///own/{x}", "mem:///pub/../own/{x}")]
    rows += [("reader", "prompts/get", {"name": name}, False)
             for name in ("write", "a.Write", "a.write ", "a_write", "a..write", "a%2ewrite",
                          "a.write\0", "a.secret")]
    with world() as daemon:
        def row(who, method, params, fine):
            params = {**params, **({"argument": {"name": "x", "value": "y"}}
                                   if "ref" in params else {})}
            before = len(denials(daemon))
            with client(daemon, who) as mine:
                got = mine.request(method, params)
            if fine:
                assert got.result, got.raw
            elif got.error["code"] == DENIED:
                assert "by security policy" in got.error["message"], got.raw
                last = denials(daemon)[before:]
                assert len(last) == 1 and last[0]["client"] == who, last
            else:
                assert "nknown" in got.error["message"] or "not found" in got.error["message"]

        for who, method, params, fine in rows:
            table.row(f"{who} {method} {params}", lambda: row(who, method, params, fine))
        rules = {line["rule"] for line in denials(daemon) if "rule" in line}  # else unknown
        assert rules == {"default", "no-secrets"}, rules
    assert not table.failed


def test_every_spelling_of_a_resource():
    table = Table()
    with world() as daemon:
        def row(kind, uri):
            before = len(denials(daemon))
            with client(daemon, "reader", kind) as mine:
                got = mine.request("resources/read", {"uri": uri})
            assert "error" in got.message, got.raw
            if got.error["code"] == DENIED:
                (last,) = denials(daemon)[before:]
                assert last["client"] == "reader" and last["method"] == "resources/read", last

        for kind in (McpClient, ModernClient):
            for uri in SPELLINGS:
                table.row(f"{kind.__name__} {uri!r}", lambda: row(kind, uri))
        assert len(denials(daemon)) >= len(SPELLINGS), len(denials(daemon))
        with client(daemon, "reader") as mine:  # the same forms of what may be read
            for uri in ("mem:///pub/a", "mem:///pub/%61", "mem:///pub/b c"):
                (content,) = mine.request("resources/read", {"uri": uri}).result["contents"]
                assert content["uri"] == uri, content  # verbatim to the server
        raw = [b'{"uri":"mem:///pub/a","uri":"mem:///own"}', b'{"uri":"mem:///own","uri":"mem:///pub/a"}',
               b'{"uri":"mem:///pub/a","u\\u0072i":"mem:///own"}', b'{"URI":"mem:///own"}',
               b'{"uri":"mem:///\\u006fwn"}', b'{"uri":["mem:///own"]}']
        for params in raw:
            table.row(params.decode(), lambda: spelled_in_json(daemon, params))
    assert not table.failed


def spelled_in_json(daemon, params):
    with client(daemon, "reader") as mine:
        got = mine.request("resources/read", params)
        assert "error" in got.message, got.raw


def test_who_may_not_read_hears_nothing():
    table = Table()
    with world() as daemon:
        with client(daemon, "reader") as mine:
            for uri in [*SPELLINGS, "mem:///dir/secret", "mem:///dir/%73ecret", "mem:///b"]:
                def row():
                    before = len(denials(daemon))
                    assert "error" in mine.request("resources/subscribe", {"uri": uri}).message
                    wait_for("its record", lambda: len(denials(daemon)) > before)
                    (line,) = denials(daemon)[before:]
                    assert (line["client"], line["method"]) == ("reader", "resources/subscribe")
                    assert line["result"] == "error" or line["rule"] in RULED, line
                    assert line.get("request_id"), line
                table.row(f"subscribe {uri!r}", row)
            for uri in ("mem:///a", "mem:///dir/"):
                assert mine.request("resources/subscribe", {"uri": uri}).result == {}
            with client(daemon, "reader") as other:
                news = mine.stream()
                for uri in ("mem:///dir/secret", "mem:///dir/secret/x", "mem:///dir/%73ecret",
                            "mem:///b", "mem:///dir/fine"):
                    other.call("n.touch", {"uri": uri})
                heard = []
                wait_for("the news that may be told", lambda: heard.append(
                    news.next()["params"].get("uri")) or heard[-1] == "mem:///dir/fine")
                assert heard == ["mem:///dir/fine"], heard
                news.close()
        for who in ("writer", "anonymous"):
            with client(daemon, who) as mine:
                assert "error" in mine.request("resources/subscribe", {"uri": "mem:///a"}).message
    assert not table.failed


def test_a_listen_honours_what_may_be_read():
    fine, wrong = ["mem:///a", "mem:///dir/"], [*SPELLINGS, "mem:///dir/secret", "mem:///b"]
    with world() as daemon:
        for who, honoured in (("reader", fine), ("writer", []), ("anonymous", [])):
            before = len(denials(daemon))
            headers = [("Authorization", f"Bearer {TOKENS[who]}")] if who in TOKENS else []
            listen = Listen(daemon, {"resourceSubscriptions": wrong + fine}, headers=headers)
            assert listen.acknowledged() == {"resourceSubscriptions": honoured}
            refused = len(wrong) + len(fine) - len(honoured)
            wait_for("a record each", lambda: len(denials(daemon)) >= before + refused)
            lines = denials(daemon)[before:]
            assert len(lines) == refused, lines
            assert {(line["client"], line["method"]) for line in lines} == {
                (who, "subscriptions/listen")}
            blocked = {line["tool"]: line["rule"] for line in lines
                       if line["result"] == "blocked"}
            assert set(blocked.values()) <= RULED and blocked[SECRET] == "no-secrets", blocked
            assert ("mem:///a" in blocked) == (who != "reader"), blocked
            listen.close()
        with client(daemon, "reader") as mine:
            mine.post(b'{"jsonrpc":"2.0","id":1,"method":"prompts/get","method":"ping"}')
            assert mine.request("prompts/get", {"name": "a.write"}).error
            assert "error" in mine.request("resources/subscribe", {"uri": SECRET}).message
        tally = collections.Counter(
            line.get("rule", "") for line in denials(daemon) if line["result"] == "blocked")
        with daemon.connect() as conn:
            counted = samples(conn.request("GET", "/metrics").body.decode(),
                              "neurond_policy_denied_total")
        assert {dict(labels)["rule"]: n for labels, n in counted.items() if n} == tally
        assert tally[""] == 1 and tally["no-secrets"] > 2 and tally["default"] > 2, tally


def test_what_an_identity_may_use_can_be_asked():
    with world() as daemon:
        for who in WHO:
            for verb, methods in (("prompts", ["prompts/list"]),
                                  ("resources", ["resources/list", "resources/templates/list"])):
                got = daemon.run(verb, "--client", who, "--json")
                assert got.returncode == 0, got.stderr
                seen = {item["name"] for item in json.loads(got.stdout)
                        if item["decision"] == "allowed"}
                wanted = {name for (method, _, _), shown in LISTS.items() if method in methods
                          for name in shown.get(who, [])}
                assert seen == wanted, (who, verb, seen, wanted)
        table = daemon.run("resources", "mem:///own*", "--client", "reader").stdout
        assert table.split() == ["NAME", "DECISION", "RULE", "mem:///own", "denied", "default",
                                 "mem:///own/{x}", "denied", "default"], table
        (secret,) = json.loads(daemon.run("resources", WRAPPED, "--client", "writer",
                                          "--json").stdout)
        assert (secret["server"], secret["rule"]) == ("b", "no-secrets"), secret
        plain = daemon.run("prompts").stdout
        assert plain.split()[:3] == ["NAME", "SERVER", "DESCRIPTION"] and "a.secret" in plain
        assert "None of the prompts" in daemon.run("prompts", "zzz").stdout


def test_report_lets_everything_through_and_tells():
    with world(policy={"mode": "report"}) as daemon:
        with client(daemon, "reader") as mine:
            assert mine.request("resources/read", {"uri": "mem:///pub/%73ecret"}).result
            assert mine.request("prompts/get", {"name": "a.write"}).result
            rules = [json.loads(line)["rule"] for line in daemon.audit() if '"call"' in line]
            assert rules == ["report:no-secrets", "report:default"], rules


main(__name__)
