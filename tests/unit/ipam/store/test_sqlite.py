"""The file of the SQLite store: made, brought forward, refused, set aside, shared."""

import hashlib
import shutil
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from ipam.allocator import Allocator
from ipam.blocks.base import Identity
from ipam.errors import NewerStoreError, StoreError
from ipam.lease import AddressRequest, Owner, State
from ipam.pool import LOCAL, PoolID, PoolRequest
from ipam.prefixes import parse_address, parse_prefix
from ipam.reservation import Reservation
from ipam.store import files
from ipam.store.schema import VERSION
from ipam.store.sqlite import SqliteStore

DATA = Path(__file__).parents[1] / "data"
V1_POOL = PoolID(f"{LOCAL}/10.20.0.0/24")


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


class TestOpen:
    def test_commits_survive_the_loss_of_power(
        self, path: Path, writers: list[sqlite3.Connection]
    ) -> None:
        """WAL with synchronous=FULL (2) syncs the journal at every commit."""
        store = SqliteStore(path)

        pragmas = [
            writers[0].execute(f"PRAGMA {name}").fetchone()[0]
            for name in ("journal_mode", "synchronous", "foreign_keys")
        ]

        assert pragmas == ["wal", 2, 1]
        store.close()

    def test_everything_is_there_when_it_is_opened_again(self, path: Path) -> None:
        """Pools, leases and reservations."""
        store = SqliteStore(path)
        allocator = Allocator(store)
        pool = allocator.request_pool(PoolRequest())
        allocator.request_address(pool.id, AddressRequest(owner=Owner(name="web")))
        allocator.reserve(Reservation(address=pool.prefix[9], owner=Owner(name="db")))
        before = [allocator.pools(), list(allocator.leases(pool.id)), allocator.reservations()]
        store.close()

        again = Allocator(SqliteStore(path))

        assert [again.pools(), list(again.leases(pool.id)), again.reservations()] == before

    def test_the_folder_is_made(self, tmp_path: Path) -> None:
        """A first start finds nothing."""
        SqliteStore(tmp_path / "state" / "ipam.db").close()

        assert (tmp_path / "state" / "ipam.db").exists()

    @pytest.mark.parametrize("path", ["/proc/ipam.db", "/dev/null/ipam.db"])
    def test_a_place_that_cannot_be_written_is_named(self, path: str) -> None:
        """The system's own words are in the message."""
        with pytest.raises(StoreError, match=f"store {path} cannot be opened: "):
            SqliteStore(Path(path))


class TestMigration:
    def test_a_file_of_version_1_is_brought_forward(
        self, path: Path, writers: list[sqlite3.Connection]
    ) -> None:
        """With all that is in it: a pool in use, and leases in each state."""
        shutil.copy(DATA / "store-v1.db", path)

        store = SqliteStore(path)

        assert writers[0].execute("PRAGMA user_version").fetchone()[0] == VERSION
        allocator = Allocator(store, clock=lambda: 1_800_000_020.0)
        assert [(pool.id, pool.network) for pool in allocator.pools()] == [
            (V1_POOL, "net1"),
            (f"{LOCAL}:blue/fd00:20::/64", None),
        ]
        assert {
            str(lease.address): (str(lease.state), lease.owner, lease.endpoint)
            for lease in allocator.leases(V1_POOL)
        } == {
            "10.20.0.1": ("bound", Owner(), None),
            "10.20.0.128": ("bound", Owner(name="web"), None),
            "10.20.0.129": ("resting", Owner(mac="02:42:0a:14:00:05"), None),
            "10.20.0.130": ("reserved", Owner(), None),
        }
        store.close()

    def test_it_works_as_one_of_today(self, path: Path) -> None:
        """What came later can be used: reservations, endpoints and the ledger of blocks."""
        shutil.copy(DATA / "store-v1.db", path)
        store = SqliteStore(path)
        allocator = Allocator(store, clock=lambda: 1_800_000_020.0)
        address = parse_address("10.20.0.130")

        allocator.reserve(Reservation(address=address, owner=Owner(name="db")))
        allocator.bind(LOCAL, parse_prefix("10.20.0.0/24"), address, endpoint="e1")
        store.ledger.begin(Identity(host="one", instance="abc"))

        assert store.ledger.identity() == Identity(host="one", instance="abc")
        assert allocator.reservations()
        assert {lease.endpoint for lease in allocator.leases(V1_POOL)} == {None, "e1"}
        assert str(allocator.request_address(V1_POOL)) == "10.20.0.131/24"

    def test_a_step_that_fails_leaves_the_old_file(
        self, path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The steps are one transaction."""
        shutil.copy(DATA / "store-v1.db", path)
        steps = (*files.STEPS, "CREATE TABLE more (x); CREATE NONSENSE")
        monkeypatch.setattr(files, "STEPS", steps)
        with pytest.raises(StoreError, match="cannot be opened"):
            SqliteStore(path)

        with closing(sqlite3.connect(path)) as connection:
            assert connection.execute("PRAGMA user_version").fetchone() == (1,)
            assert not connection.execute(
                "SELECT * FROM sqlite_master WHERE name IN ('more', 'reservations')"
            ).fetchall()

    def test_a_newer_file_is_refused_untouched(self, path: Path) -> None:
        """Even one whose latest changes are still in its journal."""
        SqliteStore(path).close()
        writer = sqlite3.connect(path, isolation_level=None)
        writer.execute("PRAGMA wal_autocheckpoint = 0")
        writer.execute(f"PRAGMA user_version = {VERSION + 1}")
        copy = path.with_name("copy.db")
        for suffix in ("", "-wal"):
            shutil.copy(f"{path}{suffix}", f"{copy}{suffix}")
        writer.close()
        before = digest(copy), digest(Path(f"{copy}-wal"))

        with pytest.raises(NewerStoreError, match=f"has version {VERSION + 1} and this program"):
            SqliteStore(copy)
        assert (digest(copy), digest(Path(f"{copy}-wal"))) == before


class TestSharing:
    def test_pools_and_reservations_of_another_process_are_seen(self, path: Path) -> None:
        """``python -m ipam`` works on the file of a plugin that runs."""
        one, other = Allocator(SqliteStore(path)), Allocator(SqliteStore(path))
        pools = [one.request_pool(PoolRequest()), other.request_pool(PoolRequest())]
        one.reserve(Reservation(address=pools[0].prefix[1], owner=Owner(name="web")))

        assert pools[0].prefix != pools[1].prefix
        assert other.request_address(pools[0].id).ip == pools[0].prefix[2]
        one.release_pool(pools[1].id)
        assert other.request_pool(PoolRequest()).prefix == pools[1].prefix

    def test_a_pool_another_process_made_anew_is_read_anew(self, path: Path) -> None:
        """It has the same id, and nothing else in common with what is remembered."""
        one, other = Allocator(SqliteStore(path)), Allocator(SqliteStore(path))
        request = PoolRequest(prefix=parse_prefix("10.1.2.0/24"))
        pool = one.request_pool(request)
        one.request_address(pool.id)
        other.release_pool(pool.id)
        other.request_pool(replace(request, options={"range": "10.1.2.128/25"}))

        assert str(one.request_address(pool.id)) == "10.1.2.128/24"

    def test_addresses_of_another_process_are_stepped_over(self, path: Path) -> None:
        """What this process remembers is behind, and the store is not."""
        one, other = Allocator(SqliteStore(path)), Allocator(SqliteStore(path))
        pool = one.request_pool(PoolRequest(prefix=parse_prefix("10.1.2.0/29")))

        taken = [each.request_address(pool.id).ip for _ in range(3) for each in (one, other)]

        assert len(set(taken)) == 6

    @pytest.mark.parametrize("with_facts", [True, False])
    def test_addresses_another_process_gave_back_are_found(
        self, path: Path, *, with_facts: bool
    ) -> None:
        """Even when the pool looks full from here."""
        store = SqliteStore(path)
        one = Allocator(store, facts=store if with_facts else None)
        other = Allocator(SqliteStore(path))
        pool = one.request_pool(PoolRequest(prefix=parse_prefix("10.1.2.0/30")))
        taken = [one.request_address(pool.id).ip for _ in range(2)]
        other.release_address(pool.id, taken[0])
        other.collect(now=4_000_000_000.0)

        assert one.request_address(pool.id).ip == taken[0]


class TestWhileItIsOpen:
    def test_a_file_that_is_moved_away_gives_nothing_more(self, path: Path) -> None:
        """What would be given would be lost with the file; put back, it goes on."""
        allocator = Allocator(SqliteStore(path))
        pool = allocator.request_pool(PoolRequest())
        path.rename(path.with_name("aside"))
        with pytest.raises(StoreError, match="was removed while it was open"):
            allocator.request_address(pool.id, AddressRequest())
        with pytest.raises(StoreError, match="cannot be read"):
            list(allocator.leases(pool.id))
        path.with_name("aside").rename(path)

        assert allocator.request_address(pool.id, AddressRequest())

    def test_a_file_that_is_replaced_is_not_written_to(self, path: Path) -> None:
        """Nor is the one that was there before: no process would read it again."""
        allocator = Allocator(SqliteStore(path))
        SqliteStore(path.with_name("other.db")).close()
        path.with_name("other.db").rename(path)

        with pytest.raises(StoreError, match="was replaced while it was open"):
            allocator.request_pool(PoolRequest())


class TestInUse:
    def test_an_address_whose_endpoint_is_in_use_is_not_taken_back(self, path: Path) -> None:
        """A late second release would give it to two containers."""
        living = {"new"}
        allocator = Allocator(SqliteStore(path), in_use=living.__contains__)
        pool = allocator.request_pool(PoolRequest())
        address = allocator.request_address(pool.id, AddressRequest()).ip
        allocator.bind(LOCAL, pool.prefix, address, endpoint="new")
        allocator.release_address(pool.id, address)
        (held,) = allocator.leases(pool.id)
        living.clear()
        allocator.release_address(pool.id, address)
        (freed,) = allocator.leases(pool.id)

        assert held.state is State.BOUND
        assert freed.state is State.RESTING
