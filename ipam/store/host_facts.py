"""Facts that each host keeps about its engine and processes, beside any kind of store.

A store that several hosts share has no place for it, so it is kept by a companion on the host.
The SQLite store is such a companion too.
"""

from collections.abc import Sequence
from itertools import count
from typing import Protocol

from ipam.prefixes import Prefix


class HostFacts(Protocol):
    """The companion of a store on this host."""

    def replay_due(self) -> bool:
        """Whether it was recorded last that something is missing which the engine knows.

        Raises StoreError.
        """
        ...

    def put_replay_due(self, *, due: bool) -> None:
        """Record whether something is missing which the engine knows.  Raises StoreError."""
        ...

    def changes_by_others(self) -> int:
        """A number that changes whenever another process may have changed leases.

        Asked within an operation of the store.
        """
        ...

    def blocks(self, pool: Prefix) -> Sequence[Prefix] | None:
        """The parts of a cluster's pool that this host may give; None if it is in no cluster.

        Asked within an operation of the store.
        """
        ...


class MemoryFacts:
    """A companion in memory: it forgets with the process, ignores other processes, and has no cluster."""

    def __init__(self) -> None:
        self._replay_due = False
        self._asked = count()

    def replay_due(self) -> bool:
        return self._replay_due

    def put_replay_due(self, *, due: bool) -> None:
        self._replay_due = due

    def changes_by_others(self) -> int:
        # Another number each time: a pool that looks full is then read again.
        return next(self._asked)

    def blocks(self, _: Prefix) -> None:
        return None
