"""The journal of a SQLite file, brought to the disk for several callers at once.

SQLite waits for the disk in each commit, with the write lock held, so that callers wait for each
other's disk.  Here a commit is written, and a caller that must know it on the disk waits afterwards
and holds no lock.  One wait for the disk serves all that was written before it began.

The kernel tells of what a disk lost once, and the next wait would succeed.  So after a failure none does, until
all is written anew.
"""

import os
import threading
from pathlib import Path

from ipam.errors import StoreError
from ipam.timed_lock import PATIENCE


class Journal:
    """The file to which commits are appended (WAL), opened once more.

    Closing any descriptor of a file ends the locks that the process has on it (fcntl(2)).  SQLite
    locks the database and its index, never the journal.

    Raises StoreError if it cannot be opened.
    """

    def __init__(self, store: Path) -> None:
        self._store = store
        self._changed = threading.Condition()
        self._written = self._on_disk = 0  # commits
        self._lost = False
        self._busy = False
        try:
            self._file = os.open(f"{store}-wal", os.O_RDONLY | os.O_CLOEXEC)
        except OSError as error:
            raise self._failure(error) from error

    def was_written(self) -> None:
        """Record a commit that changed something."""
        with self._changed:
            self._written += 1

    @property
    def has_lost(self) -> bool:
        """Whether the disk may lack something that was written, and no wait brings it there."""
        return self._lost

    def may_have_lost(self) -> None:
        """Take what was written for lost, until all is written anew."""
        with self._changed:
            self._lost = True

    def was_written_anew(self) -> None:
        """All is on the disk, elsewhere than in this file; nothing was written meanwhile."""
        with self._changed:
            self._lost, self._on_disk = False, self._written

    def sync(self) -> None:
        """Return when all that was written before is on the disk.  Raises StoreError."""
        with self._changed:
            wanted = self._written
            while self._on_disk < wanted:
                if self._lost:
                    raise StoreError(f"store {self._store} cannot be brought to the disk")
                if not self._busy:
                    self._sync()
                elif not self._changed.wait(PATIENCE):
                    raise StoreError(f"store {self._store} has waited {PATIENCE:g} s for its disk")

    def close(self) -> None:
        """Close the file; no caller is inside."""
        os.close(self._file)

    def _sync(self) -> None:
        """Wait for the disk, on behalf of all callers; the lock is not held meanwhile."""
        self._busy, written = True, self._written
        self._changed.release()
        failure = None
        try:
            os.fdatasync(self._file)
        except OSError as error:
            failure = error
        finally:
            self._changed.acquire()
            self._busy = False
            self._changed.notify_all()
        if failure is not None:
            self._lost = True
            raise self._failure(failure) from failure
        self._on_disk = max(self._on_disk, written)

    def _failure(self, error: OSError) -> StoreError:
        return StoreError(f"store {self._store} cannot be brought to the disk: {error.strerror}")
