"""The tables of the state, and how each version of them becomes the next.

``PRAGMA user_version`` is the version of a file; an empty file has version 0.  A released step is
never edited: the next step is added below it.  A new field of a record needs no step, because
records are JSON: older versions ignore it (see ``codec``).  A field without which an older version
would do harm needs one: that version then refuses the file.
"""

from typing import Final

STEPS: Final = (
    """
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
    """,
    """
    CREATE TABLE lease (
        network_id TEXT NOT NULL REFERENCES network (id) ON DELETE CASCADE,
        client TEXT NOT NULL,
        record BLOB NOT NULL,
        PRIMARY KEY (network_id, client)
    ) WITHOUT ROWID;
    """,
)
VERSION: Final = len(STEPS)


def script(version: int, steps: tuple[str, ...] = STEPS) -> str:
    """One transaction that brings a file of ``version`` to the newest; empty if none is needed."""
    if version == len(steps):
        return ""
    return f"BEGIN IMMEDIATE;{''.join(steps[version:])}PRAGMA user_version = {len(steps)};COMMIT;"
