"""The application of one plugin socket: which path leads to which call."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from flask import Flask, Response, request
from gunicorn.http.errors import ParseException
from werkzeug.exceptions import HTTPException

from plugin import deadline
from plugin.errors import LateError
from plugin.log import Log
from plugin.server.calls import CALL, WORK_SECONDS, Call
from plugin.server.envelope import Answer, UnknownMethodError, failure, reply, respond

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
_MAX_BODY: Final = 4 << 20  # a request of dockerd has a few kilobytes


def create_app(lookup: Lookup) -> Flask:
    """An application that serves what ``lookup`` knows, each at ``/<method>``.

    ``lookup`` may raise PynetError, which is answered as the method's own failure would be.
    """
    app = Flask("pynet", static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = _MAX_BODY

    def call(method: str) -> Response:
        try:
            body = request.get_data(cache=False)
        except (OSError, ParseException) as error:
            _log.warning("rpc.malformed", method=method, reason=error)
            return reply(400, failure(f"the body cannot be read: {error}"))
        watched: Call | None = request.environ.get(CALL)
        return respond(method, lambda: _serve(_find(lookup, method), body, watched))

    def refuse(error: HTTPException) -> Response:
        code = error.code or 500
        return reply(code, failure(f"{request.method} {request.path}: {error.name}"))

    app.add_url_rule(
        "/<path:method>", view_func=call, methods=["POST"], provide_automatic_options=False
    )
    app.register_error_handler(HTTPException, refuse)
    return app


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
