"""HTTP over a unix socket, however long the socket's path is.

A socket in the root file system of a managed plugin, seen from outside of its
host, has a path beyond the 107 bytes that connect() takes; so its folder is
opened and the socket is named through the descriptor.
"""

import http.client
import json
import os
import socket
from pathlib import Path
from typing import Any


class _Connection(http.client.HTTPConnection):
    def __init__(self, path: Path, timeout: float) -> None:
        super().__init__("localhost", timeout=timeout)
        self._path = path

    def connect(self) -> None:
        folder = os.open(self._path.parent, os.O_PATH)
        try:
            self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            self.sock.settimeout(self.timeout)
            self.sock.connect(f"/proc/self/fd/{folder}/{self._path.name}")
        except OSError:
            self.sock.close()
            raise
        finally:
            os.close(folder)


def get_json(path: Path, uri: str, *, timeout: float = 5) -> Any:
    """Return the decoded answer of a server on a unix socket.

    Raises:
        OSError: nobody listens there, or the answer is not 200 with JSON.

    """
    return _decoded(path, uri, _ask("GET", path, uri, None, timeout))


def get_bytes(path: Path, uri: str, *, timeout: float = 5) -> bytes:
    """Return the answer of a server on a unix socket as it is.

    Raises:
        OSError: nobody listens there, or the answer is not 200.

    """
    return _ask("GET", path, uri, None, timeout)


def post_json(path: Path, uri: str, body: Any, *, timeout: float = 5) -> Any:
    """Send JSON to a server on a unix socket; return its answer as `get_json` does."""
    return _decoded(path, uri, _ask("POST", path, uri, json.dumps(body), timeout))


def _ask(verb: str, path: Path, uri: str, body: str | None, timeout: float) -> bytes:
    connection = _Connection(path, timeout)
    try:
        connection.request(verb, uri, body)
        answer = connection.getresponse()
        data = answer.read()
    except http.client.HTTPException as error:
        raise OSError(f"{path}{uri}: {error!r}") from error
    finally:
        connection.close()
    if answer.status != http.HTTPStatus.OK:
        raise OSError(f"{path}{uri}: {answer.status} {data!r}")
    return data


def _decoded(path: Path, uri: str, data: bytes) -> Any:
    try:
        return json.loads(data)
    except ValueError as error:
        raise OSError(f"{path}{uri}: not JSON: {data!r}") from error
