"""The state in one SQLite file, with all of it in memory for reading.

WAL with synchronous=FULL: a commit is on the disk when it returns, which costs 0.15 ms
here and is what a promise to dockerd is worth.
"""

import sqlite3
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from plugin.errors import StoreError
from plugin.model.ids import EndpointID, NetworkID
from plugin.model.network import Endpoint, IPInterface, Network
from plugin.store.codec import decode, encode
from plugin.store.memory import MemoryStore

SCHEMA_VERSION: Final = 1
_BUSY_SECONDS: Final = 5.0
_SCHEMA: Final = f"""
CREATE TABLE network (
    id TEXT PRIMARY KEY,
    record BLOB NOT NULL
) WITHOUT ROWID;
CREATE TABLE endpoint (
    id TEXT PRIMARY KEY,
    network_id TEXT NOT NULL REFERENCES network (id) ON DELETE CASCADE,
    record BLOB NOT NULL
) WITHOUT ROWID;
CREATE INDEX endpoint_network ON endpoint (network_id);
PRAGMA user_version = {SCHEMA_VERSION};
"""


class SqliteStore:
    """One writer under a lock; readers never wait for it."""

    def __init__(self, path: Path) -> None:
        self._lock = threading.Lock()
        self._memory = MemoryStore()
        try:
            self._connection = sqlite3.connect(
                path, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False
            )
            self._open(path)
        except sqlite3.Error as error:
            raise StoreError(f"the state {path} cannot be opened: {error}") from error

    def network(self, network_id: NetworkID) -> Network | None:
        return self._memory.network(network_id)

    def networks(self) -> tuple[Network, ...]:
        return self._memory.networks()

    def save_network(self, network: Network) -> None:
        with self._transaction():
            self._connection.execute(
                "INSERT INTO network VALUES (?, ?)"
                " ON CONFLICT (id) DO UPDATE SET record = excluded.record",
                (network.id, encode(network)),
            )
        self._memory.save_network(network)

    def delete_network(self, network_id: NetworkID) -> None:
        with self._transaction():
            self._connection.execute("DELETE FROM network WHERE id = ?", (network_id,))
        self._memory.delete_network(network_id)

    def endpoint(self, endpoint_id: EndpointID) -> Endpoint | None:
        return self._memory.endpoint(endpoint_id)

    def endpoints(self, network_id: NetworkID) -> tuple[Endpoint, ...]:
        return self._memory.endpoints(network_id)

    def endpoints_at(
        self, network_id: NetworkID, addresses: Iterable[IPInterface]
    ) -> tuple[Endpoint, ...]:
        return self._memory.endpoints_at(network_id, addresses)

    def save_endpoint(self, endpoint: Endpoint) -> None:
        with self._transaction():
            self._connection.execute(
                "INSERT INTO endpoint VALUES (?, ?, ?)"
                " ON CONFLICT (id) DO UPDATE SET record = excluded.record",
                (endpoint.id, endpoint.network_id, encode(endpoint)),
            )
        self._memory.save_endpoint(endpoint)

    def delete_endpoint(self, endpoint_id: EndpointID) -> None:
        with self._transaction():
            self._connection.execute("DELETE FROM endpoint WHERE id = ?", (endpoint_id,))
        self._memory.delete_endpoint(endpoint_id)

    def close(self) -> None:
        with self._lock:
            self._connection.close()

    def _open(self, path: Path) -> None:
        execute = self._connection.execute
        (version,) = execute("PRAGMA user_version").fetchone()
        if version > SCHEMA_VERSION:
            raise StoreError(
                f"the state {path} was written by a newer pynet (format {version}, this one "
                f"reads {SCHEMA_VERSION}); run that version, or start with another PYNET_STATE"
            )
        execute("PRAGMA journal_mode = WAL")
        execute("PRAGMA synchronous = FULL")
        execute("PRAGMA foreign_keys = ON")
        if version == 0:
            self._connection.executescript(f"BEGIN IMMEDIATE;{_SCHEMA}COMMIT;")
        for (record,) in execute("SELECT record FROM network"):
            self._memory.save_network(decode(record, Network))
        for (record,) in execute("SELECT record FROM endpoint"):
            self._memory.save_endpoint(decode(record, Endpoint))

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        with self._lock:
            try:
                self._connection.execute("BEGIN IMMEDIATE")
                yield
                self._connection.execute("COMMIT")
            except sqlite3.Error as error:
                with suppress(sqlite3.Error):  # a closed connection has nothing to roll back
                    if self._connection.in_transaction:
                        self._connection.execute("ROLLBACK")
                raise StoreError(f"the state cannot be written: {error}") from error
