"""What a host remembers of its blocks, in the file of its SQLite store."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Final, TypeAlias

from ipam.blocks.base import Identity
from ipam.prefixes import Prefix, parse_prefix

_Rows: TypeAlias = list[tuple[str, ...]]
_Run: TypeAlias = Callable[[Callable[[sqlite3.Connection], _Rows]], _Rows]

_IDENTITY: Final = "SELECT host, instance, CAST(generation AS TEXT), boot FROM identity"
_BE: Final = (
    "INSERT OR REPLACE INTO identity (id, host, instance, generation, boot) VALUES (1, ?, ?, ?, ?)"
)
_CLEAR_ATTEMPTS: Final = "DELETE FROM attempts"
_CLEAR_BLOCKS: Final = "DELETE FROM blocks"
_ADD: Final = "INSERT OR IGNORE INTO blocks (pool, block) VALUES (?, ?)"


class SqliteLedger:
    """The tables of the ledger; ``run`` runs an operation of the store, on disk, and alone."""

    def __init__(self, run: _Run) -> None:
        self._run = run

    def identity(self) -> Identity | None:
        for host, instance, generation, boot in self._select(_IDENTITY):
            return Identity(host=host, instance=instance, generation=int(generation), boot=boot)
        return None

    def attempts(self) -> tuple[str, ...]:
        return tuple(text for (text,) in self._select("SELECT text FROM attempts ORDER BY rowid"))

    def begin(self, identity: Identity) -> None:
        self._change((_CLEAR_BLOCKS,), (_CLEAR_ATTEMPTS,), (_BE, *_row(identity)))

    def attempt(self, text: str) -> None:
        self._change(("INSERT INTO attempts (text) VALUES (?)", text))

    def admit(self, identity: Identity) -> None:
        self._change((_CLEAR_ATTEMPTS,), (_BE, *_row(identity)))

    def pools(self) -> list[Prefix]:
        rows = self._select("SELECT pool FROM blocks GROUP BY pool ORDER BY min(rowid)")
        return [parse_prefix(pool) for (pool,) in rows]

    def blocks(self, pool: Prefix) -> list[Prefix]:
        rows = self._select("SELECT block FROM blocks WHERE pool = ? ORDER BY rowid", str(pool))
        return [parse_prefix(block) for (block,) in rows]

    def add(self, pool: Prefix, block: Prefix) -> None:
        self._change((_ADD, str(pool), str(block)))

    def drop(self, pool: Prefix, block: Prefix) -> None:
        self._change(("DELETE FROM blocks WHERE pool = ? AND block = ?", str(pool), str(block)))

    def _select(self, query: str, *values: str) -> _Rows:
        return self._run(lambda connection: connection.execute(query, values).fetchall())

    def _change(self, *statements: tuple[str, ...]) -> None:
        def change(connection: sqlite3.Connection) -> _Rows:
            for statement, *values in statements:
                connection.execute(statement, values)
            return []

        self._run(change)


def ask_registry_first(path: Path) -> None:
    """Have the registry asked before blocks are used: the file is put in the place of a later one.

    What this host gave back to others since is not its own any more.  Raises sqlite3.Error.
    """
    if not path.exists():
        return
    with closing(sqlite3.connect(path, isolation_level=None)) as file:
        tables = "SELECT count(*) FROM sqlite_master WHERE name = 'identity'"
        if file.execute(tables).fetchone()[0]:  # a file of an earlier version has no ledger
            file.execute("UPDATE identity SET boot = ''")


def _row(identity: Identity) -> tuple[str, ...]:
    return identity.host, identity.instance, str(identity.generation), identity.boot
