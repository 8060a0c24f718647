"""When a change is on the disk, and what becomes of it if the disk fails."""

import errno
import os
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from ipam.allocator import Allocator
from ipam.errors import StoreError
from ipam.lease import AddressRequest, Kind, State
from ipam.pool import LOCAL, Pool, PoolRequest
from ipam.store import journal
from ipam.store.sqlite import SqliteStore


class TestAwaited:
    def test_addresses_are_on_the_disk_before_the_answer_and_bindings_later(
        self, path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """What an endpoint is bound to is over with the machine; what is given out is not."""
        waits: list[int] = []
        monkeypatch.setattr(journal.os, "fdatasync", waits.append)
        with closing(SqliteStore(path)) as store:
            allocator = Allocator(store)
            pool = allocator.request_pool(PoolRequest())
            allocator.group("n1", LOCAL, [pool.prefix])
            counts = [len(waits)]
            given = allocator.request_address(pool.id, AddressRequest())
            counts.append(len(waits))
            allocator.bind(LOCAL, pool.prefix, given.ip, endpoint="e1")
            allocator.unbind(LOCAL, pool.prefix, given.ip, endpoint="e1")
            counts.append(len(waits))
            allocator.release_address(pool.id, given.ip)
            counts.append(len(waits))

        assert [count - counts[0] for count in counts] == [0, 1, 1, 2]

    def test_pools_wait_for_the_disk_in_their_commit(
        self, path: Path, writers: list[sqlite3.Connection]
    ) -> None:
        """One that the disk refuses is not held: nothing would ever give it back."""
        with closing(SqliteStore(path)) as store:
            allocator = Allocator(store)
            pool = allocator.request_pool(PoolRequest())
            allocator.group("n1", LOCAL, [pool.prefix])
            allocator.request_address(pool.id)
            found = [self.synchronous(writers[0])]
            allocator.release_pool(pool.id)
            found.append(self.synchronous(writers[0]))

        assert found == [1, 2]

    @pytest.mark.parametrize(("network", "kind"), [(None, Kind.ENDPOINT), ("n1", Kind.GATEWAY)])
    def test_an_address_that_would_stay_waits_for_the_disk_in_its_commit(
        self,
        path: Path,
        writers: list[sqlite3.Connection],
        network: str | None,
        kind: Kind,
    ) -> None:
        """That of another driver's network, and a gateway: no endpoint is awaited."""
        with closing(SqliteStore(path)) as store:
            allocator = Allocator(store)
            pool = allocator.request_pool(PoolRequest())
            if network is not None:
                allocator.group(network, LOCAL, [pool.prefix])
            allocator.request_address(pool.id, AddressRequest(kind=kind))

            assert self.synchronous(writers[0]) == 2

    def synchronous(self, connection: sqlite3.Connection) -> int:
        value: int = connection.execute("PRAGMA synchronous").fetchone()[0]
        return value

    def test_an_address_that_the_disk_did_not_keep_ends_by_itself(
        self, path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The engine saw a failure, and binds no endpoint to it."""
        with closing(SqliteStore(path)) as store:
            allocator = Allocator(store)
            pool = allocator.request_pool(PoolRequest())
            allocator.group("n1", LOCAL, [pool.prefix])

            def fail(_: int) -> None:
                raise OSError(errno.EIO, "Input/output error")

            monkeypatch.setattr(journal.os, "fdatasync", fail)
            with pytest.raises(StoreError, match="cannot be brought to the disk"):
                allocator.request_address(pool.id)
            (held,) = allocator.leases(pool.id)
            monkeypatch.undo()

            assert held.state is State.RESERVED
            assert held.until is not None
            allocator.collect(held.until)
            assert not list(allocator.leases(pool.id))


class TestLost:
    """The kernel tells of what a disk lost once, so that the next wait would succeed."""

    @pytest.fixture
    def disk(self, monkeypatch: pytest.MonkeyPatch) -> "Disk":
        """It fails when it is told to, each time for once."""
        found = Disk()
        monkeypatch.setattr(journal.os, "fdatasync", found.sync)
        return found

    @pytest.fixture
    def allocator(self, store: SqliteStore) -> Allocator:
        """One that has read the pool."""
        return Allocator(store)

    @pytest.fixture
    def pool(self, allocator: Allocator) -> Pool:
        """One whose addresses are awaited beside others."""
        made = allocator.request_pool(PoolRequest())
        allocator.group("n1", LOCAL, [made.prefix])
        return made

    def test_what_was_lost_is_written_anew(
        self, path: Path, tmp_path: Path, allocator: Allocator, pool: Pool, disk: "Disk"
    ) -> None:
        """Before anything follows it in the journal: that would be lost with it."""
        disk.fails = True
        with pytest.raises(StoreError, match="cannot be brought to the disk: Input/output error"):
            allocator.request_address(pool.id)
        lost = _journal(path).read_bytes()
        given = [allocator.request_address(pool.id).ip for _ in range(3)]

        shutil.copy(path, tmp_path / "after.db")
        shutil.copy(_journal(path), _journal(tmp_path / "after.db"))
        assert not _journal(path).read_bytes().startswith(lost[:64])
        with closing(SqliteStore(tmp_path / "after.db")) as after:
            there = {each.address for each in after.leases(pool.id)}
        assert {*given} < there
        assert len(there) == 4

    def test_nothing_is_answered_before(
        self, store: SqliteStore, allocator: Allocator, pool: Pool, disk: "Disk"
    ) -> None:
        """What was written meanwhile may be lost as well, for all who ask."""
        disk.fails = True
        with pytest.raises(StoreError):
            allocator.request_address(pool.id)
        for _ in range(2):
            with pytest.raises(StoreError, match="cannot be brought to the disk"):
                store.sync()
        store.run(lambda _: None)

        store.sync()

    def test_one_who_reads_is_waited_for(
        self,
        path: Path,
        store: SqliteStore,
        allocator: Allocator,
        pool: Pool,
        disk: "Disk",
    ) -> None:
        """As long as the file is read, no other journal can be begun."""
        store._connection.execute("PRAGMA busy_timeout = 10")  # noqa: SLF001
        disk.fails = True
        with pytest.raises(StoreError):
            allocator.request_address(pool.id)
        with closing(sqlite3.connect(path, isolation_level=None)) as reader:
            reader.execute("BEGIN")
            reader.execute("SELECT * FROM leases").fetchall()
            with pytest.raises(StoreError, match="is in use, and must be written anew; try again"):
                allocator.request_address(pool.id)

        assert allocator.request_address(pool.id)

    def test_sqlite_hears_of_it_first(
        self, path: Path, store: SqliteStore, allocator: Allocator, pool: Pool
    ) -> None:
        """It takes back its own commit, and not those before, for which no caller waits."""
        before = _journal(path).stat().st_size

        def fail(_: object) -> None:
            error = sqlite3.OperationalError("disk I/O error")
            error.sqlite_errorcode = sqlite3.SQLITE_IOERR_FSYNC
            raise error

        with pytest.raises(StoreError, match="cannot write: disk I/O error"):
            store.run(fail)
        allocator.request_address(pool.id)

        assert _journal(path).stat().st_size < before


class Disk:
    """Keeps all, or has lost it, and says that once."""

    def __init__(self) -> None:
        self.fails = False

    def sync(self, _: int) -> None:
        fails, self.fails = self.fails, False
        if fails:
            raise OSError(errno.EIO, os.strerror(errno.EIO))


def _journal(path: Path) -> Path:
    return path.with_name(f"{path.name}-wal")
