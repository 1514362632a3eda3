"""The inspector's command line lists and calls, over HTTP and through `neurond connect`."""
import json
import pathlib
import subprocess
import tempfile

from peers import EVERYTHING, MODERN_SERVER, NODE, OFFICIAL

from harness import BINARY, Neurond, main

INSPECTOR = str(OFFICIAL / "inspector/clients/launcher/build/index.js")


def inspect(home, *args):
    """The JSON that it prints."""
    done = subprocess.run([NODE, INSPECTOR, "--cli", *args], capture_output=True, text=True,
                          timeout=60, check=False, env={"PATH": "/usr/bin:/bin", "HOME": home})
    assert done.returncode == 0, (args, done.returncode, done.stdout, done.stderr)
    return json.loads(done.stdout)


def test_it_lists_and_calls():
    child = {"command": NODE, "start_timeout": "60s"}
    downstreams = {"everything": {**child, "args": [EVERYTHING, "stdio"]},
                   "modern": {**child, "args": [MODERN_SERVER, "stdio"]},
                   "host": {"command": BINARY, "args": ["host-tools"]}}
    with tempfile.TemporaryDirectory() as home, Neurond(downstreams) as daemon:
        for name in downstreams:
            daemon.wait_for_log(f"{name}: healthy", 60)
        socket = str(pathlib.Path(daemon.dir) / "run/neurond.sock")
        for target in ([daemon.url, "--transport", "http"],
                       [BINARY, "connect", "--socket", socket]):
            dot = "." if target[0] == daemon.url else "_"
            listed = inspect(home, *target, "--method", "tools/list")
            names = [tool["name"] for tool in listed["tools"]]
            assert names == sorted(names), names
            assert {name.split(dot)[0] for name in names} == set(downstreams), names
            for tool, key, value, want in (("everything", "message", "m", "Echo: m"),
                                           ("modern", "text", "m", "m")):
                got = inspect(home, *target, "--method", "tools/call", "--tool-name",
                              f"{tool}{dot}echo", "--tool-arg", f"{key}={value}")
                assert got["content"][0]["text"] == want, got


main(__name__)
