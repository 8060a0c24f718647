"""A store that forgets: for tests, and for trying things out.

It undoes a failed operation by playing back what each change replaced.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from threading import Lock
from typing import TypeAlias, TypeVar

from ipam.lease import Kind, Lease, Owner, State
from ipam.pool import AddressSpaceName, Pool, PoolID, Tenant, space_of
from ipam.prefixes import Address
from ipam.reservation import Reservation
from ipam.store.base import Transaction

K = TypeVar("K")
T = TypeVar("T")
V = TypeVar("V")
_Place: TypeAlias = tuple[AddressSpaceName, Tenant, int, int]


class MemoryStore:
    """Pools, leases and reservations in dictionaries."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._tables = _Tables()
        self._transaction = Transaction(
            pools=_Pools(self._tables),
            leases=_Leases(self._tables),
            reservations=_Reservations(self._tables),
        )

    def run(self, operation: Callable[[Transaction], T], *, on_disk: bool = True) -> T:
        """Keep or undo; nothing outlives the process here."""
        with self._lock:
            self._tables.begin()
            try:
                return operation(self._transaction)
            except BaseException:
                self._tables.undo()
                raise

    def sync(self) -> None:
        """There is no disk."""

    def leases(self, pool: PoolID) -> Iterator[Lease]:
        held = self._tables.leases.get(pool, {}).copy()
        return iter([held[address] for address in sorted(held, key=int)])

    def close(self) -> None:
        """Nothing is open."""


class _Tables:
    """The dictionaries, and how to undo what was changed in them."""

    def __init__(self) -> None:
        self.revisions: Counter[AddressSpaceName] = Counter()
        self.pools: dict[PoolID, Pool] = {}
        self.leases: dict[PoolID, dict[Address, Lease]] = {}
        self.reservations: dict[_Place, Reservation] = {}
        self._undo: list[Callable[[], object]] = []

    def begin(self) -> None:
        self._undo.clear()

    def undo(self) -> None:
        for step in reversed(self._undo):
            step()

    def revise(self, space: AddressSpaceName) -> None:
        self.put(self.revisions, space, self.revisions[space] + 1)

    def put(self, table: dict[K, V], key: K, value: V) -> None:
        if key in table:
            self._undo.append(partial(table.__setitem__, key, table[key]))
        else:
            self._undo.append(partial(table.pop, key))
        table[key] = value

    def pop(self, table: dict[K, V], key: K) -> None:
        if key in table:
            self._undo.append(partial(table.__setitem__, key, table.pop(key)))


class _Pools:
    def __init__(self, tables: _Tables) -> None:
        self._tables = tables

    def revision(self, space: AddressSpaceName) -> int:
        return self._tables.revisions[space]

    def held(self, space: AddressSpaceName) -> list[Pool]:
        return [pool for pool in self._tables.pools.values() if pool.space == space]

    def put(self, pool: Pool) -> None:
        self._tables.put(self._tables.pools, pool.id, pool)
        if pool.id not in self._tables.leases:
            self._tables.put(self._tables.leases, pool.id, {})
        self._tables.revise(pool.space)

    def remove(self, pool: PoolID) -> None:
        self._tables.pop(self._tables.pools, pool)
        self._tables.pop(self._tables.leases, pool)
        self._tables.revise(space_of(pool))


class _Leases:
    def __init__(self, tables: _Tables) -> None:
        self._tables = tables
        self._by_pool = tables.leases

    def addresses(self, pool: PoolID) -> list[Address]:
        held = self._by_pool.get(pool, {}).values()
        return [lease.address for lease in sorted(held, key=lambda held: held.since)]

    def get(self, pool: PoolID, address: Address) -> Lease | None:
        return self._by_pool.get(pool, {}).get(address)

    def of_owner(self, pool: PoolID, owner: Owner) -> Lease | None:
        loose = [
            lease
            for lease in self._by_pool.get(pool, {}).values()
            if lease.kind is Kind.ENDPOINT and lease.state is not State.BOUND
        ]
        for key in ("name", "mac", "tag"):
            value = getattr(owner, key)
            same = [each for each in loose if value == getattr(each.owner, key)]
            if value and same:
                return max(same, key=lambda lease: lease.since)
        return None

    def first_resting(self, pool: PoolID) -> Lease | None:
        held = self._by_pool.get(pool, {}).values()
        return min(
            (lease for lease in held if lease.state is State.RESTING),
            key=lambda lease: lease.until or 0.0,
            default=None,
        )

    def due(self, space: AddressSpaceName, now: float, limit: int) -> list[Lease]:
        ended = [
            lease
            for pool, held in self._by_pool.items()
            if self._tables.pools[pool].space == space
            for lease in held.values()
            if lease.until is not None and lease.until <= now
        ]
        return sorted(ended, key=lambda lease: lease.until or 0.0)[:limit]

    def add(self, lease: Lease) -> bool:
        if lease.address in self._by_pool[lease.pool]:
            return False
        self.put(lease)
        return True

    def put(self, lease: Lease) -> None:
        self._tables.put(self._by_pool[lease.pool], lease.address, lease)

    def remove(self, pool: PoolID, address: Address) -> None:
        self._tables.pop(self._by_pool.get(pool, {}), address)

    def count(self, pool: PoolID) -> dict[State, int]:
        return Counter(lease.state for lease in self._by_pool.get(pool, {}).values())


class _Reservations:
    def __init__(self, tables: _Tables) -> None:
        self._tables = tables
        self._by_place = tables.reservations

    def all(self) -> list[Reservation]:
        return sorted(self._by_place.values(), key=_place)

    def put(self, reservation: Reservation) -> None:
        self._tables.put(self._by_place, _place(reservation), reservation)
        self._tables.revise(reservation.space)

    def remove(self, reservation: Reservation) -> None:
        self._tables.pop(self._by_place, _place(reservation))
        self._tables.revise(reservation.space)


def _place(reservation: Reservation) -> _Place:
    address = reservation.address
    return reservation.space, reservation.tenant, address.version, int(address)
