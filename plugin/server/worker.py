"""A worker whose threads each accept, serve and close for themselves.

gunicorn's own thread worker (27) has one thread accept for all and close for all, and that one
waits up to two seconds for the other side to close: one slow caller keeps everybody waiting.
Handing every connection over twice also costs as much as serving it.
"""

import os
import select
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final

from gunicorn.workers.sync import SyncWorker

THREADS: Final = 16  # for each socket, and more while all of them are busy
_MOST_THREADS: Final = 512  # a call more than server.calls.MOST is refused at once
_CLIENT_SECONDS: Final = 20.0  # for a caller to send its request, or to take its answer
_HEARTBEAT_SECONDS: Final = 1.0


class ThreadedWorker(SyncWorker):  # type: ignore[misc]  # gunicorn has no types
    """One process, THREADS threads for each socket."""

    alive: bool

    def run(self) -> None:
        self._stop_read, stop_write = os.pipe()
        crews = [self._crew(listener) for listener in self.sockets]
        while self.alive and self.is_parent_alive():
            self.notify()
            # Signals write to the pipe.
            select.select([self.PIPE[0]], [], [], _HEARTBEAT_SECONDS)
        self.alive = False
        os.write(stop_write, b"x")
        deadline = time.monotonic() + self.cfg.graceful_timeout
        for crew in crews:
            crew.wait(deadline)

    def _crew(self, listener: Any) -> "_Crew":
        listener.settimeout(0)
        turn = threading.Lock()
        return _Crew(lambda crew: self._serve(listener, turn, crew))

    def _serve(self, listener: Any, turn: threading.Lock, crew: "_Crew") -> None:
        while self.alive:
            client, address = self._accept(listener, turn)
            if client is None:
                continue
            crew.leave_line()
            client.settimeout(_CLIENT_SECONDS)
            self.handle(listener, client, address)
            if not crew.line_up():
                return

    def _accept(self, listener: Any, turn: threading.Lock) -> tuple[socket.socket | None, Any]:
        """One thread waits at a time, so a connection wakes one and not sixteen."""
        with turn:
            select.select([listener, self._stop_read], [], [])
            if not self.alive:
                return None, None
            try:
                client, address = listener.accept()
            except OSError:
                return None, None  # the caller has gone away again
        return client, address


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
        """One has a call now: see to it that another waits."""
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
