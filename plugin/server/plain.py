"""Requests in the forms in which engines and commands send them, served without gunicorn's parser.

gunicorn takes 0.3 ms of a processor for a request, most of what a call costs that does nothing.  An
engine sends a POST with few headers and the length of its body, all of which is in the socket by
then.  So do pynet's own commands, and curl, at the admin socket.  Such a request is read here; whatever differs
in anything is gunicorn's, unread.
"""

import re
import sys
from collections.abc import Callable
from contextlib import suppress
from io import BytesIO
from typing import TYPE_CHECKING, Any, Final, Protocol

from plugin.log import Log

if TYPE_CHECKING:
    from plugin.server.calls import WsgiApp

_log: Final = Log("server")
_ROOM: Final = 1 << 16
_NAME: Final = rb"([A-Za-z]{1,64}\.[A-Za-z]{1,64})"  # Plugin.Activate
_VALUE: Final = rb"[!-~](?:[ -~]{0,1022}[!-~])?"
_LENGTH: Final = rb"Content-Length: (0|[1-9][0-9]{0,4})\r\n"


def _headers(*names: bytes) -> bytes:
    """Any of these, each once and in this order: what is there twice has two meanings."""
    return b"".join(rb"(?:" + name + rb": " + _VALUE + rb"\r\n)?" for name in names)


_HEAD: Final = re.compile(
    rb"POST /"
    + _NAME
    + rb" HTTP/1\.1\r\n"
    + _headers(b"Host", b"User-Agent")
    + _LENGTH
    + _headers(b"Accept", b"Accept-Encoding", b"Content-Type")  # as Go sorts them
    + rb"\r\n"
)
_QUESTION: Final = re.compile(
    rb"(GET|POST|DELETE) (/(?:[a-z0-9]+/)?[a-z0-9.]+)(?:\?([\w=&.:%+-]{0,1000}))? HTTP/1\.1\r\n"
    + _headers(b"Host", b"Accept-Encoding", b"User-Agent", b"Accept")  # http.client; curl
    + rb"(?:"
    + _LENGTH
    + rb")?"
    + _headers(b"Content-Type")
    + rb"\r\n",
)
# What PEP 3333 asks of every request, and is the same in all of these.
_ENVIRON: Final[dict[str, Any]] = {
    "SCRIPT_NAME": "",
    "SERVER_NAME": "pynet",
    "SERVER_PORT": "",
    "SERVER_PROTOCOL": "HTTP/1.1",
    "wsgi.version": (1, 0),
    "wsgi.url_scheme": "http",
    "wsgi.errors": sys.stderr,
    "wsgi.multithread": True,
    "wsgi.multiprocess": False,
    "wsgi.run_once": False,
}
_FAILURE: Final = (
    b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
)


class Connection(Protocol):
    """A caller, whose request may be given back to be read again."""

    def recv(self, bufsize: int, flags: int = 0, /) -> bytes:
        """As a socket's."""

    def sendall(self, data: bytes, /) -> None:
        """As a socket's."""

    def unread(self, data: bytes) -> None:
        """Have the next ``recv`` return this."""


def serve(caller: Connection, app: "WsgiApp") -> bool:
    """Serve the request if it is such a one; False if it is still to be read.

    Raises OSError if the caller sends nothing in time, or has gone.
    """
    data = caller.recv(_ROOM)
    request = _engines(data) or _commands(data)
    if request is None:
        caller.unread(data)
        return False
    environ = {**_ENVIRON, **request, "gunicorn.socket": caller}
    answer = _answer(environ, app)
    with suppress(OSError):  # it has gone, or was answered because this took too long
        caller.sendall(answer)
    return True


def _engines(data: bytes) -> dict[str, Any] | None:
    """The request of an engine, as WSGI has it."""
    head = _HEAD.match(data)
    if head is None or len(data) - head.end() != int(head[2]):
        return None
    return {
        "REQUEST_METHOD": "POST",
        "PATH_INFO": f"/{head[1].decode()}",
        "QUERY_STRING": "",
        "CONTENT_LENGTH": head[2].decode(),
        "wsgi.input": BytesIO(data[head.end() :]),
    }


def _commands(data: bytes) -> dict[str, Any] | None:
    """The request of a command; one without a length has no body."""
    head = _QUESTION.match(data)
    if head is None or len(data) - head.end() != int(head[4] or 0):
        return None
    return {
        "REQUEST_METHOD": head[1].decode(),
        "PATH_INFO": head[2].decode(),
        "QUERY_STRING": (head[3] or b"").decode(),
        "CONTENT_LENGTH": (head[4] or b"").decode(),
        "wsgi.input": BytesIO(data[head.end() :]),
    }


def _answer(environ: dict[str, Any], app: "WsgiApp") -> bytes:
    lines = []

    def start(status: str, headers: list[tuple[str, str]]) -> Callable[[bytes], object]:
        lines.append(f"HTTP/1.1 {status}\r\n")
        lines.extend(f"{name}: {value}\r\n" for name, value in headers)
        return lambda _: None  # PEP 3333 has it, and nothing here writes by it

    try:
        body = b"".join(app(environ, start))
    except Exception:  # noqa: BLE001 - as gunicorn does: this thread serves the next caller
        _log.exception("request.fault", path=environ["PATH_INFO"])
        return _FAILURE
    return "".join((*lines, "Connection: close\r\n\r\n")).encode("latin-1") + body
