"""The tables of the SQLite store's file, as the three contracts of a store see them."""

import sqlite3
from typing import Final

from ipam.lease import Lease, Owner, State
from ipam.pool import AddressSpaceName, Pool, PoolID, space_of
from ipam.prefixes import Address
from ipam.reservation import Reservation
from ipam.store.base import Transaction
from ipam.store.rows import (
    address_of,
    lease_of,
    lease_row,
    pool_of,
    pool_row,
    reservation_of,
    reservation_row,
)

LEASES: Final = (
    "SELECT pool, address, kind, state, name, mac, tag, since, until, endpoint FROM leases "
)
_POOLS: Final = (
    "SELECT id, space, tenant, prefix, ranges, exclusions, owner, network, released, "
    "requested, kin, cluster FROM pools WHERE space = ?"
)
# An upsert and not OR REPLACE, which would delete the pool's leases with the row.
_PUT_POOL: Final = (
    "INSERT INTO pools (id, space, tenant, prefix, ranges, exclusions, owner, network, "
    "released, requested, kin, cluster) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) "
    "ON CONFLICT (id) DO UPDATE SET ranges = excluded.ranges, "
    "exclusions = excluded.exclusions, owner = excluded.owner, "
    "network = excluded.network, released = excluded.released, "
    "requested = excluded.requested, kin = excluded.kin, "
    "cluster = excluded.cluster"
)
_ADD_LEASE: Final = (
    "INSERT INTO leases (pool, address, kind, state, name, mac, tag, since, until, "
    "endpoint) "
    "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING"
)
_PUT_LEASE: Final = (
    "INSERT OR REPLACE INTO leases (pool, address, kind, state, name, mac, tag, since, "
    "until, endpoint) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
_OF_OWNER: Final = " AND kind = 'endpoint' AND state <> 'bound' ORDER BY since DESC LIMIT 1"
_LEASE_OF: Final = {
    "name": LEASES + "WHERE pool = ? AND name = ?" + _OF_OWNER,
    "mac": LEASES + "WHERE pool = ? AND mac = ?" + _OF_OWNER,
    "tag": LEASES + "WHERE pool = ? AND tag = ?" + _OF_OWNER,
}
_DUE: Final = (
    "SELECT pool, address, kind, state, name, mac, tag, since, until, endpoint FROM leases "
    "JOIN pools ON pools.id = pool WHERE until <= ? AND space = ? ORDER BY until LIMIT ?"
)
_REVISE: Final = (
    "INSERT INTO counters VALUES (?, 1) ON CONFLICT (name) DO UPDATE SET value = value + 1"
)


def transaction_on(connection: sqlite3.Connection) -> Transaction:
    """The tables behind the connection."""
    return Transaction(
        pools=_Pools(connection),
        leases=_Leases(connection),
        reservations=_Reservations(connection),
    )


def counter(connection: sqlite3.Connection, name: str) -> int:
    """The counter of this name, 0 if there is none."""
    query = "SELECT value FROM counters WHERE name = ?"
    found: tuple[int] | None = connection.execute(query, (name,)).fetchone()
    return found[0] if found else 0


class _Pools:
    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._execute = connection.execute

    def revision(self, space: AddressSpaceName) -> int:
        return counter(self._connection, space)

    def held(self, space: AddressSpaceName) -> list[Pool]:
        return [pool_of(row) for row in self._execute(_POOLS, (space,))]

    def put(self, pool: Pool) -> None:
        self._execute(_PUT_POOL, pool_row(pool))
        self._execute(_REVISE, (pool.space,))

    def remove(self, pool: PoolID) -> None:
        self._execute("DELETE FROM pools WHERE id = ?", (pool,))
        self._execute(_REVISE, (space_of(pool),))


class _Leases:
    def __init__(self, connection: sqlite3.Connection) -> None:
        self._execute = connection.execute

    def addresses(self, pool: PoolID) -> list[Address]:
        rows = self._execute("SELECT address FROM leases WHERE pool = ? ORDER BY since", (pool,))
        return [address_of(packed) for (packed,) in rows]

    def get(self, pool: PoolID, address: Address) -> Lease | None:
        return self._first(LEASES + "WHERE pool = ? AND address = ?", (pool, address.packed))

    def of_owner(self, pool: PoolID, owner: Owner) -> Lease | None:
        for column, query in _LEASE_OF.items():
            value = getattr(owner, column)
            found = value and self._first(query, (pool, value))
            if found:
                return found
        return None

    def first_resting(self, pool: PoolID) -> Lease | None:
        return self._first(
            LEASES + "WHERE pool = ? AND state = 'resting' ORDER BY until LIMIT 1", (pool,)
        )

    def due(self, space: AddressSpaceName, now: float, limit: int) -> list[Lease]:
        return [lease_of(row) for row in self._execute(_DUE, (now, space, limit))]

    def add(self, lease: Lease) -> bool:
        return self._execute(_ADD_LEASE, lease_row(lease)).rowcount == 1

    def put(self, lease: Lease) -> None:
        self._execute(_PUT_LEASE, lease_row(lease))

    def remove(self, pool: PoolID, address: Address) -> None:
        self._execute("DELETE FROM leases WHERE pool = ? AND address = ?", (pool, address.packed))

    def count(self, pool: PoolID) -> dict[State, int]:
        rows = self._execute(
            "SELECT state, count(*) FROM leases WHERE pool = ? GROUP BY state", (pool,)
        )
        return {State(state): number for state, number in rows}

    def _first(self, query: str, values: tuple[str | bytes, ...]) -> Lease | None:
        row = self._execute(query, values).fetchone()
        return None if row is None else lease_of(row)


class _Reservations:
    def __init__(self, connection: sqlite3.Connection) -> None:
        self._execute = connection.execute

    def all(self) -> list[Reservation]:
        rows = self._execute(
            "SELECT space, tenant, address, name, mac, tag FROM reservations "
            "ORDER BY space, tenant, length(address), address"
        )
        return [reservation_of(row) for row in rows]

    def put(self, reservation: Reservation) -> None:
        self._execute(
            "INSERT OR REPLACE INTO reservations (space, tenant, address, name, mac, tag) "
            "VALUES (?, ?, ?, ?, ?, ?)",
            reservation_row(reservation),
        )
        self._execute(_REVISE, (reservation.space,))

    def remove(self, reservation: Reservation) -> None:
        self._execute(
            "DELETE FROM reservations WHERE space = ? AND tenant = ? AND address = ?",
            reservation_row(reservation)[:3],
        )
        self._execute(_REVISE, (reservation.space,))
