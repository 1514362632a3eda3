"""The manual is true: commands, options, endpoints and files it names are those of the
program, and what its EXAMPLES show works."""
import json
import os
import pathlib
import re
import socket
import subprocess
import tempfile

from harness import BINARY, ROOT, Neurond, hostile, main
from rawhttp import Conn

MANUAL = (ROOT / "neurond.8").read_text()


def section(title):
    text = MANUAL.split(f"\n.Sh {title}\n")[1].split("\n.Sh ")[0]
    assert text, title
    return text


def literals(text):
    """The displays of a section, as lines."""
    found = re.findall(r"^\.Bd -literal[^\n]*\n(.*?)^\.Ed$", text, re.M | re.S)
    return [block.replace("\\e", "\\").splitlines() for block in found]


def run(*args, **keys):
    return subprocess.run(args, capture_output=True, text=True, timeout=60, check=False, **keys)


def test_every_command_and_option_is_in_the_manual_and_nothing_else():
    help_text = run(BINARY, "help").stdout
    verbs = set(re.findall(r"^  ([a-z-]+) ", help_text.split("Commands:")[1], re.M))
    commands = MANUAL.split(".Ss Commands")[1].split("\n.Sh ")[0]
    assert {name.split()[0] for name in re.findall(r"^\.It Cm ([a-z-]+)", commands, re.M)} == verbs
    asked = set()
    for verb in verbs:
        asked |= set(re.findall(r"(?<![\w-])--?[a-zA-Z][a-z-]*", run(BINARY, "help", verb).stdout))
    asked |= set(re.findall(r"(?<![\w-])--?[a-zA-Z][a-z-]*", help_text))
    told = set()
    for name in re.findall(r"\bFl ([\w-]+)", MANUAL):
        told |= {"-" + name} if name.startswith("-") else {"-" + letter for letter in name}
    missing = asked - told - {"-h"}
    assert not missing, missing


def test_every_endpoint_of_the_manual_answers_and_each_route_is_there():
    text = section("ENDPOINTS")
    with Neurond({"a": hostile()}) as daemon:
        control = str(daemon.dir / "run/control.sock")
        for path in ("/health", "/healthz", "/health/live", "/livez", "/health/ready", "/readyz",
                     "/ready", "/metrics"):
            assert path in text, path
            with Conn(daemon.address) as conn:
                assert conn.request("GET", path).status == 200, path
        admin = re.search(r"^\.It Pa (/api/v1/admin/status.*)$", text, re.M)[1]
        names = [name.strip() for name in admin.replace("/api/v1/admin/", "").split(",")]
        header = (ROOT / "include/neurond/protocol.h").read_text()
        routes = set(re.findall(r'"/api/v1/admin/(\w+)"', header))
        assert routes == set(names), routes ^ set(names)
        for name in names:
            with Conn(control) as conn:
                conn.send(f"GET /api/v1/admin/{name} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
                wanted = 405 if name in ("reload", "stop", "drain") else 200
                assert conn.head().status == wanted, name


def test_the_commands_of_the_examples_work():
    with tempfile.TemporaryDirectory(prefix="neurond-man-") as where:
        home = pathlib.Path(where)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        conf = home / "neurond.conf"
        shipped = (ROOT / "etc/neurond.conf").read_text()
        conf.write_text(shipped + f"\n[server]\nrun_dir = {home}/run\nstate_dir = {home}/state\n"
                        f"[audit]\npath = {home}/audit.log\n")
        conf.chmod(0o600)
        for name in ("run", "state"):
            (home / name).mkdir(mode=0o700)
        ours = home / "neurond"
        ours.write_text(f'#!/bin/sh\nexec {BINARY} "$@" -c {conf}\n')
        ours.chmod(0o755)
        env = {"PATH": f"{home}:{os.environ['PATH']}", "NEUROND_PORT": str(port),
               "HOME": str(home)}
        tried = 0
        try:
            for block in literals(section("EXAMPLES")):
                for at, line in enumerate(block):
                    if not line.startswith("$ "):
                        continue
                    tried += 1
                    command = line[2:].replace("127.0.0.1:8443", f"127.0.0.1:{port}")
                    # A daemon keeps what it inherits: its output goes to a file.
                    with (home / "out").open("w+") as out:
                        done = subprocess.run(["sh", "-c", command], env=env, cwd=home, stdout=out,
                                              stderr=subprocess.STDOUT, timeout=60, check=False)
                        out.seek(0)
                        said = out.read()
                    assert done.returncode == 0, (command, said)
                    shown = block[at + 1] if at + 1 < len(block) else "$ "
                    if not shown.startswith("$ "):
                        assert shown == said.strip(), (shown, said)
                    elif "curl" in command:
                        assert json.loads(said)["status"] == "healthy", said
        finally:
            run(str(ours), "stop")
        assert tried >= 7


def test_the_configurations_of_the_examples_are_good():
    blocks = [b for b in literals(section("EXAMPLES")) if b[0].startswith("[")]
    assert len(blocks) >= 2
    with tempfile.TemporaryDirectory() as where:
        secret, conf = pathlib.Path(where) / "secret", pathlib.Path(where) / "n.conf"
        secret.write_text("a-secret-of-a-test\n")
        for block in blocks:
            text = "\n".join(block)
            text = re.sub(r"(?m)^command = .*", "command = /bin/true", text)
            conf.write_text(text.replace("/etc/neurond/tickets.token", str(secret)))
            for path in (conf, secret):
                path.chmod(0o600)
            got = run(BINARY, "-t", "-c", str(conf))
            assert got.returncode == 0 and "error" not in got.stderr, (block, got)


main(__name__)
