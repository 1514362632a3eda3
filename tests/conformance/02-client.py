"""The official suite as a server behind neurond: its client mode tests the downstream face.
known.txt says what fails; its lines for this test have a combination without `>`."""
import concurrent.futures
import pathlib
import shlex
import subprocess
import sys
import tempfile

from suites import Known, NEW, failures, none, program, read_checks
from harness import Table, main

DRIVER = str(pathlib.Path(__file__).resolve().parent / "driver.py")

# Revision → scenarios: all but those about authorization, which neurond's client side does
# by configured tokens.
SCENARIOS = {
    "2025-11-25": ("initialize", "tools_call", "sse-retry",
                   "elicitation-sep1034-client-defaults", "json-schema-2020-12-preservation"),
    "2026-07-28": ("tools_call", "request-metadata", "sep-2322-client-request-state",
                   "http-standard-headers", "http-custom-headers",
                   "http-invalid-tool-headers", "json-schema-ref-no-deref",
                   "json-schema-2020-12-preservation"),
}


def run_scenario(revision, scenario):
    """The checks, and what the driver said."""
    command = shlex.join([sys.executable, DRIVER])
    with tempfile.TemporaryDirectory() as name:
        done = subprocess.run(
            program(NEW) + ["client", "--command", command, "--scenario", scenario,
                            "--spec-version", revision, "-o", name],
            capture_output=True, text=True, timeout=120, check=False)
        return read_checks(name).popitem()[1], done.stdout + done.stderr


def problems(known, revision, scenario, checks, said):
    found = failures(checks)
    assert "Traceback" not in said, said[-2000:]
    assert found or any(check["status"] == "SUCCESS" for check in checks), said[-2000:]
    return [f"{check}: {why}" for check, why in sorted(found.items())
            if not known.covers(scenario, check, f"client/{revision}")]


def test_the_downstream_face():
    table, known = Table(), Known(lambda combination: ">" not in combination)
    jobs = [(revision, each) for revision, all_of in SCENARIOS.items() for each in all_of]
    with concurrent.futures.ThreadPoolExecutor(3) as pool:
        results = list(pool.map(lambda job: run_scenario(*job), jobs))
    for (revision, scenario), (checks, said) in zip(jobs, results):
        table.row(f"{revision} {scenario}", lambda: none(
            problems(known, revision, scenario, checks, said)))
    table.row("every line of known.txt is needed", lambda: none(known.idle()))
    assert not table.failed


main(__name__)
