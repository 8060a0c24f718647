"""A worker in which each thread accepts, serves and closes its own connections.

In gunicorn's thread worker (27) one thread accepts and closes for all.  It waits up to two
seconds for the other side to close, so one slow caller delays all others.  Handing each
connection over twice also costs as much as serving it.
"""

import errno
import os
import select
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, Final

from gunicorn.workers.sync import SyncWorker

from plugin.log import Log
from plugin.server import plain
from plugin.server.watchdog import Watchdog

THREADS: Final = 16  # for each socket, and more while all of them are busy
_MOST_THREADS: Final = 512  # a call more than server.calls.MOST is refused at once
_CLIENT_SECONDS: Final = 20.0  # for a caller to send its whole request, or to take an answer
_HEARTBEAT_SECONDS: Final = 1.0
_PAUSE_SECONDS: Final = 0.5
_CALLER_GONE: Final = (errno.EAGAIN, errno.ECONNABORTED, errno.EINTR)
_log: Final = Log("server")


class ThreadedWorker(SyncWorker):  # type: ignore[misc]  # gunicorn has no types
    """One process, THREADS threads for each socket."""

    alive: bool

    def run(self) -> None:
        self._stop_read, stop_write = os.pipe()
        crews = [self._crew(listener) for listener in self.sockets]
        watchdog = Watchdog()
        while self.alive and self.is_parent_alive():
            self.notify()
            watchdog.tell()
            # Signals write to the pipe.
            select.select([self.PIPE[0]], [], [], _HEARTBEAT_SECONDS)
        self.alive = False
        os.write(stop_write, b"x")
        deadline = time.monotonic() + self.cfg.graceful_timeout
        for crew in crews:
            crew.wait(deadline)

    def _crew(self, listener: Any) -> "_Crew":
        door = Door(listener, self._stop_read)
        return _Crew(lambda crew: self._serve(door, crew))

    def _serve(self, door: "Door", crew: "_Crew") -> None:
        while self.alive:
            client = door.accept()
            if client is None:
                continue
            crew.leave_line()
            self._answer(door.listener, client)
            if not crew.line_up():
                return

    def _answer(self, listener: Any, client: "Caller") -> None:
        try:
            if plain.serve(client, self.wsgi):
                client.close()
                return
        except OSError:  # nothing came in time, or the caller has gone
            client.close()
            return
        self.handle(listener, client, "")


class Caller(socket.socket):
    """A connection whose request must be here in so many seconds, however many reads it takes.

    A request is in the socket when its caller is accepted, and an answer has room there: only what
    differs waits for the socket, which costs two system calls for each read and write.
    """

    def __init__(self, accepted: int, seconds: float, name: str = "") -> None:
        super().__init__(socket.AF_UNIX, socket.SOCK_STREAM, 0, fileno=accepted)
        self._name = name
        self._end = time.monotonic() + seconds
        self._seconds = seconds
        self._unread = b""

    def getsockname(self) -> str:
        """The name of the listening socket, which is that of each of its connections."""
        return self._name

    def unread(self, data: bytes) -> None:
        """Have the next ``recv`` return this, which was read and not used."""
        self._unread = data

    def recv(self, bufsize: int, flags: int = 0, /) -> bytes:
        """As ever; raises TimeoutError when the time of all reads is over."""
        if self._unread:
            found, self._unread = self._unread[:bufsize], self._unread[bufsize:]
            return found
        remaining = self._end - time.monotonic()
        if remaining <= 0:
            raise TimeoutError("the request takes too long")
        try:
            return super().recv(bufsize, flags | socket.MSG_DONTWAIT)
        except BlockingIOError:
            with self._waiting(remaining):
                return super().recv(bufsize, flags)

    def sendall(self, data: Any, flags: int = 0, /) -> None:
        """As ever; each answer is sent within the seconds."""
        rest = memoryview(data)
        with suppress(BlockingIOError):
            rest = rest[super().send(rest, flags | socket.MSG_DONTWAIT) :]
        if rest:
            with self._waiting(self._seconds):
                super().sendall(rest, flags)

    @contextmanager
    def _waiting(self, seconds: float) -> Iterator[None]:
        self.settimeout(seconds)
        try:
            yield
        finally:
            self.settimeout(None)


class Door:
    """A listening socket: one thread waits at a time, so a connection wakes one and not sixteen.

    They take turns.  epoll would wake the one that served last, which on a busy host the kernel's
    scheduler has wait for others: calls that wait for a disk took twice as long.
    """

    def __init__(self, listener: Any, stop: int) -> None:
        self.listener = listener
        self._stop = stop
        self._turn = threading.Lock()
        self._name = listener.getsockname()
        listener.settimeout(0)

    def accept(self) -> Caller | None:
        """The next caller; None if there is none after all, or the worker stops."""
        with self._turn:
            ready, _, _ = select.select([self.listener, self._stop], [], [])
            if self._stop in ready:
                return None
            try:
                accepted, _ = self.listener._accept()  # noqa: SLF001 - accept() makes a socket of it, for 8 us
            except OSError as error:
                if error.errno not in _CALLER_GONE:
                    # No file or no memory: the caller stays in line, and the socket ready.
                    _log.warning("accept.failed", reason=error)
                    select.select([self._stop], [], [], _PAUSE_SECONDS)
                return None
        return Caller(accepted, _CLIENT_SECONDS, self._name)


class _Crew:
    """Threads of one socket, of which one at least always waits for the next call.

    A call that is stuck keeps its thread; those that come after it must not wait for it.
    """

    def __init__(self, work: Callable[["_Crew"], None]) -> None:
        self._work = work
        self._lock = threading.Lock()
        self._threads: set[threading.Thread] = set()
        self._waiting = 0
        for _ in range(THREADS):
            self._add()

    def leave_line(self) -> None:
        """This thread took a connection: start another if none is accepting."""
        with self._lock:
            self._waiting -= 1
            if not self._waiting and len(self._threads) < _MOST_THREADS:
                self._add()

    def line_up(self) -> bool:
        """One is free again; False if enough others wait."""
        with self._lock:
            if self._waiting >= THREADS:
                self._threads.discard(threading.current_thread())
                return False
            self._waiting += 1
            return True

    def wait(self, deadline: float) -> None:
        """Return when all have ended, or at that moment."""
        with self._lock:
            threads = list(self._threads)
        for thread in threads:
            thread.join(timeout=max(0.0, deadline - time.monotonic()))

    def _add(self) -> None:
        thread = threading.Thread(target=self._work, args=(self,), daemon=True)
        with suppress(RuntimeError):  # the host has no more threads; those that are must do
            thread.start()
            self._threads.add(thread)
            self._waiting += 1
