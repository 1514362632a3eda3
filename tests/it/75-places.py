"""Where the daemon may have to live: as PID 1, on a read-only root, beside leftovers of others,
with directories it may not write; and what `-d` says when it cannot."""
import fcntl
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile

from harness import BINARY, Neurond, children_of, hostile, is_alive, main
from rawhttp import wait_for

UNSHARE = subprocess.run(["unshare", "-rmpf", "--mount-proc", "true"], capture_output=True,
                         check=False).returncode == 0


def start(daemon, *args, timeout=20):
    """The program with this configuration; what is started is to end by itself, or to leave
    with `-d`, and then keeps our stderr: a file."""
    with tempfile.TemporaryFile("w+") as said:
        done = subprocess.run([BINARY, "-c", str(daemon.conf), *args], stderr=said,
                              stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True,
                              timeout=timeout, check=False, cwd=daemon.dir)
        said.seek(0)
        done.stderr = said.read()
    return done


class Place:
    """A directory with a configuration nobody runs yet."""

    def __enter__(self):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="neurond-place-"))
        for name in ("run", "state"):
            (self.dir / name).mkdir(mode=0o700)
        self.conf = self.dir / "neurond.conf"
        self.write()
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.dir, ignore_errors=True)

    def write(self, text="", port=0, run="run", state="state"):
        self.conf.write_text(
            f"[server]\nport = {port}\nrun_dir = {self.dir / run}\n"
            f"state_dir = {self.dir / state}\n[audit]\npath = {self.dir}/audit.log\n"
            f"[policy]\ndefault_action = allow\n{text}")
        self.conf.chmod(0o600)

    def verb(self, *args):
        return start(self, *args)

    def pid(self):
        return int((self.dir / "run/neurond.pid").read_text())

    def stop(self):
        pid = self.pid()
        done = self.verb("stop")
        assert done.returncode == 0, done.stderr
        assert not is_alive(pid)


def test_a_second_start_leaves_the_first_alone():
    with Neurond({"a": hostile()}) as daemon:
        again = start(daemon)
        assert again.returncode == 1 and f"already running (pid {daemon.pid})" in again.stderr
        again = start(daemon, "-d")
        assert again.returncode == 1 and "already running" in again.stderr, again.stderr
        other = daemon.dir / "other.pid"
        again = start(daemon, "-p", str(other))
        assert again.returncode == 1 and "in use by another process" in again.stderr, again
        assert not other.exists(), "a PID file of a daemon that is not there"
        with daemon.client() as client:
            assert client.call("a.echo", {"text": "x"}).text == "x"
        assert daemon.run("status").returncode == 0


def test_a_pid_file_that_names_a_living_stranger_is_stale():
    with Place() as place:
        stranger = subprocess.Popen(["sleep", "60"])
        try:
            (place.dir / "run/neurond.pid").write_text(f"{stranger.pid}\n")
            started = place.verb("-d")
            assert started.returncode == 0, started.stderr
            assert place.pid() != stranger.pid
            place.stop()
            assert stranger.poll() is None, "the stranger was harmed"
        finally:
            stranger.kill()
            stranger.wait()
        assert not (place.dir / "run/neurond.pid").exists()


def test_a_lock_counts_whatever_the_number():
    with Place() as place, open(place.dir / "run/neurond.pid", "w+", encoding="ascii") as file:
        file.write("1\n")
        file.flush()
        fcntl.flock(file, fcntl.LOCK_EX)
        again = place.verb("-d")
        assert again.returncode == 1 and "already running (pid 1)" in again.stderr, again.stderr


def test_sockets_of_the_dead_are_replaced_and_of_the_living_not():
    with Place() as place:
        for name in ("control.sock", "neurond.sock"):
            with socket.socket(socket.AF_UNIX) as dead:
                dead.bind(str(place.dir / "run" / name))
        assert place.verb("-d").returncode == 0
        place.stop()
        assert not os.listdir(place.dir / "run")
        with socket.socket(socket.AF_UNIX) as living:
            living.bind(str(place.dir / "run/neurond.sock"))
            living.listen()
            again = place.verb("-d")
            assert again.returncode == 1 and "neurond.sock" in again.stderr, again.stderr
            assert (place.dir / "run/neurond.sock").exists()
        assert not (place.dir / "run/control.sock").exists(), "what it made is left"
        assert not (place.dir / "run/neurond.pid").exists()


def test_d_tells_why_it_does_not_start():
    with Place() as place, socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        (place.dir / "file").write_text("")
        rows = [  # what is wrong, exit status, what is said
            (dict(port=port), 1, f"127.0.0.1:{port}"),
            (dict(run="file/run"), 1, "/file: Not a directory"),
            (dict(state="file/state"), 1, "/file: Not a directory"),
            (dict(text="[server]\nprot = 1\n"), 78, "server.prot: unknown key"),
        ]
        for keys, status, said in rows:
            place.write(**keys)
            got = place.verb("-d")
            assert got.returncode == status and said in got.stderr, (keys, got)
        for name, said in (("session.key", "session.key"), ("audit.key", "audit.key")):
            place.write()
            (place.dir / "state" / name).write_text("too short")
            got = place.verb("-d")
            assert got.returncode == 1 and said in got.stderr, (name, got)
            (place.dir / "state" / name).unlink()
        place.write(text="[audit]\n")
        place.conf.write_text(place.conf.read_text().replace("/audit.log", "/file/audit.log"))
        got = place.verb("-d")
        assert got.returncode == 1 and "file/audit.log" in got.stderr, got
        assert not os.path.exists(place.dir / "run/neurond.pid")


def test_d_returns_when_it_listens():
    with Place() as place:
        program = place.dir / "slow.sh"
        program.write_text("#!/bin/sh\nexec sleep 1000\n")
        program.chmod(0o755)
        place.write(text=f"[downstream slow]\ncommand = {program}\n")
        assert place.verb("-d").returncode == 0
        status = place.verb("status")
        assert status.returncode == 0 and "starting" in status.stdout, status.stdout
        place.stop()


def test_d_lets_go_of_the_pipes_of_its_caller():
    with Place() as place:
        place.write(text="[downstream host]\ncommand = self\nargs = host-tools\n")
        # Its end comes when nothing of the daemon has it open any more.
        done = subprocess.run([BINARY, "-d", "-c", str(place.conf)], stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=20, check=False)
        pid = place.pid()
        assert done.returncode == 0 and is_alive(pid) and done.stdout == "", done
        nowhere = "" if os.path.exists("/dev/log") else "nothing is logged: log.target is stderr"
        assert nowhere in done.stderr and done.stderr.count("\n") <= 2, done.stderr
        for each in (pid, *children_of(pid)):
            assert os.readlink(f"/proc/{each}/fd/2") == "/dev/null", each
        reactor, = children_of(pid)
        os.kill(reactor, signal.SIGKILL)
        wait_for("another one", lambda: place.verb("health").returncode == 0
                 and children_of(pid) != [reactor])
        place.stop()
        # Why it does not start still comes through, from both of its processes.
        for name, text in (("state", "session.key"), ("prot", "server.prot: unknown key")):
            place.write(text="[server]\nprot = 1\n" if name == "prot" else "")
            (place.dir / "state/session.key").write_text("too short")
            done = subprocess.run([BINARY, "-d", "-c", str(place.conf)], capture_output=True,
                                  stdin=subprocess.DEVNULL, text=True, timeout=20, check=False)
            assert done.returncode in (1, 78) and text in done.stderr, done


def test_closed_descriptors_are_nobodys():
    with Place() as place:
        for redirection in ("<&- >&- 2>&-", "<&-", "2>&-"):
            done = subprocess.run(["sh", "-c", f'exec "$0" -d -c "$1" {redirection}', BINARY,
                                   str(place.conf)], timeout=20, check=False)
            pid = place.pid()
            assert done.returncode == 0 and is_alive(pid), redirection
            for each in (pid, *children_of(pid)):
                for number in range(3):
                    where = os.readlink(f"/proc/{each}/fd/{number}")
                    assert where.startswith("/dev/") or redirection == "<&-", (each, where)
            assert (place.dir / "run/neurond.pid").read_text() == f"{pid}\n"
            printed = subprocess.run(["sh", "-c", 'exec "$0" status -c "$1" >&-', BINARY,
                                      str(place.conf)], capture_output=True, check=False)
            assert printed.returncode == 1 and b"write stdout" in printed.stderr, printed
            place.stop()


def test_d_keeps_a_file():
    with Place() as place, open(place.dir / "log", "ab") as log:
        done = subprocess.run([BINARY, "-d", "-c", str(place.conf)], stdin=subprocess.DEVNULL,
                              stderr=log, stdout=log, timeout=20, check=False)
        assert done.returncode == 0
        place.stop()
        assert "daemon: stopped" in (place.dir / "log").read_text()


def test_where_things_lie_that_nobody_configured():
    user = "nobody" if os.geteuid() == 0 else None
    rows = [  # what the environment says, and where things go: run, state, audit
        ({}, "cwd/run", "cwd/state", "cwd/state"),
        ({"XDG_RUNTIME_DIR": "x", "XDG_STATE_HOME": "y"}, "x/neurond", "y/neurond",
         "y/neurond"),
        ({"XDG_RUNTIME_DIR": "x", "XDG_STATE_HOME": "y", "RUNTIME_DIRECTORY": "r",
          "STATE_DIRECTORY": "s:z", "LOGS_DIRECTORY": "l"}, "r", "s", "l"),
    ]
    for said, *want in rows:
        with Place() as place:
            conf = "[server]\nport = 0\n[policy]\ndefault_action = allow\n"
            place.conf.write_text(conf)
            place.conf.chmod(0o644)
            for path in (place.dir, *(place.dir / name for name in
                                      ("cwd", "x", "y", "r", "s", "l"))):
                path.mkdir(exist_ok=True)
                if user:
                    shutil.chown(path, user)
            env = {"PATH": os.environ["PATH"], **{k: v for k, v in os.environ.items()
                                                  if k.endswith("SAN_OPTIONS")},
                   **{k: ":".join(f"{place.dir}/{one}" for one in v.split(":"))
                      for k, v in said.items()}}

            def verb(*args, env=env, place=place):
                with tempfile.TemporaryFile("w+") as out:
                    done = subprocess.run(
                        [BINARY, *args, "-c", str(place.conf)], stdin=subprocess.DEVNULL,
                        stdout=out, stderr=out, timeout=20, check=False, env=env,
                        cwd=place.dir / "cwd", user=user, extra_groups=[] if user else None)
                    out.seek(0)
                    assert done.returncode == 0, (said, args, out.read())
            verb("-d")
            try:
                verb("status")
                run, state, logs = (place.dir / name for name in want)
                found = (run / "neurond.pid", run / "control.sock", run / "neurond.sock",
                         state / "node_id", logs / "audit.log")
                assert all(path.exists() for path in found), (said, found)
            finally:
                verb("stop")


def test_it_works_as_pid_1():
    if not UNSHARE:
        print("skipped: no user namespaces here")
        return
    orphan = "import os,time\nif os.fork() == 0:\n    os.setsid()\n" \
             "    if os.fork() == 0: time.sleep(0.2)\n    os._exit(0)\n"
    with Place() as place:
        # Somebody else's orphans come to PID 1, too; it has to bury them.
        script = place.dir / "orphans.py"
        script.write_text(orphan + "import runpy, sys\nsys.argv = sys.argv[1:]\n"
                          "runpy.run_path(sys.argv[0], run_name='__main__')\n")
        fixture = hostile()
        place.write(text="[downstream a]\ncommand = " + sys.executable + "\nargs = " +
                    " ".join([str(script), *fixture["args"]]) + "\n")
        process = subprocess.Popen(
            ["unshare", "-rmpf", "--mount-proc", "--kill-child", BINARY, "-c", str(place.conf)],
            stderr=subprocess.PIPE, text=True)
        try:
            wait_for("it is ready", lambda: place.verb(
                "health", "--control", str(place.dir / "run/control.sock")).returncode == 0)
            control = ("--control", str(place.dir / "run/control.sock"))
            assert place.pid() == 1
            call = place.verb("call", "a.echo", '{"text":"x"}', *control)
            assert call.returncode == 0 and call.stdout.strip() == "x", call
            inside = int(subprocess.run(["pgrep", "-P", str(process.pid)], capture_output=True,
                                        text=True, check=True).stdout)
            def zombies():
                found = subprocess.run(["ps", "-o", "stat=", "--ppid", str(inside)],
                                       capture_output=True, text=True, check=False)
                return [line for line in found.stdout.split() if line.startswith("Z")]
            wait_for("orphans are buried", lambda: not zombies())
            os.kill(inside, signal.SIGHUP)
            wait_for("HUP reloads", lambda: '"success"} 1' in subprocess.run(
                ["curl", "-s", "--unix-socket", control[1], "http://x/metrics"],
                capture_output=True, text=True, check=False).stdout)
            os.kill(inside, signal.SIGTERM)
            assert process.wait(20) == 0, process.stderr.read()
        finally:
            process.kill()
            process.wait()


def test_it_works_on_a_read_only_root():
    if not UNSHARE:
        print("skipped: no user namespaces here")
        return
    with Place() as place:
        place.write(text="[downstream host]\ncommand = self\nargs = host-tools\n")
        script = (f"mount -t tmpfs none {place.dir}/run && mount -t tmpfs none {place.dir}/state"
                  " && mount --bind / / && mount -o remount,bind,ro / && "
                  f"touch {place.dir}/x 2>/dev/null && exit 99; "
                  f"{BINARY} -d -c {place.conf} -D audit.path={place.dir}/state/audit.log && "
                  f"{BINARY} call host.system.info -c {place.conf} >/dev/null && "
                  f"{BINARY} reload -c {place.conf} && {BINARY} stop -c {place.conf}")
        done = subprocess.run(["unshare", "-rm", "sh", "-c", script], capture_output=True,
                              text=True, timeout=60, check=False)
        assert done.returncode == 0, (done.returncode, done.stdout, done.stderr)


def test_a_full_disk_does_not_stop_calls_that_need_not_be_recorded():
    if not UNSHARE:
        print("skipped: no user namespaces here")
        return
    with Place() as place:
        place.write(text="[downstream host]\ncommand = self\nargs = host-tools\n"
                    "start = demand\n[downstream bad]\ncommand = /bin/false\n")
        base = f"{BINARY} -c {place.conf} -D audit.path=none"
        script = (f"mount -t tmpfs -o size=64k none {place.dir}/state && {base} -d "
                  f"2>{place.dir}/state/log && dd if=/dev/zero of={place.dir}/state/fill "
                  "bs=1k 2>/dev/null; "
                  f"for n in 1 2 3; do {BINARY} call host.system.info -c {place.conf} "
                  f">/dev/null || exit 97; {BINARY} restart bad -c {place.conf} >/dev/null; done; "
                  f"{BINARY} reload -c {place.conf} >/dev/null 2>&1; "
                  f"{BINARY} health -c {place.conf} || exit 96; {BINARY} stop -c {place.conf}")
        done = subprocess.run(["unshare", "-rm", "sh", "-c", script], capture_output=True,
                              text=True, timeout=60, check=False)
        assert done.returncode == 0, (done.returncode, done.stdout, done.stderr)


main(__name__)
