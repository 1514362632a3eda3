"""contrib/init.d/neurond as init runs it, with both start-stop-daemons."""
import getpass
import os
import pathlib
import shutil
import subprocess
import tempfile
import time

from harness import BINARY, config_text, is_alive, main
from rawhttp import wait_for

SCRIPT = pathlib.Path(__file__).resolve().parents[2] / "contrib/init.d/neurond"
NOT_RUNNING, DEAD, USAGE, BAD_CONFIG, NOT_INSTALLED, IS_STOPPED = 3, 1, 2, 6, 5, 7


class Service:
    """The init script with directories of its own."""

    def __init__(self, path=os.environ["PATH"]):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="neurond-it-"))
        self.conf, self.pid_file = self.dir / "neurond.conf", self.dir / "run/neurond.pid"
        self.path = path
        self.configure({})
        (self.dir / "defaults").write_text(
            f"DAEMON={BINARY}\nCONFIG={self.conf}\nRUN_USER={getpass.getuser()}\n"
            f"RUN_DIR={self.dir}/run\nSTATE_DIR={self.dir}/state\nLOG_DIR={self.dir}/log\n"
            f"PATH={path}\n")

    def configure(self, sections):
        self.conf.write_text(config_text({
            "server": {"port": 0, "run_dir": self.dir / "run", "state_dir": self.dir / "state"},
            "audit": {"path": self.dir / "log/audit.log"},
            "policy": {"default_action": "allow"}, **sections}))

    def __call__(self, *verbs):
        """The exit code and what it said."""
        # Through a pipe: a daemon that kept it open would be waited for.
        done = subprocess.run([SCRIPT, *verbs], stdin=subprocess.DEVNULL, timeout=30,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
                              text=True, env={"NEUROND_DEFAULTS": str(self.dir / "defaults")})
        return done.returncode, done.stdout

    @property
    def pid(self):
        return int(self.pid_file.read_text())

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self("stop")
        assert not self.pid_file.exists()
        shutil.rmtree(self.dir)


def walk(service):
    assert service("status")[0] == NOT_RUNNING
    assert service("stop")[0] == 0
    assert service("reload")[0] == IS_STOPPED
    assert service("start")[0] == 0
    first = service.pid
    assert is_alive(first)
    environment = pathlib.Path(f"/proc/{first}/environ").read_text().split("\0")
    for name, place in (("RUNTIME", "run"), ("STATE", "state"), ("LOGS", "log")):
        assert f"{name}_DIRECTORY={service.dir}/{place}" in environment, environment
    assert service("status")[0] == 0
    assert service("start") == (0, "neurond: runs already\n") and service.pid == first
    code, said = service("reload")
    assert code == 0 and service.pid == first, said
    assert service("force-reload")[0] == 0 and service.pid == first
    assert service("restart")[0] == 0
    second = service.pid
    assert second != first and not is_alive(first) and is_alive(second)
    assert service("stop")[0] == 0 and not is_alive(second)
    assert service("force-reload")[0] == 0 and is_alive(service.pid)


def test_debians_start_stop_daemon():
    with Service() as service:
        walk(service)


def test_busyboxs():
    with tempfile.TemporaryDirectory(prefix="neurond-it-") as directory:
        for applet in subprocess.run(["busybox", "--list"], capture_output=True, text=True,
                                     check=True, timeout=20).stdout.split():
            os.symlink(shutil.which("busybox"), f"{directory}/{applet}")
        assert os.path.exists(f"{directory}/start-stop-daemon")
        with Service(directory) as service:
            walk(service)


def test_a_bad_configuration_stops_nothing():
    with Service() as service:
        assert service("start")[0] == 0
        pid = service.pid
        service.configure({"nonsense": {}})
        for verb in ("reload", "restart", "force-reload"):
            code, said = service(verb)
            assert code == BAD_CONFIG and "nonsense" in said, (verb, code, said)
            assert is_alive(pid) and service.pid == pid
        assert service("stop")[0] == 0
        code, said = service("start")
        assert code == BAD_CONFIG and service("status")[0] == NOT_RUNNING, said


def test_a_daemon_that_was_killed_and_that_nobody_has_waited_for():
    with Service() as service:
        (service.dir / "log").mkdir()  # as the script would
        lost = subprocess.Popen([BINARY, "-c", service.conf, "-p", service.pid_file],
                                stderr=subprocess.DEVNULL)  # and it stays a zombie
        wait_for("its start", lambda: service("status")[0] == 0)
        lost.kill()
        wait_for("its end", lambda: not is_alive(lost.pid))
        assert os.path.exists(f"/proc/{lost.pid}")
        assert service("status")[0] == DEAD
        began = time.monotonic()
        assert service("restart")[0] == 0 and service.pid != lost.pid
        assert time.monotonic() - began < 10  # of 30 for a daemon that does not end
        lost.wait()


def test_what_else_may_be_asked():
    with Service() as service:
        assert service()[0] == USAGE and service("dance")[0] == USAGE
        service.pid_file.parent.mkdir()
        service.pid_file.write_text(f"{os.getpid()}\n")  # somebody else's by now
        assert service("status")[0] == DEAD
        assert service("stop")[0] == 0 and is_alive(os.getpid())
        assert service("start")[0] == 0 and service.pid != os.getpid()
        with open(service.dir / "defaults", "a", encoding="utf-8") as defaults:
            defaults.write("DAEMON=/nowhere/neurond\n")
        assert service("start")[0] == NOT_INSTALLED
        (service.dir / "defaults").write_text((service.dir / "defaults").read_text().replace(
            "DAEMON=/nowhere/neurond\n", ""))


main(__name__)
