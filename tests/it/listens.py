"""A modern client that wants to hear of changes."""
import json
import queue
import socket
import threading

from mcp import PREFIX
from rawhttp import Closed, Conn, sse_events

SUBSCRIPTION = PREFIX + "subscriptionId"
ACKNOWLEDGED = "notifications/subscriptions/acknowledged"


class Listen:
    """A subscriptions/listen over HTTP, read by a thread."""

    def __init__(self, daemon, wanted, id_raw='"L1"', headers=(), read=True,
                 capabilities=None):
        client = daemon.modern(headers=headers, capabilities=capabilities)
        raw = client.with_meta({"notifications": wanted})
        body = b'{"jsonrpc":"2.0","id":%s,"method":"subscriptions/listen","params":%s}' % (
            id_raw.encode(), raw)
        fields = client.headers_for("subscriptions/listen", {})
        self.conn, self.id, self.messages = Conn(daemon.address, 60), json.loads(id_raw), \
            queue.Queue()
        lines = ["POST /api/v1/mcp HTTP/1.1", "Host: localhost", f"Content-Length: {len(body)}"]
        self.conn.send("\r\n".join(lines + [f"{n}: {v}" for n, v in fields.items()]).encode()
                       + b"\r\n\r\n" + body)
        self.head = self.conn.head()
        if self.head.status == 200 and read:
            threading.Thread(target=self.read, daemon=True).start()

    def read(self):
        try:
            for event in sse_events(self.conn.chunks()):
                assert not event.id, event
                if event.data:
                    self.messages.put(json.loads(event.data))
        except (Closed, OSError, ValueError):
            pass
        self.messages.put(None)

    def next(self, timeout=15):
        return self.messages.get(timeout=timeout)

    def acknowledged(self):
        got = self.next()
        assert got["method"] == ACKNOWLEDGED, got
        tag = got["params"]["_meta"][SUBSCRIPTION]
        assert tag == self.id and type(tag) is type(self.id), got
        return got["params"]["notifications"]

    def expect(self, method):
        got = self.next()
        tag = got["params"]["_meta"][SUBSCRIPTION]
        assert got["method"] == method and tag == self.id, got
        assert type(tag) is type(self.id), got
        return got["params"]

    def close(self):
        try:  # while its reader waits for bytes, a close alone is not told to the other end
            self.conn.sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.conn.close()
