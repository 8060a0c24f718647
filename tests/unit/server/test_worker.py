"""How callers are taken in: a slow one for a bounded time, and none by turning in a circle."""

import errno
import os
import socket
import threading
from collections.abc import Iterator
from contextlib import closing

import pytest

from plugin.server.worker import Caller, Door


class Crowded(socket.socket):
    """A listening socket with a caller in line, for whom there is no file."""

    def __init__(self, number: int) -> None:
        super().__init__(socket.AF_UNIX)
        self.bind("")
        self.listen()
        self.number = number
        self.tries = 0
        self.refused = threading.Event()

    def accept(self) -> tuple[socket.socket, object]:
        self.tries += 1
        self.refused.set()
        raise OSError(self.number, os.strerror(self.number))


@pytest.fixture
def stop() -> Iterator[tuple[int, int]]:
    """The pipe by which the worker is told to stop."""
    ends = os.pipe()
    yield ends
    for end in ends:
        os.close(end)


@pytest.mark.parametrize("number", [errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.ENOBUFS])
def test_who_cannot_be_accepted_is_not_tried_again_at_once(
    stop: tuple[int, int], number: int
) -> None:
    """The socket stays ready: a processor would do nothing else."""
    with closing(Crowded(number)) as listener, socket.socket(socket.AF_UNIX) as caller:
        caller.connect(listener.getsockname())
        found: list[Caller | None] = []
        door = Door(listener, stop[0])
        thread = threading.Thread(target=lambda: found.append(door.accept()))
        thread.start()
        listener.refused.wait(60)
        waits = thread.is_alive()
        os.write(stop[1], b"x")
        thread.join()

        assert waits
        assert found == [None]
        assert listener.tries == 1


def test_a_request_has_a_time_in_all() -> None:
    """A byte now and then is not enough to keep a thread."""
    ours, theirs = socket.socketpair()
    caller = Caller(ours, seconds=0.2)
    with closing(caller), theirs:
        read = b""
        with pytest.raises(TimeoutError):  # noqa: PT012 - some read does it, and none of the first
            while True:
                theirs.send(b"x")
                read += caller.recv(1)

    assert read.startswith(b"x")


def test_an_answer_has_its_own_time() -> None:
    """However long the request took."""
    ours, theirs = socket.socketpair()
    caller = Caller(ours, seconds=0.01)
    with closing(caller), theirs:
        with pytest.raises(TimeoutError):
            caller.recv(1)
        caller.sendall(b"408")

        assert theirs.recv(3) == b"408"
