"""How callers are taken in: a slow one for a bounded time, and none by turning in a circle."""

import errno
import os
import queue
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

    def _accept(self) -> tuple[int, object]:
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
    caller = Caller(ours.detach(), seconds=0.2)
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
    caller = Caller(ours.detach(), seconds=0.01)
    with closing(caller), theirs:
        with pytest.raises(TimeoutError):
            caller.recv(1)
        caller.sendall(b"408")

        assert theirs.recv(3) == b"408"


def test_an_answer_of_any_size_is_sent_whole() -> None:
    """Also one that the socket has no room for until it is read."""
    ours, theirs = socket.socketpair()
    answer = bytes(range(256)) * 8192
    caller = Caller(ours.detach(), seconds=60)
    with closing(caller), theirs:
        thread = threading.Thread(target=caller.sendall, args=(answer,))
        thread.start()
        read = b""
        while len(read) < len(answer):
            read += theirs.recv(1 << 16)
        thread.join()

    assert read == answer


def test_a_connection_wakes_one_thread(stop: tuple[int, int]) -> None:
    """The others wait for the next; each caller is taken in once."""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("")
        listener.listen()
        door = Door(listener, stop[0])
        found: queue.Queue[Caller | None] = queue.Queue()
        threads = [threading.Thread(target=lambda: found.put(door.accept())) for _ in range(8)]
        for thread in threads:
            thread.start()
        callers = [socket.socket(socket.AF_UNIX) for _ in range(3)]
        for number, caller in enumerate(callers):
            caller.connect(listener.getsockname())
            caller.send(b"%d" % number)
        taken = [found.get(timeout=60) for _ in callers]
        still = sum(thread.is_alive() for thread in threads)
        os.write(stop[1], b"x")
        for thread in threads:
            thread.join(60)
        read = {each.recv(1) for each in taken if each is not None}
        for each in (*callers, *taken):
            if each is not None:
                each.close()

    assert read == {b"0", b"1", b"2"}
    assert still == 5
    assert [found.get_nowait() for _ in range(5)] == [None] * 5
