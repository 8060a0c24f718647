"""A store in one SQLite file, safe to share between processes.

One connection writes, under a lock: several writing connections in one process
wait for each other in SQLite's sleeping busy handler, which was measured to cost
half of the throughput and ten times the worst wait.  ``synchronous=FULL`` lets a
commit survive the loss of power; ``BEGIN IMMEDIATE`` takes the file's write lock
before anything is read, so that what was read is still true when it is written.
"""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from threading import Lock
from typing import Final

from ipam.errors import StoreError
from ipam.lease import Lease, Owner, State
from ipam.pool import AddressSpaceName, Pool, PoolID, space_of
from ipam.prefixes import Address
from ipam.reservation import Reservation
from ipam.store.files import open_file, open_reader
from ipam.store.rows import (
    address_of,
    lease_of,
    lease_row,
    pool_of,
    pool_row,
    reservation_of,
    reservation_row,
)
from ipam.turns import turn

_POOLS: Final = (
    "SELECT id, space, tenant, prefix, ranges, exclusions, owner, network, released, "
    "requested, kin FROM pools WHERE space = ?"
)
# An upsert and not OR REPLACE, which would delete the pool's leases with the row.
_PUT_POOL: Final = (
    "INSERT INTO pools (id, space, tenant, prefix, ranges, exclusions, owner, network, "
    "released, requested, kin) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) "
    "ON CONFLICT (id) DO UPDATE SET ranges = excluded.ranges, "
    "exclusions = excluded.exclusions, owner = excluded.owner, "
    "network = excluded.network, released = excluded.released, "
    "requested = excluded.requested, kin = excluded.kin"
)
_LEASES: Final = (
    "SELECT pool, address, kind, state, name, mac, tag, since, until, endpoint FROM leases "
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
    "name": _LEASES + "WHERE pool = ? AND name = ?" + _OF_OWNER,
    "mac": _LEASES + "WHERE pool = ? AND mac = ?" + _OF_OWNER,
    "tag": _LEASES + "WHERE pool = ? AND tag = ?" + _OF_OWNER,
}
_DUE: Final = (
    "SELECT pool, address, kind, state, name, mac, tag, since, until, endpoint FROM leases "
    "JOIN pools ON pools.id = pool WHERE until <= ? AND space = ? ORDER BY until LIMIT ?"
)
_REPLAY: Final = "replay"  # beside the address spaces, whose names are others


class SqliteStore:
    """Pools and leases in the file at ``path``."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = Lock()
        self._connection = open_file(path)
        self._execute = self._connection.execute
        self._on_disk = True  # as it was opened
        self._file = _identity(path)

    @contextmanager
    def transaction(self, *, on_disk: bool = True) -> Iterator[None]:
        with turn(self._lock, f"store {self._path}"):
            self._check_file()
            try:
                if on_disk is not self._on_disk:
                    self._execute(f"PRAGMA synchronous = {'FULL' if on_disk else 'NORMAL'}")
                    self._on_disk = on_disk
                self._execute("BEGIN IMMEDIATE")
                yield
                self._execute("COMMIT")
            except sqlite3.Error as error:
                self._roll_back()
                raise StoreError(f"store {self._path} cannot write: {error}") from error
            except BaseException:
                self._roll_back()
                raise

    def revision(self, space: AddressSpaceName) -> int:
        return self._counter(space)

    def others(self) -> int:
        found: tuple[int] = self._execute("PRAGMA data_version").fetchone()
        return found[0]

    def pools(self, space: AddressSpaceName) -> list[Pool]:
        rows = self._execute(_POOLS, (space,))
        return [pool_of(row) for row in rows]

    def put_pool(self, pool: Pool) -> None:
        self._execute(_PUT_POOL, pool_row(pool))
        self._revise(pool.space)

    def remove_pool(self, pool: PoolID) -> None:
        self._execute("DELETE FROM pools WHERE id = ?", (pool,))
        self._revise(space_of(pool))

    def addresses(self, pool: PoolID) -> list[Address]:
        rows = self._execute("SELECT address FROM leases WHERE pool = ? ORDER BY since", (pool,))
        return [address_of(packed) for (packed,) in rows]

    def leases(self, pool: PoolID) -> Iterator[Lease]:
        try:
            with closing(open_reader(self._path)) as reader:
                rows = reader.execute(_LEASES + "WHERE pool = ? ORDER BY address", (pool,))
                yield from map(lease_of, rows)
        except sqlite3.Error as error:
            raise StoreError(f"store {self._path} cannot be read: {error}") from error

    def lease(self, pool: PoolID, address: Address) -> Lease | None:
        return self._first(_LEASES + "WHERE pool = ? AND address = ?", (pool, address.packed))

    def lease_of(self, pool: PoolID, owner: Owner) -> Lease | None:
        for column, query in _LEASE_OF.items():
            value = getattr(owner, column)
            found = value and self._first(query, (pool, value))
            if found:
                return found
        return None

    def resting(self, pool: PoolID) -> Lease | None:
        return self._first(
            _LEASES + "WHERE pool = ? AND state = 'resting' ORDER BY until LIMIT 1", (pool,)
        )

    def due(self, space: AddressSpaceName, now: float, limit: int) -> list[Lease]:
        rows = self._execute(_DUE, (now, space, limit))
        return [lease_of(row) for row in rows]

    def add_lease(self, lease: Lease) -> bool:
        return self._execute(_ADD_LEASE, lease_row(lease)).rowcount == 1

    def put_lease(self, lease: Lease) -> None:
        self._execute(_PUT_LEASE, lease_row(lease))

    def remove_lease(self, pool: PoolID, address: Address) -> None:
        self._execute("DELETE FROM leases WHERE pool = ? AND address = ?", (pool, address.packed))

    def count(self, pool: PoolID) -> dict[State, int]:
        rows = self._execute(
            "SELECT state, count(*) FROM leases WHERE pool = ? GROUP BY state", (pool,)
        )
        return {State(state): number for state, number in rows}

    def reservations(self) -> list[Reservation]:
        rows = self._execute(
            "SELECT space, tenant, address, name, mac, tag FROM reservations "
            "ORDER BY space, tenant, length(address), address"
        )
        return [reservation_of(row) for row in rows]

    def put_reservation(self, reservation: Reservation) -> None:
        self._execute(
            "INSERT OR REPLACE INTO reservations (space, tenant, address, name, mac, tag) "
            "VALUES (?, ?, ?, ?, ?, ?)",
            reservation_row(reservation),
        )
        self._revise(reservation.space)

    def remove_reservation(self, reservation: Reservation) -> None:
        self._execute(
            "DELETE FROM reservations WHERE space = ? AND tenant = ? AND address = ?",
            reservation_row(reservation)[:3],
        )
        self._revise(reservation.space)

    def replay_due(self) -> bool:
        return self._counter(_REPLAY) > 0

    def put_replay_due(self, *, due: bool) -> None:
        self._execute("INSERT OR REPLACE INTO counters VALUES (?, ?)", (_REPLAY, int(due)))

    def close(self) -> None:
        with turn(self._lock, f"store {self._path}"):
            self._connection.close()

    def _counter(self, name: str) -> int:
        found: tuple[int] | None = self._execute(
            "SELECT value FROM counters WHERE name = ?", (name,)
        ).fetchone()
        return found[0] if found else 0

    def _first(self, query: str, values: tuple[str | bytes, ...]) -> Lease | None:
        row = self._execute(query, values).fetchone()
        return None if row is None else lease_of(row)

    def _revise(self, space: AddressSpaceName) -> None:
        self._execute(
            "INSERT INTO counters VALUES (?, 1) ON CONFLICT (name) DO UPDATE SET value = value + 1",
            (space,),
        )

    def _check_file(self) -> None:
        """SQLite goes on with a file that has no name any more, and all of it is lost then."""
        try:
            same = _identity(self._path) == self._file
        except StoreError as error:
            raise StoreError(
                f"store {self._path} was removed while it was open; put it back, or restart to "
                f"begin with what is there"
            ) from error
        if not same:
            raise StoreError(
                f"store {self._path} was replaced while it was open; restart to read it"
            )

    def _roll_back(self) -> None:
        with suppress(sqlite3.Error):  # a closed connection has nothing to roll back
            if self._connection.in_transaction:
                self._execute("ROLLBACK")


def _identity(path: Path) -> tuple[int, int]:
    """Which file it is.  Raises StoreError if there is none."""
    try:
        found = os.stat(path)  # noqa: PTH116 - three times as fast, before every transaction
    except OSError as error:
        raise StoreError(f"store {path} cannot be found: {error.strerror}") from error
    return found.st_dev, found.st_ino
