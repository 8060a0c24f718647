"""The file of the SQLite store: opened again, refused, damaged, and what of it a loss of power takes."""

import os
import sqlite3
from pathlib import Path

import pytest

from plugin.errors import StoreError
from plugin.model.ids import NetworkID
from plugin.model.network import Network, NetworkState
from plugin.store import schema
from plugin.store.sqlite import SqliteStore
from tests.contract.test_store import BLUE, RED, WEB

_NORMAL, _FULL = 1, 2  # of PRAGMA synchronous


class TestSqlite:
    """What a file must do besides."""

    def test_reopening_gives_the_same(self, path: Path) -> None:
        """The plugin was restarted; nothing was said to the store before."""
        first = SqliteStore(path)
        first.save_network(BLUE)
        first.save_network(RED)
        first.save_endpoint(WEB)
        first.delete_network(RED.id)
        second = SqliteStore(path)

        assert second.networks() == (BLUE,)
        assert second.endpoints(BLUE.id) == (WEB,)
        first.close()
        second.close()

    def test_a_deleted_network_takes_its_endpoints_from_the_file(self, path: Path) -> None:
        """SQLite forgets to, unless it is told that foreign keys count."""
        first = SqliteStore(path)
        first.save_network(BLUE)
        first.save_endpoint(WEB)
        first.delete_network(BLUE.id)
        first.close()
        second = SqliteStore(path)

        assert second.endpoint(WEB.id) is None
        second.close()

    def test_a_newer_state_is_refused_and_not_touched(self, path: Path) -> None:
        """The user went back to an older pynet; the newer one's state must survive that."""
        with sqlite3.connect(path) as connection:
            connection.execute("CREATE TABLE future (a)")
            connection.execute(f"PRAGMA user_version = {schema.VERSION + 1}")
        connection.close()
        before = path.read_bytes()

        with pytest.raises(StoreError, match=r"written by a newer pynet .* start with another"):
            SqliteStore(path)
        assert path.read_bytes() == before

    def test_a_file_that_is_no_state_is_refused(self, path: Path) -> None:
        """And the message names it."""
        path.write_bytes(b"not a database" * 100)

        with pytest.raises(StoreError, match=r"pynet\.db cannot be opened"):
            SqliteStore(path)

    @pytest.mark.parametrize("table", ["network", "endpoint"])
    @pytest.mark.parametrize("record", ['{"id": "x", "pools": 7, "ipv4": 7}', "{", '{"id": 7}'])
    def test_a_record_that_cannot_be_read(self, path: Path, table: str, record: str) -> None:
        """Its network is there, in a mode that no driver has; the others are as they were."""
        store = SqliteStore(path)
        for network in (BLUE, RED):
            store.save_network(network)
        store.save_endpoint(WEB)
        store.close()
        spoilt = BLUE.id if table == "network" else WEB.id
        with sqlite3.connect(path) as connection:
            connection.execute(f"UPDATE {table} SET record = ? WHERE id = ?", (record, spoilt))
        connection.close()
        again = SqliteStore(path)
        damaged = again.network(BLUE.id)
        endpoint = again.endpoint(WEB.id)

        assert damaged
        assert damaged.mode == "(damaged record)"
        assert damaged.state is NetworkState.ACTIVE
        assert endpoint
        assert endpoint.joined or table == "network"
        assert again.network(RED.id) == RED
        again.delete_network(BLUE.id)
        again.close()
        assert SqliteStore(path).networks() == (RED,)

    def test_a_record_that_cannot_be_read_is_kept(self, path: Path) -> None:
        """A later pynet may read it."""
        store = SqliteStore(path)
        store.save_network(BLUE)
        store.close()
        with sqlite3.connect(path) as connection:
            connection.execute("UPDATE network SET record = '{'")
        connection.close()
        SqliteStore(path).close()
        connection = sqlite3.connect(path)

        assert connection.execute("SELECT record FROM network").fetchall() == [("{",)]
        connection.close()

    def test_fields_that_a_record_does_not_have_take_their_defaults(self, path: Path) -> None:
        """A state that an older pynet wrote."""
        SqliteStore(path).close()
        with sqlite3.connect(path) as connection:
            connection.execute(
                """INSERT INTO network VALUES ('x', '{"id": "x", "mode": "bridge"}')"""
            )
        connection.close()
        store = SqliteStore(path)

        assert store.networks() == (Network(id=NetworkID("x"), mode="bridge"),)
        store.close()

    def test_a_commit_about_a_network_is_on_the_disk(
        self, path: Path, writers: list[sqlite3.Connection]
    ) -> None:
        """WAL alone would only promise that the file is whole; for an endpoint that is enough."""
        store = SqliteStore(path)

        def synchronous() -> int:
            value: int = writers[0].execute("PRAGMA synchronous").fetchone()[0]
            return value

        (journal,) = writers[0].execute("PRAGMA journal_mode").fetchone()
        assert (journal, synchronous()) == ("wal", _FULL)
        for _ in range(2):
            store.save_network(BLUE)
            assert synchronous() == _FULL
            store.save_endpoint(WEB)
            assert synchronous() == _NORMAL
        store.mark_endpoint_deleting(WEB.id)
        store.delete_endpoint(WEB.id)
        assert synchronous() == _NORMAL
        store.mark_network_deleting(BLUE.id)
        assert synchronous() == _FULL
        store.delete_network(BLUE.id)
        assert synchronous() == _FULL
        store.close()

    def test_an_endpoint_outlives_the_process(self, path: Path) -> None:
        """Which is killed right after its record was saved."""
        child = os.fork()
        if not child:
            store = SqliteStore(path)
            store.save_network(BLUE)
            store.save_endpoint(WEB)
            os._exit(9)
        os.waitpid(child, 0)
        store = SqliteStore(path)

        assert store.endpoint(WEB.id) == WEB
        store.close()

    def test_a_power_failure_may_take_the_last_endpoints(self, path: Path, tmp_path: Path) -> None:
        """What reached the disk is whole: as much of the journal as had been synchronized."""
        store = SqliteStore(path)
        store.save_network(BLUE)
        synchronized = Path(f"{path}-wal").stat().st_size
        store.save_endpoint(WEB)
        survivor = tmp_path / "survivor.db"
        survivor.write_bytes(path.read_bytes())
        journal = Path(f"{path}-wal").read_bytes()
        for cut in (synchronized, (synchronized + len(journal)) // 2):
            Path(f"{survivor}-wal").write_bytes(journal[:cut])
            after = SqliteStore(survivor)
            assert after.networks() == (BLUE,)
            assert after.endpoint(WEB.id) is None
            after.close()
        store.close()
