"""What the plugin's two files hold, at next to no cost while they do not change."""

import sqlite3
from pathlib import Path
from typing import Final

from tests.reliability.crash.snapshot import QUERIES

_NAMES: Final = tuple(QUERIES)


class State:
    """Both files, open for reading."""

    def __init__(self, directory: Path) -> None:
        self._open = {
            name: sqlite3.connect(f"file:{directory / QUERIES[name][0]}?mode=ro", uri=True)
            for name in _NAMES
        }
        self._versions: tuple[int, ...] = ()
        self._rows: frozenset[str] = frozenset()

    def rows(self) -> frozenset[str]:
        """Every row."""
        versions = tuple(self._number(name, "PRAGMA data_version") for name in _NAMES)
        if versions != self._versions:
            self._versions = versions
            self._rows = frozenset(
                str(row)
                for name in _NAMES
                for query in QUERIES[name][1]
                for row in self._open[name].execute(query)
            )
        return self._rows

    def networks(self) -> list[str]:
        """The id of every network."""
        return [row[0] for row in self._open["state"].execute("SELECT id FROM network")]

    def pools(self) -> list[str]:
        """The id of every pool."""
        return [row[0] for row in self._open["addresses"].execute("SELECT id FROM pools")]

    def close(self) -> None:
        for each in self._open.values():
            each.close()

    def _number(self, name: str, query: str) -> int:
        (found,) = self._open[name].execute(query).fetchone()
        return int(found)
