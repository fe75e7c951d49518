"""HTTP/2 by hand (RFC 9113), as no library lets it be done: headers without a body, floods, readers that never read."""

from __future__ import annotations

import contextlib
import socket
from typing import Final, Self

PREFACE: Final = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, RST_STREAM, SETTINGS, PING, GOAWAY, WINDOW_UPDATE = 0, 1, 3, 4, 6, 7, 8
END_STREAM, ACK, END_HEADERS = 1, 1, 4


def frame(kind: int, flags: int, stream: int, content: bytes = b"") -> bytes:
    return len(content).to_bytes(3, "big") + bytes((kind, flags)) + stream.to_bytes(4, "big") + content


def header(name: str, value: str) -> bytes:
    """HPACK (RFC 7541, 6.2.2): literal, without indexing, without Huffman coding."""
    assert len(name) < 127
    assert len(value) < 127
    return b"\0" + bytes((len(name),)) + name.encode() + bytes((len(value),)) + value.encode()


class Http2Socket:
    """A connection to a gRPC server of which the caller sends every byte. Its streams are 1, 3, 5 and so on."""

    def __init__(self, port: int, window_bytes: int = 65_535) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=10)
        self.streams = 0
        self.send(PREFACE + frame(SETTINGS, 0, 0, (4).to_bytes(2, "big") + window_bytes.to_bytes(4, "big")))

    def call(self, path: str, message: bytes | None = None) -> int:
        """Begins a call, ending its request if there is a message; the number of its stream."""
        stream = 2 * self.streams + 1
        self.streams += 1
        fields = {":method": "POST", ":scheme": "http", ":path": path, ":authority": "localhost"}
        fields |= {"content-type": "application/grpc", "te": "trailers"}
        block = b"".join(header(name, value) for name, value in fields.items())
        sent = frame(HEADERS, END_HEADERS, stream, block)
        if message is not None:
            sent += frame(DATA, END_STREAM, stream, b"\0" + len(message).to_bytes(4, "big") + message)
        self.send(sent)
        return stream

    def reset(self, stream: int) -> None:
        self.send(frame(RST_STREAM, 0, stream, (8).to_bytes(4, "big")))

    def ping(self, count: int) -> None:
        self.send(frame(PING, 0, 0, bytes(8)) * count)

    def send(self, data: bytes) -> None:
        """ConnectionError once the server has closed the connection."""
        self.socket.sendall(data)

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self.socket.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()


def is_closed(connection: socket.socket) -> bool:
    """Whether the server has closed it, as far as can be told without waiting."""
    try:
        connection.setblocking(False)
        while connection.recv(1 << 16):
            pass
    except BlockingIOError:
        return False
    except OSError:
        return True
    return True
