"""What the README tells people to write and type is done as it stands there; only the
program's place, the port and the socket are this test's."""
import json
import pathlib
import re
import shutil
import subprocess
import tempfile

from peers import EVERYTHING, HERE, MODULES, NODE, node

from harness import BINARY, Neurond, main

README = (HERE.parent.parent / "README.md").read_text()
INSTALLED = "/usr/local/bin/neurond"
DEFAULT = "127.0.0.1:8443"


def section(title):
    """The indented lines of a section, without the indentation."""
    text = re.split(r"(?m)^#+ ", README.partition(f"# {title}\n")[2])[0]
    assert text, title
    return [line[4:] for line in text.splitlines() if line.startswith("    ") or not line.strip()]


def commands(lines):
    """What stands behind a prompt, with the lines that belong to it: quotes that are open,
    a backslash at the end, a here-document."""
    found, more = [], False
    for line in lines:
        if more or line.startswith("$ "):
            found = [*found, line[2:]] if not more else [*found[:-1], found[-1] + "\n" + line]
            text = found[-1]
            here = re.search(r"<<'(\w+)'", text)
            more = (not text.endswith("\n" + here[1]) if here else
                    text.count("'") % 2 == 1 or text.endswith("\\"))
    return found


def objects(lines):
    """The configurations that stand in a section."""
    text, found = "\n".join(lines), []
    for start in re.finditer(r'\{"(mcpServers|servers)"', text):
        found.append(json.JSONDecoder().raw_decode(text, start.start())[0])
    return found


def daemon_of_the_tour():
    return Neurond(
        {"host": {"command": "self", "args": "host-tools"},
         "everything": {"command": NODE, "args": [EVERYTHING, "stdio"], "start_timeout": "60s"}},
        {"rule host": {"effect": "allow", "tools": "host.*"}, "rule everything": {
            "effect": "allow", "tools": ["everything.echo", "everything.get-sum"]}}, allow=False)


def shell(daemon, script, home):
    """Runs a script where `neurond` is ours; its output."""
    if not shutil.which("curl"):
        raise AssertionError("curl is not installed")
    script = script.replace(DEFAULT, f"127.0.0.1:{daemon.port}")
    socket = daemon.dir / "run/neurond.sock"
    done = subprocess.run(
        ["bash", "-c", f'neurond() {{ "{BINARY}" "$@" --socket "{socket}"; }}\n{script}'],
        capture_output=True, text=True, timeout=60, check=False, cwd=home)
    assert done.returncode == 0 and not done.stderr, done
    return done.stdout


def test_the_configurations_of_desktop_programs():
    found = objects(section("Clients"))
    keys = sorted((key, name) for each in found for key in each for name in each[key])
    assert keys == [("mcpServers", "neurond"), ("servers", "neurond"), ("servers", "neurond")], keys
    calls = json.dumps([["everything_get-sum", {"a": 19, "b": 23}]])
    with daemon_of_the_tour() as daemon:
        daemon.wait_for_log("everything: healthy", 60)
        for each in found:
            (servers,) = each.values()
            entry = servers["neurond"]
            if "url" in entry:
                assert DEFAULT in entry["url"], entry
                target = entry["url"].replace(DEFAULT, f"127.0.0.1:{daemon.port}")
            else:
                assert entry["command"] == INSTALLED, entry
                target = json.dumps([BINARY, *entry["args"], "--socket",
                                     str(daemon.dir / "run/neurond.sock")])
            seen = node("sdk1.mjs", target, calls)
            names = {tool["name"] for tool in seen["tools"]}
            assert {"everything_echo", "everything_get-sum", "host_system_load"} <= names, names
            assert "everything_get-env" not in names, names
            assert "42" in seen["results"][0]["content"][0]["text"], seen["results"]


def test_a_line_on_the_socket():
    (command,) = commands(section("Clients"))
    with daemon_of_the_tour() as daemon, tempfile.TemporaryDirectory() as home:
        answer = json.loads(shell(daemon, command, home))
        assert answer["id"] == 1 and answer["result"]["serverInfo"]["name"] == "neurond", answer


def test_the_requests_with_curl():
    script = commands(section("Speak MCP with curl"))
    with daemon_of_the_tour() as daemon, tempfile.TemporaryDirectory() as home:
        out = shell(daemon, "\n".join(script), home).splitlines()
        messages = [json.loads(line) for line in out if line.startswith("{")]
        assert [m["id"] for m in messages] == [1, 2, 3] and all("result" in m for m in messages), out
        assert [line for line in out if line.startswith("Mcp-Session-Id: ")], out
        assert "load_1m" in messages[2]["result"]["content"][0]["text"], messages[2]
        assert not list(pathlib.Path(home).iterdir())


def test_the_client_on_the_official_sdk():
    script, run = commands(section("Use the official SDK"))
    assert run == "node ~/mcp/client.mjs", run
    with daemon_of_the_tour() as daemon, tempfile.TemporaryDirectory() as home:
        daemon.wait_for_log("everything: healthy", 60)
        place = pathlib.Path(home) / "mcp"
        place.mkdir()
        (place / "node_modules").symlink_to(MODULES)
        out = shell(daemon, f'HOME="{home}"\nnode() {{ "{NODE}" "$@"; }}\n{script}\n{run}', home)
        assert "everything.echo\neverything.get-sum\nhost.process.list\n" in out, out
        assert out.endswith("The sum of 19 and 23 is 42.\n"), out


main(__name__)
