"""The application of one plugin socket: which path leads to which call.

A request as engines send it is a POST with the length of its body, to one name.  Flask takes 0.13 ms
of a processor to find that out, a third of a call that does nothing.  So such a request is served
before Flask sees it, and Flask has all others: it is imported when the first comes.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from http import HTTPStatus
from typing import Any, Final

from gunicorn.http.errors import ParseException

from plugin import deadline
from plugin.errors import LateError
from plugin.log import Log
from plugin.server.calls import CALL, WORK_SECONDS, Call, WsgiApp
from plugin.server.envelope import Answer, Reply, UnknownMethodError, failure, reply, respond

Handler = Callable[[bytes], Answer]
Lookup = Callable[[str], Handler | None]


@dataclass(frozen=True, slots=True)
class Undoable:
    """A method, and its undo for the case that the engine has been told that the call failed.

    ``undo`` gets the request and the answer of the method.  The engine may have cleaned up by
    itself before ``undo`` is called.
    """

    serve: Handler
    undo: Callable[[bytes, Answer], object]

    def __call__(self, body: bytes) -> Answer:
        """Run the method."""
        return self.serve(body)


_log: Final = Log("rpc")
MAX_BODY: Final = 4 << 20  # a request of dockerd has a few kilobytes
_DIGITS: Final = 10
MIMETYPE: Final = "application/json"
_STATUS: Final = {each.value: f"{each.value} {each.phrase}" for each in HTTPStatus}


def application(lookup: Lookup) -> WsgiApp:
    """An application that serves what ``lookup`` knows, each at ``/<method>``.

    ``lookup`` may raise PynetError, which is answered as the method's own failure would be.
    """

    @cache
    def by_flask() -> WsgiApp:
        from plugin.server.flask_app import create_app  # noqa: PLC0415 - see there

        return create_app(lookup)

    def others(environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        return by_flask()(environ, start)

    return before(others, lookup)


def before(others: WsgiApp, lookup: Lookup) -> WsgiApp:
    """Serve what engines send; ``others`` serves the rest."""

    def serve(environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        method = environ["PATH_INFO"][1:]
        size = environ.get("CONTENT_LENGTH", "")
        if (
            environ["REQUEST_METHOD"] != "POST"
            or not method
            or "/" in method
            or "HTTP_TRANSFER_ENCODING" in environ
            or not _is_size(size)
        ):
            return others(environ, start)

        def read() -> bytes:
            body: bytes = environ["wsgi.input"].read(int(size))
            if len(body) < int(size):
                raise OSError(f"it has {len(body)} of {size} bytes")
            return body

        status, body = answered(lookup, method, read, environ)
        headers = [("Content-Type", MIMETYPE), ("Content-Length", str(len(body)))]
        start(_STATUS[status], headers)
        return [body]

    return serve


def _is_size(text: str) -> bool:
    """Whether it is the size of a body that a request of an engine may have, in bytes."""
    return len(text) < _DIGITS and text.isascii() and text.isdecimal() and int(text) <= MAX_BODY


def answered(
    lookup: Lookup, method: str, read: Callable[[], bytes], environ: dict[str, Any]
) -> Reply:
    """Read the body, and run the method with it."""
    try:
        body = read()
    except (OSError, ParseException) as error:
        _log.warning("rpc.malformed", method=method, reason=error)
        return reply(400, failure(f"the body cannot be read: {error}"))
    watched: Call | None = environ.get(CALL)
    return respond(method, lambda: _serve(_find(lookup, method), body, watched))


def _serve(handler: Handler, body: bytes, call: Call | None) -> Answer:
    """Run the method; undo it if its call has been answered meanwhile: the engine saw it fail."""
    answer = handler(body)
    if call is None or call.claim():
        return answer
    if isinstance(handler, Undoable):
        with deadline.within(WORK_SECONDS):
            handler.undo(body, answer)
        _log.warning("rpc.undone", method=call.name)
    raise LateError(f"{call.name} ended late, after its caller had been answered: {call.age:.0f} s")


def _find(lookup: Lookup, method: str) -> Handler:
    handler = lookup(method)
    if handler is None:
        raise UnknownMethodError(f"{method} is not a method of this plugin")
    return handler
