"""Everything that npm's server-everything has, with and without neurond: the same answers,
over stdio and over HTTP."""
import base64
import contextlib
import json
import os
import re
import socket
import subprocess

from peers import EVERYTHING, NODE, node

from harness import Neurond, Table, main
from rawhttp import wait_for

DIRECT_STDIO = json.dumps([NODE, EVERYTHING, "stdio"])
FORMS = ("stdio", "HTTP")
TIMES = re.compile(r"\d\d?:\d\d:\d\d( [AP]M)?|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def listens(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@contextlib.contextmanager
def http_server():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with subprocess.Popen([NODE, EVERYTHING, "streamableHttp"], stdin=subprocess.DEVNULL,
                          env={**os.environ, "PORT": str(port)}, stdout=subprocess.DEVNULL,
                          stderr=subprocess.DEVNULL) as process:
        try:
            wait_for("server-everything listens", lambda: listens(port), 60)
            yield f"http://127.0.0.1:{port}/mcp"
        finally:
            process.kill()


def section(form, url):
    common = {"prefix": "none", "start_timeout": "60s"}
    return {**common, "url": url} if form == "HTTP" else {
        **common, "command": NODE, "args": [EVERYTHING, "stdio"], "share": "session"}


def comparable(name, told):
    """What does not depend on the hour or the session, nor on what started a process."""
    if name == "tool get-env":
        assert "PATH" in json.dumps(told), told
        told = told["item"]
    text = json.dumps(told, sort_keys=True, ensure_ascii=False)
    text = re.sub(r'"blob": "([^"]*)"', lambda m: repr(base64.b64decode(m[1])), text)
    return TIMES.sub("THEN", text)


def without_tasks(found):
    """neurond carries no tasks: tools that are nothing else are left out, and none says
    whether it can be one."""
    def needed(told):
        item = told.get("item", {}) if isinstance(told, dict) else {}
        return item.pop("execution", {}).get("taskSupport") != "required"
    return {name: told for name, told in found.items() if needed(told)}


def compare(name, direct, through):
    assert name in through, "is not there through neurond"
    want, got = comparable(name, direct[name]), comparable(name, through[name])
    at = len(os.path.commonprefix((want, got)))
    assert want == got, f"directly …{want[at:at + 300]}\nthrough neurond …{got[at:at + 300]}"


def test_everything_answers_the_same():
    table = Table()
    with http_server() as url:
        for form in FORMS:
            target = DIRECT_STDIO if form == "stdio" else url
            direct = without_tasks(node("everything.mjs", target))
            with Neurond({"everything": section(form, url)}) as daemon:
                daemon.wait_for_log("everything: healthy", 60)
                through = node("everything.mjs", daemon.url)
            assert len(direct) > 30, direct.keys()
            for name in direct:
                table.row(f"{form}: {name}", lambda: compare(name, direct, through))
            table.row(f"{form}: nothing else", lambda: same(set(through), set(direct)))
            for name in direct:
                if name.startswith(("tool", "prompt")):
                    table.row(f"{form}: {name} is called", lambda: called(direct[name]))
    assert not table.failed


def same(got, want):
    assert got == want, got ^ want


def called(told):
    assert told["answers"], "this test knows no arguments for it"


main(__name__)
