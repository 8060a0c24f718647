"""The client of one container, of either version: it asks, probes, and holds or loses what it has.

A state machine without a clock or a wire.  Its driver (``parent.py``) says what time it is, gives it what was
heard, and does what it answers.  What each version says is in ``client4`` and ``client6``.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from ipaddress import IPv4Address, IPv6Address
from random import Random

from plugin.dhcp import timing
from plugin.dhcp.conflict import Probe, Probe6
from plugin.dhcp.renewal import next_question
from plugin.dhcp.states import HELD, Action, Confirmed, GaveUp, Send, State, Unanswered
from plugin.dhcp.tally import Tally, Tally6
from plugin.dhcp.values import AnyWish
from plugin.model.leases import Lease

Taken = Callable[[IPv4Address | IPv6Address], bool]


class Client(ABC):
    """``due`` is when it wants to be woken; after ``listen_until`` no answer is expected.

    What is ``held`` is an offer that waits to be taken (``offers``).
    """

    wish: AnyWish
    tally: Tally | Tally6
    _probe: Probe | Probe6 | None

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
        self._probe = None

    def adopt(self, now: float, lease: Lease) -> list[Action]:
        """Go on with a lease that was obtained before; nothing is sent unless it is late."""
        self.lease = lease
        return self._bound(now)

    def wake(self, now: float) -> list[Action]:
        """It is ``due``."""
        if self.due is None or now < self.due:
            return []
        match self.state:
            case State.PROBING:
                return self._probing(now)
            case State.BOUND | State.RENEWING | State.REBINDING:
                return self._extend(now)
            case State.OFFERED:
                return self._begin(now)
            case _:
                return self._ask(now)

    def take(self, now: float) -> list[Action]:
        """Ask for what is ``held``."""
        if self.state is not State.OFFERED or self.held is None:
            return []
        return self._accept(self.held, now)

    def renew(self, now: float) -> list[Action]:
        """Ask now whether the lease goes on, if it is held; one without end does."""
        return self._extend(now) if self.state in HELD else []

    def stop(self) -> None:
        """Ask for nothing more; the lease goes on at the server until it ends or is released."""
        self.state, self.due, self.listen_until = State.STOPPED, None, 0.0

    def _choose(self, offer: Lease, now: float) -> list[Action]:
        """An offer has come."""
        return self._accept(offer, now)

    def _check(self, now: float) -> list[Action]:
        """Probe whether another machine has the address."""
        if self.lease is None or not self.wish.probe:
            return self._bound(now)
        self.state, self.due = State.PROBING, now
        self._probe = self._probe_of(self.lease, now)
        return self._probing(now)

    def _probing(self, now: float) -> list[Action]:
        if self._probe is None or (self._probe.over and now >= self._probe.due):
            return self._bound(now)
        frame = self._probe.ask()
        self.due = self._probe.due
        return self._send(frame, self._probe.what, now)

    def _bound(self, now: float) -> list[Action]:
        lease = self.lease
        if lease is None:
            return []
        self.state, self._probe, self.listen_until = State.BOUND, None, 0.0
        self._setbacks, self._in_use = 0, True
        begins = lease.obtained + timing.renewal_begins(lease.t1, self._chance)
        self.due = None if lease.seconds is None else max(now, begins)
        return [Confirmed(lease=lease)]

    def _extend(self, now: float) -> list[Action]:
        """RENEWING asks the server, REBINDING everybody, each less often as its end is far."""
        lease = self.lease
        if lease is None or lease.seconds is None:
            return []
        before = self.state
        self.state, self.due = next_question(lease, lease.seconds, now)
        if self.state is State.EXPIRED:
            return [Unanswered(lease=lease, ended=True), *self._expire(now)]
        told: list[Action] = []
        if before is not self.state:
            self._began = now
        if (before, self.state) == (State.RENEWING, State.REBINDING):
            told = [Unanswered(lease=lease, ended=False)]
        return told + self._ask_again(lease, now)

    def _give_up(self) -> list[Action]:
        self.stop()
        return [GaveUp(why=self.tally.text)]

    def _send(self, frame: bytes | None, what: str, now: float) -> list[Action]:
        """Nothing, if the parent cannot speak: it is tried again, and who asks is told why."""
        if frame is None:
            return []
        self.listen_until = now + timing.LISTEN
        return [Send(frame=frame, what=what)]

    @abstractmethod
    def _begin(self, now: float) -> list[Action]:
        """Ask from the start."""

    @abstractmethod
    def _ask(self, now: float) -> list[Action]:
        """Ask once more in a state in which nothing is held, or give up in it."""

    @abstractmethod
    def _accept(self, offer: Lease, now: float) -> list[Action]:
        """Request what is offered."""

    @abstractmethod
    def _ask_again(self, lease: Lease, now: float) -> list[Action]:
        """Ask for what is held again."""

    @abstractmethod
    def _expire(self, now: float) -> list[Action]:
        """What was held is over; ask for any address."""

    @abstractmethod
    def _probe_of(self, lease: Lease, now: float) -> Probe | Probe6:
        """The question whether another machine has the address."""
