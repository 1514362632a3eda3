#!/usr/bin/env python3
"""contrib/docker/Dockerfile without docker: its last stage is carried out in a clean Debian,
and what it says is run as a container would be: as PID 1, as its user, asked by its health
check, stopped by its signal. Needs root, and the archive."""
import json
import os
import re
import subprocess
import sys
import time

from debian import ROOT, clean_root, make, needs_root, run

DOCKERFILE = ROOT / "contrib/docker/Dockerfile"
PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def instructions():
    """[(word, rest)], continued lines joined, comments left out."""
    lines = [line for line in DOCKERFILE.read_text().splitlines() if not line.startswith("#")]
    text = re.sub(r"\\\n", " ", "\n".join(lines))
    return [tuple(line.split(None, 1)) for line in text.splitlines() if line.strip()]


def expect(what, good, why=""):
    print(f"ok {what}" if good else f"FAIL {what}: {why}", flush=True)


def build_stage(steps):
    """Not carried out, which would take a compiler: make and its packages are ours."""
    runs = [rest for word, rest in steps if word == "RUN"]
    needs = re.search(r"^build='\n(.*?)'", (ROOT / "tests/deps.sh").read_text(), re.M | re.S)[1]
    wanted = {line.split()[0] for line in needs.splitlines()}
    installed = set(re.search(r"--no-install-recommends\s+(.*)", runs[0])[1].split())
    expect("it installs what a build needs", installed == wanted, installed ^ wanted)
    return re.fullmatch(r"make all && make install DESTDIR=/out (PREFIX=\S+)", runs[-1])[1]


def last_stage(steps, root, prefix):
    """Carries it out; what else it says."""
    said = {"ENV": []}
    for word, rest in steps:
        if word == "RUN":
            run("chroot", str(root), "/bin/sh", "-c", rest)
        elif word == "COPY":
            assert rest == "--from=build /out/ /", rest
            make("install", f"DESTDIR={root}", prefix)
        elif word == "ENV":
            said["ENV"] += rest.split()
        else:
            said[word] = rest
    return said


class Container:
    """Its first process is what the image starts, nothing before it."""

    def __init__(self, root, said):
        self.root, self.user, self.env = root, said["USER"], [PATH, *said["ENV"]]
        command = json.loads(said["ENTRYPOINT"]) + json.loads(said["CMD"])
        script = (f"mount -t proc proc {root}/proc && ip link set lo up && "
                  f"exec chroot --userspec={self.user} {root} env -i {' '.join(self.env)} "
                  f"{' '.join(command)}")
        self.process = subprocess.Popen(
            ["unshare", "--net", "--pid", "--mount", "--fork", "--kill-child", "sh", "-c", script],
            stderr=subprocess.PIPE, text=True)
        self.first = None

    def find_first(self):
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open(f"/proc/{pid}/stat", encoding="latin-1") as file:
                    parent = file.read().rpartition(")")[2].split()[1]
            except OSError:
                continue
            if parent == str(self.process.pid):
                return pid
        return None

    def run(self, command):
        """As `docker exec` does it; the exit status."""
        self.first = self.first or self.find_first()
        if self.first is None:
            return None
        done = subprocess.run(
            ["nsenter", "-t", self.first, "-n", "-p", "-m", "chroot", f"--userspec={self.user}",
             str(self.root), "env", "-i", *self.env, *command], check=False, timeout=20,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        return done.returncode


def live(container, said):
    flags, check = re.fullmatch(r"(.*?)\s+CMD (\[.*\])", said["HEALTHCHECK"]).groups()
    expect("the health check has its times", re.search(r"--interval=\d+s", flags) and
           re.search(r"--timeout=\d+s", flags) and "--retries" in flags, flags)
    deadline = time.monotonic() + 30
    healthy = None
    while healthy != 0 and time.monotonic() < deadline and container.process.poll() is None:
        healthy = container.run(json.loads(check))
        time.sleep(0.05)
    expect("the health check passes", healthy == 0, healthy)
    with open(f"/proc/{container.first}/status", encoding="ascii", errors="replace") as file:
        status = file.read()
    expect("it is PID 1", re.search(r"^NSpid:.*\t1$", status, re.M), status)
    uid = said["USER"].split(":")[0]
    expect("it is its user", uid.isdigit() and f"Uid:\t{uid}\t{uid}" in status, status)
    expect("its tools can be used",
           container.run(["neurond", "call", "host.system.info"]) == 0)
    expect("what nobody allowed cannot", container.run(["neurond", "call", "host.none"]) == 1)
    signal = said["STOPSIGNAL"].removeprefix("SIG")
    os.kill(int(container.first), {"TERM": 15, "INT": 2}[signal])
    try:
        code = container.process.wait(20)
    except subprocess.TimeoutExpired:
        code = None
    expect("its signal ends it in order", code == 0, code)


def main():
    needs_root()
    steps = instructions()
    last = max(at for at, (word, _) in enumerate(steps) if word == "FROM")
    prefix = build_stage(steps[:last])
    with clean_root() as root:
        said = last_stage(steps[last + 1:], root, prefix)
        container = Container(root, said)
        try:
            live(container, said)
        finally:
            container.process.kill()
            log = container.process.stderr.read()
        expect("the log is on standard error", "daemon: stopped" in log, log)
        expect("nothing it keeps lies elsewhere", (root / "var/lib/neurond/node_id").exists()
               and (root / "var/log/neurond/audit.log").exists()
               and not (root / "run/neurond/neurond.pid").exists())
        sys.exit(0)


main()
