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
    connection = _Connection(path, timeout)
    try:
        connection.request("GET", uri)
        answer = connection.getresponse()
        body = answer.read()
    except http.client.HTTPException as error:
        raise OSError(f"{path}{uri}: {error!r}") from error
    finally:
        connection.close()
    if answer.status != http.HTTPStatus.OK:
        raise OSError(f"{path}{uri}: {answer.status} {body!r}")
    try:
        return json.loads(body)
    except ValueError as error:
        raise OSError(f"{path}{uri}: not JSON: {body!r}") from error
