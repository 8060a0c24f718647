"""Open the store's file: migrate one of an older version, and leave one of a newer version.

A file of a newer version is refused unchanged, so that an upgrade loses nothing.  A file that
cannot be read is moved aside with its journal, and the next start begins with an empty one.
Network drivers fill that again (``restore_pool``), and so does the engine when it starts and
replays its networks.
"""

import sqlite3
from contextlib import closing, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Final
from urllib.parse import quote

from ipam.errors import CorruptStoreError, NewerStoreError, StoreError
from ipam.store.schema import STEPS, VERSION

BUSY_TIMEOUT: Final = 5.0  # seconds; an engine waits longer and then asks again
CACHE_KIB: Final = 4096

_JOURNALS: Final = ("-wal", "-shm", "-journal")
_UNREADABLE: Final = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def open_file(path: Path) -> sqlite3.Connection:
    """Connect for writing, and bring an older file forward.

    Raises NewerStoreError, CorruptStoreError, and StoreError if the file cannot be opened.
    """
    try:
        if path.exists() and path.stat().st_size:
            _check(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(
            path, timeout=BUSY_TIMEOUT, isolation_level=None, check_same_thread=False
        )
    except (sqlite3.Error, OSError) as error:
        raise _named(path, error) from error
    try:
        _prepare(connection)
    except sqlite3.Error as error:
        connection.close()
        raise _named(path, error) from error
    return connection


def open_reader(path: Path) -> sqlite3.Connection:
    """Connect for reading what is committed.  Raises sqlite3.Error."""
    address = f"file:{quote(str(path.absolute()))}?mode=ro"
    return sqlite3.connect(address, uri=True, timeout=BUSY_TIMEOUT, isolation_level=None)


def _check(path: Path) -> None:
    # Through a reading connection, because a writing one changes the file when it
    # closes: it moves the journal into it.
    with closing(open_reader(path)) as reader:
        version = reader.execute("PRAGMA user_version").fetchone()[0]
        if version > VERSION:
            raise NewerStoreError(
                f"{path} has version {version} and this program knows {VERSION}; "
                f"start the program that wrote it, or move the file away"
            )
        found = reader.execute("PRAGMA quick_check(1)").fetchone()[0]
        if found != "ok":
            raise _set_aside(path, " ".join(found.split()))


def _prepare(connection: sqlite3.Connection) -> None:
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
    connection.execute("BEGIN IMMEDIATE")
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    for step in STEPS[version:]:
        for statement in step.split(";"):
            connection.execute(statement)
    connection.execute(f"PRAGMA user_version = {VERSION}")
    connection.execute("COMMIT")


def _named(path: Path, error: Exception) -> StoreError:
    if getattr(error, "sqlite_errorcode", None) in _UNREADABLE:
        return _set_aside(path, str(error))
    return StoreError(f"store {path} cannot be opened: {error}")


def _set_aside(path: Path, reason: str) -> CorruptStoreError:
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%f")
    aside = path.with_name(f"{path.name}.corrupt-{stamp}")
    path.rename(aside)
    for journal in _JOURNALS:
        with suppress(FileNotFoundError):
            Path(f"{path}{journal}").rename(f"{aside}{journal}")
    return CorruptStoreError(
        f"store {path} is damaged ({reason}) and was set aside as {aside}; the next "
        f"start begins with an empty store, and a restart of the engine fills it "
        f"again with its networks and addresses",
        aside,
    )
