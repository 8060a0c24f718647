"""Talks HTTP over the admin socket of a running plugin."""

import http.client
import json
import os
import socket
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from plugin import __version__
from plugin.cli.errors import NoAnswerError, OtherVersionError, WrongSocketError
from plugin.cli.place import admin_sockets, may_look
from plugin.errors import NoPermissionError, PynetError, RefusedError
from plugin.sockets import UNIX_PATH_MAX

_TIMEOUT_SECONDS: Final = 20.0  # a plugin that is well answers at once
LONG_SECONDS: Final = 120.0  # the plugin bounds a look at everything to less than this


class UnixConnection(http.client.HTTPConnection):
    """HTTP to the program that listens at a path."""

    def __init__(self, path: Path, seconds: float = _TIMEOUT_SECONDS) -> None:
        super().__init__("localhost", timeout=seconds)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        if len(bytes(self._path)) <= UNIX_PATH_MAX:
            self.sock.connect(str(self._path))
            return
        folder = os.open(self._path.parent, os.O_PATH | os.O_DIRECTORY)
        try:
            self.sock.connect(f"/proc/self/fd/{folder}/{self._path.name}")
        finally:
            os.close(folder)


def ask(
    path: str,
    method: str = "GET",
    body: str | None = None,
    *,
    seconds: float = _TIMEOUT_SECONDS,
) -> Any:
    """The answer of the plugin that runs on this host, which may take that many seconds.

    Raises NoAnswerError if no plugin answers, NoPermissionError if this user may not ask,
    WrongSocketError if another program answers, OtherVersionError if the plugin does not know the
    question, RefusedError or PynetError with the reason from the plugin.
    """
    likely, *others = admin_sockets()
    try:
        return _ask(likely, path, method, body, seconds)
    except NoAnswerError:
        for each in others:
            with suppress(NoAnswerError):
                return _ask(each, path, method, body, seconds)
        raise


def _ask(socket_path: Path, path: str, method: str, body: str | None, seconds: float) -> Any:
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
    except TimeoutError as error:
        raise NoAnswerError(
            f"pynet at {socket_path} did not answer within {seconds:g} seconds; if it hangs ('pynet "
            f"logs'), restart it"
        ) from error
    except OSError as error:
        raise _no_answer(socket_path, error) from error
    finally:
        connection.close()
    if response.status == http.client.OK:
        return answer
    if not isinstance(answer, dict) or "error" not in answer:
        raise WrongSocketError(_wrong(socket_path))
    if response.status == http.client.BAD_REQUEST:
        raise RefusedError(answer["error"])
    if response.status == http.client.NOT_FOUND:
        raise OtherVersionError(_other(path))
    raise PynetError(answer["error"])


def _no_answer(path: Path, error: OSError) -> PynetError:
    if not may_look():
        return NoPermissionError(
            f"no pynet answers at {path}, and this user would not see a managed plugin; run the "
            f"command as root"
        )
    return NoAnswerError(
        f"no pynet answers at {path} ({error.strerror or error}): it does not run, or its "
        f"PYNET_ADMIN_SOCKET is another"
    )


def _other(path: str) -> str:
    version = ask("/health").get("version", "unknown") if path != "/health" else "unknown"
    return (
        f"the pynet that runs is of version {version}, and does not know what this command "
        f"({__version__}) asks for; restart pynet, or use its own command"
    )


def _wrong(path: Path) -> str:
    return (
        f"what answers at {path} is not pynet's admin socket; set PYNET_ADMIN_SOCKET to that of "
        f"the service (not to a plugin socket of PYNET_PLUGIN_SOCKETS)"
    )
