"""A file of the SQLite store that is damaged, locked, or cannot be written."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from ipam.allocator import Allocator
from ipam.errors import CorruptStoreError, StoreError
from ipam.pool import PoolRequest
from ipam.prefixes import parse_prefix
from ipam.store import files
from ipam.store.sqlite import SqliteStore


class TestDamage:
    @pytest.mark.parametrize("damage", ["no database", "torn", "overwritten"])
    def test_a_damaged_file_is_set_aside(self, path: Path, damage: str) -> None:
        """With a clear error; the next start is an empty one, to be replayed into."""
        store = SqliteStore(path)
        allocator = Allocator(store)
        pool = allocator.request_pool(PoolRequest(prefix=parse_prefix("10.1.0.0/16")))
        for _ in range(2000):
            allocator.request_address(pool.id)
        store.close()
        content = bytearray(path.read_bytes())
        if damage == "no database":
            content[:] = b"this was never a database" * 100
        if damage == "torn":
            del content[len(content) // 2 :]
        if damage == "overwritten":
            content[20_000:60_000] = b"\xa5" * 40_000
        path.write_bytes(content)

        with pytest.raises(CorruptStoreError, match=r"is damaged .* was set aside as") as caught:
            SqliteStore(path)

        assert caught.value.set_aside.read_bytes() == content
        assert not path.exists()
        assert Allocator(SqliteStore(path)).restarted()

    def test_its_journal_goes_with_it(self, path: Path) -> None:
        """An old journal would damage the new file."""
        path.write_bytes(b"this was never a database" * 100)
        Path(f"{path}-wal").write_bytes(b"journal")

        with pytest.raises(CorruptStoreError) as caught:
            SqliteStore(path)

        assert Path(f"{caught.value.set_aside}-wal").read_bytes() == b"journal"
        assert not Path(f"{path}-wal").exists()

    def test_a_write_that_fails_is_a_refusal_and_no_half_of_it_stays(
        self, path: Path, writers: list[sqlite3.Connection]
    ) -> None:
        """A full disk costs the answer, not the store."""
        store = SqliteStore(path)
        allocator = Allocator(store)
        pool = allocator.request_pool(PoolRequest())
        first = allocator.request_address(pool.id)
        writers[0].execute("PRAGMA query_only = 1")
        with pytest.raises(StoreError, match="cannot write: attempt to write a readonly"):
            allocator.request_address(pool.id)
        with pytest.raises(StoreError):
            allocator.request_pool(PoolRequest())
        writers[0].execute("PRAGMA query_only = 0")

        assert [lease.address for lease in allocator.leases(pool.id)] == [first.ip]
        assert allocator.pools() == [pool]
        assert int(allocator.request_address(pool.id).ip) == int(first.ip) + 1
        store.close()

    @pytest.mark.parametrize("what", ["address", "pool", "release"])
    def test_a_commit_that_fails_leaves_no_trace_in_memory(
        self, path: Path, what: str, writers: list[sqlite3.Connection]
    ) -> None:
        """What was refused can be asked for again."""
        store = SqliteStore(path)
        allocator = Allocator(store)
        pool = allocator.request_pool(PoolRequest())
        first = allocator.request_address(pool.id)
        other = PoolRequest(prefix=parse_prefix("10.1.0.0/16"))
        act = {
            "address": lambda: allocator.request_address(pool.id),
            "pool": lambda: allocator.request_pool(other),
            "release": lambda: allocator.release_pool(pool.id),
        }[what]

        def refuse_commit(action: int, name: str | None, *_: str | None) -> int:
            refused = action == sqlite3.SQLITE_TRANSACTION and name == "COMMIT"
            return sqlite3.SQLITE_DENY if refused else sqlite3.SQLITE_OK

        writers[0].set_authorizer(refuse_commit)
        with pytest.raises(StoreError, match="cannot write: not authorized"):
            act()
        writers[0].set_authorizer(None)

        assert int(allocator.request_address(pool.id).ip) == int(first.ip) + 1
        assert allocator.request_pool(other)
        store.close()

    def test_a_locked_file_is_waited_for_and_then_given_up(
        self, path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Every call is bounded."""
        monkeypatch.setattr(files, "BUSY_TIMEOUT", 0.05)
        allocator = Allocator(SqliteStore(path))
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")

            with pytest.raises(StoreError, match="database is locked"):
                allocator.request_pool(PoolRequest())

        assert allocator.request_pool(PoolRequest())
