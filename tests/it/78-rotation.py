"""contrib/logrotate/neurond as logrotate itself runs it: no record and no line is lost, and
the audit verifies across the parts."""
import gzip
import pathlib
import shutil
import subprocess

from harness import BINARY, ROOT, Neurond, hostile, main
from rawhttp import wait_for

LOGROTATE = shutil.which("logrotate", path="/usr/sbin:/sbin:/usr/bin")


def rules(daemon):
    """The shipped ones, with the daemon's own places."""
    text = (ROOT / "contrib/logrotate/neurond").read_text()
    for theirs, ours in (("/var/log/neurond/", f"{daemon.dir}/log/"),
                         ("/run/neurond/neurond.pid", f"{daemon.dir}/run/neurond.pid")):
        assert theirs in text, theirs
        text = text.replace(theirs, ours)
    path = daemon.dir / "logrotate.conf"
    path.write_text(text)
    path.chmod(0o644)
    return path


def verify(daemon, logs):
    """As the comment of the rules says it."""
    parts = sorted(logs.glob("audit.log.*"), key=lambda path: -int(path.name.split(".")[2]))
    shell = " ".join(["zcat -f", *map(str, parts), str(logs / "audit.log"), "|", BINARY,
                      "audit verify -", "-c", str(daemon.conf)])
    return subprocess.run(["sh", "-c", shell], capture_output=True, text=True, check=False,
                          timeout=30)


def test_logrotate_moves_the_files_and_neurond_goes_on_in_new_ones():
    def prepare(daemon):
        (daemon.dir / "log").mkdir(mode=0o750)
        daemon.configure({"a": hostile()}, {
            "audit": {"path": daemon.dir / "log/audit.log"},
            "log": {"target": daemon.dir / "log/neurond.log", "requests": "all"}})
    with Neurond(setup=prepare, wait=False) as daemon:
        logs = daemon.dir / "log"
        wait_for("its start", lambda: daemon.run("health").returncode == 0)
        conf = rules(daemon)

        def call(text):
            assert daemon.run("call", "a.echo", f'{{"text":"{text}"}}').returncode == 0

        def rotate():
            old = (logs / "audit.log").stat().st_ino
            done = subprocess.run(
                [LOGROTATE, "-f", "-s", str(daemon.dir / "logrotate.state"), str(conf)],
                capture_output=True, text=True, check=False, timeout=30)
            assert done.returncode == 0 and not done.stderr, done
            for name in ("audit.log", "neurond.log"):
                wait_for(name, (logs / name).exists)
            assert (logs / "audit.log").stat().st_ino != old
        for at in range(4):
            call(f"part-{at}")
            if at < 3:
                rotate()
        names = {path.name for path in logs.iterdir()}
        want = {f"{stem}.log{end}" for stem in ("audit", "neurond")
                for end in ("", ".1", ".2.gz", ".3.gz")}
        assert names == want, names ^ want
        for at, name in enumerate(("audit.log.3.gz", "audit.log.2.gz", "audit.log.1",
                                   "audit.log")):
            data = (logs / name).read_bytes()
            text = (gzip.decompress(data) if name.endswith(".gz") else data).decode()
            assert [f"part-{i}" in text for i in range(4)] == [i == at for i in range(4)], name
            assert (logs / name).stat().st_mode & 0o777 == 0o640, name
        good = verify(daemon, logs)
        assert good.returncode == 0, good
        assert "a.echo" in (logs / "neurond.log").read_text()
        # What is missing in the middle is missed.
        (logs / "audit.log.2.gz").unlink()
        bad = verify(daemon, logs)
        assert bad.returncode == 1, bad
        assert daemon.run("stop").returncode == 0
        # Nobody is there to be told, which is no error of the rotation.
        done = subprocess.run(
            [LOGROTATE, "-f", "-s", str(daemon.dir / "logrotate.state"), str(conf)],
            capture_output=True, text=True, check=False, timeout=30)
        assert done.returncode == 0 and not done.stderr, done
        assert (logs / "audit.log.1").exists()
        daemon.wait_exit()


main(__name__)
