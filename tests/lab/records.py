"""How much pynet remembers: the rows of its databases, counted from outside."""

import sqlite3
from contextlib import closing
from pathlib import Path

# Their rows are numbers that only grow, so that nothing is used again too soon.
PASSING = ("counters",)


def count(state: Path) -> dict[str, int]:
    """Return the number of rows by database and table."""
    counts = {}
    for file in sorted(state.glob("*.sqlite*")) + sorted(state.glob("*.db")):
        if file.name.endswith(("-wal", "-shm")):
            continue
        with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as database:
            tables = database.execute(
                "select name from sqlite_master where type = 'table' and name not like 'sqlite_%'"
            )
            for (table,) in tables.fetchall():
                if table in PASSING:
                    continue
                rows = database.execute(f'select count(*) from "{table}"').fetchone()[0]
                counts[f"{file.name}:{table}"] = int(rows)
    return counts
