"""The state in one SQLite file, with all of it in memory for reading.

A commit is in the file when it returns, so that it survives a process that is killed at any point.

A commit about a network is also on the disk (WAL with synchronous=FULL), because networks survive
a power failure.  Endpoints do not: their sandboxes and links are gone, and a start corrects what
the file has of the last seconds.  So a commit about an endpoint does not wait for the disk, seven
times in the life of a container (synchronous=NORMAL: the order is kept, and the file is whole).
"""

import os
import sqlite3
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Final
from zlib import crc32

from plugin.deadline import TimedLock
from plugin.errors import StoreError
from plugin.log import Log
from plugin.model.ids import EndpointID, MacAddress, NetworkID, short
from plugin.model.leases import LeaseRecord
from plugin.model.network import Endpoint, IPInterface, Network, Protocol
from plugin.store import schema
from plugin.store.codec import DAMAGED, damaged_endpoint, damaged_network, decode, encode
from plugin.store.memory import MemoryStore, endpoint_as_kept, network_as_kept

_log: Final = Log("state")
_BUSY_SECONDS: Final = 5.0
_LOCK_SECONDS: Final = 10.0
_SETTLED: Final = 0x706E6574  # "pnet": the value before it was made of the file's inode
_TIGHT: Final = 1 << 16  # bytes left on a disk that counts as full
_PUT_NETWORK: Final = (
    "INSERT INTO network VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET record = excluded.record"
)
_PUT_ENDPOINT: Final = (
    "INSERT INTO endpoint VALUES (?, ?, ?) ON CONFLICT (id) DO UPDATE SET record = excluded.record"
)
_PUT_LEASE: Final = (
    "INSERT INTO lease VALUES (?, ?, ?) ON CONFLICT (network_id, client)"
    " DO UPDATE SET record = excluded.record"
)


class SqliteStore:
    """One writer under a lock; readers never wait for it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = TimedLock(_LOCK_SECONDS, self._busy)
        self._memory = MemoryStore()
        self._trouble = False
        self._on_disk = False
        try:
            self._connection = sqlite3.connect(
                path, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False
            )
        except sqlite3.Error as error:
            raise StoreError(f"the state {path} cannot be opened: {error}") from error
        try:
            self._file = _identity(path)
            self._open(path)
        except StoreError:
            self._connection.close()
            raise
        except (sqlite3.Error, OSError) as error:
            self._connection.close()
            raise StoreError(f"the state {path} cannot be opened: {error}") from error

    def network(self, network_id: NetworkID) -> Network | None:
        return self._memory.network(network_id)

    def networks(self) -> tuple[Network, ...]:
        return self._memory.networks()

    def save_network(self, network: Network) -> None:
        with self._lock:
            kept = network_as_kept(network, self._memory.network(network.id))
            self._write(_PUT_NETWORK, kept.id, encode(kept))
            self._memory.save_network(kept)

    def mark_network_deleting(self, network_id: NetworkID) -> bool:
        # In memory first, even if the disk fails: the tick then does the rest.
        known = self._memory.mark_network_deleting(network_id)
        with self._lock:
            marked = self._memory.network(network_id)
            if marked is not None:
                self._write(_PUT_NETWORK, marked.id, encode(marked))
        return known

    def delete_network(self, network_id: NetworkID) -> None:
        with self._lock:
            self._write("DELETE FROM network WHERE id = ?", network_id)
            self._memory.delete_network(network_id)

    def endpoint(self, endpoint_id: EndpointID) -> Endpoint | None:
        return self._memory.endpoint(endpoint_id)

    def endpoints(self, network_id: NetworkID) -> tuple[Endpoint, ...]:
        return self._memory.endpoints(network_id)

    def endpoints_at(
        self, network_id: NetworkID, addresses: Iterable[IPInterface | MacAddress]
    ) -> tuple[Endpoint, ...]:
        return self._memory.endpoints_at(network_id, addresses)

    def endpoints_in(self, sandbox_key: str) -> tuple[Endpoint, ...]:
        return self._memory.endpoints_in(sandbox_key)

    def endpoints_publishing(self, protocol: Protocol, host_port: int) -> tuple[Endpoint, ...]:
        return self._memory.endpoints_publishing(protocol, host_port)

    def save_endpoint(self, endpoint: Endpoint) -> None:
        with self._lock:
            kept = endpoint_as_kept(endpoint, self._memory.endpoint(endpoint.id))
            self._write(_PUT_ENDPOINT, kept.id, kept.network_id, encode(kept), on_disk=False)
            self._memory.save_endpoint(kept)

    def mark_endpoint_deleting(self, endpoint_id: EndpointID) -> bool:
        known = self._memory.mark_endpoint_deleting(endpoint_id)
        with self._lock:
            marked = self._memory.endpoint(endpoint_id)
            if marked is not None:
                record = encode(marked)
                self._write(_PUT_ENDPOINT, marked.id, marked.network_id, record, on_disk=False)
        return known

    def delete_endpoint(self, endpoint_id: EndpointID) -> None:
        with self._lock:
            self._write("DELETE FROM endpoint WHERE id = ?", endpoint_id, on_disk=False)
            self._memory.delete_endpoint(endpoint_id)

    def leases(self, network_id: NetworkID) -> tuple[LeaseRecord, ...]:
        return self._memory.leases(network_id)

    def save_lease(self, record: LeaseRecord) -> None:
        with self._lock:
            values = record.network_id, record.client, encode(record)
            self._write(_PUT_LEASE, *values, on_disk=False)
            self._memory.save_lease(record)

    def delete_lease(self, network_id: NetworkID, client: str) -> None:
        with self._lock:
            statement = "DELETE FROM lease WHERE network_id = ? AND client = ?"
            self._write(statement, network_id, client, on_disk=False)
            self._memory.delete_lease(network_id, client)

    def settled(self) -> bool:
        return self._memory.is_settled

    def settle(self) -> None:
        if self._memory.is_settled:
            return
        with self._lock:
            self._write(f"PRAGMA application_id = {_mark_of(self._file)}")
            self._memory.is_settled = True

    def probe(self) -> None:
        with self._lock:
            self._check_file()
            if self._trouble or self._is_tight():
                self._write(f"PRAGMA user_version = {schema.VERSION}")

    def close(self) -> None:
        with self._lock:
            self._connection.close()

    def _open(self, path: Path) -> None:
        execute = self._connection.execute
        (version,) = execute("PRAGMA user_version").fetchone()
        if version > schema.VERSION:
            raise StoreError(
                f"the state {path} was written by a newer pynet (format {version}, this one "
                f"reads {schema.VERSION}); run that version, or start with another PYNET_STATE"
            )
        execute("PRAGMA journal_mode = WAL")
        self._synchronize(on_disk=True)
        execute("PRAGMA foreign_keys = ON")
        self._connection.executescript(schema.script(version))
        self._load()
        (settled,) = execute("PRAGMA application_id").fetchone()
        self._memory.is_settled = settled in (_SETTLED, _mark_of(self._file))

    def _load(self) -> None:
        """Read all records; one that cannot be read keeps its network from being touched alone."""
        execute = self._connection.execute
        for network_id, record in execute("SELECT id, record FROM network"):
            try:
                network = decode(record, Network)
            except StoreError as error:
                _log.error("network.damaged", network=short(network_id), reason=error)
                network = damaged_network(network_id)
            self._memory.save_network(network)
        for endpoint_id, network_id, record in execute(
            "SELECT id, network_id, record FROM endpoint"
        ):
            try:
                endpoint = decode(record, Endpoint)
            except StoreError as error:
                _log.error("endpoint.damaged", endpoint=short(endpoint_id), reason=error)
                endpoint = damaged_endpoint(endpoint_id, network_id)
                known = self._memory.network(network_id) or damaged_network(network_id)
                self._memory.save_network(replace(known, mode=DAMAGED))
            self._memory.save_endpoint(endpoint)
        for network_id, record in execute("SELECT network_id, record FROM lease"):
            try:
                self._memory.save_lease(decode(record, LeaseRecord))
            except StoreError as error:  # the server ends it, as one of a host that is gone
                _log.error("lease.damaged", network=short(network_id), reason=error)

    def _busy(self, seconds: float) -> StoreError:
        return StoreError(f"the state {self._path} has not ended a write for {seconds:.0f} s")

    def _write(self, statement: str, *values: str | bytes, on_disk: bool = True) -> None:
        """Run the statement, which is a transaction by itself and waits for the lock as BEGIN IMMEDIATE does."""
        try:
            self._check_file()
            if on_disk is not self._on_disk:
                self._synchronize(on_disk=on_disk)
            self._connection.execute(statement, values)
        except sqlite3.Error as error:
            self._trouble = True
            with suppress(sqlite3.Error):  # a closed connection has nothing to roll back
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
            raise StoreError(f"the state {self._path} cannot be written: {error}") from error
        self._trouble = False

    def _synchronize(self, *, on_disk: bool) -> None:
        self._connection.execute(f"PRAGMA synchronous = {'FULL' if on_disk else 'NORMAL'}")
        self._on_disk = on_disk

    def _is_tight(self) -> bool:
        """Whether a write is likely to fail, so that one should be tried to find out."""
        disk = os.statvfs(self._path)
        return bool(disk.f_flag & os.ST_RDONLY) or disk.f_bfree * disk.f_bsize < _TIGHT

    def _check_file(self) -> None:
        """SQLite goes on writing to a file that has no name any more."""
        try:
            same = _identity(self._path) == self._file
        except OSError as error:
            raise StoreError(
                f"the state {self._path} was removed while pynet runs ({error.strerror}); "
                f"put it back, or restart pynet to begin with what is there"
            ) from error
        if not same:
            raise StoreError(
                f"the state {self._path} was replaced while pynet runs; restart pynet to read it"
            )


def _mark_of(file: tuple[int, int]) -> int:
    """The value that marks this file as settled, in the field that SQLite leaves to applications.

    It is made of the inode, so that a copy of the file is not settled.  A copy from a backup or
    another host may not list all that runs here.  The field is signed.
    """
    return (crc32(str(file[1]).encode()) & 0x7FFFFFFF) | 1


def _identity(path: Path) -> tuple[int, int]:
    found = os.stat(path)  # noqa: PTH116 - three times as fast, before every write
    return found.st_dev, found.st_ino
