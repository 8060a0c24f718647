"""Requests to a plugin socket that engines do not send: Flask finds the method, or refuses them.

It is imported when the first comes; Flask is 6 MiB of memory, and a tenth of a second of a start.
"""

from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException

from plugin.server.app import MAX_BODY, MIMETYPE, Lookup, answered, before
from plugin.server.envelope import Reply, failure, reply


def create_app(lookup: Lookup) -> Flask:
    """An application that serves what ``lookup`` knows, each at ``/<method>``."""
    app = Flask("pynet", static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = MAX_BODY

    def call(method: str) -> Response:
        read = request.get_data
        return _response(answered(lookup, method, lambda: read(cache=False), request.environ))

    def refuse(error: HTTPException) -> Response:
        code = error.code or 500
        return _response(reply(code, failure(f"{request.method} {request.path}: {error.name}")))

    app.add_url_rule(
        "/<path:method>", view_func=call, methods=["POST"], provide_automatic_options=False
    )
    app.register_error_handler(HTTPException, refuse)
    app.wsgi_app = before(app.wsgi_app, lookup)  # type: ignore[method-assign, assignment]
    return app


def _response(answer: Reply) -> Response:
    return Response(answer.body, status=answer.status, mimetype=MIMETYPE)
