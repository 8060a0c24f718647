"""The state in one file, and back."""

import io
import json
import shutil
import sqlite3
import tarfile
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from ipam.allocator import Allocator
from ipam.blocks.base import Identity
from ipam.pool import PoolRequest
from ipam.prefixes import parse_prefix
from ipam.store.sqlite import SqliteStore as AddressStore
from plugin.errors import RefusedError, StoreError
from plugin.model.network import NetworkState
from plugin.operator import archive
from plugin.operator.archive import INCOMING, MANIFEST, backup, finish_restore, restore
from plugin.store.sqlite import SqliteStore
from tests.fakes.values import a_network, an_endpoint

VERSION_1 = Path(__file__).parents[1] / "ipam" / "data" / "store-v1.db"
BLUE = replace(a_network("blue"), state=NetworkState.ACTIVE)
RED = replace(a_network("red", "10.2.0.0/24"), state=NetworkState.ACTIVE)


def fill(state: Path, *networks: object, pool: str = "10.1.0.0/24") -> None:
    """A state as a plugin leaves it."""
    state.mkdir(exist_ok=True)
    with closing(SqliteStore(state / "pynet.db")) as store:
        for network in networks:
            store.save_network(network)  # type: ignore[arg-type]
    with closing(AddressStore(state / "ipam.db")) as addresses:
        Allocator(addresses).request_pool(PoolRequest(prefix=parse_prefix(pool)))
    (state / "host-id").write_text("abc\n")


def contents(state: Path) -> tuple[object, ...]:
    """What a plugin would find."""
    with closing(SqliteStore(state / "pynet.db")) as store:
        networks = store.networks()
    with closing(AddressStore(state / "ipam.db")) as addresses:
        pools = [str(pool.prefix) for pool in Allocator(addresses).pools()]
    return networks, pools, (state / "host-id").read_text()


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """A state with one network and one pool."""
    fill(tmp_path / "state", BLUE)
    return tmp_path / "state"


@pytest.fixture
def saved(state: Path) -> bytes:
    """Its backup."""
    out = io.BytesIO()
    backup(state, out)
    return out.getvalue()


def altered(saved: bytes, name: str, change: Callable[[bytes], bytes]) -> io.BytesIO:
    """A backup in which one file is another."""
    out = io.BytesIO()
    with tarfile.open(fileobj=io.BytesIO(saved)) as old, tarfile.open(fileobj=out, mode="w") as new:
        for member in old:
            content = old.extractfile(member)
            assert content
            data = content.read()
            data = change(data) if member.name == name else data
            member.size = len(data)
            new.addfile(member, io.BytesIO(data))
    out.seek(0)
    return out


class TestBackup:
    def test_what_is_saved_comes_back_elsewhere(self, saved: bytes, tmp_path: Path) -> None:
        """On a host that never had any."""
        restore(io.BytesIO(saved), tmp_path / "new")

        assert contents(tmp_path / "new") == ((BLUE,), ["10.1.0.0/24"], "abc\n")

    def test_it_may_be_made_while_pynet_writes(self, state: Path) -> None:
        """Of what is committed, with no journal needed."""
        out = io.BytesIO()
        with closing(SqliteStore(state / "pynet.db")) as store:
            store.save_network(RED)
            store.save_endpoint(an_endpoint(RED))
            backup(state, out)
            store.save_network(replace(BLUE, state=NetworkState.DELETING))
        out.seek(0)
        restore(out, state.parent / "new")
        with closing(SqliteStore(state.parent / "new/pynet.db")) as store:
            found = {network.id: network.state for network in store.networks()}
            endpoints = store.endpoints(RED.id)

        assert found == {BLUE.id: NetworkState.ACTIVE, RED.id: NetworkState.ACTIVE}
        assert endpoints == (an_endpoint(RED),)

    def test_it_changes_nothing(self, state: Path, saved: bytes) -> None:
        """Not even a journal is left."""
        assert sorted(path.name for path in state.iterdir()) == ["host-id", "ipam.db", "pynet.db"]

    def test_it_tells_what_it_is(self, saved: bytes) -> None:
        """To people, too."""
        with tarfile.open(fileobj=io.BytesIO(saved)) as tar:
            names = tar.getnames()
            manifest = tar.extractfile(MANIFEST)
            assert manifest
            told = json.loads(manifest.read())

        assert names == [MANIFEST, "pynet.db", "ipam.db", "host-id"]
        assert set(told) == {"format", "version", "made", "host", "sha256"}

    def test_without_a_state_it_is_refused(self, tmp_path: Path) -> None:
        """And none is made."""
        with pytest.raises(StoreError, match=r"there is no state in .*is PYNET_STATE"):
            backup(tmp_path, io.BytesIO())

        assert list(tmp_path.iterdir()) == []


class TestRestore:
    def test_what_was_there_is_kept_aside(self, saved: bytes, state: Path) -> None:
        """With its journals: the user may want it back."""
        fill(state, RED, pool="10.2.0.0/24")
        aside = restore(io.BytesIO(saved), state)

        assert contents(state)[0] == (BLUE,)
        assert contents(aside) == ((BLUE, RED), ["10.1.0.0/24", "10.2.0.0/24"], "abc\n")
        assert sorted(path.name for path in state.iterdir() if path != aside) == [
            "host-id",
            "ipam.db",
            "pynet.db",
        ]

    def test_a_state_without_addresses_comes_back_without(
        self, tmp_path: Path, state: Path
    ) -> None:
        """Those of another state would be in the way."""
        (state / "ipam.db").unlink()
        out = io.BytesIO()
        backup(state, out)
        out.seek(0)
        fill(tmp_path / "new", RED)
        restore(out, tmp_path / "new")

        assert not (tmp_path / "new/ipam.db").exists()

    @pytest.mark.parametrize(
        ("name", "change", "message"),
        [
            (MANIFEST, lambda _: b"{}", "no backup of pynet: it has no manifest"),
            (
                MANIFEST,
                lambda data: data.replace(b'"format":1', b'"format":9'),
                "newer than this one",
            ),
            ("host-id", lambda _: b"else", "the backup is damaged: host-id is not what was saved"),
            ("pynet.db", lambda data: data[:5000], "the backup is damaged: pynet.db"),
        ],
        ids=["no manifest", "newer", "changed", "short"],
    )
    def test_what_is_no_whole_backup_is_refused(
        self,
        saved: bytes,
        state: Path,
        name: str,
        change: Callable[[bytes], bytes],
        message: str,
    ) -> None:
        """And nothing is changed."""
        before = contents(state)
        with pytest.raises(RefusedError, match=message):
            restore(altered(saved, name, change), state)

        assert contents(state) == before
        assert len(list(state.iterdir())) == 3

    @pytest.mark.parametrize(
        "file", [b"", b"no tar at all" * 99, b"\x1f\x8b"], ids=["empty", "text", "half"]
    )
    def test_another_file_is_refused(self, state: Path, file: bytes) -> None:
        """Whatever it is."""
        with pytest.raises(RefusedError, match="backup of pynet"):
            restore(io.BytesIO(file), state)

        assert len(list(state.iterdir())) == 3

    def test_another_tar_is_refused(self, state: Path) -> None:
        """It could write anywhere."""
        out = io.BytesIO()
        with tarfile.open(fileobj=out, mode="w") as tar:
            tar.addfile(tarfile.TarInfo("../evil"))
        out.seek(0)

        with pytest.raises(RefusedError, match=r"no backup of pynet: it has '\.\./evil'"):
            restore(out, state)

    def test_a_newer_database_is_refused(self, state: Path) -> None:
        """As at a start."""
        with closing(sqlite3.connect(state / "pynet.db")) as newer:
            newer.execute("PRAGMA user_version = 99")
        out = io.BytesIO()
        backup(state, out)
        out.seek(0)

        with pytest.raises(RefusedError, match=r"pynet\.db of the backup has format 99"):
            restore(out, state.parent / "new")

    @pytest.mark.parametrize("step", range(1, 7))
    def test_an_interrupted_one_is_finished_by_the_next_start(
        self, saved: bytes, state: Path, step: int, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The machine stops between any two of the moves."""
        fill(state, RED)
        moves = 0
        rename = Path.rename

        def stop_at(path: Path, target: Path) -> Path:
            nonlocal moves
            moves += 1
            if moves == step + 1:
                raise KeyboardInterrupt
            return rename(path, target)

        with monkeypatch.context() as patch:
            patch.setattr(archive.Path, "rename", stop_at)
            with pytest.raises(KeyboardInterrupt):
                restore(io.BytesIO(saved), state)
        assert (state / INCOMING).is_dir()
        aside = finish_restore(state)

        assert aside
        assert contents(state) == ((BLUE,), ["10.1.0.0/24"], "abc\n")
        assert contents(aside)[0] == (BLUE, RED)
        assert finish_restore(state) is None

    def test_an_interrupted_one_may_be_repeated(
        self, saved: bytes, state: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """What it had begun is finished first."""
        rename = Path.rename

        def stop_at(path: Path, target: Path) -> Path:
            if path.name == "pynet.db":
                raise KeyboardInterrupt
            return rename(path, target)

        with monkeypatch.context() as patch:
            patch.setattr(archive.Path, "rename", stop_at)
            with pytest.raises(KeyboardInterrupt):
                restore(io.BytesIO(saved), state)
        restore(io.BytesIO(saved), state)

        assert contents(state) == ((BLUE,), ["10.1.0.0/24"], "abc\n")
        assert not (state / INCOMING).exists()

    def test_what_came_after_the_backup_is_not_removed(self, state: Path) -> None:
        """The next start asks what it finds: containers may run on it."""
        with closing(SqliteStore(state / "pynet.db")) as store:
            store.settle()
        out = io.BytesIO()
        backup(state, out)
        out.seek(0)
        restore(out, state)

        with closing(SqliteStore(state / "pynet.db")) as store:
            assert not store.settled()

    def test_the_cluster_is_asked_before_blocks_of_a_backup_are_used(self, state: Path) -> None:
        """What was given back after the backup may be another host's."""
        admitted = Identity(host="one", instance="abc", generation=2, boot="b7")
        with closing(AddressStore(state / "ipam.db")) as addresses:
            addresses.ledger.admit(admitted)
        out = io.BytesIO()
        backup(state, out)
        out.seek(0)
        restore(out, state)

        with closing(AddressStore(state / "ipam.db")) as addresses:
            assert addresses.ledger.identity() == replace(admitted, boot="")

    def test_a_backup_without_a_ledger_is_restored(self, state: Path) -> None:
        """An earlier version made it."""
        shutil.copy(VERSION_1, state / "ipam.db")
        out = io.BytesIO()
        backup(state, out)
        out.seek(0)
        restore(out, state)

        with closing(AddressStore(state / "ipam.db")) as addresses:
            assert addresses.ledger.identity() is None
