#!/usr/bin/env python3
"""What TLS costs: memory of an idle connection, beside HAProxy's where that is installed, and
a call while others shake hands. Figures of one run; nothing passes or fails.

usage: tls.py [SECONDS]
"""
import multiprocessing
import pathlib
import shutil
import socket
import ssl
import statistics
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "it"))

from harness import Neurond, hostile  # noqa: E402
from mcp import McpClient  # noqa: E402
from rawhttp import Conn, wait_for  # noqa: E402
from tls_files import Authority, secure  # noqa: E402

SECONDS = float(sys.argv[1]) if sys.argv[1:] else 3.0
IDLE = 500
HAPROXY = """
global
    tune.ssl.default-dh-param 2048
defaults
    mode http
    timeout client 5m
    timeout connect 5s
    timeout server 5m
frontend f
    bind 127.0.0.1:{port} ssl crt {pem} alpn http/1.1
    http-request return status 200
"""


def rss(pid):
    """Resident bytes."""
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    return 0


def idle_cost(address, pid):
    """Resident bytes of a connection that has had one request and is quiet."""
    conns = []

    def connect():
        conn = Conn(address)
        assert conn.request("GET", "/health/live").status == 200
        conns.append(conn)
    for _ in range(20):  # what is made once is not a connection's
        connect()
    before = rss(pid)
    for _ in range(IDLE):
        connect()
    cost = (rss(pid) - before) / IDLE
    for conn in conns:
        conn.close()
    return cost


def haproxy_cost(place, ca, cert, key):
    pem = place / "both.pem"
    pem.write_text(cert.read_text() + key.read_text())
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    conf = place / "haproxy.cfg"
    conf.write_text(HAPROXY.format(port=port, pem=pem))
    with subprocess.Popen([shutil.which("haproxy"), "-db", "-f", str(conf)],
                          stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL) as proxy:
        def listens():
            try:
                socket.create_connection(("127.0.0.1", port)).close()
                return True
            except OSError:
                return False
        try:
            wait_for("haproxy", listens)
            return idle_cost(secure(("127.0.0.1", port), ca.cert), proxy.pid)
        finally:
            proxy.terminate()


def calls(address):
    times, end = [], time.monotonic() + SECONDS
    with McpClient(address, timeout=60) as client:
        while time.monotonic() < end:
            began = time.perf_counter()
            client.call("a.echo", {"text": "x"})
            times.append((time.perf_counter() - began) * 1000)
    return statistics.median(times)


def stalled(daemon, count):
    """Connections that have sent half a ClientHello."""
    socks = []
    for _ in range(count):
        sock = socket.create_connection(daemon.address)
        sock.sendall(b"\x16\x03\x01\x02\x00\x01")
        socks.append(sock)
    return socks


class Flood:
    """Processes that shake hands and go."""

    def __init__(self, daemon, ca, processes=2):
        self.stop, self.done = multiprocessing.Event(), multiprocessing.Value("i")
        self.processes = [multiprocessing.Process(target=self.run, daemon=True,
                                                  args=(daemon.address, str(ca.cert)))
                          for _ in range(processes)]

    def run(self, address, ca):
        context = ssl.create_default_context(cafile=ca)
        while not self.stop.is_set():
            with socket.create_connection(address, 10) as sock, \
                    context.wrap_socket(sock, server_hostname="localhost"), self.done.get_lock():
                self.done.value += 1

    def __enter__(self):
        for process in self.processes:
            process.start()
        wait_for("the flood has begun", lambda: self.done.value > 10)
        self.done.value, self.began = 0, time.monotonic()
        return self

    def rate(self):
        return self.done.value / (time.monotonic() - self.began)

    def __exit__(self, *_):
        self.stop.set()
        for process in self.processes:
            process.join()


def main():
    with tempfile.TemporaryDirectory() as name:
        place = pathlib.Path(name)
        ca = Authority(place / "ca")
        cert, key = ca.issue("server")
        tls = {"tls": {"cert_path": cert, "key_path": key}}
        with Neurond({"a": hostile()}, tls) as daemon:
            address = secure(daemon.address, ca.cert)
            ours = idle_cost(address, daemon.reactor)
            print(f"idle TLS connection          neurond {ours / 1024:6.1f} KiB")
            if shutil.which("haproxy"):
                theirs = haproxy_cost(place, ca, cert, key)
                print(f"                             HAProxy {theirs / 1024:6.1f} KiB"
                      f"   {ours / max(theirs, 1):5.2f} x HAProxy")
            else:
                print("                             HAProxy is not installed")
            quiet = calls(address)
            print(f"a call over TLS              median {quiet:7.3f} ms")
            waiting = stalled(daemon, 200)
            beside = calls(address)
            for sock in waiting:
                sock.close()
            print(f"  beside 200 stalled ones    median {beside:7.3f} ms   {beside / quiet:5.2f} x")
            with Flood(daemon, ca) as flood:
                beside, rate = calls(address), flood.rate()
            print(f"  beside {rate:5.0f} handshakes/s  median {beside:7.3f} ms"
                  f"   {beside / quiet:5.2f} x")


if __name__ == "__main__":
    main()
