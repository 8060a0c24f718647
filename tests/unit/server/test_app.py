"""One application for one plugin socket: whatever comes in, JSON goes out."""

import json
from typing import Any

import pytest
from flask.testing import FlaskClient

from plugin.errors import NetworkNotFoundError, NotReadyError
from plugin.server.app import Handler
from plugin.server.envelope import Answer
from plugin.server.flask_app import create_app


def fail(body: bytes) -> Answer:
    raise NetworkNotFoundError("network 0123 is not known to pynet")


def lookup(method: str) -> Handler | None:
    if method == "NetworkDriver.TooEarly":
        raise NotReadyError("pynet is not ready: it is still starting")
    known: dict[str, Handler] = {
        "NetworkDriver.Echo": lambda body: {"body": body.decode()},
        "NetworkDriver.Fail": fail,
    }
    return known.get(method)


@pytest.fixture
def client() -> FlaskClient:
    """Talks to the application without a server between."""
    return create_app(lookup).test_client()


def both_errors(answer: Any) -> str:
    """The one message, as each protocol reads it."""
    assert answer.mimetype == "application/json"
    decoded = json.loads(answer.data)
    assert decoded["Err"] == decoded["Error"]
    return str(decoded["Err"])


@pytest.mark.parametrize(
    ("environ", "by_flask"),
    [
        ({}, False),
        ({"CONTENT_LENGTH": "9" * 5000}, True),
        ({"CONTENT_LENGTH": "-1"}, True),
        ({"CONTENT_LENGTH": str(5 << 20)}, True),
        ({"HTTP_TRANSFER_ENCODING": "chunked"}, True),
    ],
)
def test_flask_serves_what_engines_do_not_send(environ: dict[str, str], by_flask: bool) -> None:
    """It takes ten times as long; both answer in JSON."""
    app = create_app(lookup)
    seen: list[None] = []
    app.before_request(lambda: seen.append(None))
    answer = app.test_client().post("/NetworkDriver.Echo", data=b"x", environ_overrides=environ)

    assert answer.mimetype == "application/json"
    assert bool(seen) is by_flask


def test_a_body_that_ends_early_is_no_request() -> None:
    """An engine that was killed while it sent one."""
    answer = (
        create_app(lookup)
        .test_client()
        .post("/NetworkDriver.Echo", data=b'{"a":', environ_overrides={"CONTENT_LENGTH": "9"})
    )

    assert answer.status_code == 400
    assert "it has 5 of 9 bytes" in both_errors(answer)


class TestCall:
    @pytest.mark.parametrize("content_type", [None, "application/json", "text/html"])
    @pytest.mark.parametrize("host", ["", "plugin.moby.localhost", "no such name"])
    def test_headers_mean_nothing(
        self, client: FlaskClient, content_type: str | None, host: str
    ) -> None:
        """Engines send no Content-Type, and old ones an empty Host."""
        answer = client.post(
            "/NetworkDriver.Echo",
            data=b'{"a": 1}',
            content_type=content_type,
            headers={"Host": host, "Accept": "application/vnd.docker.plugins.v1.2+json"},
        )

        assert answer.status_code == 200
        assert answer.mimetype == "application/json"
        assert json.loads(answer.data) == {"body": '{"a": 1}'}

    def test_a_form_is_a_body_like_any_other(self, client: FlaskClient) -> None:
        """curl -d says that it sends one."""
        answer = client.post(
            "/NetworkDriver.Echo", data=b"a=b", content_type="application/x-www-form-urlencoded"
        )

        assert json.loads(answer.data) == {"body": "a=b"}

    def test_a_refusal_is_an_answer(self, client: FlaskClient) -> None:
        """404 would mean that the method is not implemented."""
        answer = client.post("/NetworkDriver.Fail")

        assert answer.status_code == 200
        assert both_errors(answer) == "network 0123 is not known to pynet"

    def test_too_early_is_a_failure_that_says_so(self, client: FlaskClient) -> None:
        """Looking the method up can fail like the method."""
        answer = client.post("/NetworkDriver.TooEarly")

        assert answer.status_code == 500
        assert both_errors(answer) == "pynet is not ready: it is still starting"


class TestElse:
    @pytest.mark.parametrize(
        "path", ["/NetworkDriver.Unknown", "/", "/a/b/c", "/static/x", "/%00", "/<script>"]
    )
    def test_unknown_methods(self, client: FlaskClient, path: str) -> None:
        """404, and JSON for all that."""
        answer = client.post(path)

        assert answer.status_code == 404
        both_errors(answer)

    def test_an_unknown_method_is_named(self, client: FlaskClient) -> None:
        """An engine that is newer than we are."""
        answer = client.post("/NetworkDriver.Unknown")

        assert both_errors(answer) == "NetworkDriver.Unknown is not a method of this plugin"

    @pytest.mark.parametrize("verb", ["GET", "PUT", "DELETE", "PATCH"])
    def test_other_verbs(self, client: FlaskClient, verb: str) -> None:
        """Of a browser, or of curl without -X POST."""
        answer = client.open("/NetworkDriver.Echo", method=verb)

        assert answer.status_code == 405
        assert both_errors(answer) == f"{verb} /NetworkDriver.Echo: Method Not Allowed"

    def test_a_body_that_is_too_large(self, client: FlaskClient) -> None:
        """A request of the engine has a few kilobytes."""
        answer = client.post("/NetworkDriver.Echo", data=bytes((4 << 20) + 1))

        assert answer.status_code == 413
        assert "Request Entity Too Large" in both_errors(answer)

    def test_a_large_body_that_is_not(self, client: FlaskClient) -> None:
        """The limit is far from what is sent."""
        answer = client.post("/NetworkDriver.Echo", data=b"x" * (1 << 20))

        assert answer.status_code == 200
