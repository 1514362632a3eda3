"""MCP over WebSocket, by hand: every frame as the test wants it, RFC 6455 checked in what
comes back."""
import base64
import hashlib
import json
import os
import select
import struct
import time

from lines import Lines
from rawhttp import Closed, Conn, Malformed, render

GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10


def frame(opcode, payload=b"", fin=True, mask=b"\x01\x02\x03\x04", rsv=0, length=None):
    """One frame. `length`: how many bytes the length takes (1, 3 or 9), else the shortest."""
    size = len(payload)
    length = length or (1 if size < 126 else 3 if size < 1 << 16 else 9)
    masked = 0x80 if mask else 0
    head = bytes([(0x80 if fin else 0) | rsv << 4 | opcode])
    if length == 1:
        head += bytes([masked | size])
    else:
        head += bytes([masked | (126 if length == 3 else 127)])
        head += struct.pack("!H" if length == 3 else "!Q", size)
    return head + mask + masked_bytes(payload, mask) if mask else head + payload


def masked_bytes(payload, mask):
    whole = mask * (len(payload) // 4 + 1)
    size = len(payload)
    both = int.from_bytes(payload, "big") ^ int.from_bytes(whole[:size], "big")
    return both.to_bytes(size, "big")


def handshake(path="/ws", protocol="mcp", headers=(), key=None):
    """The request, and what Sec-WebSocket-Accept has to be."""
    key = key or base64.b64encode(os.urandom(16))
    fields = [("Upgrade", "websocket"), ("Connection", "Upgrade"),
              ("Sec-WebSocket-Version", "13"), ("Sec-WebSocket-Key", key.decode())]
    if protocol:
        fields.append(("Sec-WebSocket-Protocol", protocol))
    return (render("GET", path, fields + list(headers)),
            base64.b64encode(hashlib.sha1(key + GUID).digest()).decode())


class WsClient(Lines):
    """`lines.Lines` over a WebSocket: send() is a text frame, read() the next message."""

    def __init__(self, address, path="/ws", protocol="mcp", headers=(), **keys):
        super().__init__(**keys)
        self.conn = Conn(address, self.timeout)
        self.closed_with, self.pongs, self.pings = None, [], 0
        request, accept = handshake(path, protocol, headers)
        self.conn.send(request)
        self.response = self.conn.head()
        if self.response.status == 101:
            assert self.response.header("sec-websocket-accept") == accept
            assert self.response.header("upgrade").lower() == "websocket"
            assert self.response.header("connection").lower() == "upgrade"
            assert self.response.header("sec-websocket-protocol") == protocol
            assert self.response.header("sec-websocket-extensions") is None

    def put(self, data):
        self.conn.send(data)

    def fill(self, deadline):
        pending = getattr(self.conn.sock, "pending", lambda: 0)
        left = deadline - time.monotonic()
        if not pending() and (left <= 0 or not select.select([self.conn.sock], [], [], left)[0]):
            raise TimeoutError(f"no frame; so far {self.conn.buffer[:200]!r}")
        self.conn.fill()

    def exactly(self, size, deadline):
        while len(self.conn.buffer) < size:
            self.fill(deadline)
        return self.conn.exactly(size)

    def read_frame(self, timeout=None):
        """(opcode, payload) of the next frame; a frame cut by the timeout is an error."""
        deadline = time.monotonic() + (timeout or self.timeout)
        first, second = self.exactly(2, deadline)
        size = second & 0x7f
        if first & 0x70 or not first & 0x80 or second & 0x80:
            raise Malformed(f"frame {first:#x} {second:#x}")
        if size == 126:
            (size,) = struct.unpack("!H", self.exactly(2, deadline))
            assert size > 125
        elif size == 127:
            (size,) = struct.unpack("!Q", self.exactly(8, deadline))
            assert size > 0xffff
        return first & 0x0f, self.exactly(size, deadline)

    def read_line(self, timeout=None):
        """The next message; pings are answered. None once the server has closed."""
        while True:
            opcode, payload = self.read_frame(timeout)
            if opcode == TEXT:
                payload.decode("utf-8")
                return payload
            if opcode == PING:
                self.pings += 1
                self.put(frame(PONG, payload))
            elif opcode == PONG:
                self.pongs.append(payload)
            elif opcode == CLOSE:
                self.closed_with = close_code(payload)
                return None
            else:
                raise Malformed(f"opcode {opcode}")

    def read_close(self, timeout=None):
        """Code and reason of the close frame that comes, whatever comes before; afterwards
        the connection ends."""
        while (raw := self.read_line(timeout)) is not None:
            self.others.append(json.loads(raw))
        try:
            while self.conn.buffer or True:
                self.conn.fill()
                raise AssertionError(f"behind the close frame: {self.conn.buffer[:100]!r}")
        except Closed:
            pass
        return self.closed_with

    def send(self, message):
        raw = message if isinstance(message, bytes) else json.dumps(message).encode()
        self.put(frame(TEXT, raw))

    def close(self):
        self.conn.close()


def close_code(payload):
    if not payload:
        return None, ""
    return struct.unpack("!H", payload[:2])[0], payload[2:].decode("utf-8")


def closing(code, reason=b""):
    return frame(CLOSE, struct.pack("!H", code) + reason)
