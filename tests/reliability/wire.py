"""A call as dockerd makes it, and what may become of it."""

import json
import re
import socket
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from tests.reliability.proof import ProofError

PATIENCE: Final = 20.0  # seconds; a plugin that answers later has hung for all who wait
_HEAD: Final = (
    "POST /{method} HTTP/1.1\r\n"
    "Host: plugin.moby.localhost\r\n"
    "User-Agent: Go-http-client/1.1\r\n"
    "Content-Length: {length}\r\n"
    "Accept: application/vnd.docker.plugins.v1.2+json\r\n"
    "\r\n"
)
_CHUNK: Final = 1 << 16

Json = dict[str, Any]


class DeadError(ProofError):
    """The plugin went away before it answered."""


class HangError(ProofError):
    """The plugin does not answer."""


def ask(path: Path, method: str, body: Json | None) -> tuple[int, Json]:
    """Call a method; the answer is a status and JSON.

    Raises DeadError if there is no answer, and HangError if it does not come.
    """
    data = b"" if body is None else json.dumps(body).encode()
    head = _HEAD.format(method=method, length=len(data)).encode()
    status, answer = exchange(path, head + data)
    found: Json = json.loads(answer)
    return status, found


def exchange(path: Path, request: bytes, *, half_close: bool = False) -> tuple[int, bytes]:
    """Send bytes, and nothing more if asked; take the status and the body that come back."""
    received = b""
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
            sock.settimeout(PATIENCE)
            sock.connect(str(path))
            with suppress(BrokenPipeError, ConnectionResetError):  # it may have answered already
                sock.sendall(request)
                if half_close:
                    sock.shutdown(socket.SHUT_WR)
            while chunk := sock.recv(_CHUNK):
                received += chunk
    except TimeoutError as error:
        raise HangError(f"no answer for {PATIENCE:g} s to {request[:2000]!r}") from error
    except OSError as error:
        if not received:
            raise DeadError(str(error)) from error
    head, found, body = received.partition(b"\r\n\r\n")
    if head.startswith(b"HTTP/1.1 100 "):
        head, found, body = body.partition(b"\r\n\r\n")
    length = re.search(rb"(?im)^content-length: *(\d+)", head)
    if not found or (length and len(body) < int(length[1])):
        raise DeadError(f"an answer without an end: {received[:200]!r}")
    return int(head.split()[1]), body
