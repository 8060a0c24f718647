"""What clients of both versions are alike in: an offer that is taken, and a lease that is held or let go."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from ipaddress import IPv4Address, IPv6Address
from random import Random

from plugin.dhcp.states import HELD, Action, State
from plugin.model.leases import Lease

Taken = Callable[[IPv4Address | IPv6Address], bool]


class Client(ABC):
    """``due`` is when it wants to be woken; after ``listen_until`` no answer is expected.

    What is ``held`` is an offer that waits to be taken (``offers``).
    """

    def __init__(self, chance: Random, taken: Taken) -> None:
        self.state = State.STOPPED
        self.lease: Lease | None = None
        self.held: Lease | None = None
        self.due: float | None = None
        self.listen_until = 0.0
        self._chance = chance
        self._taken = taken
        self._began = 0.0
        self._sent = 0
        self._asked = 0.0
        self._offer: Lease | None = None
        self._since = 0.0
        self._setbacks = 0
        self._in_use = False

    def take(self, now: float) -> list[Action]:
        """Ask for what is ``held``."""
        if self.state is not State.OFFERED or self.held is None:
            return []
        return self._accept(self.held, now)

    def renew(self, now: float) -> list[Action]:
        """Ask now whether the lease goes on, if it is held; one without end does."""
        timed = self.lease is not None and self.lease.seconds is not None
        return self._extend(now) if timed and self.state in HELD else []

    def stop(self) -> None:
        """Ask for nothing more; the lease goes on at the server until it ends or is released."""
        self.state, self.due, self.listen_until = State.STOPPED, None, 0.0

    def _choose(self, offer: Lease, now: float) -> list[Action]:
        """An offer has come."""
        return self._accept(offer, now)

    @abstractmethod
    def _accept(self, offer: Lease, now: float) -> list[Action]:
        """Request what is offered."""

    @abstractmethod
    def _extend(self, now: float) -> list[Action]:
        """Ask for what is held again."""
