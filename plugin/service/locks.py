"""One lock per network, and a gate that keeps all calls out during a sweep.

After a start each network stays shut until the host holds its plan again.  So a call waits
for its own network only.

Every wait is bounded: an engine that waits for a plugin hangs with it.
"""

import threading
import time
from collections import Counter
from collections.abc import Container, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Final

from plugin import deadline
from plugin.deadline import TimedLock
from plugin.errors import BusyError
from plugin.model.ids import NetworkID, short
from plugin.telemetry import LOCK_SECONDS

WAIT_SECONDS: Final = 15.0
_GATE_SECONDS: Final = 0.5


class Locks:
    """The locks; a lock that is not held takes no memory."""

    def __init__(self, wait_seconds: float = WAIT_SECONDS) -> None:
        self._wait = wait_seconds
        self._guard = threading.Condition()
        self._held: dict[NetworkID, TimedLock] = {}
        self._waiting: dict[NetworkID, int] = {}
        self._inside = 0
        self._sweeping = False
        self._shut: set[NetworkID] = set()
        self._restorer = 0  # the thread that restores what is shut
        self._outside: Counter[NetworkID] = Counter()  # calls that wait for what is shut
        # For the moment in which the networks there are decide about one that comes or goes.
        self.admission: Final = threading.Lock()

    @contextmanager
    def hold(self, network_id: NetworkID) -> Iterator[None]:
        """Be the only one who changes this network.  Raises BusyError."""
        began = time.monotonic()
        lock = self._enter(network_id)
        try:
            with lock:
                LOCK_SECONDS.observe(time.monotonic() - began)
                yield
        finally:
            self._leave(network_id)

    def shut(self, network_ids: Iterable[NetworkID]) -> None:
        """Shut these networks for all other threads until this one has restored each."""
        with self._guard:
            self._restorer = threading.get_ident()
            self._shut.update(network_ids)

    def open(self, network_id: NetworkID) -> None:
        """Open the network: it is restored as far as possible."""
        with self._guard:
            self._shut.discard(network_id)
            self._guard.notify_all()

    def open_all(self) -> None:
        """Open all networks: the restoring thread has ended, well or not."""
        with self._guard:
            self._shut.clear()
            self._guard.notify_all()

    def is_shut(self, network_id: NetworkID) -> bool:
        """Whether the network is not restored yet."""
        with self._guard:
            return network_id in self._shut

    def waited_for(self, network_ids: Container[NetworkID]) -> NetworkID | None:
        """One of the networks that a call is waiting for to be opened."""
        with self._guard:
            return next((each for each in self._outside if each in network_ids), None)

    @contextmanager
    def standstill(self) -> Iterator[None]:
        """Be the only one who changes anything.  Raises BusyError.

        New calls are kept out for a moment at a time, so that those that run may end; never for
        as long as a slow one takes.
        """
        with self._guard:
            end = time.monotonic() + deadline.remaining(self._wait)
            while not self._has_closed_the_gate():
                if time.monotonic() >= end:
                    raise BusyError(f"calls have been running for {self._wait:g} s without a pause")
                self._guard.wait(_GATE_SECONDS)
        try:
            yield
        finally:
            with self._guard:
                self._sweeping = False
                self._guard.notify_all()

    def _has_closed_the_gate(self) -> bool:
        """Keep new calls out; let them in again if those that run take too long."""
        if self._sweeping:
            return False
        self._sweeping = True
        if self._guard.wait_for(lambda: not self._inside, timeout=_GATE_SECONDS):
            return True
        self._sweeping = False
        self._guard.notify_all()
        return False

    def _enter(self, network_id: NetworkID) -> TimedLock:
        with self._guard:
            if network_id in self._shut and threading.get_ident() != self._restorer:
                self._wait_for_opening(network_id)
            seconds = deadline.remaining(self._wait)
            if not self._guard.wait_for(lambda: not self._sweeping, timeout=seconds):
                raise BusyError(f"a sweep has been running for {self._wait:g} s")
            self._inside += 1
            self._waiting[network_id] = self._waiting.get(network_id, 0) + 1
            if network_id not in self._held:
                self._held[network_id] = TimedLock(self._wait, partial(_busy, network_id))
            return self._held[network_id]

    def _wait_for_opening(self, network_id: NetworkID) -> None:
        seconds = deadline.remaining(self._wait)
        self._outside[network_id] += 1
        is_open = self._guard.wait_for(lambda: network_id not in self._shut, timeout=seconds)
        self._outside[network_id] -= 1
        if not self._outside[network_id]:
            del self._outside[network_id]
        if not is_open:
            raise BusyError(
                f"network {short(network_id)} is still being restored after {seconds:.3g} s; try "
                f"again"
            )

    def _leave(self, network_id: NetworkID) -> None:
        with self._guard:
            self._inside -= 1
            self._waiting[network_id] -= 1
            if not self._waiting[network_id]:
                del self._waiting[network_id], self._held[network_id]
            if not self._inside:
                self._guard.notify_all()


def _busy(network_id: NetworkID, seconds: float) -> BusyError:
    return BusyError(
        f"network {short(network_id)} has been busy for {seconds:.3g} s with another call"
    )
