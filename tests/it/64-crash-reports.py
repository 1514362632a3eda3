"""A server that ends by itself and not well leaves a report, one that is stopped does not."""
import json
import os
import time

from harness import Neurond, hostile, main
from rawhttp import wait_for


def reports(daemon):
    found = sorted((daemon.dir / "state/crashes").glob("*.json"))
    return [(path, json.loads(path.read_text())) for path in found]


def test_a_report_of_each_crash():
    with Neurond({"a": hostile("modern"), "b": hostile("modern")}) as daemon:
        with daemon.modern() as client:
            client.call("a.crash", {"status": 3})
            client.call("b.crash", {"signal": 11})
        wait_for("two reports", lambda: len(reports(daemon)) == 2)
        (path, first), (_, second) = reports(daemon)
        assert path.name == f"a-{int(path.stem.rpartition('-')[2])}.json", path
        assert path.stat().st_mode & 0o777 == 0o600
        assert path.parent.stat().st_mode & 0o777 == 0o700
        assert list(first) == ["server", "exit_status", "signal", "reason", "uptime_seconds",
                               "command", "args", "timestamp", "stderr"], first
        assert (first["server"], first["exit_status"], first["signal"]) == ("a", 3, None)
        assert first["stderr"][-1] == "hostile: reason 42" and "status 3" in first["reason"]
        assert 0 <= first["uptime_seconds"] < 60 and first["args"][-1] == "modern", first
        assert first["timestamp"].startswith(time.strftime("%Y-", time.gmtime()))
        assert (second["server"], second["exit_status"], second["signal"]) == ("b", None, 11)


def test_secrets_among_the_arguments_are_masked():
    with Neurond({"a": hostile("modern", "--token", "planted-1", "--password=planted-2")}) as d:
        with d.modern() as client:
            client.call("a.crash", {"status": 3})
        wait_for("a report", lambda: len(reports(d)) == 1)
        (path, report), = reports(d)
        assert report["args"][-3:] == ["--token", "***", "--password=***"], report
        assert "planted" not in path.read_text() and "planted" not in d.log


def test_no_report_of_a_stop():
    with Neurond({"a": hostile("ignore-eof", "ignore-term", stop_timeout="100ms")}) as daemon:
        directory = daemon.dir / "state/crashes"
        daemon.stop(timeout=10)
        assert directory.is_dir() and not os.listdir(directory)


main(__name__)
