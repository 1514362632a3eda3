"""What clients of one era mean reaches servers of the other, in the words of those: levels of
messages, capabilities, errors; and what no server of that era is to know stays here."""
import json
import sys

from harness import HERE, Neurond, Table, main
from lines import SocketLines
from mcp import MODERN, ModernClient, PREFIX

CAPS = {"elicitation": {"form": {}, "url": {}}, "sampling": {"tools": {}},
        "roots": {"listChanged": True}, "tasks": {}, "experimental": {"x": {}}}
LEVEL = PREFIX + "logLevel"
ALL = ["debug", "info", "warning", "error"]


def server(*words, **keys):
    return {"command": sys.executable, "args": [str(HERE / "fixtures/eras.py"), *words], **keys}


def both(**keys):
    return {"old": server("legacy", **keys), "new": server("modern", **keys)}


def heard(client, tool, meta=None):
    """The levels of the messages that came with this call, before its answer."""
    seen = []
    got = client.call(tool, meta=meta, on_event=seen.append)
    assert got.text == "logged", got.raw
    said = [m["params"] for m in seen if m.get("method") == "notifications/message"]
    assert all(p["logger"] == tool.split(".")[0] + ".deep" for p in said), said
    return [p["level"] for p in said]


def seen_by(client, space, meta=None):
    return json.loads(client.call(space + ".seen", meta=meta).text)


def test_levels_of_legacy_clients():
    with Neurond(both()) as daemon, daemon.client() as one, daemon.client() as two:
        for space in ("old", "new"):
            assert heard(one, space + ".loud") == [], "before it has asked for any"
        assert seen_by(one, "old")["levels"] == []
        one.request("logging/setLevel", {"level": "warning"})
        two.request("logging/setLevel", {"level": "info"})
        assert seen_by(one, "old")["levels"] == ["warning", "info"], "the most verbose"
        assert seen_by(one, "new")["meta"][LEVEL] == "warning"
        assert seen_by(two, "new")["meta"][LEVEL] == "info"
        for space in ("old", "new"):
            assert heard(one, space + ".log") == ALL[2:] == heard(one, space + ".loud")
            assert heard(two, space + ".log") == ALL[1:] == heard(two, space + ".loud")
        two.delete()
        assert seen_by(one, "old")["levels"] == ["warning", "info", "warning"]
        one.delete()
        with daemon.client() as three:
            assert seen_by(three, "old")["levels"][-1] == "emergency"
            assert LEVEL not in seen_by(three, "new")["meta"]


def test_levels_of_modern_clients():
    with Neurond(both()) as daemon, daemon.modern() as client, daemon.client() as legacy:
        legacy.request("logging/setLevel", {"level": "error"})
        for space in ("old", "new"):
            for tool in (".log", ".loud"):
                assert heard(client, space + tool) == [], "it wants none"
                assert heard(client, space + tool, {LEVEL: "info"}) == ALL[1:]
                assert heard(client, space + tool, {LEVEL: "debug"}) == ALL
                assert heard(client, space + tool, {LEVEL: "alert"}) == []
            assert heard(legacy, space + ".log") == ["error"], "whatever others want"
        assert seen_by(client, "old")["levels"] == ["error", "info", "debug"]
        assert seen_by(client, "new", {LEVEL: "notice"})["meta"][LEVEL] == "notice"
        got = client.call("old.log", meta={LEVEL: "loud"})
        assert got.error["code"] == -32602, got.raw
        legacy.request("logging/setLevel", {"level": "critical"})
        assert seen_by(client, "old")["levels"][-1] == "critical", "no call wants more now"


def test_each_server_is_told_what_its_era_knows():
    relayed = {"elicitation": {"form": {}, "url": {}}, "sampling": {"tools": {}}, "roots": {}}
    with Neurond(both()) as daemon, daemon.client(capabilities=CAPS) as legacy, \
            ModernClient(daemon.address, capabilities=CAPS) as modern, daemon.client() as poor:
        extra = {"com.example/x": [1.10], "traceparent": "00-" + "1" * 32 + "-" + "2" * 16 + "-01"}
        for client in (legacy, modern):
            old = seen_by(client, "old", extra)
            assert old["meta"].keys() == extra.keys(), old
            assert old["greeted"]["protocolVersion"] == "2025-11-25", old
            assert old["greeted"]["capabilities"] == {}, "one instance serves everybody"
            new = seen_by(client, "new", extra)["meta"]
            assert new[PREFIX + "protocolVersion"] == MODERN, new
            assert new[PREFIX + "clientCapabilities"] == relayed, new
            assert new[PREFIX + "clientInfo"]["name"] == "neurond", new
            assert new["com.example/x"] == extra["com.example/x"], new
        assert seen_by(poor, "new")["meta"][PREFIX + "clientCapabilities"] == {}
    with Neurond(both(share="session")) as daemon:
        for client in (daemon.client(capabilities=CAPS),
                       ModernClient(daemon.address, capabilities=CAPS)):
            with client:
                told = seen_by(client, "old")["greeted"]["capabilities"]
                assert told == {**relayed, "roots": {"listChanged": True}}, told


def test_revisions_are_agreed_on_apart():
    servers = {f"v{n}": server("legacy", version) for n, version in enumerate(
        ("2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"))}
    table = Table()
    with Neurond({**servers, "new": server("modern")}) as daemon:
        def check(version):
            with daemon.client(version=version) as client:
                for space in [*servers, "new"]:
                    assert "notifications/initialized" in seen_by(client, space)[
                        "notices"] or space == "new"
        for version in ("2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"):
            table.row(version, lambda: check(version))
    assert not table.failed


def test_operators_see_which_revisions_are_spoken():
    with Neurond(both()) as daemon:
        for space, era, revision in (("old", "legacy", "2025-11-25"),
                                     ("new", "modern", MODERN)):
            told = json.loads(daemon.run("servers", space, "--json").stdout)
            assert (told["era"], told["revision"]) == (era, revision), told
            assert revision in daemon.run("servers", space).stdout
        with daemon.client(version="2025-06-18") as one, daemon.client() as two, \
                SocketLines(daemon.dir / "run/neurond.sock") as lines:
            lines.initialize("2024-11-05")
            for client in (one, one, two, daemon.modern()):
                seen_by(client, "old")
            told = json.loads(daemon.run("status", "--json").stdout)["clients"]
            assert [tuple(each.values()) for each in told] == [
                ("2024-11-05", "legacy", 1, 0), ("2025-06-18", "legacy", 1, 2),
                ("2025-11-25", "legacy", 1, 1), (MODERN, "modern", 0, 1)], told
            assert "2025-06-18: 1 sessions, 2 calls; 2025" in daemon.run("status").stdout


def test_errors_of_the_other_era():
    with Neurond(both()) as daemon:
        rows = [("2024-11-05", -32603), ("2025-03-26", -32603), ("2025-06-18", -32603),
                ("2025-11-25", -32042)]
        for version, code in rows:
            with daemon.client(version=version) as client:
                error = client.call("old.url").error
                assert error["code"] == code and "sign in first" in error["message"], error
                assert error["data"].get("server") == (None if code == -32042 else "old")
                assert client.call("new.need").error["code"] == -32021
        with ModernClient(daemon.address, capabilities=CAPS) as client:
            got = client.call("old.url").result
            assert got["resultType"] == "input_required", got
            got = client.call("new.need")
            assert got.error["code"] == -32021 and got.status == 400, got.raw
        with daemon.modern() as client:
            got = client.call("old.url")
            assert got.error["code"] == -32021 and got.status == 400, got.raw
            assert got.error["data"]["requiredCapabilities"] == {"elicitation": {"url": {}}}


def test_pings_are_answered_where_they_arrive():
    with Neurond(both()) as daemon, daemon.client() as legacy, daemon.modern() as modern:
        for client in (legacy, modern):
            assert json.loads(client.call("old.alive").text)["result"] == {}
        before = len(daemon.received("old"))
        assert legacy.request("ping").result == {}
        assert modern.request("ping").error["code"] == -32601
        assert len(daemon.received("old")) == before


def test_changed_roots_are_news_to_no_modern_server():
    with Neurond(both(share="session")) as daemon, daemon.client(capabilities=CAPS) as client:
        for space in ("old", "new"):
            seen_by(client, space)
        client.notify("notifications/roots/list_changed")
        assert "notifications/roots/list_changed" in seen_by(client, "old")["notices"]
        assert seen_by(client, "new")["notices"] == []


main(__name__)
