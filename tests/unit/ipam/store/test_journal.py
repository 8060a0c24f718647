"""One wait for the disk serves all who came before it, and a disk that fails is told to all of them."""

import errno
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from ipam.errors import StoreError
from ipam.store import journal as module
from ipam.store.journal import Journal

Sync = Callable[[], None]


class Disk:
    """A disk that waits to be let go; then it keeps all, or fails."""

    def __init__(self) -> None:
        self.waits = 0
        self.reached = threading.Semaphore(0)
        self.let_go = threading.Semaphore(0)
        self.failure: OSError | None = None

    def sync(self, _: int) -> None:
        self.waits += 1
        self.reached.release()
        assert self.let_go.acquire(timeout=60)
        if self.failure is not None:
            raise self.failure


class Callers:
    """Threads that have written, and wait for the disk."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._threads: list[threading.Thread] = []
        self.answers: list[str] = []

    def add(self) -> None:
        self._journal.was_written()
        self._threads.append(threading.Thread(target=self._wait))
        self._threads[-1].start()

    def join(self) -> list[str]:
        for thread in self._threads:
            thread.join(60)
        return self.answers

    def _wait(self) -> None:
        try:
            self._journal.sync()
        except StoreError as error:
            self.answers.append(str(error))
        else:
            self.answers.append("kept")


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Disk:
    """The disk of all files."""
    found = Disk()
    monkeypatch.setattr(module.os, "fdatasync", found.sync)
    return found


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    """Of a store that needs nothing else here."""
    (tmp_path / "ipam.db-wal").touch()
    with closing(Journal(tmp_path / "ipam.db")) as found:
        yield found


def test_nothing_is_waited_for_that_nobody_wrote(journal: Journal, disk: Disk) -> None:
    """An operation that only reads."""
    journal.sync()

    assert not disk.waits


def test_those_who_come_during_a_wait_share_the_next(journal: Journal, disk: Disk) -> None:
    """What they wrote may be too late for the one that is under way."""
    callers = Callers(journal)
    callers.add()
    disk.reached.acquire(timeout=60)
    for _ in range(5):
        callers.add()
    disk.let_go.release()
    disk.reached.acquire(timeout=60)
    disk.let_go.release(5)

    assert callers.join() == ["kept"] * 6
    assert 2 <= disk.waits <= 3  # a thread that starts late may find all done, or be first


def test_a_failure_is_told_to_all_who_wait(journal: Journal, disk: Disk) -> None:
    """The kernel tells it once: who asked again would be told that all is well."""
    callers = Callers(journal)
    disk.failure = OSError(errno.EIO, os.strerror(errno.EIO))
    callers.add()
    disk.reached.acquire(timeout=60)
    journal.was_written()
    second = threading.Event()
    told: list[str] = []

    def wait() -> None:
        second.set()
        with pytest.raises(StoreError) as error:
            journal.sync()
        told.append(str(error.value))

    thread = threading.Thread(target=wait)
    thread.start()
    second.wait(60)
    _until_waiting(journal)
    disk.let_go.release()
    thread.join(60)

    (first,) = callers.join()
    assert first.endswith("ipam.db cannot be brought to the disk: Input/output error")
    assert told[0].endswith("ipam.db cannot be brought to the disk")


def test_after_a_failure_none_is_told_that_all_is_well(journal: Journal, disk: Disk) -> None:
    """Until all is written anew: another wait would succeed, and bring nothing of it to the disk."""
    journal.was_written()
    disk.let_go.release(2)
    disk.failure = OSError(errno.EIO, "no")
    with pytest.raises(StoreError):
        journal.sync()
    disk.failure = None
    with pytest.raises(StoreError):
        journal.sync()
    assert disk.waits == 1
    journal.was_written_anew()
    journal.sync()
    journal.was_written()
    journal.sync()

    assert disk.waits == 2


def test_a_disk_that_blocks_does_not_block_for_ever(
    journal: Journal, disk: Disk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An engine waits for the answer."""
    monkeypatch.setattr(module, "PATIENCE", 0.05)
    callers = Callers(journal)
    callers.add()
    disk.reached.acquire(timeout=60)
    journal.was_written()
    with pytest.raises(StoreError, match=r"has waited 0\.05 s for its disk"):
        journal.sync()
    disk.let_go.release()

    assert callers.join() == ["kept"]


def test_without_a_journal(tmp_path: Path) -> None:
    """The store's folder may have gone."""
    with pytest.raises(StoreError, match="cannot be brought to the disk: No such file"):
        Journal(tmp_path / "none")


def _until_waiting(journal: Journal) -> None:
    """Return when a thread waits for another's wait."""
    changed = journal._changed  # noqa: SLF001 - no other sign of it
    while not changed._waiters:  # type: ignore[attr-defined]  # noqa: SLF001
        pass
