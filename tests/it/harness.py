"""Starts the real binary in a directory of its own and looks after it: waits for events,
never sleeps to hope; afterwards nothing of it may be left, and no sanitizer may have spoken.

A test file defines functions test_WHAT() and ends in `main(__name__)`.
"""
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import traceback
import uuid

from mcp import McpClient, ModernClient
from rawhttp import Conn, wait_for

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
BINARY = str(pathlib.Path(os.environ.get("NEUROND_BIN", ROOT / "build/neurond")).resolve())
LONG = bool(os.environ.get("NEUROND_LONG"))
SANITIZED = "/san/" in BINARY
REPORT = re.compile(r"ERROR: \w+Sanitizer|runtime error:|Assertion .* failed")
MARK = "IT_MARK"


def scaled(short, long):
    """A count for `make check`, and the full one for `make check-long`."""
    return long if LONG else short


def hostile(*traits, **keys):
    """A downstream section whose server is fixtures/hostile.py with these traits."""
    program = str(HERE / "fixtures/hostile.py")
    return {"command": sys.executable, "args": [program, *traits], **keys}


def value_text(value):
    if isinstance(value, (list, tuple)):
        return " ".join(value_text(v) for v in value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    text = str(value)
    if text and not re.search(r'[\s"#\\$]', text):
        return text
    for plain, escaped in (("\\", "\\\\"), ('"', '\\"'), ("\n", "\\n"), ("\t", "\\t")):
        text = text.replace(plain, escaped)
    return '"' + text.replace("$", "$$") + '"'


def config_text(sections):
    lines = []
    for name, keys in sections.items():
        lines += [f"[{name}]"] + [f"{key} = {value_text(v)}" for key, v in keys.items()] + [""]
    return "\n".join(lines)


def stat_of(pid):
    """(parent, state, start time) of a process, or None."""
    try:
        with open(f"/proc/{pid}/stat", encoding="latin-1") as file:
            fields = file.read().rpartition(")")[2].split()
        return int(fields[1]), fields[0], fields[19]
    except (OSError, IndexError):
        return None


def is_alive(pid):
    stat = stat_of(pid)
    return stat is not None and stat[1] not in "ZX"


def children_of(pid):
    pids = [int(name) for name in os.listdir("/proc") if name.isdigit()]
    return sorted(p for p in pids if (stat_of(p) or (0,))[0] == pid and is_alive(p))


def tree_of(pid):
    found = children_of(pid)
    for child in list(found):
        found += tree_of(child)
    return found


class Neurond:
    """One daemon. `downstreams` maps names to keys; `config` adds or overrides sections
    {"server": {...}, "rule a": {...}}; `text` is appended as it is; `wrap` is a command
    that executes the one behind it."""

    def __init__(self, downstreams=None, config=None, text="", allow=True, args=(), env=None,
                 wait=True, setup=None, wrap=(), **popen):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="neurond-it-"))
        self.mark, self.lines, self.news = uuid.uuid4().hex, [], threading.Condition()
        self.ended, self.port, self.address, self.url = False, None, None, None
        for name in ("run", "state"):
            (self.dir / name).mkdir(mode=0o700)
        self.conf = self.dir / "neurond.conf"
        self.configure(downstreams, config, text, allow)
        if setup:
            setup(self)
        environment = {"PATH": os.environ["PATH"], "LANG": "C.UTF-8", MARK: self.mark}
        environment.update({k: v for k, v in os.environ.items() if k.endswith("SAN_OPTIONS")})
        self.process = subprocess.Popen(
            [*wrap, BINARY, "-c", str(self.conf), *args], env={**environment, **(env or {})},
            cwd=self.dir, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE, start_new_session=True, **popen)
        self.pid = self.process.pid
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()
        if wait:
            try:
                self.wait_ready()
            except BaseException:
                self.clean_up(show_log=True)
                raise

    def configure(self, downstreams=None, config=None, text="", allow=True):
        """Puts another configuration file in place, at once."""
        fresh = self.dir / "neurond.conf.new"
        fresh.touch(0o600)
        fresh.write_text(self.sections(downstreams or {}, config or {}, allow) + text)
        fresh.rename(self.conf)

    def sections(self, downstreams, config, allow):
        all_of = {
            "server": {"port": 0, "run_dir": self.dir / "run", "state_dir": self.dir / "state"},
            "audit": {"path": self.dir / "audit.log"},
            "policy": {"default_action": "allow" if allow else "deny"},
        }
        for name, keys in downstreams.items():
            all_of[f"downstream {name}"] = {
                f"env.{MARK}": self.mark, "env.RECORD": self.dir / f"{name}.record", **keys}
        for name, keys in config.items():
            all_of[name] = {**all_of.get(name, {}), **keys}
        return config_text({name: {k: v for k, v in keys.items() if v is not None}
                            for name, keys in all_of.items()})

    # -- the log

    def read(self):
        for line in self.process.stderr:
            with self.news:
                self.lines.append(line.decode("utf-8", "replace").rstrip("\n"))
                self.news.notify_all()
        with self.news:
            self.ended = True
            self.news.notify_all()

    @property
    def log(self):
        return "\n".join(self.lines)

    def wait_for_log(self, pattern, timeout=15.0, since=0):
        """Waits for a line that matches; returns the match. `since`: an index into lines."""
        at, deadline = since, time.monotonic() + timeout
        with self.news:
            while True:
                for line in self.lines[at:]:
                    if found := re.search(pattern, line):
                        return found
                at, left = len(self.lines), deadline - time.monotonic()
                if self.ended or left <= 0 or not self.news.wait(left):
                    why = "log ended" if self.ended else f"{timeout} s passed"
                    raise AssertionError(f"{why} without a line like {pattern!r}")

    def wait_ready(self, timeout=20.0):
        found = self.wait_for_log(r"daemon: listening on 127\.0\.0\.1:(\d+)", timeout)
        self.port = int(found[1])
        self.address = ("127.0.0.1", self.port)
        self.url = f"http://127.0.0.1:{self.port}/api/v1/mcp"
        self.wait_for_log(r"daemon: ready", timeout)

    # -- what it does

    def client(self, **keys):
        return McpClient(self.address, **keys)

    def modern(self, **keys):
        return ModernClient(self.address, **keys)

    def connect(self, **keys):
        return Conn(self.address, **keys)

    def received(self, name):
        """The lines that the downstream `name` received, as bytes."""
        path = self.dir / f"{name}.record"
        return path.read_bytes().split(b"\n")[:-1] if path.exists() else []

    def audit(self):
        """The records of calls: neither starts nor checkpoints of a chain."""
        path = self.dir / "audit.log"
        lines = path.read_text().splitlines() if path.exists() else []
        return [line for line in lines if not re.search(r'"event":"(start|checkpoint)"', line)]

    def run(self, *args, timeout=20, **keys):
        """A verb of the same binary, told this configuration."""
        return subprocess.run([BINARY, *args, "-c", str(self.conf)], capture_output=True,
                              text=True, timeout=timeout, check=False, **keys)

    @property
    def reactor(self):
        """The reactor's pid: the keeper's child that is neurond too."""
        def find():
            for pid in children_of(self.pid):
                try:
                    if os.readlink(f"/proc/{pid}/exe") == os.readlink(f"/proc/{self.pid}/exe"):
                        return pid
                except OSError:
                    pass
            return None
        return wait_for("a reactor", find)

    def child(self, name):
        """The pid of the downstream `name`, by the record file in its environment."""
        return self.find(f"RECORD={self.dir / name}.record")

    def find(self, variable):
        return next((p for p in self.processes(variable)
                     if (stat_of(p) or (0,))[0] == self.reactor), None)

    def processes(self, variable=None):
        """Live processes that carry our mark (or `variable`) in their environment."""
        want = (variable or f"{MARK}={self.mark}").encode()
        found = []
        for name in os.listdir("/proc"):
            if name.isdigit() and is_alive(int(name)):
                try:
                    with open(f"/proc/{name}/environ", "rb") as file:
                        if want in file.read().split(b"\0"):
                            found.append(int(name))
                except OSError:
                    pass
        return sorted(found)

    def fd_count(self, pid=None):
        return len(os.listdir(f"/proc/{pid or self.reactor}/fd"))

    def rss(self, pid=None):
        """Resident bytes."""
        with open(f"/proc/{pid or self.reactor}/statm", encoding="ascii") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    # -- its end

    def wait_exit(self, timeout=20.0):
        code = self.process.wait(timeout)
        self.reader.join(5)
        return code

    def stop(self, expect=0, timeout=8.0):
        """TERM; the exit status, and that nothing of it is left. Without calls in flight it
        takes less than drain_timeout."""
        tree = {pid: stat_of(pid) for pid in tree_of(self.pid)}
        self.process.send_signal(signal.SIGTERM)
        code = self.wait_exit(timeout)
        assert code == expect, f"exit status {code}"
        self.expect_nothing_left(tree)

    def expect_nothing_left(self, tree=None, timeout=1.0):
        def none_left():
            same = [pid for pid, stat in (tree or {}).items()
                    if stat and is_alive(pid) and (stat_of(pid) or (0, 0, 0))[2] == stat[2]]
            return not self.processes() and not same
        wait_for("nothing of the daemon is left", none_left, timeout)

    def expect_no_report(self):
        found = [line for line in self.lines if REPORT.search(line)]
        assert not found, "\n".join(found)

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        try:
            if kind is None:
                if self.process.poll() is None:
                    self.stop()
                self.expect_no_report()
        except BaseException:
            kind = True
            raise
        finally:
            self.clean_up(show_log=kind is not None)

    def clean_up(self, show_log):
        for pid in self.processes():
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        self.process.wait()
        self.reader.join(5)
        if show_log:
            print("\n".join(["---- log", *self.lines[-120:], "----"]), flush=True)
        shutil.rmtree(self.dir, ignore_errors=True)


class Table:
    """Rows of one kind: each counts as a test of its own, and all are tried."""

    def __init__(self):
        self.failed = 0

    def row(self, name, check):
        try:
            check()
            print(f"ok {name}", flush=True)
        except Exception as error:  # any failure of a row is the row's
            self.failed += 1
            where = traceback.extract_tb(error.__traceback__)[-1]
            print(f"FAIL {name}: {type(error).__name__}: {error} (line {where.lineno})", flush=True)


def main(name):
    """Runs the test functions of the calling file (one named in argv, or all)."""
    if name != "__main__":
        return
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that daemons are cleaned up
    module, failed = sys.modules["__main__"], 0
    only = sys.argv[1:] or [n for n in vars(module) if n.startswith("test_")]
    for test in only:
        began = time.monotonic()
        try:
            vars(module)[test]()
            print(f"ok {test} ({time.monotonic() - began:.1f} s)", flush=True)
        except Exception:  # reported, and the next one runs
            failed += 1
            traceback.print_exc(file=sys.stdout)
            print(f"FAIL {test}", flush=True)
    sys.exit(1 if failed else 0)
