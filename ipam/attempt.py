"""One attempt at an operation: the store's contents, the time, and what to remember afterwards.

A store may run an operation several times before its changes are kept.  So an operation reads
and changes the store through its attempt.  It changes the memory of this process only in a
callback of ``once_kept``.  An attempt that is lost or that raises leaves nothing behind.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from ipam.store.base import Transaction

_STARTED_SECONDS: Final = 20.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Times:
    """Unix seconds: now, the engine's latest start and replay, and the latest election.

    ``led`` is when a swarm's manager began last to ask for all it has, or may have begun; ``elected``
    when it did so for certain, 0 if that is not known.
    """

    now: float
    began: float
    replay: float = 0.0
    led: float = 0.0
    elected: float = 0.0


class EngineClock:
    """Remembers when the engine did last what an attempt's times are about."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._replay = self._elected = 0.0
        self._began = self._led = clock()

    def began(self) -> None:
        """The engine was started, or this process was."""
        self._began = self._led = self._clock()
        self._elected = 0.0

    def replays(self) -> None:
        """The engine that was started replays its networks."""
        self._replay = self._began

    def leads(self) -> None:
        """A swarm may have elected the engine.

        An engine asks a process that starts as if it were elected, too.
        """
        self._led = self._clock()
        if self._led - self._began > _STARTED_SECONDS:
            self._elected = self._led

    def times(self, now: float | None = None) -> Times:
        """The times of an attempt, at ``now`` if that is given."""
        at = self._clock() if now is None else now
        return Times(
            now=at, began=self._began, replay=self._replay, led=self._led, elected=self._elected
        )


class Attempt:
    """What an operation works with, this time."""

    __slots__ = ("_effects", "leases", "now", "pools", "reservations", "times")

    def __init__(self, transaction: Transaction, times: Times) -> None:
        self.pools = transaction.pools
        self.leases = transaction.leases
        self.reservations = transaction.reservations
        self.times = times
        self.now = times.now
        self._effects: list[Callable[[], object]] = []

    def once_kept(self, effect: Callable[[], object]) -> None:
        """Call this once the store has kept the changes, in the order of registration."""
        self._effects.append(effect)

    def was_kept(self) -> None:
        """Do in memory what was put off."""
        for effect in self._effects:
            effect()
