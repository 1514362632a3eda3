"""Prompts, resources, templates and completion of several servers, both eras: one list of
each kind, each request at the right server, and URIs that two servers have kept apart."""
import sys

from harness import HERE, Neurond, main

SAME = "same:1"
WRAPPED = "neurond://new/same%3A1"


def lists(*words, **keys):
    return {"command": sys.executable, "args": [str(HERE / "fixtures/lists.py"), *words], **keys}


def both():
    """A legacy server and, behind it, a modern one with a URI of the first."""
    return {
        "old": lists("name=old:", "prompts=hello", f"resources={SAME},old:a",
                     "templates=note:{id}", "instructions=Old-says."),
        "new": lists("modern", "name=new:", "prompts=hello", f"resources={SAME},new:a",
                     f"links={SAME},hidden:1", "instructions=New-says."),
    }


def names(client, method, key, field):
    return [item[field] for item in client.request(method).result[key]]


def clients(daemon):
    return [daemon.client(), daemon.modern()]


def test_all_lists_are_merged_and_sorted():
    with Neurond(both()) as daemon:
        for client in clients(daemon):
            assert names(client, "prompts/list", "prompts", "name") == ["new.hello", "old.hello"]
            uris = names(client, "resources/list", "resources", "uri")
            assert uris == sorted([SAME, WRAPPED, "old:a", "new:a"]), uris
            templates = names(client, "resources/templates/list", "resourceTemplates", "uriTemplate")
            assert templates == ["note:{id}"], templates
            assert client.tools() == ["new.links", "old.links"]
            client.close()


def test_reads_go_where_the_uri_leads():
    with Neurond(both()) as daemon:
        for client in clients(daemon):
            for uri, text in ((SAME, "old:same:1"), (WRAPPED, "new:same:1"), ("old:a", "old:old:a"),
                              ("note:7", "old:note:7"), ("new:other", "new:new:other")):
                (content,) = client.request("resources/read", {"uri": uri}).result["contents"]
                assert content == {"uri": uri, "text": text}, (uri, content)
            client.close()


def test_a_uri_seen_in_a_result_can_be_read():
    with Neurond(both()) as daemon, daemon.client() as client:
        assert client.request("resources/read", {"uri": "hidden:1"}).error["code"] == -32002
        links = client.call("new.links").result["content"]
        assert [block["uri"] for block in links if "uri" in block] == [WRAPPED, "hidden:1"], links
        (content,) = client.request("resources/read", {"uri": "hidden:1"}).result["contents"]
        assert content["text"] == "new:hidden:1", content


def test_alone_a_server_has_its_own_uris():
    with Neurond(both()) as daemon, daemon.client(path="/api/v1/mcp/new") as client:
        assert names(client, "prompts/list", "prompts", "name") == ["hello"]
        assert names(client, "resources/list", "resources", "uri") == ["new:a", SAME]
        (content,) = client.request("resources/read", {"uri": SAME}).result["contents"]
        assert content == {"uri": SAME, "text": "new:same:1"}, content


def test_prompts_and_completion_reach_their_server():
    with Neurond(both()) as daemon:
        for client in clients(daemon):
            got = client.request("prompts/get", {"name": "new.hello"}).result["messages"]
            assert got[0]["content"]["resource"] == {"uri": WRAPPED, "text": "hello"}, got
            for ref, own in (({"type": "ref/prompt", "name": "old.hello"}, '"hello"'),
                             ({"type": "ref/resource", "uri": "note:{id}"}, '"note:{id}"')):
                params = {"ref": ref, "argument": {"name": "x", "value": ""},
                          "context": {"arguments": {}}}
                values = client.request("completion/complete", params).result["completion"]["values"]
                assert own in values[0] and values[1] == "True", values
            client.close()


def test_not_found_in_the_words_of_the_client():
    with Neurond(both()) as daemon:
        for client, code in zip(clients(daemon), (-32002, -32602)):
            for uri in ("old:missing", "new:missing", "nobody:1"):
                error = client.request("resources/read", {"uri": uri}).error
                assert error["code"] == code and error["data"]["uri"] == uri, error
            for method in ("prompts/get", "tools/call"):
                assert client.request(method, {"name": "old.none"}).error["code"] == -32602
            client.close()


def test_policy_of_every_kind():
    rules = {"rule tools": {"effect": "allow", "tools": "*"},
             "rule some": {"effect": "allow", "prompts": "old.*", "resources": ["same:*", "old:*"]},
             "rule not": {"effect": "deny", "resources": "neurond://new/*"}}
    with Neurond(both(), rules, allow=False) as daemon, daemon.client() as client:
        assert names(client, "prompts/list", "prompts", "name") == ["old.hello"]
        assert names(client, "resources/list", "resources", "uri") == ["old:a", SAME]
        denied = [("prompts/get", {"name": "new.hello"}), ("resources/read", {"uri": WRAPPED}),
                  ("resources/read", {"uri": "new:a"}), ("resources/read", {"uri": "note:1"}),
                  ("resources/read", {"uri": "neurond://new/new%3Aa"}),
                  ("completion/complete", {"ref": {"type": "ref/prompt", "name": "new.hello"},
                                           "argument": {"name": "x", "value": ""}})]
        for method, params in denied:
            error = client.request(method, params).error
            assert error["code"] == -32600 and "security policy" in error["message"], error
        assert not [line for line in daemon.received("new") if b"resources/read" in line]


def test_pages_with_cursors_of_our_own():
    many = {"a": lists("tools=9999", "pages=100", start_timeout="60s"),
            "b": lists("prompts=p,q,r", "no-templates")}
    with Neurond(many, {"federation": {"page_size": 1500}}) as daemon:
        with daemon.client() as client:
            assert names(client, "prompts/list", "prompts", "name") == ["b.p", "b.q", "b.r"]
            first = client.request("tools/list").result
            assert len(first["tools"]) == 1500, len(first["tools"])
            assert "execution" not in first["tools"][1], first["tools"][1]
            for cursor in ("", "x", first["nextCursor"][:-2] + "AA"):
                error = client.request("tools/list", {"cursor": cursor}).error
                assert error["code"] == -32602, error
            wrong = client.request("prompts/list", {"cursor": first["nextCursor"]})
            assert wrong.error["code"] == -32602
            tools = client.tools()
            assert len(set(tools)) == len(tools) >= 10000, len(tools)
            assert tools == sorted(tools)


def test_what_a_client_is_told_at_first():
    with Neurond(both()) as daemon, daemon.client() as client:
        caps = client.server_info["capabilities"]
        assert caps["prompts"] == caps["resources"] == {"listChanged": True}, caps
        assert caps["completions"] == {} and "tasks" not in caps, caps
        for told in (client.server_info, daemon.modern().discover()):
            text = told["instructions"]
            assert text.index("# old") < text.index("Old-says.") < text.index("# new"), text


def test_cache_hints_for_modern_clients():
    with Neurond(both()) as daemon:
        modern = daemon.modern()
        for method in ("tools/list", "prompts/list", "resources/list", "resources/templates/list"):
            result = modern.request(method).result
            assert (result["ttlMs"], result["cacheScope"]) == (0, "private"), result
        for uri, hint in (("new:a", (500, "public")), ("old:a", (0, "private"))):
            result = modern.request("resources/read", {"uri": uri}).result
            assert (result["ttlMs"], result["cacheScope"]) == hint, result
        alone = daemon.modern(path="/api/v1/mcp/new").request("tools/list").result
        assert (alone["ttlMs"], alone["cacheScope"]) == (60000, "public"), alone


def test_tasks_are_left_out():
    with Neurond(both()) as daemon, daemon.client() as client:
        got = client.request("tools/call", {"name": "old.links", "task": {"ttl": 1}})
        assert got.text == "null", got.raw


def test_descriptions_say_where_from():
    with Neurond({"a": lists("tools=1")}, {"federation": {"describe_prefix": True}}) as daemon:
        with daemon.client() as client:
            tools = client.request("tools/list").result["tools"]
            assert [t.get("description") for t in tools] == [None, "[a] d"], tools


main(__name__)
