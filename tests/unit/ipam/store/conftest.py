"""Where the file of a store lies."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from ipam.store.sqlite import SqliteStore


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ipam.db"


@pytest.fixture
def store(path: Path) -> Iterator[SqliteStore]:
    """The store in that file."""
    with closing(SqliteStore(path)) as opened:
        yield opened
