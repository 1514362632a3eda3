"""The official suites as the tests run them: the fixture over HTTP, a run of a suite, and
known.txt, the list of what is known to fail."""
import contextlib
import fnmatch
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "it"), str(HERE.parent / "peers")]

from peers import MODULES, NODE  # noqa: E402

FIXTURE = str(HERE / "fixture.mjs")
OLD, NEW = "@modelcontextprotocol/conformance", "conformance-next"


def program(package):
    return [NODE, str(MODULES / package / "dist/index.js")]


class Known:
    """known.txt, and which of its lines something needed. `kind`: whether the test that
    reads it knows the combination (the other lines belong to another test)."""

    def __init__(self, kind):
        self.needed, self.lines = set(), []
        for line in (HERE / "known.txt").read_text().splitlines():
            if line and not line.startswith("#") and kind(line.split()[2]):
                self.lines.append(line.split(None, 4))

    def covers(self, scenario, check, combination):
        found = [i for i, line in enumerate(self.lines)
                 if all(map(fnmatch.fnmatchcase, (scenario, check, combination), line))]
        self.needed.update(found)
        return bool(found)

    def idle(self):
        return [" ".join(line) for i, line in enumerate(self.lines) if i not in self.needed]


@contextlib.contextmanager
def http_fixture():
    """The fixture over HTTP, both eras; its URL."""
    process = subprocess.Popen([NODE, FIXTURE, "http"], stdin=subprocess.DEVNULL,
                               stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    try:
        yield f"http://127.0.0.1:{int(process.stdout.readline())}/mcp"
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def read_checks(directory):
    """Scenario → its checks, as a run has left them."""
    found = {}
    for path in pathlib.Path(directory).glob("**/checks.json"):
        scenario = re.fullmatch(r"(?:server-)?(.*)-\d{4}-\d\d-\d\dT.*", path.parent.name)[1]
        found[scenario] = json.loads(path.read_text())
    return found


def run_suite(package, *options, env=None):
    """The same; `options` begin with server or client."""
    with tempfile.TemporaryDirectory() as name:
        done = subprocess.run(program(package) + [*options, "-o", name], capture_output=True,
                              text=True, timeout=240, check=False,
                              env={**os.environ, **(env or {})})
        found = read_checks(name)
        assert found, done.stdout[-2000:] + done.stderr[-2000:]
        return found


def failures(checks):
    """Check → what was wrong with it."""
    return {check["id"]: str(check.get("errorMessage"))[:300]
            for check in checks if check["status"] == "FAILURE"}


def successes(checks):
    return {check["id"] for check in checks if check["status"] == "SUCCESS"}


def none(found):
    assert not found, "; ".join(found)
