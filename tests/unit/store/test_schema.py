"""Files of every version become the newest."""

import sqlite3

import pytest

from plugin.store import schema

LATER = (*schema.STEPS, "ALTER TABLE network ADD COLUMN peers TEXT;", "CREATE TABLE peer (a);")


@pytest.mark.parametrize("version", range(len(LATER)))
def test_a_file_becomes_the_newest(version: int) -> None:
    """Step by step from where it is, with what it holds."""
    database = sqlite3.connect(":memory:", isolation_level=None)
    database.executescript(schema.script(0, LATER[:version]))
    if version:
        database.execute("INSERT INTO network (id, record) VALUES ('blue', 'x')")
    database.executescript(schema.script(version, LATER))

    assert database.execute("PRAGMA user_version").fetchone() == (len(LATER),)
    assert database.execute("SELECT count(*) FROM network").fetchone() == (bool(version),)
    database.execute("SELECT peers FROM network")
    database.close()


def test_the_newest_stays_as_it_is() -> None:
    """Not even a write."""
    assert schema.script(schema.VERSION) == ""
