"""A store of addresses whose first try at an operation is lost, as an optimistic one's may be."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import TypeVar

from ipam.lease import Lease
from ipam.pool import PoolID
from ipam.store.base import Store, Transaction

T = TypeVar("T")


class LosingStore:
    """Runs every operation, loses all that it changed, and runs it again."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def run(self, operation: Callable[[Transaction], T], *, on_disk: bool = True) -> T:
        """The second time counts; what the operation refuses, it refuses the first time."""

        def lose(stored: Transaction) -> None:
            operation(stored)
            raise _LostError

        with suppress(_LostError):
            self._store.run(lose, on_disk=on_disk)
        return self._store.run(operation, on_disk=on_disk)

    def sync(self) -> None:
        self._store.sync()

    def leases(self, pool: PoolID) -> Iterator[Lease]:
        return self._store.leases(pool)

    def close(self) -> None:
        self._store.close()


class _LostError(Exception):
    """Another operation changed what this one had read."""
