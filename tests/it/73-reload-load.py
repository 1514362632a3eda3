"""Reloads of every kind while 32 clients call without a pause: no call fails, is crossed or
lost, who is not changed keeps its process, and nothing grows."""
import json
import os
import shutil
import signal
import ssl
import threading

from harness import SANITIZED, Neurond, hostile, is_alive, main, scaled
from mcp import McpClient, ModernClient
from rawhttp import wait_for
from tls_files import Authority, secure

CLIENTS = 32
RELOADS = scaled(20, 200)
TLS = "tls"


class Load:
    """Clients of all kinds, each in a thread of its own, until stop()."""

    def __init__(self, makers):
        self.over, self.done, self.wrong = threading.Event(), 0, []
        self.lock = threading.Lock()
        self.threads = [threading.Thread(target=self.run, args=(n, make))
                        for n, make in enumerate(makers)]
        for thread in self.threads:
            thread.start()

    def run(self, number, make):
        at, client = 0, None
        try:
            while not self.over.is_set():
                if client is None or at % 25 == 24:  # new connections all the time
                    if client:
                        client.close()
                    client = make()
                at += 1
                text = f"client {number} call {at}"
                tool = ("keep.echo", "swap.echo", "swap.sleep_ms")[at % 3]
                got = client.call(tool, {"text": text, "ms": 20})
                assert got.text == text, f"{text}: {got.raw[:300]!r}"
                with self.lock:
                    self.done += 1
        except Exception as error:  # reported when all is over
            self.wrong.append(f"client {number}, call {at}: {type(error).__name__}: {error}")
        finally:
            if client:
                client.close()

    def stop(self):
        self.over.set()
        for thread in self.threads:
            thread.join(60)
            assert not thread.is_alive(), "a call has got no answer"
        assert not self.wrong, "\n".join(self.wrong[:5])


class World:
    """A daemon whose configuration changes in one thing after another."""

    def __init__(self):
        self.round = 0

    def __enter__(self):
        self.daemon = Neurond({"keep": hostile(), "swap": hostile()}, wait=False, setup=self.setup)
        self.daemon.wait_ready()
        found = self.daemon.wait_for_log(r"listening on 127\.0\.0\.1:(\d+) \(listener tls\)")
        self.tls = secure(("127.0.0.1", int(found[1])), self.ca.cert)
        return self

    def setup(self, daemon):
        self.daemon, self.parts = daemon, {"swap": ()}
        self.ca = Authority(daemon.dir / "ca")
        self.cert, self.key = daemon.dir / "live.pem", daemon.dir / "live.key"
        self.renew()
        self.write()

    def __exit__(self, *what):
        return self.daemon.__exit__(*what)

    def write(self, text=""):
        downstreams = {"keep": hostile(), "swap": hostile(*self.parts["swap"])}
        if "new" in self.parts:
            downstreams["new"] = hostile()
        listeners = {"listener tls": {"address": "127.0.0.1:0", "cert_path": self.cert,
                                      "key_path": self.key}}
        if "listener" in self.parts:
            listeners["listener more"] = {"address": f"unix:{self.daemon.dir}/more.sock"}
        self.daemon.configure(downstreams, listeners, text)

    def renew(self):
        cert, key = self.ca.issue(f"live{self.round}")
        shutil.copy(key, self.key)
        self.key.chmod(0o600)
        shutil.copy(cert, self.cert)

    def serial(self):
        with McpClient(self.tls) as client:
            return client.conn.sock.getpeercert()["serialNumber"]

    def reload(self, expect=0):
        done = self.daemon.run("reload", "--json", "--control",
                               str(self.daemon.dir / "run/control.sock"), timeout=60)
        assert done.returncode == expect, (done.returncode, done.stdout, done.stderr)
        return json.loads(done.stdout)

    # -- what changes, one a round

    def add(self):
        self.parts["new"] = True
        self.write()
        assert self.reload()["add"] == ["new"]

    def change(self):
        self.parts["swap"] = (f"many={self.round % 50 + 1}",)
        self.write()
        assert self.reload()["change"] == ["swap"]

    def bad(self):
        self.write("[server]\nprot = 1\n[downstream z]\ncommand = /not/there\n")
        assert self.reload(78)["result"] == "invalid"

    def open(self):
        self.parts["listener"] = True
        self.write()
        self.reload()
        with McpClient(f"{self.daemon.dir}/more.sock") as client:
            assert client.call("keep.echo", {"text": "x"}).text == "x"

    def certificate(self):
        before = self.serial()
        self.renew()
        self.write()
        assert len(self.reload()["keep"]) >= 2
        assert self.serial() != before

    def remove(self):
        self.parts.pop("new", None)
        self.write()
        self.reload()

    def failing(self):
        kept, self.parts["swap"] = self.parts["swap"], ("crash-start=1",)
        self.write()
        assert self.reload(1)["result"] == "partial"
        self.parts["swap"] = kept

    def close(self):
        self.parts.pop("listener", None)
        self.write()
        self.reload()
        wait_for("the keeper has closed it",
                 lambda: not os.path.exists(f"{self.daemon.dir}/more.sock"))

    def storm(self):
        self.parts["swap"] = (f"many={self.round % 50 + 1}",)
        self.write()
        for _ in range(20):
            self.daemon.process.send_signal(signal.SIGHUP)
        self.reload()

    def settings(self):
        self.write(f"[rule r{self.round}]\neffect = deny\ntools = no.such\n"
                   f"[limits]\nsessions = {1000 + self.round}\n")
        self.reload()

    def step(self):
        kinds = (self.add, self.change, self.bad, self.open, self.certificate, self.remove,
                 self.failing, self.close, self.storm, self.settings)
        kinds[self.round % len(kinds)]()
        self.round += 1

    def settle(self):
        """Who has left is gone."""
        daemon = self.daemon
        wait_for("one process a downstream", lambda: all(
            len(daemon.processes(f"RECORD={daemon.dir / name}.record")) == 1
            for name in ("keep", "swap")), timeout=30)


def test_reloads_under_load():
    with World() as world:
        daemon = world.daemon
        makers = [daemon.client, daemon.modern, lambda: McpClient(world.tls),
                  lambda: ModernClient(world.tls)]
        keep, reactor = daemon.child("keep"), daemon.reactor
        load = Load([makers[n % len(makers)] for n in range(CLIENTS)])
        try:
            wait_for("all call", lambda: load.done > CLIENTS)
            for _ in range(10):
                world.step()
            world.settle()
            first = daemon.rss(), daemon.fd_count(), daemon.fd_count(daemon.pid)
            while world.round < RELOADS:
                before = load.done
                world.step()
                wait_for("calls go on", lambda b=before: load.done > b)
        finally:
            load.stop()
        world.settle()
        assert daemon.child("keep") == keep and is_alive(keep)
        assert daemon.reactor == reactor
        assert load.done > 10 * CLIENTS, load.done
        with daemon.client() as client:
            assert client.call("swap.echo", {"text": "x"}).text == "x"
        after = daemon.rss(), daemon.fd_count(), daemon.fd_count(daemon.pid)
        print(f"{load.done} calls, {world.round} reloads; memory {first[0] >> 20} then "
              f"{after[0] >> 20} MB, descriptors {first[1:]} then {after[1:]}")
        assert after[1] <= first[1] + 4 and after[2] <= first[2], (first, after)
        assert SANITIZED or after[0] < first[0] + (16 << 20), (first, after)


main(__name__)
