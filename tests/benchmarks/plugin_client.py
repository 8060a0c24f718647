"""The plugin socket from dockerd's side.

The bytes are those that dockerd sends, over one connection as long as the
server keeps it; where the server closes it the next call pays for a new one,
as dockerd does.  Written on a bare socket: http.client would cost as much as
the shorter methods.
"""

import json
import socket
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

_CHUNK: Final = 1 << 16
_TIMEOUT: Final = 30.0
_HEAD: Final = (
    "POST /{method} HTTP/1.1\r\n"
    "Host: plugin.moby.localhost\r\n"
    "User-Agent: Go-http-client/1.1\r\n"
    "Content-Length: {length}\r\n"
    "Accept: application/vnd.docker.plugins.v1.2+json\r\n"
    "\r\n"
)


class CallError(Exception):
    """The plugin refused; the message has its words."""


class PluginClient:
    """One caller: its calls follow each other."""

    def __init__(self, path: Path) -> None:
        self._path = str(path)
        self._socket: socket.socket | None = None
        self.seconds: dict[str, list[float]] = {}

    def call(self, method: str, message: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Call a method, and note the seconds until its answer was here."""
        body = b"" if message is None else json.dumps(message).encode()
        request = _HEAD.format(method=method, length=len(body)).encode() + body
        started = time.perf_counter()
        status, data = self._exchange(request)
        self.seconds.setdefault(method, []).append(time.perf_counter() - started)
        answer: dict[str, Any] = json.loads(data)
        if status != 200 or answer.get("Err") or answer.get("Error"):
            raise CallError(f"{method}: {status} {answer}")
        return answer

    def last(self, method: str) -> float:
        """Return the seconds of the latest call of a method."""
        return self.seconds[method][-1]

    def close(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _exchange(self, request: bytes) -> tuple[int, bytes]:
        if self._socket is None:
            self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            self._socket.settimeout(_TIMEOUT)
            self._socket.connect(self._path)
        self._socket.sendall(request)
        head, _, body = self._receive_head().partition(b"\r\n\r\n")
        status, length, kept = _parse(head)
        while len(body) < length:
            body += self._receive()
        if not kept:
            self.close()
        return status, body

    def _receive_head(self) -> bytes:
        data = self._receive()
        while b"\r\n\r\n" not in data:
            data += self._receive()
        return data

    def _receive(self) -> bytes:
        assert self._socket is not None
        data = self._socket.recv(_CHUNK)
        if not data:
            raise CallError("the plugin closed the connection before its answer")
        return data


def _parse(head: bytes) -> tuple[int, int, bool]:
    """Return status, length of the body, and whether the connection is kept."""
    lines = head.decode("latin-1").lower().split("\r\n")
    headers = dict(line.split(": ", 1) for line in lines[1:])
    status = int(lines[0].split()[1])
    return status, int(headers["content-length"]), headers.get("connection") != "close"
