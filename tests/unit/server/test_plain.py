"""What engines send is served at once; whatever differs is left to gunicorn, unread."""

import socket
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from typing import Any

import pytest

from plugin.server import plain
from plugin.server.worker import Caller

# As an engine wrote it (Docker 28.5).
REQUEST = (
    b"POST /NetworkDriver.Leave HTTP/1.1\r\n"
    b"Host: %2Frun%2Fdocker%2Fplugins%2Fpynet.sock\r\n"
    b"User-Agent: Go-http-client/1.1\r\n"
    b"Content-Length: 9\r\n"
    b"Accept: application/vnd.docker.plugins.v1.2+json\r\n"
    b"\r\n"
    b'{"a":"b"}'
)
ANSWER = (
    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n"
    b"Connection: close\r\n\r\n{}"
)


class App:
    """Answers all requests, and remembers them."""

    def __init__(self, failure: Exception | None = None) -> None:
        self.asked: list[tuple[str, bytes]] = []
        self._failure = failure

    def __call__(self, environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        body = environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))
        self.asked.append((environ["PATH_INFO"], body))
        if self._failure is not None:
            raise self._failure
        start("200 OK", [("Content-Type", "application/json"), ("Content-Length", "2")])
        return [b"{}"]


@pytest.fixture
def ends() -> Iterator[tuple[Caller, socket.socket]]:
    """The worker's end of a connection, and the engine's."""
    ours, theirs = socket.socketpair()
    caller = Caller(ours.detach(), seconds=5)
    with closing(caller), theirs:
        yield caller, theirs


def test_a_request_of_an_engine(ends: tuple[Caller, socket.socket]) -> None:
    """The answer ends the connection, as every answer does."""
    caller, engine = ends
    engine.sendall(REQUEST)
    app = App()

    assert plain.serve(caller, app)
    assert app.asked == [("/NetworkDriver.Leave", b'{"a":"b"}')]
    assert engine.recv(1000) == ANSWER


def test_one_without_a_body(ends: tuple[Caller, socket.socket]) -> None:
    """As the handshake is."""
    caller, engine = ends
    engine.sendall(b"POST /Plugin.Activate HTTP/1.1\r\nContent-Length: 0\r\n\r\n")
    app = App()

    assert plain.serve(caller, app)
    assert app.asked == [("/Plugin.Activate", b"")]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"POST", b"GET"),
        (b"POST /", b"POST http://pynet/"),
        (b"/NetworkDriver.Leave", b"/v1/reconcile/"),
        (b"/NetworkDriver.Leave", b"/v1/%72econcile"),
        (b"/NetworkDriver.Leave", b"/NetworkDriver.Leave?a=b"),
        (b"/NetworkDriver.Leave", b"/NetworkDriver%2ELeave"),
        (b"HTTP/1.1", b"HTTP/1.0"),
        (b"\r\n", b"\n"),
        (b"Content-Length: 9", b"Content-Length: 9\r\nContent-Length: 9"),
        (b"Content-Length: 9", b"Content-Length: 9\r\nContent-Length: 0"),
        (b"Content-Length: 9", b"Content-Length: +9"),
        (b"Content-Length: 9", b"Content-Length: 09"),
        (b"Content-Length: 9", b"Content-Length: 9, 9"),
        (b"Content-Length: 9", b"Content-Length : 9"),
        (b"Content-Length: 9", b"content-length: 9"),
        (b"Content-Length: 9", b"Transfer-Encoding: chunked"),
        (b"Content-Length: 9", b"Content-Length: 9\r\nTransfer-Encoding: chunked"),
        (b"Content-Length: 9", b"Content-Length: 9\r\nExpect: 100-continue"),
        (b"Content-Length: 9", b"Content-Length: 9\r\nConnection: keep-alive"),
        (b"Content-Length: 9\r\n", b"Content-Length: 9\r\n folded\r\n"),
        (b"Content-Length: 9\r\n", b""),
        (b"Content-Length: 9", b"Content-Length: 8"),
        (b"Content-Length: 9", b"Content-Length: 10"),
        (b"Content-Length: 9", b"Content-Length: 123456789"),
        (b"Go-http-client", b"Go\0client"),
        (b"Go-http-client", b"Go\x80client"),
        (b"Go-http-client", b"G" * 2000),
        (b"Host: ", b"Host: a\r\nHost: "),
        (b"Content-Length: 9", b"Content-Length: 9\r\nHost: a"),
        (b"Accept: ", b"Accept: a\r\nAccept: "),
    ],
)
def test_any_other_is_left_unread(
    ends: tuple[Caller, socket.socket], before: bytes, after: bytes
) -> None:
    """gunicorn knows all that HTTP has, and refuses what it has not."""
    caller, engine = ends
    other = REQUEST.replace(before, after)
    engine.sendall(other)
    app = App()

    assert other != REQUEST
    assert not plain.serve(caller, app)
    assert not app.asked
    assert b"".join(caller.recv(7) for _ in range(0, len(other), 7)) == other


def test_the_rest_of_a_request_may_come_later(ends: tuple[Caller, socket.socket]) -> None:
    """A body that is long comes in parts."""
    caller, engine = ends
    engine.sendall(REQUEST[:-3])
    served = plain.serve(caller, App())
    engine.sendall(REQUEST[-3:])

    assert not served
    assert caller.recv(1000) + caller.recv(1000) == REQUEST


def test_a_caller_that_sends_nothing(ends: tuple[Caller, socket.socket]) -> None:
    """Nothing is no request; gunicorn sees the end, too."""
    caller, engine = ends
    engine.shutdown(socket.SHUT_WR)

    assert not plain.serve(caller, App())
    assert caller.recv(1000) == b""


def test_a_caller_that_has_gone(ends: tuple[Caller, socket.socket]) -> None:
    """Its call is carried out, and its thread serves the next."""
    caller, engine = ends
    engine.sendall(REQUEST)
    engine.close()
    app = App()

    assert plain.serve(caller, app)
    assert app.asked


def test_a_fault_is_answered(
    ends: tuple[Caller, socket.socket], capfd: pytest.CaptureFixture[str]
) -> None:
    """The applications answer all failures; should one not, its caller is not left waiting."""
    caller, engine = ends
    engine.sendall(REQUEST)

    assert plain.serve(caller, App(ZeroDivisionError()))
    assert engine.recv(1000).startswith(b"HTTP/1.1 500 Internal Server Error\r\n")
