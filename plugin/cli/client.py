"""Talks HTTP over the admin socket of a running plugin."""

import http.client
import json
import os
import socket
from pathlib import Path
from typing import Any, Final

from plugin.config import read_config
from plugin.errors import NoPermissionError, PynetError

_TIMEOUT_SECONDS: Final = 20.0  # a plugin that is well answers at once
LONG_SECONDS: Final = 120.0  # the plugin bounds a look at everything to less than this


class NoAnswerError(PynetError):
    """No plugin answers at the admin socket."""


class WrongSocketError(PynetError):
    """Something answers at the admin socket that is not the admin side of a plugin."""


class UnixConnection(http.client.HTTPConnection):
    """HTTP to the program that listens at a path."""

    def __init__(self, path: Path, seconds: float = _TIMEOUT_SECONDS) -> None:
        super().__init__("localhost", timeout=seconds)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._path))


def ask(
    path: str,
    method: str = "GET",
    body: str | None = None,
    *,
    seconds: float = _TIMEOUT_SECONDS,
) -> Any:
    """The answer of the plugin behind PYNET_ADMIN_SOCKET, which may take that many seconds.

    Raises NoAnswerError if no plugin answers, NoPermissionError if this user may not ask,
    WrongSocketError if another program answers, and PynetError with the reason from the plugin.
    """
    socket_path = read_config(os.environ).admin_socket
    connection = UnixConnection(socket_path, seconds)
    try:
        connection.request(method, path, body)
        response = connection.getresponse()
        answer = json.loads(response.read())
    except PermissionError as error:
        raise NoPermissionError(
            f"the admin socket {socket_path} cannot be used ({error.strerror}); run the command "
            f"as root"
        ) from error
    except (ValueError, http.client.HTTPException) as error:
        raise WrongSocketError(_wrong(socket_path)) from error
    except OSError as error:
        raise NoAnswerError(
            f"no pynet answers at {socket_path} ({error.strerror or error}); is it running, and "
            f"is PYNET_ADMIN_SOCKET the same here?"
        ) from error
    finally:
        connection.close()
    if response.status == http.client.OK:
        return answer
    if not isinstance(answer, dict) or "error" not in answer:
        raise WrongSocketError(_wrong(socket_path))
    raise PynetError(answer["error"])


def _wrong(path: Path) -> str:
    return (
        f"what answers at {path} is not pynet's admin socket; set PYNET_ADMIN_SOCKET to that of "
        f"the service (not to a plugin socket of PYNET_PLUGIN_SOCKETS)"
    )
