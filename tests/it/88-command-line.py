"""The command line where things are not as they should be, and what it shows meanwhile."""
import json
import os
import pathlib
import pwd
import re
import socket
import subprocess
import tempfile
import threading

from harness import BINARY, Neurond, hostile, is_alive, main
from rawhttp import wait_for

VERBS = (("status",), ("config",), ("servers",), ("tools",), ("prompts",), ("resources",),
         ("logs", "a"), ("enable", "a"), ("disable", "a"), ("call", "a.b"), ("health",), ("reload",),
         ("events",), ("history", "a"), ("restart", "a"), ("stop",), ("drain",))


def verb(*args, **keys):
    return subprocess.run([BINARY, *args], capture_output=True, text=True, timeout=60,
                          check=False, stdin=subprocess.DEVNULL, **keys)


def expect_a_sentence(got, words, what):
    """One line that says what is wrong, exit code 1, and nothing else."""
    assert got.returncode == 1 and got.stdout == "", (what, got)
    assert re.search(words, got.stderr) and got.stderr.count("\n") == 1, (what, got)
    assert len(got.stderr) < 200, (what, got)


def test_a_daemon_that_is_not_there():
    with tempfile.TemporaryDirectory() as where:
        for args in VERBS:
            got = verb(*args, "--control", f"{where}/control.sock")
            expect_a_sentence(got, r"^neurond is not running \(no answer at ", args)
        stale = f"{where}/stale.sock"
        with socket.socket(socket.AF_UNIX) as sock:
            sock.bind(stale)
        expect_a_sentence(verb("status", "--control", stale), "is not running", "stale")


def test_a_daemon_that_hangs():
    with tempfile.TemporaryDirectory() as where, socket.socket(socket.AF_UNIX) as sock:
        path = f"{where}/control.sock"
        sock.bind(path)
        sock.listen(16)  # and nobody accepts
        found = {}

        def ask(name):
            found[name] = verb(name, "--control", path)
        threads = [threading.Thread(target=ask, args=(name,))
                   for name in ("status", "servers", "health", "stop")]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for name, got in found.items():
            expect_a_sentence(got, r"^neurond does not answer \(nothing came from .* in 10 s\)",
                              name)


def test_a_socket_of_somebody_else():
    with tempfile.TemporaryDirectory() as where, socket.socket(socket.AF_UNIX) as sock:
        path = f"{where}/control.sock"
        sock.bind(path)
        sock.listen(16)

        def talk():
            for _ in range(2):
                conn, _ = sock.accept()
                with conn:
                    conn.recv(4096)
                    conn.sendall(b"220 mail.example ESMTP\r\n\r\n")
        thread = threading.Thread(target=talk)
        thread.start()
        expect_a_sentence(verb("status", "--control", path), "not neurond's control socket", path)
        expect_a_sentence(verb("health", "--control", path), "not neurond's control socket", path)
        thread.join()
        plain = pathlib.Path(where) / "file"
        plain.write_text("x")
        expect_a_sentence(verb("status", "--control", str(plain)), "neurond", plain)


def test_a_user_who_may_not():
    if os.geteuid() != 0:
        print("note: needs root to be somebody else")
        return
    nobody = pwd.getpwnam("nobody")

    def become():
        os.setgroups([])
        os.setgid(nobody.pw_gid)
        os.setuid(nobody.pw_uid)
    with Neurond({"a": hostile()}, {"server": {"control_mode": "0666"}}) as daemon:
        control = daemon.dir / "run/control.sock"
        with tempfile.TemporaryDirectory() as where:
            os.chmod(where, 0o755)
            binary = pathlib.Path(where) / "neurond"
            binary.write_bytes(pathlib.Path(BINARY).read_bytes())
            binary.chmod(0o755)
            for path, words in ((daemon.dir, "Permission denied"),
                                (None, "you may not: commands are for root")):
                if path is None:  # the socket can be reached, and says no
                    daemon.dir.chmod(0o711)
                    (daemon.dir / "run").chmod(0o711)
                got = subprocess.run([str(binary), "status", "--control", str(control)],
                                     capture_output=True, text=True, timeout=30, check=False,
                                     preexec_fn=become, cwd="/")
                expect_a_sentence(got, words, path)


def test_mistyped_words_are_guessed_and_help_names_every_command():
    for args, near in ((("statsu",), "status"), (("servrs",), "servers"), (("drian",), "drain"),
                       (("help", "evnts"), "events"), (("-t", "--prob"), "--probe"),
                       (("tools", "--jsn"), "--json")):
        got = verb(*args)
        assert got.returncode == 64 and f"did you mean '{near}'" in got.stderr, got
    listed = re.findall(r"^  ([a-z-]+) ", verb("help").stdout.split("Commands:")[1], re.M)
    assert {"status", "events", "drain", "connect"} <= set(listed), listed
    for name in listed:
        got = verb("help", name)
        assert got.returncode == 0 and got.stdout.startswith(f"neurond {name}"), got
        assert all(len(line) <= 88 for line in got.stdout.splitlines()), got.stdout
        assert verb(name, "--help").stdout == got.stdout


def test_events_tell_each_change():
    with Neurond({"a": hostile("tools=one,two"), "b": hostile()}) as daemon:
        follow = subprocess.Popen([BINARY, "events", "-c", str(daemon.conf)], text=True,
                                  stdout=subprocess.PIPE)

        def until(**want):
            for line in follow.stdout:
                event = json.loads(line)
                assert re.fullmatch(r"\d{4}-\d\d-\d\dT[\d:.]+Z", event["time"]), event
                if want.items() <= event.items():
                    return event
            raise AssertionError(f"ended without {want}")
        until(event="daemon", state="ready")
        until(event="server", name="a", state="healthy")
        until(event="server", name="b", state="healthy")
        tools = until(event="catalog")["tools"]
        assert daemon.run("disable", "a").returncode == 0
        until(event="server", name="a", state="disabled")
        assert until(event="catalog")["tools"] == tools - 2
        os.kill(daemon.child("b"), 9)
        assert "SIGKILL" in until(event="server", name="b", state="restarting")["reason"]
        until(event="server", name="b", state="healthy")
        stop = daemon.run("stop")
        assert stop.returncode == 0, stop
        until(event="daemon", state="draining")
        assert follow.wait(10) == 0


def in_flight(daemon, client, milliseconds):
    """A call that takes so long, in a thread of its own, and its answer's place."""
    answers = []
    thread = threading.Thread(
        target=lambda: answers.append(client.call("a.sleep_ms", {"ms": milliseconds})))
    thread.start()
    wait_for("a call in flight", lambda: json.loads(
        daemon.run("status", "--json").stdout)["calls_in_flight"] == 1)
    return thread, answers


def test_stop_and_drain_tell_what_they_wait_for():
    for name, config in (("stop", {}), ("drain", {"server": {
            "drain_timeout": "100ms", "shutdown_timeout": "200ms"}})):
        with Neurond({"a": hostile()}, config) as daemon, daemon.client() as client:
            thread, answers = in_flight(daemon, client, 1500)
            got = daemon.run(name)
            thread.join()
            assert got.returncode == 0 and "has stopped" in got.stdout, got
            assert "waiting for 1 call\n" in got.stderr, got
            assert answers[0].result, answers  # drain_timeout did not count for drain
            assert daemon.wait_exit() == 0


def test_probe_starts_lists_stops_and_leaves_nothing():
    with tempfile.TemporaryDirectory() as where:
        home = pathlib.Path(where)
        conf = home / "n.conf"
        fixture = hostile()
        program, script = fixture["command"], fixture["args"][0]

        def section(name, *traits, more=""):
            return (f"[downstream {name}]\ncommand = {program}\n"
                    f"args = {script} {' '.join(traits)}\nenv.PROBE_MARK = {home}\n{more}")
        conf.write_text(section("good", "tools=one,two") +
                        section("lazy", "tools=one", more="start = demand\n"))
        conf.chmod(0o600)
        before = set(os.listdir(home))
        got = verb("-t", "--probe", "-c", str(conf), cwd=home)
        rows = [line.split() for line in got.stdout.splitlines()]
        assert got.returncode == 0, got
        assert {(r[0], r[1], r[3]) for r in rows[1:]} == {
            ("good", "healthy", "2"), ("lazy", "healthy", "1")}, got.stdout
        assert all(len(line) <= 80 for line in got.stdout.splitlines()), got.stdout
        conf.write_text(conf.read_text() + section("bad", "crash-start=3") +
                        section("off", more="enabled = no\n"))
        got = verb("-t", "--probe", "--json", "-c", str(conf), cwd=home)
        rows = {row["name"]: row for row in json.loads(got.stdout)}
        assert got.returncode == 1 and rows["bad"]["state"] == "failed", got
        assert "exited with status 3" in rows["bad"]["error"], rows
        assert rows["off"]["state"] == "disabled" and rows["good"]["tools"] == 2, rows
        assert set(os.listdir(home)) == before
        assert not marked(home), "processes are left"
        slow = home / "slow.conf"
        slow.write_text(section("slow", "silent", "ignore-term", "ignore-eof"))
        slow.chmod(0o600)
        process = subprocess.Popen([BINARY, "-t", "--probe", "-c", str(slow)], cwd=home,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        wait_for("its child", lambda: marked(home))
        process.terminate()
        process.terminate()
        assert process.wait(20) == 1
        process.communicate()
        assert not marked(home), "processes are left"


def marked(home):
    found = []
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            environ = pathlib.Path(f"/proc/{name}/environ").read_bytes()
        except OSError:
            continue
        if f"PROBE_MARK={home}".encode() in environ.split(b"\0") and is_alive(int(name)):
            found.append(int(name))
    return found


def in_terminal(*args, env=None, columns=80):
    """What a command writes to a terminal."""
    import fcntl
    import pty
    import struct
    import termios
    parent, child = pty.openpty()
    fcntl.ioctl(child, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    process = subprocess.Popen([BINARY, *args], stdout=child, stderr=subprocess.DEVNULL,
                               stdin=subprocess.DEVNULL,
                               env={"PATH": os.environ["PATH"], "TERM": "xterm", **(env or {})})
    os.close(child)
    said = b""
    while True:
        try:
            more = os.read(parent, 65536)
        except OSError:
            break
        if not more:
            break
        said += more
    os.close(parent)
    process.wait(20)
    return said.decode().replace("\r\n", "\n")


def test_tables_fit_and_colours_are_for_terminals():
    with Neurond({"a": hostile(), "b": hostile("crash-start=3")}) as daemon:
        where = ("-c", str(daemon.conf))
        for args in (("servers",), ("tools",), ("history", "b")):
            lines = in_terminal(*args, *where, env={"NO_COLOR": "1"}).splitlines()
            assert len(lines) > 1 and all(len(line) <= 80 for line in lines), lines
            assert "\x1b" not in "".join(lines), lines
        shown = in_terminal("servers", *where)
        assert "\x1b[32mhealthy" in shown and "\x1b[31mfailed" in shown, shown
        assert "\x1b" not in in_terminal("servers", *where, env={"TERM": "dumb"})
        assert "\x1b" not in daemon.run("servers").stdout


def test_bash_completes_commands_and_names():
    script = pathlib.Path(BINARY).parent.parent / "contrib/completion/neurond"
    if not script.exists():
        script = pathlib.Path(__file__).parents[2] / "contrib/completion/neurond"

    def complete(*words):
        code = (f'source {script}; COMP_WORDS=({BINARY} {" ".join(words)} ""); '
                'COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _neurond; echo "${COMPREPLY[@]}"')
        return subprocess.run(["bash", "-c", code], capture_output=True, text=True, timeout=30,
                              check=True).stdout.split()
    assert {"status", "events", "connect", "drain"} <= set(complete())
    assert "reload" in complete("help")
    with Neurond({"a": hostile("tools=one"), "b": hostile()}) as daemon:
        where = ("-c", str(daemon.conf))
        assert complete(*where, "restart") == ["a", "b"]
        assert "a.one" in complete("call", *where) and "a.one" in complete("tools", *where)


main(__name__)
