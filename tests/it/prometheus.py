"""Prometheus itself, unpacked by tests/deps.sh: its tool, and a server that is asked over
its API."""
import json
import pathlib
import re
import shutil
import socket
import subprocess
import tempfile
import urllib.parse
import urllib.request

from harness import ROOT
from rawhttp import wait_for

TOOLS = ROOT / "tests/tools/prometheus/usr/bin"
CONTRIB = ROOT / "contrib/prometheus"


def program(name):
    if not (TOOLS / name).exists():
        subprocess.run([str(ROOT / "tests/deps.sh"), "check"], check=True, timeout=300)
    return str(TOOLS / name)


def promtool(*args, stdin=None, cwd=None):
    """(exit status, what it says)."""
    done = subprocess.run([program("promtool"), *args], input=stdin, cwd=cwd, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
                          timeout=60)
    return done.returncode, done.stdout


def families(text):
    """name -> (type, help, set of tuples of label names without le) of an exposition."""
    found = {}
    for line in text.splitlines():
        if line.startswith("# HELP "):
            _, _, name, words = line.split(" ", 3)
            found[name] = [None, words, set()]
        elif line.startswith("# TYPE "):
            _, _, name, kind = line.split(" ")
            found[name][0] = kind
        else:
            name, labels = re.match(r"([a-z_:0-9]+)(?:\{(.*)\})? ", line).groups()
            if name not in found:
                name = re.sub(r"_(bucket|sum|count)$", "", name)
            names = re.findall(r'([a-z_]+)="', labels or "")
            found[name][2].add(tuple(n for n in names if n != "le"))
    return found


def samples(text, name):
    """{((label, value), …): number} of one family."""
    found = {}
    for line in text.splitlines():
        if line.startswith((name + "{", name + " ")):
            labels, value = line[len(name):].rsplit(" ", 1)
            pairs = re.findall(r'([a-z_]+)="((?:[^"\\]|\\.)*)"', labels)
            found[tuple(sorted(pairs))] = float(value)
    return found


class Prometheus:
    """A server that scrapes `targets` four times a second, with the rules of
    contrib/prometheus without their waiting."""

    def __init__(self, targets, token=None):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="neurond-prom-"))
        rules = (CONTRIB / "neurond.rules.yml").read_text()
        (self.dir / "rules.yml").write_text(re.sub(r"for: \d+m", "for: 0s", rules))
        (self.dir / "prometheus.yml").write_text(json.dumps({
            "global": {"scrape_interval": "250ms", "scrape_timeout": "250ms",
                       "evaluation_interval": "250ms"},
            "rule_files": ["rules.yml"],
            "scrape_configs": [{"job_name": "neurond",
                                "static_configs": [{"targets": list(targets)}]}],
        }))
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.process = subprocess.Popen(
            [program("prometheus"), "--config.file=prometheus.yml", "--storage.tsdb.path=data",
             f"--web.listen-address=127.0.0.1:{self.port}", "--log.level=warn"],
            cwd=self.dir, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=(self.dir / "log").open("wb"), start_new_session=True)

    def api(self, path, **query):
        url = f"http://127.0.0.1:{self.port}/api/v1/{path}?{urllib.parse.urlencode(query)}"
        try:
            with urllib.request.urlopen(url, timeout=10) as reply:
                return json.load(reply)["data"]
        except OSError:
            return None  # it is starting

    def value(self, expression):
        """The value of the first sample, or None."""
        got = self.api("query", query=expression)
        return float(got["result"][0]["value"][1]) if got and got["result"] else None

    def firing(self):
        """{(alert's name, downstream or None)}"""
        got = self.api("alerts") or {"alerts": []}
        return {(a["labels"]["alertname"], a["labels"].get("downstream"))
                for a in got["alerts"] if a["state"] == "firing"}

    def wait(self, what, check, timeout=30.0):
        try:
            return wait_for(what, check, timeout)
        except AssertionError:
            print((self.dir / "log").read_text()[-4000:], flush=True)
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        shutil.rmtree(self.dir, ignore_errors=True)


