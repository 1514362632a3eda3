"""The official conformance suites through neurond, one downstream without a prefix, of
either era. What fails and is not in known.txt is a failure; so is a line there that
nothing needs."""
import fnmatch
import json
import pathlib
import re
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "it"), str(HERE.parent / "peers")]

from harness import Neurond, Table, main  # noqa: E402
from peers import MODULES, NODE  # noqa: E402

OLD = "@modelcontextprotocol/conformance", "--suite", "all"
RUNS = {"0.1.16 all": OLD,
        "2025-11-25": ("conformance-next", "--requirements", "2025-11-25"),
        "2026-07-28": ("conformance-next", "--requirements", "2026-07-28")}
FIXTURE = HERE / "fixture.mjs"


class Known:
    """known.txt, and which of its lines something needed."""

    def __init__(self):
        self.needed, self.lines = set(), []
        for line in (HERE / "known.txt").read_text().splitlines():
            if line and not line.startswith("#"):
                self.lines.append(line.split(None, 3))

    def covers(self, scenario, check):
        found = [i for i, (where, which, *_) in enumerate(self.lines)
                 if fnmatch.fnmatchcase(scenario, where) and fnmatch.fnmatchcase(check, which)]
        self.needed.update(found)
        return bool(found)

    def idle(self):
        return [" ".join(line) for i, line in enumerate(self.lines) if i not in self.needed]


def run_suite(url, package, *options):
    """Scenario → its checks."""
    with tempfile.TemporaryDirectory() as name:
        done = subprocess.run(
            [NODE, str(MODULES / package / "dist/index.js"), "server", "--url", url, *options,
             "-o", name], capture_output=True, text=True, timeout=120, check=False)
        found = {}
        for path in pathlib.Path(name).glob("*/checks.json"):
            scenario = re.fullmatch(r"server-(.*)-\d{4}-\d\d-\d\dT.*", path.parent.name)[1]
            found[scenario] = json.loads(path.read_text())
        assert found, done.stdout[-2000:] + done.stderr[-2000:]
        return found


def unknown_failures(known, scenario, checks):
    return [f"{check['id']}: {str(check.get('errorMessage'))[:200]}" for check in checks
            if check["status"] == "FAILURE" and not known.covers(scenario, check["id"])]


def none(found):
    assert not found, "; ".join(found)


def test_the_official_suites():
    table, known = Table(), Known()
    for era in ("legacy", "modern"):
        fixture = {"command": NODE, "args": [FIXTURE, era], "prefix": "none",
                   "start_timeout": "60s"}
        with Neurond({"fixture": fixture}) as daemon:
            daemon.wait_for_log("fixture: healthy", 60)
            for what, (package, *options) in RUNS.items():
                for scenario, checks in sorted(run_suite(daemon.url, package, *options).items()):
                    passed = sum(check["status"] == "SUCCESS" for check in checks)
                    table.row(f"{what} {scenario} ({passed}), a {era} server", lambda: none(
                        unknown_failures(known, scenario, checks)))
    table.row("every line of known.txt is needed", lambda: none(known.idle()))
    assert not table.failed


main(__name__)
