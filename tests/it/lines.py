"""MCP as lines of JSON: over the Unix socket, or over the pipes of `neurond connect`."""
import json
import select
import socket
import subprocess
import time

from mcp import LATEST, MODERN, PREFIX
from rawhttp import Closed, DEADLINE


class Lines:
    """What both transports share. `self.fd` is read; put() writes bytes."""

    def __init__(self, timeout=DEADLINE):
        self.timeout, self.buffer, self.next_id = timeout, b"", 0
        self.others = []  # messages that came while an answer was waited for
        self.meta = {PREFIX + "protocolVersion": MODERN, PREFIX + "clientCapabilities": {}}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def read_line(self, timeout=None):
        """The next line without its end; None at the end of the stream."""
        deadline = time.monotonic() + (timeout or self.timeout)
        while b"\n" not in self.buffer:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self.fd], [], [], left)[0]:
                raise TimeoutError(f"no line; so far {self.buffer[:200]!r}")
            data = self.get()
            if not data:
                assert not self.buffer, f"half a line at the end: {self.buffer[:200]!r}"
                return None
            self.buffer += data
        line, _, self.buffer = self.buffer.partition(b"\n")
        return line

    def read(self, timeout=None):
        line = self.read_line(timeout)
        if line is None:
            raise Closed("the end of the stream")
        return json.loads(line)

    def expect_nothing(self, seconds=0.2):
        try:
            raise AssertionError(f"nothing was to come, but {self.read_line(seconds)!r}")
        except TimeoutError:
            pass

    def send(self, message):
        """A message as an object, or a line as bytes."""
        raw = message if isinstance(message, bytes) else json.dumps(message).encode()
        self.put(raw + b"\n")

    def notify(self, method, params=None):
        self.send({"jsonrpc": "2.0", "method": method,
                   **({} if params is None else {"params": params})})

    def start(self, method, params=None, request_id=None):
        """Sends a request; its id."""
        if request_id is None:
            self.next_id += 1
            request_id = self.next_id
        self.send({"jsonrpc": "2.0", "id": request_id, "method": method,
                   **({} if params is None else {"params": params})})
        return request_id

    def answer(self, request_id, timeout=None):
        """The answer to a request; what else comes before is kept."""
        for at, kept in enumerate(self.others):
            if isinstance(kept, dict) and "method" not in kept and kept.get("id") == request_id:
                return self.others.pop(at)
        while True:
            got = self.read(timeout)
            if isinstance(got, dict) and "method" not in got and got.get("id") == request_id:
                return got
            self.others.append(got)

    def request(self, method, params=None, request_id=None):
        return self.answer(self.start(method, params, request_id))

    def modern(self, method, params=None):
        return self.request(method, {"_meta": self.meta, **(params or {})})

    def initialize(self, version=LATEST, capabilities=None):
        got = self.request("initialize", {"protocolVersion": version,
                                          "capabilities": capabilities or {},
                                          "clientInfo": {"name": "it", "version": "1"}})
        self.notify("notifications/initialized")
        return got

    def view(self, **params):
        self.notify("notifications/neurond/view", params)

    def tools(self):
        return [tool["name"] for tool in self.request("tools/list")["result"]["tools"]]

    def call(self, name, arguments=None):
        """The text of a tool's result."""
        got = self.request("tools/call", {"name": name, "arguments": arguments or {}})
        assert "result" in got, got
        return got["result"]["content"][0]["text"]


class SocketLines(Lines):
    """A connection to neurond.sock."""

    def __init__(self, path, **keys):
        super().__init__(**keys)
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(str(path))
        self.fd = self.sock.fileno()

    def put(self, data):
        self.sock.sendall(data)

    def get(self):
        try:
            return self.sock.recv(1 << 16)
        except ConnectionResetError:  # it went without reading all we sent
            return b""

    def end_output(self):
        self.sock.shutdown(socket.SHUT_WR)

    def close(self):
        self.sock.close()


class ProcessLines(Lines):
    """A process that speaks MCP on stdin and stdout."""

    def __init__(self, command, **keys):
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, bufsize=0,
                                        **{k: v for k, v in keys.items() if k != "timeout"})
        super().__init__(**{k: v for k, v in keys.items() if k == "timeout"})
        self.fd, self.pid = self.process.stdout.fileno(), self.process.pid
        self.said = b""  # on stderr, as far as it was read

    def put(self, data):
        view = memoryview(data)
        while view:
            view = view[self.process.stdin.write(view):]

    def get(self):
        return self.process.stdout.read(1 << 16)

    def end_output(self):
        self.process.stdin.close()

    def wait_said(self, text):
        """Until it has said `text` on stderr."""
        while text not in self.said:
            ready = select.select([self.process.stderr], [], [], self.timeout)[0]
            data = self.process.stderr.read(1 << 16) if ready else b""
            assert data, f"it did not say {text!r}, but {self.said!r}"
            self.said += data

    def wait(self, timeout=DEADLINE):
        """The exit status and what it said on stderr."""
        code = self.process.wait(timeout)
        return code, (self.said + self.process.stderr.read()).decode()

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout, self.process.stderr):
            pipe.close()
