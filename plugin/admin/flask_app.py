"""What else may be asked of the admin socket: Flask says what there is not, and what may be asked instead.

It is imported when the first such request comes; Flask is 6 MiB of memory.
"""

from collections.abc import Callable

from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException, MethodNotAllowed

from plugin.admin.app import Answer, Behind, Handler, answered, before, refusal, routes


def create_app(behind: Behind) -> Flask:
    """An application that shows what is ``behind`` it."""
    app = Flask("pynet-admin", static_folder=None)
    table = routes(behind)
    for (method, path), handler in table.items():
        app.add_url_rule(path, f"{method} {path}", _view(handler), methods=[method])

    @app.errorhandler(HTTPException)
    def unknown(error: HTTPException) -> Response:
        answer = _response(refusal(error.name, error.code or 500))
        if isinstance(error, MethodNotAllowed):
            answer.allow.update(error.valid_methods or ())
        return answer

    app.wsgi_app = before(app.wsgi_app, table)  # type: ignore[method-assign, assignment]
    return app


def _view(handler: Handler) -> Callable[[], Response]:
    return lambda: _response(answered(handler, request.args, request.get_data))


def _response(answer: Answer) -> Response:
    return Response(answer.body, status=answer.status, content_type=answer.kind)
