"""The tables of the store's file, and how each version becomes the next.

``PRAGMA user_version`` is the version of a file; an empty file has version 0.  A
step that was once released is never edited: the next one is added below it.
"""

from typing import Final

STEPS: Final = (
    """
    CREATE TABLE counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT;
    INSERT INTO counters VALUES ('revision', 0);
    CREATE TABLE pools (
        id TEXT PRIMARY KEY,
        space TEXT NOT NULL,
        tenant TEXT NOT NULL,
        prefix TEXT NOT NULL,
        ranges TEXT NOT NULL,
        exclusions TEXT NOT NULL,
        owner TEXT,
        network TEXT,
        released INTEGER NOT NULL,
        requested REAL NOT NULL
    ) STRICT;
    CREATE TABLE leases (
        pool TEXT NOT NULL REFERENCES pools (id) ON DELETE CASCADE,
        address BLOB NOT NULL,
        kind TEXT NOT NULL,
        state TEXT NOT NULL,
        name TEXT,
        mac TEXT,
        tag TEXT,
        since REAL NOT NULL,
        until REAL,
        PRIMARY KEY (pool, address)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX leases_by_name ON leases (pool, name) WHERE name IS NOT NULL;
    CREATE INDEX leases_by_mac ON leases (pool, mac) WHERE mac IS NOT NULL;
    CREATE INDEX leases_by_tag ON leases (pool, tag) WHERE tag IS NOT NULL;
    CREATE INDEX leases_by_end ON leases (until) WHERE until IS NOT NULL;
    CREATE INDEX leases_resting ON leases (pool, until) WHERE state = 'resting';
    """,
    """
    DELETE FROM counters;
    ALTER TABLE leases ADD COLUMN endpoint TEXT;
    CREATE TABLE reservations (
        space TEXT NOT NULL,
        tenant TEXT NOT NULL,
        address BLOB NOT NULL,
        name TEXT,
        mac TEXT,
        tag TEXT,
        PRIMARY KEY (space, tenant, address)
    ) STRICT, WITHOUT ROWID;
    """,
    """
    ALTER TABLE pools ADD COLUMN kin TEXT;
    """,
    """
    CREATE TABLE identity (
        id INTEGER PRIMARY KEY CHECK (id = 1),
        host TEXT NOT NULL,
        instance TEXT NOT NULL,
        generation INTEGER NOT NULL,
        boot TEXT NOT NULL
    ) STRICT;
    CREATE TABLE attempts (text TEXT NOT NULL) STRICT;
    CREATE TABLE blocks (pool TEXT NOT NULL, block TEXT NOT NULL, UNIQUE (pool, block)) STRICT;
    """,
    """
    ALTER TABLE pools ADD COLUMN cluster TEXT;
    """,
)
VERSION: Final = len(STEPS)
