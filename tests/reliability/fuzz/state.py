"""What the plugin's two files hold, at next to no cost while they do not change."""

import sqlite3
import time
from pathlib import Path
from typing import Final

from tests.reliability.crash.snapshot import QUERIES

_NAMES: Final = tuple(QUERIES)
_DELETING: Final = '"deleting":true'
_PATIENCE_SECONDS: Final = 5.0
_LOOK_SECONDS: Final = 0.005


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

    def settled(self) -> frozenset[str]:
        """Every row, when nothing is being deleted any more: endpoints go behind the answer."""
        end = time.monotonic() + _PATIENCE_SECONDS
        while any(_DELETING in row for row in self.rows()) and time.monotonic() < end:
            time.sleep(_LOOK_SECONDS)
        return frozenset(row for row in self.rows() if _DELETING not in row)

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
