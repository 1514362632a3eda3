"""What neurond tells Prometheus: well-formed, complete, true; and what contrib/prometheus
makes of it."""
import hashlib
import json
import os
import re
import signal
import stat
import tempfile

from harness import ROOT, Neurond, hostile, main
from lines import SocketLines
from prometheus import CONTRIB, Prometheus, families, promtool, samples
from rawhttp import Conn, wait_for
from tls_files import Authority


def scrape(daemon):
    with Conn(daemon.address) as conn:
        return conn.request("GET", "/metrics").body.decode()


def in_manual():
    """name -> (type, set of labels), of the section METRICS."""
    text = (ROOT / "neurond.8").read_text().split(".Sh METRICS")[1].split("\n.Sh ")[0]
    rows = re.findall(r"^\.It Li (\w+) Pq (\w+)(?: : ([\w ]+))?$", text, re.M)
    assert len(rows) == len(re.findall(r"^\.It ", text, re.M)), rows
    return {name: (kind, set(labels.split())) for name, kind, labels in rows}


def busy(config):
    return Neurond({"a": hostile("tools=echo,fail,one"), "b": hostile("crash-start=1"),
                    "c": hostile()},
                   {"rule all": {"effect": "allow", "tools": ["a.*", "c.*"]},
                    "rule not-one": {"effect": "deny", "tools": "a.one"}, **config}, allow=False)


def test_every_metric_is_in_the_manual_as_it_is_and_promtool_finds_no_fault():
    token = "a-token-of-an-eager-client"
    with tempfile.TemporaryDirectory() as where:
        cert, key = Authority(where + "/ca").issue("localhost")
        with busy({"listener tls": {"address": "127.0.0.1:0", "cert_path": cert, "key_path": key},
                   "client eager": {"token_sha256": hashlib.sha256(token.encode()).hexdigest(),
                                    "rate": 1, "burst": 1}}) as daemon:
            with daemon.client() as client:
                client.call("a.one")
                client.call("a.echo", {"text": "x"})
                eager = [*client.headers(), ("Authorization", "Bearer " + token)]
                wait_for("a refusal of the rate",
                         lambda: client.post(b"{}", eager).status == 429)
            assert daemon.run("reload").returncode == 0
            os.kill(daemon.child("c"), signal.SIGKILL)
            wait_for("restarts", lambda: "neurond_downstream_restarts_total" in scrape(daemon))
            text = scrape(daemon)
        code, said = promtool("check", "metrics", stdin=text)
        assert code == 0 and not said.strip(), said
        shown, told = families(text), in_manual()
        assert set(shown) == set(told), set(shown) ^ set(told)
        for name, (kind, words, labels) in shown.items():
            assert (kind, words.strip() != "") == (told[name][0], True), name
            assert all(set(each) == told[name][1] for each in labels), (name, labels)


def test_counters_agree_with_a_tally():
    with busy({}) as daemon:
        path = daemon.dir / "run/neurond.sock"
        with daemon.client() as client:
            for _ in range(7):
                assert client.call("a.echo", {"text": "x"}).result
            for _ in range(3):
                client.call("a.fail")
            for _ in range(4):
                assert client.call("a.one").error["code"] == -32600
            assert client.call("a.none").error["code"] == -32602
        with SocketLines(path) as lines:
            lines.initialize()
            assert lines.call("c.echo", {"text": "y"})
        text = scrape(daemon)
        calls = samples(text, "neurond_calls_total")

        def tally(**want):
            return sum(n for labels, n in calls.items() if want.items() <= dict(labels).items())
        assert tally(downstream="a", tool="echo", result="success") == 7, calls
        assert tally(downstream="a", tool="fail") == 3, calls
        assert tally(downstream="a", tool="one", result="blocked") == 4, calls
        assert tally(downstream="c", tool="echo", result="success") == 1, calls
        denied = samples(text, "neurond_policy_denied_total")
        assert denied == {(("rule", "not-one"),): 4, (("rule", "default"),): 0,
                          (("rule", ""),): 0}, denied
        duration = samples(text, "neurond_call_duration_seconds_count")
        assert duration[(("downstream", "a"),)] == 14, duration
        records = samples(text, "neurond_audit_records_total")
        assert records == {(("result", "success"),): len(daemon.audit()),
                           (("result", "error"),): 0}, records
        size = samples(text, "neurond_catalog_bytes")[()]
        before = samples(text, "neurond_bytes_total")
        with daemon.client() as client:
            listed = len(client.request("tools/list").raw)
            assert 0.5 * listed < size < 4 * listed, (size, listed)  # b is there, or not
            client.call("a.echo", {"text": "z" * 100000})
        after = samples(scrape(daemon), "neurond_bytes_total")
        for way in ("in", "out"):
            more = after[(("direction", way),)] - before[(("direction", way),)]
            assert 100000 < more < 140000, (way, more)


def test_another_prefix_holds_at_once_and_for_the_file_too():
    keys = {"interval": "1s"}
    with Neurond({"a": hostile()}, {"metrics": keys}) as daemon:
        own = families(scrape(daemon))
        path = daemon.dir / "neurond.prom"
        daemon.configure({"a": hostile()},
                         {"metrics": {**keys, "prefix": "mcp_citadel", "file": path}})
        assert daemon.run("reload").returncode == 0
        text = scrape(daemon)
        wanted = {re.sub("^neurond_", "mcp_citadel_", name) for name in own}
        assert set(families(text)) == wanted, set(families(text)) ^ wanted
        assert promtool("check", "metrics", stdin=text) == (0, "")
        wait_for("the file", path.exists)
        assert set(families(path.read_text())) == wanted


def test_tools_beyond_max_tools_are_others():
    names = ["one", "two", "three", "four"]
    with Neurond({"a": hostile("tools=" + ",".join(names))},
                 {"metrics": {"max_tools": 2}}) as daemon:
        with daemon.client() as client:
            for name in names:
                client.call(f"a.{name}", {"text": "x"})
        calls = samples(scrape(daemon), "neurond_calls_total")
        by_tool = {dict(labels)["tool"]: n for labels, n in calls.items()}
        assert by_tool == {"one": 1, "two": 1, "other": 2}, by_tool


def test_the_file_is_replaced_as_a_whole_and_says_the_same():
    with Neurond({"a": hostile()}, {"metrics": {"interval": "1s"}}) as daemon:
        path = daemon.dir / "neurond.prom"
        daemon.configure({"a": hostile()}, {"metrics": {"interval": "1s", "file": path}})
        assert daemon.run("reload").returncode == 0
        first = wait_for("the file", lambda: path.exists() and path.stat())
        assert stat.S_IMODE(first.st_mode) == 0o644
        old = path.open("rb")
        wait_for("another file", lambda: path.stat().st_ino != first.st_ino
                 or path.stat().st_mtime_ns != first.st_mtime_ns)
        with old:
            whole = old.read().decode()
        assert whole.endswith("\n") and set(families(whole)) == set(families(scrape(daemon)))
        assert promtool("check", "metrics", stdin=path.read_text())[0] == 0
        assert os.listdir(daemon.dir).count("neurond.prom") == 1
        nowhere = daemon.dir / "none/neurond.prom"
        daemon.configure({"a": hostile()}, {"metrics": {"interval": "1s", "file": nowhere}})
        assert daemon.run("reload").returncode == 0
        daemon.wait_for_log(r"warn metrics: create .*none/neurond\.prom")
        lost = wait_for("a failure that is counted", lambda: samples(
            scrape(daemon), "neurond_dropped_total")[(("what", "metrics"),)])
        with Conn(daemon.address) as conn:
            assert json.loads(conn.request("GET", "/health").body)["dropped"] >= lost


def test_the_file_is_written_a_last_time_at_the_end():
    with Neurond({"a": hostile()}) as daemon:
        path = daemon.dir / "neurond.prom"
        daemon.configure({"a": hostile()}, {"metrics": {"interval": "1h", "file": path}})
        assert daemon.run("reload").returncode == 0
        wait_for("the file", path.exists)
        with daemon.client() as client:
            assert client.call("a.echo", {"text": "x"}).text == "x"
        daemon.stop()
        calls = samples(path.read_text(), "neurond_calls_total")
        assert sum(calls.values()) == 1, calls


def test_rules_and_their_tests_pass():
    for args in (("check", "rules", "neurond.rules.yml"),
                 ("test", "rules", "neurond.rules.test.yml")):
        code, said = promtool(*args, cwd=CONTRIB)
        assert code == 0, said
    tested = set(re.findall(r"alertname: (\w+)", (CONTRIB / "neurond.rules.test.yml").read_text()))
    assert tested == set(re.findall(r"alert: (\w+)", (CONTRIB / "neurond.rules.yml").read_text()))


def test_dashboard_and_rules_ask_for_what_there_is():
    known = in_manual()
    board = json.loads((CONTRIB / "neurond.dashboard.json").read_text())
    asked = [t["expr"] for panel in board["panels"] for t in panel["targets"]]
    assert len(asked) > 15
    asked += re.findall(r"expr: (?:>-)?((?:.|\n(?= {10}))+)", (CONTRIB / "neurond.rules.yml").read_text())
    names = set(re.findall(r"\b(?:neurond|process)_\w+", " ".join(asked)))
    for name in names:
        base = re.sub(r"_(bucket|sum|count)$", "", name)
        assert name in known or known[base][0] == "histogram", name
    unused = set(known) - {re.sub(r"_(bucket|sum|count)$", "", n) for n in names}
    assert not {n for n in unused if n.endswith("_total") and n.startswith("neurond_")} - {
        "neurond_audit_records_total", "neurond_config_reloads_total"}, unused


def test_prometheus_raises_an_alarm_when_a_downstream_dies():
    lives = {"a": hostile(), "b": hostile()}
    keys = {"downstream b": {"restart": "never"}}
    with Neurond(lives, keys) as daemon, \
            Prometheus([f"127.0.0.1:{daemon.port}"]) as prometheus:
        prometheus.wait("two that are up", lambda: prometheus.value(
            "sum(neurond_downstream_up)") == 2)
        assert prometheus.value('up{job="neurond"}') == 1
        with daemon.client() as client:
            for _ in range(5):
                client.call("a.echo", {"text": "x"})
        prometheus.wait("five calls", lambda: prometheus.value(
            'sum(neurond_calls_total{downstream="a",result="success"})') == 5)
        assert not prometheus.firing(), prometheus.firing()
        os.kill(daemon.child("b"), signal.SIGKILL)
        prometheus.wait("an alarm", lambda: ("NeurondDownstreamDown", "b") in prometheus.firing())
        assert ("NeurondDownstreamDown", "a") not in prometheus.firing()
        assert daemon.run("restart", "b").returncode == 0
        prometheus.wait("its end", lambda: not prometheus.firing())
        daemon.stop()
        prometheus.wait("another", lambda: ("NeurondDown", None) in prometheus.firing())


main(__name__)
