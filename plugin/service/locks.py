"""One lock per network, and a gate that lets a sweep look at a world that stands still.

Every wait is bounded: an engine that waits for a plugin hangs with it.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from plugin import deadline
from plugin.errors import BusyError
from plugin.model.ids import NetworkID, short

WAIT_SECONDS: Final = 15.0


class Locks:
    """Hands out the locks; one that nobody holds takes no memory."""

    def __init__(self, wait_seconds: float = WAIT_SECONDS) -> None:
        self._wait = wait_seconds
        self._guard = threading.Condition()
        self._held: dict[NetworkID, threading.Lock] = {}
        self._waiting: dict[NetworkID, int] = {}
        self._inside = 0
        self._sweeping = False
        # For the moment in which the networks there are decide about one that comes or goes.
        self.admission: Final = threading.Lock()

    @contextmanager
    def hold(self, network_id: NetworkID) -> Iterator[None]:
        """Be the only one who changes this network.  Raises BusyError."""
        lock = self._enter(network_id)
        try:
            seconds = deadline.remaining(self._wait)
            if not lock.acquire(timeout=seconds):
                raise BusyError(
                    f"network {short(network_id)} is busy for {seconds:.3g} s with another call"
                )
            try:
                yield
            finally:
                lock.release()
        finally:
            self._leave(network_id)

    @contextmanager
    def standstill(self) -> Iterator[None]:
        """Be the only one who changes anything.  Raises BusyError."""
        with self._guard:
            quiet = self._guard.wait_for(
                lambda: not self._inside and not self._sweeping,
                timeout=deadline.remaining(self._wait),
            )
            if not quiet:
                raise BusyError(f"calls have been running for {self._wait:g} s without a pause")
            self._sweeping = True
        try:
            yield
        finally:
            with self._guard:
                self._sweeping = False
                self._guard.notify_all()

    def _enter(self, network_id: NetworkID) -> threading.Lock:
        with self._guard:
            seconds = deadline.remaining(self._wait)
            if not self._guard.wait_for(lambda: not self._sweeping, timeout=seconds):
                raise BusyError(f"a sweep has been running for {self._wait:g} s")
            self._inside += 1
            self._waiting[network_id] = self._waiting.get(network_id, 0) + 1
            return self._held.setdefault(network_id, threading.Lock())

    def _leave(self, network_id: NetworkID) -> None:
        with self._guard:
            self._inside -= 1
            self._waiting[network_id] -= 1
            if not self._waiting[network_id]:
                del self._waiting[network_id], self._held[network_id]
            if not self._inside:
                self._guard.notify_all()
