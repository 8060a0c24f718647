"""A registry in memory that loses, delays and drops what it is told, and a ledger that may crash."""

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum, auto

from ipam.blocks.base import Identity, UnavailableError, UnknownOutcomeError
from ipam.prefixes import Prefix
from tests.fakes.faults import CrashError


class Fate(Enum):
    """What becomes of a write."""

    DONE = auto()
    REFUSED = auto()
    DONE_UNHEARD = auto()
    LOST = auto()
    LATE = auto()
    CRASH_BEFORE = auto()
    CRASH_AFTER = auto()


@dataclass(slots=True)
class RegistryState:
    """What all hosts share: keys, whose session each hangs on, and writes under way."""

    keys: dict[str, str] = field(default_factory=dict)
    sessions: dict[str, object] = field(default_factory=dict)
    late: list[Callable[[], bool]] = field(default_factory=list)

    def write(
        self,
        given: Mapping[str, str | None],
        writes: Mapping[str, str | None],
        session: Mapping[str, str],
        holder: object,
    ) -> bool:
        if any(self.keys.get(key) != value for key, value in given.items()):
            return False
        for key, value in writes.items():
            if value is None:
                self.keys.pop(key, None)
            else:
                self.keys[key] = value
        for key, value in session.items():
            self.keys[key] = value
            self.sessions[key] = holder
        return True

    def lapse(self, is_over: Callable[[object], bool]) -> None:
        """End the sessions of those that are gone."""
        for key in [key for key, holder in self.sessions.items() if is_over(holder)]:
            del self.sessions[key]
            self.keys.pop(key, None)


class FakeRegistry:
    """The registry as one host has it, which ``fates`` decides about; None is to be cut off."""

    def __init__(
        self, state: RegistryState, holder: object, fates: Callable[[], Fate | None]
    ) -> None:
        self._state = state
        self._holder = holder
        self._fates = fates

    def read(self, prefix: str) -> dict[str, str]:
        fate = self._fates()
        if fate not in (Fate.DONE, Fate.CRASH_AFTER, Fate.CRASH_BEFORE):
            raise UnavailableError("the registry does not answer")
        if fate is not Fate.DONE:
            raise CrashError
        return {key: value for key, value in self._state.keys.items() if key.startswith(prefix)}

    def commit(
        self,
        given: Mapping[str, str | None],
        writes: Mapping[str, str | None],
        *,
        session: Mapping[str, str] = {},
    ) -> bool:
        fate = self._fates()

        def write() -> bool:
            return self._state.write(given, writes, session, self._holder)

        match fate:
            case Fate.DONE:
                return write()
            case Fate.DONE_UNHEARD:
                write()
            case Fate.LATE:
                self._state.late.append(write)
            case Fate.CRASH_AFTER:
                write()
                raise CrashError
            case Fate.CRASH_BEFORE:
                raise CrashError
            case Fate.LOST:
                pass
            case _:
                raise UnavailableError("the registry does not answer")
        raise UnknownOutcomeError("no answer")


@dataclass(slots=True)
class FakeLedger:
    """A disk; ``crashes`` says whether the process ends before or after a change, or not (0)."""

    crashes: Callable[[], int] = lambda: 0
    known: Identity | None = None
    tried: tuple[str, ...] = ()
    owned: dict[Prefix, list[Prefix]] = field(default_factory=dict)

    def copied(self, crashes: Callable[[], int]) -> "FakeLedger":
        """What a copy of the machine has."""
        owned = {pool: list(blocks) for pool, blocks in self.owned.items()}
        return replace(self, crashes=crashes, owned=owned)

    def identity(self) -> Identity | None:
        return self.known

    def attempts(self) -> tuple[str, ...]:
        return self.tried

    def begin(self, identity: Identity) -> None:
        def change() -> None:
            self.known, self.tried, self.owned = identity, (), {}

        self._change(change)

    def attempt(self, text: str) -> None:
        def change() -> None:
            self.tried = (*self.tried, text)

        self._change(change)

    def admit(self, identity: Identity) -> None:
        def change() -> None:
            self.known, self.tried = identity, ()

        self._change(change)

    def pools(self) -> list[Prefix]:
        return [pool for pool, blocks in self.owned.items() if blocks]

    def blocks(self, pool: Prefix) -> list[Prefix]:
        return list(self.owned.get(pool, []))

    def add(self, pool: Prefix, block: Prefix) -> None:
        def change() -> None:
            owned = self.owned.setdefault(pool, [])
            owned += [] if block in owned else [block]

        self._change(change)

    def drop(self, pool: Prefix, block: Prefix) -> None:
        def change() -> None:
            self.owned[pool] = [each for each in self.owned.get(pool, []) if each != block]

        self._change(change)

    def _change(self, change: Callable[[], None]) -> None:
        crash = self.crashes()
        if crash == 1:
            raise CrashError
        change()
        if crash == 2:
            raise CrashError


def at_random(chance: random.Random, trouble: float) -> Fate:
    """A fate, which is trouble with this probability."""
    if chance.random() >= trouble:
        return Fate.DONE
    return chance.choice(list(Fate)[1:])
