"""A store that forgets: for tests, and for trying things out.

It undoes a failed transaction by playing back what each change replaced.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from threading import Lock
from typing import TypeAlias, TypeVar

from ipam.lease import Kind, Lease, Owner, State
from ipam.pool import AddressSpaceName, Pool, PoolID, Tenant, space_of
from ipam.prefixes import Address
from ipam.reservation import Reservation

K = TypeVar("K")
V = TypeVar("V")
_Place: TypeAlias = tuple[AddressSpaceName, Tenant, int, int]


class MemoryStore:
    """Pools and leases in dictionaries."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._undo: list[Callable[[], object]] = []
        self._revisions: Counter[AddressSpaceName] = Counter()
        self._pools: dict[PoolID, Pool] = {}
        self._leases: dict[PoolID, dict[Address, Lease]] = {}
        self._reservations: dict[_Place, Reservation] = {}
        self._facts: dict[str, bool] = {}

    @contextmanager
    def transaction(self, *, on_disk: bool = True) -> Iterator[None]:
        """Keep or undo; nothing outlives the process here."""
        with self._lock:
            self._undo.clear()
            try:
                yield
            except BaseException:
                for step in reversed(self._undo):
                    step()
                raise

    def revision(self, space: AddressSpaceName) -> int:
        return self._revisions[space]

    def others(self) -> int:
        return 0

    def pools(self, space: AddressSpaceName) -> list[Pool]:
        return [pool for pool in self._pools.values() if pool.space == space]

    def put_pool(self, pool: Pool) -> None:
        self._put(self._pools, pool.id, pool)
        if pool.id not in self._leases:
            self._put(self._leases, pool.id, {})
        self._revisions[pool.space] += 1

    def remove_pool(self, pool: PoolID) -> None:
        self._pop(self._pools, pool)
        self._pop(self._leases, pool)
        self._revisions[space_of(pool)] += 1

    def addresses(self, pool: PoolID) -> list[Address]:
        held = self._leases.get(pool, {}).values()
        return [lease.address for lease in sorted(held, key=lambda held: held.since)]

    def leases(self, pool: PoolID) -> Iterator[Lease]:
        held = self._leases.get(pool, {}).copy()
        return iter([held[address] for address in sorted(held, key=int)])

    def lease(self, pool: PoolID, address: Address) -> Lease | None:
        return self._leases.get(pool, {}).get(address)

    def lease_of(self, pool: PoolID, owner: Owner) -> Lease | None:
        loose = [
            lease
            for lease in self._leases.get(pool, {}).values()
            if lease.kind is Kind.ENDPOINT and lease.state is not State.BOUND
        ]
        for key in ("name", "mac", "tag"):
            value = getattr(owner, key)
            same = [each for each in loose if value == getattr(each.owner, key)]
            if value and same:
                return max(same, key=lambda lease: lease.since)
        return None

    def resting(self, pool: PoolID) -> Lease | None:
        held = self._leases.get(pool, {}).values()
        return min(
            (lease for lease in held if lease.state is State.RESTING),
            key=lambda lease: lease.until or 0.0,
            default=None,
        )

    def due(self, space: AddressSpaceName, now: float, limit: int) -> list[Lease]:
        ended = [
            lease
            for pool, held in self._leases.items()
            if self._pools[pool].space == space
            for lease in held.values()
            if lease.until is not None and lease.until <= now
        ]
        return sorted(ended, key=lambda lease: lease.until or 0.0)[:limit]

    def add_lease(self, lease: Lease) -> bool:
        if lease.address in self._leases[lease.pool]:
            return False
        self._put(self._leases[lease.pool], lease.address, lease)
        return True

    def put_lease(self, lease: Lease) -> None:
        self._put(self._leases[lease.pool], lease.address, lease)

    def remove_lease(self, pool: PoolID, address: Address) -> None:
        self._pop(self._leases.get(pool, {}), address)

    def count(self, pool: PoolID) -> dict[State, int]:
        return Counter(lease.state for lease in self._leases.get(pool, {}).values())

    def reservations(self) -> list[Reservation]:
        return sorted(self._reservations.values(), key=_place)

    def put_reservation(self, reservation: Reservation) -> None:
        self._put(self._reservations, _place(reservation), reservation)
        self._revisions[reservation.space] += 1

    def remove_reservation(self, reservation: Reservation) -> None:
        self._pop(self._reservations, _place(reservation))
        self._revisions[reservation.space] += 1

    def replay_due(self) -> bool:
        return self._facts.get("replay", False)

    def put_replay_due(self, *, due: bool) -> None:
        self._put(self._facts, "replay", due)

    def close(self) -> None:
        pass

    def _put(self, table: dict[K, V], key: K, value: V) -> None:
        if key in table:
            self._undo.append(partial(table.__setitem__, key, table[key]))
        else:
            self._undo.append(partial(table.pop, key))
        table[key] = value

    def _pop(self, table: dict[K, V], key: K) -> None:
        if key in table:
            self._undo.append(partial(table.__setitem__, key, table.pop(key)))


def _place(reservation: Reservation) -> _Place:
    address = reservation.address
    return reservation.space, reservation.tenant, address.version, int(address)
