"""Policy: deny wins, deny is the default, what is denied is neither listed nor callable,
however its name is spelled; and a refusal never reaches the child."""
import json

from harness import Neurond, Table, hostile, main

RULES = {
    "rule allow-a": {"effect": "allow", "tools": ["a.*", "b.r?d"]},
    "rule deny-crash": {"effect": "deny", "tools": ["*.crash", "a.e[m-n]*"]},
    "rule nobody": {"effect": "allow", "tools": "b.blue", "clients": "uid:4711 cert:*"},
    "rule someone": {"effect": "allow", "tools": "b.green", "clients": "anon*"},
}
DENIED = -32600
UNKNOWN = -32602


def test_lists_show_only_what_may_be_called():
    with Neurond({"a": hostile(), "b": hostile("tools=red,rad,read,blue,green")}, RULES,
                 allow=False) as daemon, daemon.client() as client:
        names = client.tools()
        assert "a.echo" in names and "a.crash" not in names, names
        assert not {"a.emit", "a.environment"} & set(names), names
        assert [n for n in names if n.startswith("b.")] == ["b.green", "b.rad", "b.red"], names


def test_by_any_spelling():
    spellings = [
        (b'"a.crash"', DENIED), (b'"a.cras\\u0068"', DENIED), (b'"\\u0061.crash"', DENIED),
        (b'"a\\u002ecrash"', DENIED), (b'"\\u0061\\u002e\\u0063\\u0072\\u0061\\u0073\\u0068"', DENIED),
        (b'"A.crash"', UNKNOWN), (b'"a.CRASH"', UNKNOWN), (b'" a.crash"', UNKNOWN),
        (b'"a.crash "', UNKNOWN), (b'"a.crash\\u0000"', UNKNOWN), (b'"a..crash"', UNKNOWN),
        (b'"crash"', UNKNOWN), (b'".crash"', UNKNOWN), (b'"a/crash"', UNKNOWN),
        (b'"a.\\u0441rash"', UNKNOWN), (b'"a.crash\\n"', UNKNOWN), (b'"*.crash"', UNKNOWN),
        (b'"a.cra\xc3\xa7h"', UNKNOWN), (b'"a.a.crash"', UNKNOWN), (b'"b.a.crash"', UNKNOWN),
        (b'"b.blue"', DENIED), (b'"b.read"', DENIED),
    ]
    shapes = [
        b'{"name":%s,"arguments":{}}', b'{"arguments":{"name":"a.echo"},"name":%s}',
        b'{"_meta":{"name":"a.echo"},"name":%s}', b'{"n\\u0061me":%s}',
        b'{"Name":"a.echo","name":%s,"NAME":"a.echo"}',
    ]
    table = Table()
    with Neurond({"a": hostile(), "b": hostile("tools=red,read,blue")}, RULES,
                 allow=False) as daemon, daemon.client() as client:
        def refused(body, code):
            got = client.request("tools/call", body)
            assert got.error["code"] in (code, DENIED, UNKNOWN), got.raw
            if code == DENIED:
                assert got.error["code"] == DENIED, got.raw
                assert "by security policy" in got.error["message"], got.raw

        for name, code in spellings:
            for shape in shapes:
                body = shape % name
                table.row(body.decode("latin-1"), lambda: refused(body, code))
        twice = b'{"name":"a.echo","name":"a.crash"}'
        table.row("name twice", lambda: refused(twice, None))
        assert client.call("a.echo", {"text": "alive"}).text == "alive"
        sent = [line for line in daemon.received("a") if b"tools/call" in line]
        assert len(sent) == 1, sent
        assert not [line for line in daemon.received("b") if b"tools/call" in line]
        blocked = [json.loads(line) for line in daemon.audit() if '"blocked"' in line]
        assert blocked and all(r["decision"] == "denied" for r in blocked), blocked[:2]
        assert {"deny-crash", "default"} <= {r.get("rule") for r in blocked}, blocked
    assert not table.failed


def test_the_message_names_the_tool_and_the_policy():
    with Neurond({"a": hostile()}, allow=False) as daemon, daemon.client() as client:
        error = client.call("a.echo").error
        assert error["code"] == DENIED, error
        assert error["message"] == "Access denied to tool a.echo by security policy", error


def test_order_does_not_matter_and_deny_wins():
    first = {"rule x": {"effect": "deny", "tools": "a.echo"},
             "rule y": {"effect": "allow", "tools": "*"}}
    for rules in (first, dict(reversed(first.items()))):
        with Neurond({"a": hostile()}, rules, allow=False) as daemon, daemon.client() as client:
            assert client.call("a.echo").error["code"] == DENIED
            assert client.call("a.raw").text


def test_a_denied_name_that_does_not_exist_tells_nothing():
    rules = {"rule x": {"effect": "deny", "tools": "a.secret*"},
             "rule y": {"effect": "allow", "tools": "*"}}
    with Neurond({"a": hostile("tools=secret1,open")}, rules, allow=False) as daemon:
        with daemon.client() as client:
            assert client.tools() == ["a.open"]
            assert client.call("a.secret1").error["code"] == DENIED
            assert client.call("a.secret2").error["code"] in (DENIED, UNKNOWN)


main(__name__)
