"""What works and what does not, right now.

A condition is something that is missing; it stays until its reporter calls ``recover``.  Without
conditions the status is ok: it is computed, never set.
"""

import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import Enum


class Status(Enum):
    """How the plugin is."""

    STARTING = "starting"
    OK = "ok"
    DEGRADED = "degraded"


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """Something that is missing, why, and what would bring it back; ``since`` is Unix time."""

    what: str
    why: str
    remedy: str
    since: float


class Health:
    """The conditions and hints, shared by all parts that report or read them."""

    def __init__(self, told: Callable[[str, Condition], None] = lambda _, __: None) -> None:
        """``told`` hears of each condition that is ``degraded`` or ``recovered``."""
        self._told = told
        self._lock = threading.Lock()
        self._conditions: dict[str, Condition] = {}
        self._hints: dict[str, tuple[str, ...]] = {}
        self._ready = threading.Event()
        self._since = time.time()

    @property
    def since(self) -> float:
        """When the status last changed, as Unix time."""
        return self._since

    @property
    def status(self) -> Status:
        """Computed from the conditions that stand."""
        if self._conditions:
            return Status.DEGRADED
        return Status.OK if self._ready.is_set() else Status.STARTING

    @property
    def conditions(self) -> tuple[Condition, ...]:
        """What is missing, oldest first."""
        with self._lock:
            return tuple(self._conditions.values())

    @property
    def hints(self) -> tuple[str, ...]:
        """What works and may not do what its owner thinks, each with its remedy."""
        with self._lock:
            return tuple(hint for about in sorted(self._hints) for hint in self._hints[about])

    def advise(self, hints: Iterable[str], *, about: str) -> None:
        """Replace the hints about one subject."""
        found = tuple(sorted(hints))
        with self._lock:
            self._hints[about] = found

    def ready(self) -> None:
        """Starting is over, well or not."""
        before = self.status
        self._ready.set()
        self._note_change(before)

    def wait_ready(self, seconds: float) -> bool:
        """Wait until starting is over."""
        return self._ready.wait(seconds)

    def degrade(self, what: str, why: str, remedy: str) -> None:
        """Report that something is missing; a repeated report keeps the time of the first."""
        with self._lock:
            before = self.status
            known = self._conditions.get(what)
            since = known.since if known else time.time()
            condition = Condition(what=what, why=why, remedy=remedy, since=since)
            self._conditions[what] = condition
        self._note_change(before)
        if known is None:
            self._told("degraded", condition)

    def recover(self, what: str) -> None:
        """Report that something is back."""
        with self._lock:
            before = self.status
            known = self._conditions.pop(what, None)
        self._note_change(before)
        if known is not None:
            self._told("recovered", known)

    def _note_change(self, before: Status) -> None:
        if self.status is not before:
            self._since = time.time()
