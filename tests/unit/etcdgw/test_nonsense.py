"""A member that is no etcd, or one that is broken or hostile: its answers take neither time nor memory."""

import socket
from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import islice, repeat
from threading import Thread

import pytest

from etcdgw import (
    AccessError,
    Client,
    Credentials,
    Listed,
    Lost,
    Member,
    RefusedError,
    Settings,
    UnavailableError,
    UnknownOutcomeError,
)

Speaks = Callable[..., Client]


def _answer(body: bytes, *, status: str = "200 OK") -> tuple[bytes]:
    return (b"HTTP/1.1 %s\r\nContent-Length: %d\r\n\r\n%s" % (status.encode(), len(body), body),)


def _chunked(size: bytes) -> bytes:
    return b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + size


class _Member:
    """Answers each request with the same pieces, as long as they are taken."""

    def __init__(self, pieces: Callable[[bytes], Iterator[bytes]]) -> None:
        self._pieces = pieces
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.settings = Settings(
            members=(Member(host="127.0.0.1", port=self._listener.getsockname()[1]),)
        )
        self._thread = Thread(target=self._serve, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()

    def _serve(self) -> None:
        with suppress(OSError):  # it was closed
            while True:
                connection, _ = self._listener.accept()
                with connection, suppress(OSError):
                    asked = connection.recv(1 << 16)
                    for piece in self._pieces(asked):
                        connection.sendall(piece)


@pytest.fixture
def speaks() -> Iterator[Speaks]:
    """Makes a client of one member that answers so."""
    members: list[_Member] = []
    clients: list[Client] = []

    def make(
        *pieces: bytes, endless: bytes = b"", user: bool = False, lists: bool = False
    ) -> Client:
        def answer(asked: bytes) -> Iterator[bytes]:
            if lists and b"/v3/kv/range" in asked:
                yield from _answer(b'{"header":{"revision":"7"}}')
                return
            yield from pieces
            if endless:
                yield from repeat(endless)

        members.append(_Member(answer))
        credentials = Credentials(user="pynet", password="of pynet") if user else None
        settings = members[-1].settings
        clients.append(Client(Settings(members=settings.members, credentials=credentials)))
        return clients[-1]

    yield make
    for client in clients:
        client.close()
    for member in members:
        member.close()


@pytest.mark.parametrize(
    "pieces",
    [
        _answer(b"<html>Sign in to the LAN</html>"),
        _answer(b'{"header":7}'),
        _answer(b'{"header":{"revision":"now"}}'),
        _answer(b'{"deep":' + b"[" * 100_000),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{}",),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 1" + b"0" * 15 + b"\r\n\r\n{}",),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 1" + b"0" * 30 + b"\r\n\r\n{}",),
        (_chunked(b"-5\r\n{}"),),
        (_chunked(b"f" * 30 + b"\r\n{}"),),
        (b"SSH-2.0-OpenSSH_9.2\r\n",),
    ],
)
def test_an_answer_that_is_none(speaks: Speaks, pieces: tuple[bytes, ...]) -> None:
    """A read fails; whether a write was done is not known."""
    etcd = speaks(*pieces)

    with pytest.raises(UnavailableError):
        etcd.get(b"/a", timeout=0.3)
    with pytest.raises(UnknownOutcomeError):
        etcd.put(b"/a", b"1", timeout=60.0)


@pytest.mark.parametrize(
    ("head", "endless"),
    [
        (b"HTTP/1.1 200 OK\r\n\r\n", b"x" * 65536),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n", b"x" * 65536),
        (_chunked(b""), b"10000\r\n" + b"x" * 65536 + b"\r\n"),
        (_chunked(b"-1\r\n"), b"x" * 65536),
        (b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 100 Continue\r\n\r\n" * 2000),
    ],
)
def test_an_answer_without_an_end(speaks: Speaks, head: bytes, endless: bytes) -> None:
    """Is left once it is longer than any of etcd's, however much time there is."""
    etcd = speaks(head, endless=endless)

    with pytest.raises(UnknownOutcomeError, match="without an end"):
        etcd.put(b"/a", b"1", timeout=60.0)


@pytest.mark.parametrize("body", [b'{"more":true}', b'{"more":true,"kvs":[{"key":"AA=="}]}'])
def test_a_list_that_goes_nowhere(speaks: Speaks, body: bytes) -> None:
    """Is not asked for again and again."""
    etcd = speaks(*_answer(body))

    with pytest.raises(UnavailableError, match="and not which"):
        etcd.list(b"/a/", timeout=60.0)


def test_a_lease_without_a_number(speaks: Speaks) -> None:
    """Is none: a key would outlive its host with it."""
    with pytest.raises(UnavailableError, match="without a number"):
        speaks(*_answer(b"{}")).grant(30)


@pytest.mark.parametrize("token", [b"a\\r\\nHost: elsewhere", b"\\u00e9", b"a\\u0000"])
def test_a_token_that_is_no_header(speaks: Speaks, token: bytes) -> None:
    """Is sent to no member."""
    etcd = speaks(*_answer(b'{"token":"%s"}' % token), user=True)

    with pytest.raises(UnavailableError, match="token is not understood"):
        etcd.put(b"/a", b"1", timeout=0.3)


def test_a_reason_that_is_no_text(speaks: Speaks) -> None:
    """Is a refusal like any other."""
    etcd = speaks(*_answer(b'{"message":"\xff"}', status="400 Bad Request"))

    with pytest.raises(RefusedError, match="answers 400"):
        etcd.put(b"/a", b"1")


def test_a_reason_without_an_end(speaks: Speaks) -> None:
    """Is cut before it reaches a log."""
    text = b"x" * 100_000
    etcd = speaks(*_answer(b'{"message":"%s","code":7}' % text, status="400 Bad Request"))

    with pytest.raises(AccessError) as caught:
        etcd.put(b"/a", b"1")

    assert len(str(caught.value)) < 1000


@pytest.mark.parametrize(
    ("head", "endless", "reason"),
    [
        (b"HTTP/1.1 200 OK\r\n\r\n", b"x" * 65536, "without an end"),
        (_chunked(b""), b"10000\r\n" + b"x" * 65536 + b"\r\n", "without an end"),
        (_chunked(b""), b"f" * 65536, "not chunked"),
        (_chunked(b"-5\r\n"), b"", "-5 bytes"),
        (_chunked(b""), b'5\r\n"\xff"\n\n\r\n', "not understood"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", b"[" * 99 + b"\n", "not understood"),
    ],
)
def test_a_watch_of_nonsense(speaks: Speaks, head: bytes, endless: bytes, reason: str) -> None:
    """Is lost, with why."""
    watch = speaks(head, endless=endless, lists=True).watch(b"/a/", period=60.0)

    listed, lost = islice(watch.news(), 2)

    watch.close()
    assert isinstance(listed, Listed)
    assert isinstance(lost, Lost)
    assert reason in lost.reason


def test_a_watch_that_is_always_late(speaks: Speaks, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lists anew, with a pause each time after the first."""
    late = b'{"result":{"compact_revision":"9"}}\n'
    watch = speaks(b"HTTP/1.1 200 OK\r\n\r\n" + late, lists=True).watch(b"/a/", period=60.0)
    paused: list[int] = []
    monkeypatch.setattr(watch, "_pause", paused.append)

    told = list(islice(watch.news(), 4))

    watch.close()
    assert all(isinstance(each, Listed) for each in told)
    assert paused == [1, 2, 3]
