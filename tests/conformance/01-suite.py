"""The official server suites, directly against the fixture and through neurond with the
fixture behind it, without a prefix, over HTTP and stdio. What passes directly passes
through neurond in its era; known.txt says what doesn't, and is wrong when a line of it is
not needed."""
import concurrent.futures
import contextlib

from suites import FIXTURE, Known, NEW, OLD, failures, http_fixture, none, run_suite, successes
from peers import NODE
from harness import Neurond, Table, main

# Suite → era of the client that it is, its options, and those of one scenario of it.
RUNS = {"0.1.16": ("legacy", OLD, ["--suite", "all"], []),
        "2025-11-25": ("legacy", NEW, ["--requirements", "2025-11-25"],
                       ["--spec-version", "2025-11-25"]),
        "2026-07-28": ("modern", NEW, ["--requirements", "2026-07-28"],
                       ["--spec-version", "2026-07-28"])}
DIRECT = "direct"


def forms(url):
    """Form of the downstream → its section."""
    common = {"prefix": "none", "start_timeout": "60s"}
    stdio = {**common, "command": NODE}
    http = {**common, "url": url}
    return {
        "legacy/http": {**http, "protocol": "legacy"},
        "modern/http": {**http, "protocol": "modern"},
        "legacy/stdio": {**stdio, "args": [FIXTURE, "legacy"], "share": "session"},
        "modern/stdio": {**stdio, "args": [FIXTURE, "modern"]},
    }


def run_form(form, url):
    """(suite, form) → scenario → checks. One suite after the other: a log message of a
    modern server on a pipe belongs to a call only while that is the only one."""
    return {(suite, form): run_suite(package, "server", "--url", url, *options)
            for suite, (_, package, options, _) in RUNS.items()}


def run_all(urls):
    """The same of every form, three at once: suites wait more than they work."""
    with concurrent.futures.ThreadPoolExecutor(3) as pool:
        parts = list(pool.map(lambda item: run_form(*item), urls.items()))
    return {key: checks for part in parts for key, checks in part.items()}


def problems(known, suite, form, scenario, checks, direct):
    """What fails and is not known; in one era also what succeeds only directly."""
    client = RUNS[suite][0]
    found = failures(checks)
    if form.startswith(client):
        for check in successes(direct) - successes(checks) - set(found):
            found[check] = "passes directly; not tried, or a warning, through neurond"
    return [f"{check}: {why}" for check, why in sorted(found.items())
            if not known.covers(scenario, check, f"{client}>{form}")]


def run_again(suite, scenario, url):
    """Alone: some checks give themselves 600 ms, which suites beside each other may miss."""
    _, package, _, options = RUNS[suite]
    print(f"    note: {suite} {scenario} once more, alone")
    return run_suite(package, "server", "--url", url, "--scenario", scenario, *options)[scenario]


def test_the_official_suites():
    table, known = Table(), Known(lambda combination: ">" in combination)
    with contextlib.ExitStack() as stack:
        urls = {DIRECT: stack.enter_context(http_fixture())}
        daemons = {form: stack.enter_context(Neurond({"fixture": section})) for form, section
                   in forms(stack.enter_context(http_fixture())).items()}
        for form, daemon in daemons.items():
            daemon.wait_for_log("fixture: healthy", 60)
            urls[form] = daemon.url
            # A child for this caller: starting one takes longer than a check may.
            with daemon.modern(capabilities={"elicitation": {}}) as client:
                assert client.call("test_simple_text").text
        results = run_all(urls)
        for (suite, form), scenarios in results.items():
            for scenario, checks in scenarios.items():
                direct = results[suite, DIRECT].get(scenario, [])
                if problems(known, suite, form, scenario, checks, direct):
                    scenarios[scenario] = run_again(suite, scenario, urls[form])
    for (suite, form), scenarios in results.items():
        table.row(f"{suite}: all scenarios, {form}", lambda: none(  # one may leave no checks
            sorted(results[suite, DIRECT].keys() ^ scenarios.keys())))
        for scenario, checks in sorted(scenarios.items()):
            direct = results[suite, DIRECT].get(scenario, [])
            table.row(f"{suite} {scenario} ({len(successes(checks))}), {form}", lambda: none(
                problems(known, suite, form, scenario, checks, direct)))
    table.row("every line of known.txt is needed", lambda: none(known.idle()))
    assert not table.failed


main(__name__)
