"""The result of a recent comparison, never waited for long."""

import threading

import pytest

from plugin.errors import KernelError
from plugin.operator.base import Row
from plugin.operator.comparison import Comparison

PATIENCE = 30.0
BRIDGE: Row = {"network": "n", "kind": "Bridge", "which": "pnb-1", "fault": "missing"}
LEAVING: Row = {"network": "n", "kind": "endpoint", "which": "e", "fault": "no longer in use"}


class Host:
    """What a comparison finds, and at what time."""

    def __init__(self, *rows: Row) -> None:
        self.rows = list(rows)
        self.now = 1000.0
        self.looks = 0
        self.error: Exception | None = None
        self.free = threading.Event()
        self.free.set()
        self.comparison = Comparison(self.compare, lambda: self.now)

    def compare(self) -> list[Row]:
        self.free.wait(PATIENCE)
        self.looks += 1
        if self.error is not None:
            raise self.error
        return self.rows

    def latest(self) -> tuple[Row, ...]:
        found = self.comparison.latest(PATIENCE)
        assert found is not None
        assert not found.failure
        return found.rows


def test_what_differs() -> None:
    """With the time of the look."""
    host = Host(BRIDGE)
    found = host.comparison.latest(PATIENCE)

    assert found is not None
    assert (found.rows, found.at) == ((BRIDGE,), 1000.0)


def test_it_is_kept_for_a_second() -> None:
    """A status in a loop does not keep the networks' locks."""
    host = Host()
    host.latest()
    host.latest()
    assert host.looks == 1
    host.now += 1.1
    host.latest()

    assert host.looks == 2


def test_a_long_one_is_not_made_again_at_once() -> None:
    """It keeps each network's lock in turn, and calls need these."""
    host = Host()

    def compare() -> list[Row]:
        host.now += 10
        return host.compare()

    comparison = Comparison(compare, lambda: host.now)
    for seconds in (0, 30, 11):
        host.now += seconds
        comparison.latest(PATIENCE)

    assert host.looks == 2


def test_one_that_took_longer_than_the_patience_is_not_waited_for() -> None:
    """It will not be ready in time: the last result is there at once."""
    host = Host()

    def compare() -> list[Row]:
        host.now += PATIENCE + 1
        return host.compare()

    comparison = Comparison(compare, lambda: host.now)
    first = comparison.latest(PATIENCE)
    host.now += 5 * PATIENCE
    host.free.clear()
    again = comparison.latest(PATIENCE)
    host.free.set()

    assert again is first is not None


def test_a_slow_one_is_not_waited_for() -> None:
    """The last result is shown, with its age; the next look has the new one."""
    host = Host()
    before = host.comparison.latest(PATIENCE)
    host.free.clear()
    host.rows, host.now = [BRIDGE], 1100.0

    assert host.comparison.latest(0) is before
    assert host.comparison.latest(0) is before
    host.free.set()
    host.latest()
    assert host.looks == 2
    assert host.latest() == (BRIDGE,)


def test_a_container_that_starts_or_ends_is_no_fault() -> None:
    """For two seconds."""
    host = Host(LEAVING, BRIDGE)
    assert host.latest() == (BRIDGE,)
    host.now += 2.1
    assert host.latest() == (LEAVING, BRIDGE)
    host.rows = []
    host.now += 2.1
    host.latest()
    host.rows = [LEAVING]
    host.now += 2.1

    assert host.latest() == ()


@pytest.mark.parametrize("error", [KernelError("no netlink"), ValueError("no netlink")])
def test_one_that_fails_says_why(error: Exception) -> None:
    """And the next is made."""
    host = Host()
    host.error = error
    found = host.comparison.latest(PATIENCE)
    assert found is not None
    assert "no netlink" in found.failure
    host.error, host.now = None, 2000.0

    assert host.latest() == ()
