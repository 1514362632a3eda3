"""systemd: what neurond tells it, the sockets it hands over, and the unit itself."""
import fcntl
import os
import pathlib
import re
import signal
import socket
import subprocess
import tempfile

from harness import BINARY, Neurond, hostile, main
from rawhttp import Conn, DEADLINE

ROOT = pathlib.Path(__file__).resolve().parents[2]
UNITS = ROOT / "contrib/systemd"


class Manager:
    """The receiving end of sd_notify."""

    def __init__(self, abstract=False):
        self.dir = tempfile.TemporaryDirectory(prefix="neurond-it-")
        self.name = f"@neurond-it-{os.getpid()}" if abstract else f"{self.dir.name}/notify"
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.sock.bind(self.name.replace("@", "\0"))
        self.sock.settimeout(DEADLINE)
        self.got = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.sock.close()
        self.dir.cleanup()

    def next(self):
        message = dict(line.split("=", 1) for line in self.sock.recv(4096).decode().splitlines())
        self.got.append(message)
        return message

    def wait(self, key):
        """The next message that has `key`."""
        while True:
            message = self.next()
            if key in message:
                return message


def test_what_systemd_is_told():
    for abstract in (False, True):
        with Manager(abstract) as manager:
            with Neurond({"a": hostile("tools=one")}, env={"NOTIFY_SOCKET": manager.name}) \
                    as daemon:
                first = manager.next()
                assert first["READY"] == "1" and first["STATUS"], first
                with open(f"/proc/{daemon.reactor}/environ", encoding="utf-8") as file:
                    assert "NOTIFY_SOCKET" not in file.read()
                daemon.process.send_signal(signal.SIGHUP)
                reloading = manager.wait("RELOADING")
                assert reloading["RELOADING"] == "1", reloading
                assert int(reloading["MONOTONIC_USEC"]) > 0
                assert manager.wait("READY")["READY"] == "1"
                daemon.process.send_signal(signal.SIGTERM)
                assert manager.wait("STOPPING")["STOPPING"] == "1"
                assert daemon.process.wait(DEADLINE) == 0


def test_a_bad_configuration_is_told_as_the_old_one_serving_on():
    with Manager() as manager, Neurond(env={"NOTIFY_SOCKET": manager.name}) as daemon:
        manager.wait("READY")
        daemon.conf.write_text("[nonsense]\n")
        daemon.process.send_signal(signal.SIGHUP)
        manager.wait("RELOADING")
        assert "READY" in manager.wait("READY")
        with daemon.connect() as conn:
            assert conn.request("GET", "/health").status == 200


def test_the_watchdog_hears_the_reactor():
    with Manager() as manager:
        env = {"NOTIFY_SOCKET": manager.name, "WATCHDOG_USEC": "400000"}
        with Neurond(env=env) as daemon:
            manager.wait("READY")
            for _ in range(3):
                assert manager.wait("WATCHDOG")["WATCHDOG"] == "1"
            os.kill(daemon.reactor, signal.SIGSTOP)  # a loop that is stuck
            manager.sock.settimeout(1.0)
            try:
                for _ in range(6):  # what was under way
                    manager.next()
                raise AssertionError("a stuck reactor is reported alive")
            except TimeoutError:
                pass
            os.kill(daemon.reactor, signal.SIGCONT)


def test_a_watchdog_for_another_process_is_none_of_ours():
    with Manager() as manager:
        env = {"NOTIFY_SOCKET": manager.name, "WATCHDOG_USEC": "1000", "WATCHDOG_PID": "1"}
        with Neurond(env=env) as daemon:
            manager.wait("READY")
            daemon.process.send_signal(signal.SIGTERM)
            manager.wait("STOPPING")
            assert not any("WATCHDOG" in message for message in manager.got), manager.got


def hand_over(sockets, names=None, **keys):
    """A daemon that inherits listening sockets, as systemd hands them over."""
    script = "export LISTEN_PID=$$; exec \"$@\"" + "".join(
        f" {3 + at}<&{sock.fileno()}" for at, sock in enumerate(sockets))
    env = {"LISTEN_FDS": str(len(sockets)), **({"LISTEN_FDNAMES": names} if names else {})}
    return Neurond(wrap=("bash", "-c", script, "bash"), env=env,
                   pass_fds=[sock.fileno() for sock in sockets], **keys)


def listening(family=socket.AF_INET, where=("127.0.0.1", 0)):
    """Its number is above those it is handed over as, or one would overwrite another."""
    sock = socket.socket(family)
    sock.bind(where)
    sock.listen(16)
    high = fcntl.fcntl(sock.fileno(), fcntl.F_DUPFD_CLOEXEC, 50)
    sock.close()
    return socket.socket(fileno=high)


def serves(address):
    with Conn(address) as conn:
        return conn.request("GET", "/health").status == 200


def test_sockets_by_name_and_by_address():
    with tempfile.TemporaryDirectory(prefix="neurond-it-") as directory:
        path = f"{directory}/door.sock"
        main_one, named, local = listening(), listening(), listening(socket.AF_UNIX, path)
        port = main_one.getsockname()[1]
        config = {"server": {"port": port}, "listener b": {"address": "systemd:door"},
                  "listener c": {"address": f"unix:{path}"}}
        with hand_over([main_one, named, local], "x:door:y", config=config) as daemon:
            for address in (("127.0.0.1", port), named.getsockname(), path):
                assert serves(address), address
            with open(f"/proc/{daemon.reactor}/environ", encoding="utf-8") as file:
                assert "LISTEN_" not in file.read()
            os.kill(daemon.reactor, signal.SIGKILL)
            daemon.wait_for_log("reactor killed")
            assert serves(named.getsockname())  # the keeper has it still
        assert os.path.exists(path)  # it is systemd's
        for sock in (main_one, named, local):
            sock.close()


def test_a_reload_that_comes_to_nothing_loses_no_socket():
    named, busy = listening(), listening()
    door = {"listener b": {"address": "systemd:door"}}
    taken = {"listener x": {"address": "%s:%d" % busy.getsockname()}}
    no_log = {"log": {"target": "/not/there/log"}}
    with hand_over([named], "door") as daemon:
        control = ("--control", str(daemon.dir / "run/control.sock"))
        for config, code in (({**door, **taken}, 78), ({**door, **no_log}, 78), (door, 0),
                             ({}, 0), (door, 0)):
            daemon.configure(config=config)
            done = daemon.run("reload", *control)
            assert done.returncode == code, (config, done)
        assert serves(named.getsockname())
    named.close()
    busy.close()


def test_a_socket_goes_from_one_listener_to_another_in_one_reload():
    with tempfile.TemporaryDirectory(prefix="neurond-it-") as directory:
        path = f"{directory}/door.sock"
        named, local = listening(), listening(socket.AF_UNIX, path)
        address = "%s:%d" % named.getsockname()
        door, unix = {"address": "systemd:door"}, {"address": f"unix:{path}"}
        taken = {"listener x": {"address": "127.0.0.1:1"}, "log": {"target": "/not/there/log"}}
        rows = [  # what is wanted, and how the reload ends
            ({"listener c": door, "listener v": unix}, 0),
            ({"listener c": {"address": address}, "listener v": {"address": "systemd:local"}}, 0),
            ({"listener d": door, "listener c": unix, **taken}, 78),
            ({"listener d": door, "listener e": door}, 78),
            ({"listener c": unix, "listener v": door}, 0),
            ({}, 0), ({"listener b": door, "listener u": unix}, 0),
        ]
        with hand_over([named, local], "door:local",
                       config={"listener b": door, "listener u": unix}) as daemon:
            control = ("--control", str(daemon.dir / "run/control.sock"))
            before = daemon.fd_count(daemon.pid)
            for config, code in rows:
                daemon.configure(config=config)
                done = daemon.run("reload", *control)
                assert done.returncode == code, (config, done)
                if config:
                    assert serves(named.getsockname()) and serves(path), config
            os.kill(daemon.reactor, signal.SIGKILL)
            daemon.wait_for_log("reactor killed")
            assert serves(named.getsockname()) and serves(path)
            assert daemon.fd_count(daemon.pid) <= before + 1
        named.close()
        local.close()


def test_sockets_that_are_not_there_or_not_wanted():
    with Neurond(config={"listener b": {"address": "systemd:door"}}, wait=False) as daemon:
        daemon.wait_for_log(r"listener\.b: no socket named door was handed over")
        assert daemon.process.wait(DEADLINE) == 1
    extra = listening()
    with hand_over([extra], "extra") as daemon:
        daemon.wait_for_log(r"warn keeper: nothing in the configuration takes.*extra")
    extra.close()


def test_a_socket_that_others_can_reach_needs_identities():
    sock = listening(where=("0.0.0.0", 0))
    config = {"listener b": {"address": "systemd:door"}}
    with hand_over([sock], "door", config=config, wait=False) as daemon:
        daemon.wait_for_log(r"listener\.b: 0\.0\.0\.0:\d+ can be reached from other hosts")
        assert daemon.process.wait(DEADLINE) == 1
    sock.close()


def test_systemds_own_hand_over():
    with tempfile.TemporaryDirectory(prefix="neurond-it-") as directory:
        path = f"{directory}/door.sock"
        with Neurond(config={"listener b": {"address": "systemd:door"}}, wait=False,
                     wrap=("systemd-socket-activate", "-l", path, "--fdname=door",
                           "-E", "PATH")) as daemon:
            daemon.wait_for_log("Listening on")
            assert serves(path)  # which starts it


def unit(name, directory):
    text = (UNITS / name).read_text().replace("/usr/local/bin/neurond", BINARY)
    copy = pathlib.Path(directory) / name
    copy.write_text(text)
    return copy


def test_the_units():
    with tempfile.TemporaryDirectory(prefix="neurond-it-") as directory:
        service, sockets = unit("neurond.service", directory), unit("neurond.socket", directory)
        done = subprocess.run(["systemd-analyze", "verify", "--man=no", service, sockets],
                              capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0 and str(directory) not in done.stderr, done.stderr
        done = subprocess.run(["systemd-analyze", "security", "--offline=true", service],
                              capture_output=True, text=True, timeout=60, check=False)
        level = float(re.search(r"Overall exposure level for neurond.service: (\S+)",
                                done.stdout)[1])
        print(f"note: systemd-analyze security: {level}", flush=True)
        assert level < 2.0
        directives = re.findall(r"^[A-Z]\w*=.*", service.read_text(), re.M)
        assert not any(line.startswith("MemoryDenyWriteExecute") for line in directives)
        assert f"ExecStartPre={BINARY} -t -c /etc/neurond/neurond.conf" in directives
        assert "Type=notify" in directives
        after = next(line for line in directives if line.startswith("After="))
        assert {"network-online.target", "mcpd.service"} <= set(after[6:].split()), after
        never = next(line for line in directives if line.startswith("RestartPreventExitStatus="))
        assert "78" in never.partition("=")[2].split(), never
        # The check comes first: the second is not run when it fails.
        assert [line for line in directives if line.startswith("ExecReload=")] == [
            f"ExecReload={BINARY} -t -c /etc/neurond/neurond.conf",
            f"ExecReload={BINARY} reload -c /etc/neurond/neurond.conf"]
        # In this order: what comes later adds to and takes from what comes before.
        assert [line for line in directives if line.startswith("SystemCall")] == [
            "SystemCallArchitectures=native", "SystemCallFilter=@system-service",
            "SystemCallFilter=~@privileged", "SystemCallFilter=@chown",
            "SystemCallErrorNumber=EPERM"]


def test_the_container_and_its_pod_are_the_same_user():
    docker = (ROOT / "contrib/docker/Dockerfile").read_text()
    pod = (ROOT / "contrib/docker/kubernetes.yaml").read_text()
    uid, gid = re.search(r"^USER (\d+):(\d+)$", docker, re.M).groups()
    assert f"--uid {uid} --gid {gid} " in docker and f"groupadd --gid {gid} " in docker
    for line in (f"runAsUser: {uid}", f"runAsGroup: {gid}", f"fsGroup: {gid}",
                 "runAsNonRoot: true"):
        assert re.search(rf"^ *{line}$", pod, re.M), line
    assert "defaultMode: 0440" in pod  # root's, and fsGroup's to read
    for variable, place in (("RUNTIME", "/run"), ("STATE", "/var/lib"), ("LOGS", "/var/log")):
        assert re.search(rf"\b{variable}_DIRECTORY={place}/neurond\b", docker), variable
        assert f"mountPath: {place}/neurond" in pod, place


main(__name__)
