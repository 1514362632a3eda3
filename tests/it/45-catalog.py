"""The merged list: sorted, namespaced, all pages, always current, always the same bytes."""
import json

from harness import Neurond, hostile, main
from rawhttp import wait_for


def test_sorted_by_full_name_and_always_the_same_bytes():
    downstreams = {"zeta": hostile("tools=b,a"), "alpha-1": hostile("tools=z"),
                   "alpha": hostile("tools=Z,a.b,_x")}
    with Neurond(downstreams) as daemon, daemon.client() as client:
        names = client.tools()
        assert names == ["alpha-1.z", "alpha.Z", "alpha._x", "alpha.a.b", "zeta.a", "zeta.b"], names
        bodies = {client.request("tools/list", id_raw="1").raw for _ in range(5)}
        assert len(bodies) == 1
        assert client.call("alpha.a.b", {"text": "dots"}).text == "dots"
        sent = json.loads(daemon.received("alpha")[-1])
        assert sent["params"]["name"] == "a.b", sent


def test_all_pages_are_followed():
    names = ",".join(f"t{n:03d}" for n in range(57))
    with Neurond({"a": hostile(f"tools={names}", "pages=5")}) as daemon, daemon.client() as client:
        assert len(client.tools()) == 57


def test_a_cursor_that_leads_back_ends():
    with Neurond({"a": hostile("tools=x", "loop", start_timeout="5s"), "b": hostile("tools=y")}
                 ) as daemon, daemon.client() as client:
        assert "b.y" in client.tools()
        asked = sum(b"tools/list" in line for line in daemon.received("a"))
        assert asked < 2000, asked


def test_two_servers_one_name_and_a_separator_of_ones_own():
    with Neurond({"a": hostile("tools=b_c"), "a_b": hostile("tools=c")},
                 {"federation": {"separator": "_"}}) as daemon, daemon.client() as client:
        assert client.tools() == ["a_b_c"], client.tools()
        daemon.wait_for_log(r"a_b_c")
        assert client.call("a_b_c", {"text": "first wins"}).text == "first wins"
        sent = [json.loads(line) for name in ("a", "a_b") for line in daemon.received(name)]
        assert [m["params"]["name"] for m in sent if m.get("method") == "tools/call"] == ["b_c"]


def test_a_crashed_server_leaves_the_list_and_comes_back():
    with Neurond({"a": hostile(backoff="700ms"), "b": hostile("tools=y")}) as daemon:
        with daemon.client() as client:
            stream = client.stream()
            assert "a.echo" in client.tools()
            client.call("a.crash", {"status": 1})
            error = client.call("a.echo").error
            if error["code"] != -32603:
                raise AssertionError(error)
            wait_for("it is back", lambda: "a.echo" in client.tools())
            assert client.call("a.echo", {"text": "x"}).text == "x"
            stream.close()


def test_disabled_downstreams_are_not_started():
    with Neurond({"a": hostile("tools=x", enabled="no"), "b": hostile("tools=y")}) as daemon:
        with daemon.client() as client:
            assert client.tools() == ["b.y"]
        assert not daemon.received("a")


def test_descriptions_and_schemas_pass_as_they_are():
    with Neurond({"a": hostile()}) as daemon, daemon.client() as client:
        tool = next(t for t in client.request("tools/list").result["tools"]
                    if t["name"] == "a.echo")
        assert tool == {"name": "a.echo", "description": "the bytes of `text` as they came",
                        "inputSchema": {"type": "object"}}, tool


main(__name__)
