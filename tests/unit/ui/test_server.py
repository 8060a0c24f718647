"""The page over real connections: what a browser, a scanner and a crowd get."""

import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from ipaddress import ip_address

import pytest

from plugin.errors import HostError
from plugin.sockets import Listener
from plugin.ui.feed import Feed
from plugin.ui.pages import Pages
from plugin.ui.server import MOST_VIEWERS, Server
from tests.unit.ui.conftest import until

KEY = "a-key"
ANSWER_KEY = "an-answer"
EVENTS = f"GET /events?key={KEY} HTTP/1.1\r\nHost: localhost\r\n\r\n"
PAGE = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"
HEAD = "HTTP/1.0 200 OK"


def free() -> Listener:
    return Listener(address=ip_address("127.0.0.1"), port=0)


@pytest.fixture
def server() -> Iterator[Server]:
    """One that shows the same at all times."""
    pages = Pages(key=KEY, answer_key=ANSWER_KEY, address="127.0.0.1", ask=lambda path: path)
    server = Server(free(), pages, Feed(lambda: b'{"host":"here"}', every=60, most=MOST_VIEWERS))
    thread = threading.Thread(target=lambda: server.serve_forever(0.02))
    thread.start()
    yield server
    server.shutdown()
    thread.join(30)
    server.server_close()
    assert not thread.is_alive()


def connected(server: Server) -> socket.socket:
    return socket.create_connection(server.server_address[:2], timeout=30)


def asked(server: Server, request: str) -> str:
    """The whole answer."""
    with connected(server) as asking:
        asking.sendall(request.encode())
        with asking.makefile("rb") as answer:
            return answer.read().decode()


def test_the_page(server: Server) -> None:
    """With headers that keep a browser from being used against it, and no cookie."""
    answer = asked(server, PAGE)

    assert answer.startswith(HEAD)
    assert "Content-Security-Policy: default-src 'none'; script-src 'self'" in answer
    assert "frame-ancestors 'none'" in answer
    assert "X-Content-Type-Options: nosniff\r\nReferrer-Policy: no-referrer\r\n" in answer
    assert "Set-Cookie" not in answer
    assert "Access-Control" not in answer


def test_who_has_the_key_is_shown_the_answer_key(server: Server) -> None:
    """First of all in a stream, and with every other answer; nobody else is."""
    told = f"Pynet-Answer-Key: {ANSWER_KEY}\r\n"
    stream = b""
    with connected(server) as viewer:
        viewer.sendall(EVENTS.encode())
        while b"data: {" not in stream:
            stream += viewer.recv(4096)

    first, second, _ = stream.partition(b"\r\n\r\n")[2].split(b"\n\n")
    assert first == f"event: answer-key\ndata: {ANSWER_KEY}".encode()
    assert second == b'data: {"host":"here"}'
    assert told in asked(server, f"GET /explain?key={KEY} HTTP/1.1\r\nHost: localhost\r\n\r\n")
    for path in ("/", "/explain?key=wrong", "/events", "/nothing"):
        answer = asked(server, f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert ANSWER_KEY not in answer


@pytest.mark.parametrize(
    "method", ["POST", "PUT", "DELETE", "HEAD", "OPTIONS", "TRACE", "get", "X"]
)
def test_nothing_but_get(server: Server, method: str) -> None:
    """The page changes nothing."""
    answer = asked(server, f"{method} /explain?key={KEY} HTTP/1.1\r\nHost: localhost\r\n\r\n")

    assert answer.startswith("HTTP/1.0 405 ")
    assert "Allow: GET\r\n" in answer
    assert answer.endswith("only GET is answered\n")


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        ("GET / HTTP/1.1\r\n\r\n", 421),
        ("GET / HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n\r\n", 421),
        ("GET / HTTP/1.1\r\nHost: 198.18.0.1:9611\r\n\r\n", 421),
        (
            "GET http://evil.example/ HTTP/1.1\r\nHost: localhost\r\n\r\n",
            200,
        ),  # a file, without a key
        ("GET /../../etc/passwd HTTP/1.1\r\nHost: localhost\r\n\r\n", 404),
        ("GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n", 403),
        ("GET / HTTP/9\r\nHost: localhost\r\n\r\n", 0),
        ("nonsense\r\n\r\n", 0),
        ("GET /" + "a" * 70000 + " HTTP/1.1\r\nHost: localhost\r\n\r\n", 414),
        ("GET / HTTP/1.1\r\n" + "A: b\r\n" * 200 + "\r\n", 431),
    ],
)
def test_what_cannot_be_answered(server: Server, request_: str, status: int) -> None:
    """Has one sentence, which repeats nothing of the request, and the same headers."""
    try:
        answer = asked(server, request_)
    except ConnectionResetError:  # it was not read whole
        return
    if not status:  # it is taken for HTTP/0.9, whose answers have no head
        assert answer.endswith("the request cannot be read\n")
    else:
        assert answer.startswith(f"HTTP/1.0 {status} ")
        assert "Content-Security-Policy" in answer
    assert "evil" not in answer
    assert "aaaa" not in answer


def test_a_hundred_viewers_at_once(server: Server) -> None:
    """Each sees the picture; one more is told why not, and sees the page; who leaves makes room."""
    with ExitStack() as stack:
        viewers = [stack.enter_context(connected(server)) for _ in range(MOST_VIEWERS)]
        for each in viewers:
            each.sendall(EVENTS.encode())
        for each in viewers:
            seen = b""
            while not seen.endswith(b'data: {"host":"here"}\n\n'):
                more = each.recv(4096)
                assert more
                seen += more

        assert asked(server, EVENTS).endswith(
            "100 pages are open, which are as many as are served\n"
        )
        assert asked(server, PAGE).startswith(HEAD)
        for each in viewers:
            each.shutdown(socket.SHUT_RDWR)


def test_viewers_that_left_make_room(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """They are found out when nothing can be sent to them any more."""
    monkeypatch.setattr("plugin.ui.feed._LONGEST_SILENCE", 0.01)
    with connected(server) as viewer:
        viewer.sendall(EVENTS.encode())
        until(lambda: server.feed.viewers == 1)
    until(lambda: server.feed.viewers == 0)


def test_a_crowd_that_says_nothing(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """Has its connections closed after some seconds, and the page is there again."""
    monkeypatch.setattr("plugin.ui.server._HEAD_SECONDS", 0.2)
    with ExitStack() as stack:
        crowd = [stack.enter_context(connected(server)) for _ in range(200)]
        for each in crowd:
            assert each.recv(1) == b""

    until(lambda: asked(server, PAGE).startswith(HEAD))


def test_a_crowd_that_takes_all_places(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keeps out neither a viewer nor the page, however long it may stay and often it comes again."""
    monkeypatch.setattr("plugin.ui.server._HEAD_SECONDS", 3600)
    with ExitStack() as stack:
        viewer = stack.enter_context(connected(server))
        viewer.sendall(EVENTS.encode())
        until(lambda: server.feed.viewers == 1)
        for _ in range(2):
            crowd = [stack.enter_context(connected(server)) for _ in range(150)]
            assert asked(server, PAGE).startswith(HEAD)
        assert server.feed.viewers == 1
        for each in crowd:
            each.shutdown(socket.SHUT_RDWR)


def test_a_request_that_trickles(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """Is not waited for longer than one that does not come."""
    monkeypatch.setattr("plugin.ui.server._HEAD_SECONDS", 0.5)
    with connected(server) as slow:
        slow.settimeout(0.05)
        slow.sendall(b"GET / HTTP/1.1\r\n")

        def closed() -> bool:
            try:
                slow.sendall(b"A: b\r\n")
                return slow.recv(1) == b""
            except TimeoutError:
                return False
            except OSError:
                return True

        until(closed)


def test_an_address_that_is_taken(server: Server) -> None:
    """Names it, and what to do."""
    address, port = server.server_address[:2]
    taken = Listener(address=ip_address(str(address)), port=port)

    with pytest.raises(HostError, match=f"cannot be served at 127.0.0.1:{port}: Address already"):
        Server(taken, server.pages, server.feed)


def test_ipv6() -> None:
    """The loopback of the other family."""
    where = Listener(address=ip_address("::1"), port=0)
    pages = Pages(key=KEY, answer_key=ANSWER_KEY, address="[::1]", ask=lambda path: path)
    try:
        server = Server(where, pages, Feed(bytes, every=60, most=1))
    except HostError:
        pytest.skip("this machine has no IPv6")
    assert server.socket.family == socket.AF_INET6
    server.server_close()
