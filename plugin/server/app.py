"""The application of one plugin socket: which path leads to which call."""

from collections.abc import Callable
from typing import Final

from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException

from plugin.server.envelope import Answer, UnknownMethodError, failure, reply, respond

Handler = Callable[[bytes], Answer]
Lookup = Callable[[str], Handler | None]

_MAX_BODY: Final = 4 << 20  # a request of dockerd has a few kilobytes


def create_app(lookup: Lookup) -> Flask:
    """An application that serves what ``lookup`` knows, each at ``/<method>``.

    ``lookup`` may raise PynetError, which is answered as the method's own failure would be.
    """
    app = Flask("pynet", static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = _MAX_BODY

    def call(method: str) -> Response:
        body = request.get_data(cache=False)
        return respond(method, lambda: _find(lookup, method)(body))

    def refuse(error: HTTPException) -> Response:
        code = error.code or 500
        return reply(code, failure(f"{request.method} {request.path}: {error.name}"))

    app.add_url_rule(
        "/<path:method>", view_func=call, methods=["POST"], provide_automatic_options=False
    )
    app.register_error_handler(HTTPException, refuse)
    return app


def _find(lookup: Lookup, method: str) -> Handler:
    handler = lookup(method)
    if handler is None:
        raise UnknownMethodError(f"{method} is not a method of this plugin")
    return handler
