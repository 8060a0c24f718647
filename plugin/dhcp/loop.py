"""The one thread that all DHCP clients live in, with a wire for each parent.

A wire is open only while something is asked: between renewals there is nothing to hear, and a
parent whose leases are all quiet is not listened at.  At a server one client of a parent is new
at a time, because some servers see for seconds whether an address is free, and serve nobody
meanwhile; who has an address already never queues.  There is no thread until the first call.
"""

import os
import selectors
import time
from collections.abc import Callable
from concurrent.futures import CancelledError, Future
from queue import Empty, SimpleQueue
from random import Random, SystemRandom
from threading import Event, Lock, Thread
from typing import TYPE_CHECKING, Final, TypeVar

from plugin.deadline import remaining
from plugin.dhcp.base import NoLeaseError, Told, Wires
from plugin.dhcp.statements import announcement_frames
from plugin.dhcp.values import AnyWish, Wish
from plugin.model.ids import IfName
from plugin.model.leases import Lease

if TYPE_CHECKING:
    from plugin.dhcp.parent import Parent

_LOOK_AGAIN: Final = 30.0  # seconds; no wait of the kernel's counts the time that a host sleeps
_SEND_SECONDS: Final = 1.0
_T = TypeVar("_T")


def boottime() -> float:
    """Seconds since boot, those of sleep included."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


class Loop:
    """DHCP clients, as ``base.Clients`` says."""

    def __init__(self, wires: Wires, told: Told, chance: Random | None = None) -> None:
        self._wires = wires
        self._told = told
        self._chance = chance or SystemRandom()
        self._parents: dict[IfName, Parent] = {}
        self._mailbox: SimpleQueue[Callable[[], None]] = SimpleQueue()
        self._bell: int | None = None
        self._lock = Lock()
        self._thread: Thread | None = None
        self._closing = False

    def acquire(
        self, parent: IfName, wish: AnyWish, remembered: Lease | None = None, *, seconds: float
    ) -> Lease:
        key = wish.identity.client_id
        waiting: Future[Lease] = Future()
        self._post(lambda: self._parent(parent).acquire(wish, remembered, waiting, boottime()))
        return self._wait(waiting, parent, key, seconds, wish.asked)

    def offer(self, parent: IfName, wish: AnyWish, *, seconds: float) -> Lease:
        key = wish.identity.client_id
        waiting: Future[Lease] = Future()
        self._post(lambda: self._parent(parent).offer(wish, waiting, boottime()))
        return self._wait(waiting, parent, key, seconds, wish.asked)

    def confirm(self, parent: IfName, client_id: bytes, *, seconds: float) -> None:
        waiting: Future[None] = Future()
        self._post(lambda: self._parent(parent).confirm(client_id, waiting))
        self._wait(waiting, parent, client_id, seconds)

    def adopt(self, parent: IfName, wish: AnyWish, lease: Lease) -> None:
        self._post(lambda: self._parent(parent).adopt(wish, lease, boottime()))

    def renew(self, parent: IfName, client_id: bytes) -> None:
        self._post(lambda: self._parent(parent).renew(client_id, boottime()))

    def rest(self, parent: IfName, client_id: bytes) -> None:
        self._post(lambda: self._parent(parent).forget(client_id))

    def release(self, parent: IfName, lease: Lease) -> None:
        def act() -> None:
            self._parent(parent).release(lease, boottime())
            said.set()

        said = Event()
        self._post(act)
        said.wait(_SEND_SECONDS)

    def announce(self, parent: IfName, lease: Lease) -> None:
        frames = announcement_frames(lease)
        self._post(lambda: self._parent(parent).say(frames, "announcement", boottime()))

    def look(self, parent: IfName, wish: Wish, *, seconds: float) -> Lease:
        key = wish.identity.client_id
        waiting: Future[Lease] = Future()
        self._post(lambda: self._parent(parent).look(wish, waiting, boottime()))
        try:
            return self._wait(waiting, parent, key, seconds, wish.asked)
        finally:
            self.rest(parent, key)

    def close(self) -> None:
        with self._lock:
            thread, self._closing = self._thread, True
        if thread:
            self._ring()
            thread.join()

    def _wait(
        self, waiting: Future[_T], parent: IfName, key: bytes, seconds: float, asked: str = "server"
    ) -> _T:
        """What is waited for; the exchange goes on when nobody waits."""
        seconds = remaining(seconds)
        try:
            return waiting.result(timeout=seconds)
        except TimeoutError:
            if not waiting.cancel():
                return waiting.result()
        except CancelledError as error:
            raise NoLeaseError(f"the DHCP client on {parent} was stopped") from error
        known = self._parents.get(parent)
        why = known.why(key) if known else ""
        raise NoLeaseError(f"no {asked} gave an address on {parent} in {seconds:.0f} s ({why})")

    def _parent(self, ifname: IfName) -> "Parent":
        if ifname not in self._parents:
            from plugin.dhcp.parent import Parent  # noqa: PLC0415

            self._parents[ifname] = Parent(ifname, self._wires, self._told, self._chance)
        return self._parents[ifname]

    def _post(self, act: Callable[[], None]) -> None:
        # Most hosts have no lease: the clients are 0.7 MiB, and 20 ms of a start.  Imported here, a
        # failure is the caller's, and the thread goes on.
        import plugin.dhcp.parent  # noqa: F401, PLC0415

        self._mailbox.put(act)
        with self._lock:
            if self._closing:
                return
            if self._bell is None:
                self._bell = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
            if self._thread is None or not self._thread.is_alive():
                self._thread = Thread(target=self._run, name="dhcp", daemon=True)
                self._thread.start()
        self._ring()

    def _ring(self) -> None:
        if self._bell is not None:
            os.eventfd_write(self._bell, 1)

    def _run(self) -> None:
        while not self._closing:
            self._read_mail()
            now = boottime()
            for parent in self._parents.values():
                parent.wake(now)
            self._sleep()
        for parent in self._parents.values():
            parent.close()

    def _read_mail(self) -> None:
        while True:
            try:
                act = self._mailbox.get_nowait()
            except Empty:
                return
            act()

    def _sleep(self) -> None:
        """Until a frame, a call, or the next thing that is due."""
        dues = [parent.due for parent in self._parents.values()]
        next_due = min((due for due in dues if due is not None), default=None)
        wait = _LOOK_AGAIN if next_due is None else min(_LOOK_AGAIN, next_due - boottime())
        with selectors.DefaultSelector() as selector:
            if self._bell is not None:
                selector.register(self._bell, selectors.EVENT_READ, None)
            for parent in self._parents.values():
                if parent.wire:
                    selector.register(parent.wire.fileno(), selectors.EVENT_READ, parent)
            for key, _ in selector.select(max(0.0, wait)):
                if key.data is not None:
                    key.data.hear(boottime())
                elif self._bell is not None:
                    os.eventfd_read(self._bell)
