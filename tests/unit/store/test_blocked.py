"""A disk that keeps a write, and one that takes none: every wait ends, and says why."""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from plugin import deadline
from plugin.errors import StoreError
from plugin.store.sqlite import SqliteStore
from tests.fakes.values import a_network, an_endpoint

BLUE = a_network("blue")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the state lies."""
    return tmp_path / "pynet.db"


@pytest.fixture
def store(path: Path, writers: list[sqlite3.Connection]) -> Iterator[SqliteStore]:
    """A state with one network."""
    made = SqliteStore(path)
    made.save_network(BLUE)
    yield made
    made.close()


@contextmanager
def kept(store: SqliteStore, writer: sqlite3.Connection) -> Iterator[None]:
    """Another thread's write does not end: SQLite asks, and hears no answer."""
    held, over = threading.Event(), threading.Event()

    def authorize(*_: object) -> int:
        held.set()
        over.wait(60)
        return sqlite3.SQLITE_OK

    writer.set_authorizer(authorize)
    thread = threading.Thread(target=store.save_network, args=(BLUE,))
    thread.start()
    assert held.wait(60)
    try:
        yield
    finally:
        over.set()
        thread.join(60)
        writer.set_authorizer(None)


def test_a_write_that_does_not_end_keeps_no_other_for_ever(
    store: SqliteStore, writers: list[sqlite3.Connection]
) -> None:
    """The next call is told so in time."""
    with (
        kept(store, writers[0]),
        deadline.within(0.05),
        pytest.raises(StoreError, match="has not ended"),
    ):
        store.save_network(a_network("red", "10.2.0.0/24"))


def test_what_the_engine_forgot_is_remembered_meanwhile(
    store: SqliteStore, writers: list[sqlite3.Connection]
) -> None:
    """In memory: the tick removes it as soon as the disk is back."""
    store.save_endpoint(an_endpoint(BLUE))
    with kept(store, writers[0]), deadline.within(0.05), pytest.raises(StoreError):
        store.mark_endpoint_deleting(an_endpoint(BLUE).id)

    assert store.endpoints(BLUE.id)[0].deleting


def test_another_process_that_keeps_the_file_is_waited_for_and_named(
    store: SqliteStore, path: Path, writers: list[sqlite3.Connection]
) -> None:
    """An administrator with a transaction open."""
    writers[0].execute("PRAGMA busy_timeout = 50")
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreError, match=r"pynet\.db cannot be written: database is locked"):
            store.save_network(a_network("red", "10.2.0.0/24"))
        with pytest.raises(StoreError, match="locked"):
            store.probe()
    store.probe()

    assert store.networks() == (BLUE,)


def test_a_file_that_was_moved_away_is_written_to_no_more(
    store: SqliteStore, path: Path, tmp_path: Path
) -> None:
    """SQLite would go on writing to it, and nothing of that would be there after a restart."""
    path.rename(tmp_path / "aside")
    for act in (store.probe, lambda: store.save_network(BLUE)):
        with pytest.raises(StoreError, match="was removed while pynet runs"):
            act()
    (tmp_path / "aside").rename(path)
    store.probe()
    store.save_network(BLUE)


def test_a_state_is_new_until_it_is_settled(path: Path) -> None:
    """Through restarts."""
    found = []
    for _ in range(3):
        store = SqliteStore(path)
        found.append(store.settled())
        if len(found) == 2:
            store.settle()
        store.close()

    assert found == [False, False, True]


def test_a_copy_is_not_settled(path: Path, tmp_path: Path) -> None:
    """It may lack what came since, and that may run."""
    with closing(SqliteStore(path)) as store:
        store.settle()
    copy = tmp_path / "copy.db"
    copy.write_bytes(path.read_bytes())
    found = []
    for each in (path, copy):
        with closing(SqliteStore(each)) as store:
            found.append(store.settled())

    assert found == [True, False]


def test_a_file_that_was_replaced_is_not_written_to(
    store: SqliteStore, path: Path, tmp_path: Path
) -> None:
    """The user put a copy in its place."""
    (tmp_path / "copy").write_bytes(path.read_bytes())
    (tmp_path / "copy").rename(path)

    with pytest.raises(StoreError, match="was replaced while pynet runs; restart pynet"):
        store.probe()
