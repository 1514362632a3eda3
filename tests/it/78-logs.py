"""Where the log goes, what it says of calls, and what it does not repeat."""
import json
import os
import re
import signal
import socket
import tempfile
import threading

from harness import Neurond, children_of, hostile, main
from rawhttp import DEADLINE, wait_for


def said(path, pattern):
    return lambda: path.exists() and re.search(pattern, path.read_text())


def log_file(daemon):
    return daemon.dir / "neurond.log"


def with_file(**keys):
    """A daemon that logs into a file of its own, and that file."""
    def point(daemon):
        with open(daemon.conf, "a", encoding="utf-8") as conf:
            conf.write(f"\n[log]\ntarget = {log_file(daemon)}\n")
    return Neurond(setup=point, wait=False, **keys)


def test_a_file_and_its_rotation():
    with with_file() as daemon:
        path = log_file(daemon)
        wait_for("ready", said(path, "daemon: ready"))
        assert os.stat(path).st_mode & 0o777 == 0o640
        old = path.with_suffix(".1")
        path.rename(old)
        daemon.process.send_signal(signal.SIGUSR1)
        wait_for("a new file", path.exists)
        daemon.process.send_signal(signal.SIGTERM)
        assert daemon.process.wait(DEADLINE) == 0
        assert "draining" in path.read_text() or "stopp" in path.read_text(), path.read_text()
        assert not daemon.lines, daemon.lines


def test_a_log_that_is_lost_does_not_end_the_service():
    with Neurond({"a": hostile()}) as daemon:
        there = daemon.dir / "logs"
        there.mkdir()
        daemon.configure({"a": hostile()}, {"log": {"target": there / "neurond.log"}})
        assert daemon.run("reload").returncode == 0
        wait_for("the file is used", said(there / "neurond.log", "reload: done"))
        there.rename(daemon.dir / "gone")
        since = len(daemon.lines)
        os.kill(daemon.reactor, signal.SIGKILL)
        daemon.wait_for_log(r"error daemon: log\.target: open .*logs/neurond\.log")
        daemon.wait_for_log("daemon: ready", since=since)
        with daemon.client() as client:
            assert client.call("a.echo", {"text": "x"}).text == "x"


def test_whoever_starts_it_sees_why_it_does_not_start():
    with with_file(config={"server": {"port": 1, "bind": "127.0.0.77"}},
                   text="\n[listener x]\naddress = unix:/nowhere/x.sock\n") as daemon:
        assert daemon.process.wait(DEADLINE) == 1
        daemon.wait_for_log("/nowhere/x.sock")
        assert "/nowhere/x.sock" in log_file(daemon).read_text()
    with Neurond(config={"log": {"target": "/nowhere/neurond.log"}}, wait=False) as daemon:
        daemon.wait_for_log("open /nowhere/neurond.log: No such file or directory")
        assert daemon.process.wait(DEADLINE) == 1


def test_what_holds_is_written_at_the_start():
    secret = {"env.API_TOKEN": "hunter2hunter2", "args": ["host-tools"], "command": "self"}
    with Neurond({"a": secret}, {"log": {"requests": "errors"}}) as daemon:
        line = daemon.wait_for_log(r"info config: \[downstream a\] (.*)")[1]
        assert "command = self; args = host-tools" in line and "env.API_TOKEN = ***" in line, line
        daemon.wait_for_log(r"info config: \[log\] requests = errors$")
        assert "hunter2" not in daemon.log and "[limits]" not in daemon.log
    with Neurond(args=["-v"]) as daemon:
        daemon.wait_for_log(r"info config: \[limits\] message_max = 10000000; .*rate = 0")


class Syslog:
    """A socket that is /dev/log for what `wrap` starts, and for nobody else."""
    SCRIPT = """
mkdir "$1/dev" && mount -t tmpfs none "$1/dev"
for name in null zero random urandom; do
    touch "$1/dev/$name" && mount --bind "/dev/$name" "$1/dev/$name"
done
ln -s "$1/socket" "$1/dev/log" && mount --rbind "$1/dev" /dev
shift
exec "$@"
"""

    def __enter__(self):
        self.dir = tempfile.TemporaryDirectory(prefix="neurond-syslog-")
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.sock.bind(f"{self.dir.name}/socket")
        self.sock.settimeout(DEADLINE)
        self.wrap = ("unshare", "-rm", "sh", "-ec", self.SCRIPT, "sh", self.dir.name)
        return self

    def __exit__(self, *_):
        self.sock.close()
        self.dir.cleanup()

    def lines_until(self, words):
        lines = []
        while not any(words in line for line in lines):
            lines.append(self.sock.recv(8192).decode())
        return lines


def test_syslog():
    with Syslog() as syslog, Neurond({}, {"log": {"target": "syslog"}}, wait=False,
                                     wrap=syslog.wrap) as daemon:
        lines = syslog.lines_until("daemon: ready")
        for line in lines:
            assert re.match(r"<(\d+)>neurond\[\d+\]: \w+: \S", line), line
            assert "\n" not in line
        assert lines[0].startswith("<30>"), lines[0]  # daemon.info
        assert f"[{daemon.pid}]" in lines[0]


def test_with_d_stderr_means_syslog():
    with Syslog() as syslog, Neurond(wait=False, wrap=syslog.wrap, args=("-d",)) as daemon:
        assert daemon.process.wait(DEADLINE) == 0  # its standard error is a pipe
        syslog.lines_until("daemon: ready")
        daemon.reader.join(DEADLINE)
        assert daemon.ended and daemon.lines == [], daemon.lines
        assert daemon.run("reload").returncode == 0
        syslog.lines_until("reload: done")
        keeper = int((daemon.dir / "run/neurond.pid").read_text())
        os.kill(children_of(keeper)[0], signal.SIGKILL)
        syslog.lines_until("reactor killed by SIGKILL")
        syslog.lines_until("daemon: ready")
        assert daemon.run("stop").returncode == 0
        syslog.lines_until("daemon: stopped")


FIELDS = (r"request: tools/call (?P<name>\S+) client=(?P<client>\S+) server=(?P<server>\S+) "
          r"result=(?P<result>\w+) total_ms=(?P<total>[\d.]+) own_ms=(?P<own>[\d.]+) "
          r"queue_ms=(?P<queue>[\d.]+) server_ms=(?P<srv>[\d.]+)(?P<why> why=.*)? "
          r"\[req=(?P<id>\S+)\]$")


def test_a_line_a_call():
    config = {"log": {"requests": "all"}, "downstream a": {"max_in_flight": 1}}
    with Neurond({"a": hostile()}, config) as daemon:
        def call(number):
            with daemon.client(headers=[("X-Request-Id", f"r{number}")]) as client:
                client.call("a.sleep_ms", {"ms": 150})
        threads = [threading.Thread(target=call, args=(n,)) for n in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        rows = {}
        for number in range(2):
            found = daemon.wait_for_log(FIELDS[:-len(r"\[req=(?P<id>\S+)\]$")] +
                                        rf"\[req=(?P<id>r{number})\]$")
            rows[number] = found.groupdict()
        for row in rows.values():
            assert (row["name"], row["client"], row["server"], row["result"]) == (
                "a.sleep_ms", "anonymous", "a", "success"), row
            parts = sum(float(row[key]) for key in ("own", "queue", "srv"))
            assert abs(parts - float(row["total"])) < 1, row
            assert float(row["srv"]) >= 150
        assert max(float(row["queue"]) for row in rows.values()) > 100, rows
        with daemon.client() as client:
            client.call("a.nothing")
        found = daemon.wait_for_log(r"request: tools/call a.nothing .*result=error.* why=.*")
        assert "server_ms=0 " in found[0], found[0]


def test_as_json_a_fact_is_a_member():
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    config = {"log": {"requests": "all", "format": "json"}}
    with Neurond({"a": hostile()}, config, wait=False) as daemon:
        port = daemon.wait_for_log(r"listening on 127\.0\.0\.1:(\d+)")[1]
        daemon.address = ("127.0.0.1", int(port))
        daemon.wait_for_log(r'"module":"daemon","message":"ready')
        headers = [("X-Request-Id", "r7"),
                   ("traceparent", f"00-{trace}-00f067aa0ba902b7-01")]
        with daemon.client(headers=headers) as client:
            client.call("a.echo", {"text": "x"})
            client.call("a.nothing")
        daemon.wait_for_log('"name":"a.nothing"')
        lines = [json.loads(line) for line in daemon.lines if '"module":"request"' in line]
        good, bad = lines
        assert [good[key] for key in ("message", "level", "method", "name", "client",
                                      "server", "result", "request_id", "trace")] == [
            "tools/call a.echo", "info", "tools/call", "a.echo", "anonymous", "a",
            "success", "r7", trace], good
        assert "why" not in good and bad["why"] and bad["result"] == "error", lines
        parts = [good[key] for key in ("own_ms", "queue_ms", "server_ms")]
        assert abs(sum(parts) - good["total_ms"]) < 1 and good["server_ms"] > 0, good


def test_a_line_for_failures_only():
    config = {"log": {"requests": "errors"},
              "rule r": {"effect": "deny", "tools": "a.raw"}}
    with Neurond({"a": hostile()}, config) as daemon:
        with daemon.client() as client:
            client.call("a.echo", {"text": "x"})
            client.call("a.raw")
            client.call("a.crash", {"status": 3})
        daemon.wait_for_log(r"a\.crash .*result=error.* why=.*exited with status 3")
        lines = [line for line in daemon.lines if " request: " in line]
        assert ["a.raw" in line for line in lines] == [True, False], lines
        assert "result=blocked" in lines[0], lines[0]


main(__name__)
