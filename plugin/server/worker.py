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
from typing import Any, Final

from gunicorn.workers.sync import SyncWorker

THREADS: Final = 16  # for each socket
_CLIENT_SECONDS: Final = 20.0  # for a caller to send its request, or to take its answer
_HEARTBEAT_SECONDS: Final = 1.0


class ThreadedWorker(SyncWorker):  # type: ignore[misc]  # gunicorn has no types
    """One process, THREADS threads for each socket."""

    alive: bool

    def run(self) -> None:
        self._stop_read, stop_write = os.pipe()
        threads = [thread for listener in self.sockets for thread in self._threads(listener)]
        for thread in threads:
            thread.start()
        while self.alive and self.is_parent_alive():
            self.notify()
            # Signals write to the pipe.
            select.select([self.PIPE[0]], [], [], _HEARTBEAT_SECONDS)
        self.alive = False
        os.write(stop_write, b"x")
        deadline = time.monotonic() + self.cfg.graceful_timeout
        for thread in threads:
            thread.join(timeout=max(0.0, deadline - time.monotonic()))

    def _threads(self, listener: Any) -> list[threading.Thread]:
        listener.settimeout(0)
        turn = threading.Lock()
        return [
            threading.Thread(target=self._serve, args=(listener, turn), daemon=True)
            for _ in range(THREADS)
        ]

    def _serve(self, listener: Any, turn: threading.Lock) -> None:
        while self.alive:
            client, address = self._accept(listener, turn)
            if client is not None:
                client.settimeout(_CLIENT_SECONDS)
                self.handle(listener, client, address)

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
