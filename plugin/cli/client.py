"""Talks HTTP over the admin socket of a running plugin."""

import http.client
import json
import os
import socket
from pathlib import Path
from typing import Any, Final

from plugin.config import read_config
from plugin.errors import PynetError

_TIMEOUT_SECONDS: Final = 20.0  # a plugin answers sooner, whatever it does


class NoAnswerError(PynetError):
    """No plugin answers at the admin socket."""


class UnixConnection(http.client.HTTPConnection):
    """HTTP to the program that listens at a path."""

    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=_TIMEOUT_SECONDS)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._path))


def ask(path: str, method: str = "GET", body: str | None = None) -> Any:
    """The answer of the plugin behind PYNET_ADMIN_SOCKET.

    Raises NoAnswerError, or PynetError with the plugin's words.
    """
    socket_path = read_config(os.environ).admin_socket
    connection = UnixConnection(socket_path)
    try:
        connection.request(method, path, body)
        response = connection.getresponse()
        answer = json.loads(response.read())
    except (OSError, ValueError, http.client.HTTPException) as error:
        raise NoAnswerError(
            f"no pynet answers at {socket_path} ({error}); is it running, and is "
            f"PYNET_ADMIN_SOCKET the same here?"
        ) from error
    finally:
        connection.close()
    if response.status != http.client.OK:
        raise PynetError(answer.get("error", f"the plugin answered {response.status}"))
    return answer
