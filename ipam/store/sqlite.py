"""A store in one SQLite file, safe to share between processes.

One connection writes, under a lock.  Several writing connections in one process would wait for
each other in SQLite's busy handler, which sleeps: measured, that costs half of the throughput and
makes the worst wait ten times longer.  ``synchronous=FULL`` lets a commit survive a loss of power,
and so does ``sync`` after a commit without it, for several callers at once (``journal.py``).
``BEGIN IMMEDIATE`` takes the file's write lock before anything is read.  So what was read is still
true when the operation writes, and no operation has to run again.
"""

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Final, TypeVar

from ipam.errors import StoreError
from ipam.lease import Lease
from ipam.pool import PoolID
from ipam.prefixes import Prefix
from ipam.store.base import Transaction
from ipam.store.files import open_file, open_reader
from ipam.store.journal import Journal
from ipam.store.ledger import SqliteLedger
from ipam.store.rows import lease_of
from ipam.store.tables import LEASES, counter, transaction_on
from ipam.timed_lock import TimedLock

T = TypeVar("T")

_REPLAY: Final = "replay"  # beside the address spaces, whose names are others


class SqliteStore:
    """Pools, leases and reservations in the file at ``path``; this host's facts and ledger too.

    Raises NewerStoreError, CorruptStoreError, StoreError if the file cannot be opened.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = TimedLock(f"store {path}")
        self._connection = open_file(path)
        self._transaction = transaction_on(self._connection)
        self.ledger = SqliteLedger(lambda change: self.run(lambda _: change(self._connection)))
        self._on_disk = True  # as it was opened
        self._file = _identity(path)
        self._journal = Journal(path)
        self._changes = self._connection.total_changes

    def run(self, operation: Callable[[Transaction], T], *, on_disk: bool = True) -> T:
        with self._lock:
            self._check_file()
            execute = self._connection.execute
            try:
                if on_disk is not self._on_disk:
                    execute(f"PRAGMA synchronous = {'FULL' if on_disk else 'NORMAL'}")
                    self._on_disk = on_disk
                if self._journal.has_lost:
                    self._write_anew()
                execute("BEGIN IMMEDIATE")
                answer = operation(self._transaction)
                execute("COMMIT")
                self._note_changes()
            except sqlite3.Error as error:
                self._roll_back()
                if getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_IOERR:
                    self._journal.may_have_lost()  # what was written before, and not awaited
                raise StoreError(f"store {self._path} cannot write: {error}") from error
            except BaseException:
                self._roll_back()
                raise
            return answer

    def sync(self) -> None:
        self._journal.sync()

    def leases(self, pool: PoolID) -> Iterator[Lease]:
        try:
            with closing(open_reader(self._path)) as reader:
                rows = reader.execute(LEASES + "WHERE pool = ? ORDER BY address", (pool,))
                yield from map(lease_of, rows)
        except sqlite3.Error as error:
            raise StoreError(f"store {self._path} cannot be read: {error}") from error

    def replay_due(self) -> bool:
        return self.run(lambda _: counter(self._connection, _REPLAY) > 0)

    def put_replay_due(self, *, due: bool) -> None:
        statement = "INSERT OR REPLACE INTO counters VALUES (?, ?)"
        self.run(lambda _: self._connection.execute(statement, (_REPLAY, int(due))))

    def changes_by_others(self) -> int:
        # https://www.sqlite.org/pragma.html#pragma_data_version
        found: tuple[int] = self._connection.execute("PRAGMA data_version").fetchone()
        return found[0]

    def blocks(self, _: Prefix) -> None:
        """In no cluster: without the registry none of the blocks in the ledger may be given."""

    def close(self) -> None:
        with self._lock:
            self._connection.close()
            self._journal.close()

    def _note_changes(self) -> None:
        changes = self._connection.total_changes
        if changes != self._changes:
            self._changes = changes
            self._journal.was_written()

    def _write_anew(self) -> None:
        """Move what is in the journal into the file, and wait for that: the next commits begin another journal.

        What follows something lost in a journal is lost with it.  Raises sqlite3.Error, StoreError.
        """
        is_read, *_ = self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        if is_read:
            raise StoreError(f"store {self._path} is in use, and must be written anew; try again")
        self._journal.was_written_anew()

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
                self._connection.execute("ROLLBACK")


def _identity(path: Path) -> tuple[int, int]:
    """Which file it is.  Raises StoreError if there is none."""
    try:
        found = os.stat(path)  # noqa: PTH116 - three times as fast, before every transaction
    except OSError as error:
        raise StoreError(f"store {path} cannot be found: {error.strerror}") from error
    return found.st_dev, found.st_ino
