"""What every ledger of blocks must do, on disk or not."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from ipam.blocks.base import Identity, Ledger
from ipam.prefixes import parse_prefix
from ipam.store.sqlite import SqliteStore
from tests.fakes.registry import FakeLedger

POOL = parse_prefix("10.50.0.0/16")
OTHER = parse_prefix("fd00::/64")
BLOCK = parse_prefix("10.50.3.64/26")
NEXT = parse_prefix("10.50.0.0/26")
ONE = Identity(host="one", instance="abc")


@pytest.fixture(params=["fake", "sqlite"])
def ledger(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Ledger]:
    """A ledger that has nothing."""
    if request.param == "fake":
        yield FakeLedger()
        return
    with closing(SqliteStore(tmp_path / "ipam.db")) as store:
        yield store.ledger


def test_an_empty_ledger_is_nobody_s(ledger: Ledger) -> None:
    """A host without an identity asks the registry first."""
    assert ledger.identity() is None
    assert ledger.attempts() == ()
    assert ledger.pools() == []
    assert ledger.blocks(POOL) == []


def test_who_was_admitted_is_known(ledger: Ledger) -> None:
    """Each part of it, and what was tried before is over."""
    admitted = Identity(host="one", instance="abc", generation=3, boot="7f-9")
    ledger.begin(ONE)
    ledger.attempt("abc 3 7f-9")
    ledger.attempt("abc 3 8a-0")
    tried = ledger.attempts()

    ledger.admit(admitted)

    assert tried == ("abc 3 7f-9", "abc 3 8a-0")
    assert ledger.identity() == admitted
    assert ledger.attempts() == ()


def test_blocks_are_kept_in_their_order_and_once(ledger: Ledger) -> None:
    """Addresses are given from the first one first."""
    ledger.begin(ONE)
    for pool, block in ((POOL, BLOCK), (POOL, NEXT), (POOL, BLOCK), (OTHER, OTHER)):
        ledger.add(pool, block)

    assert ledger.blocks(POOL) == [BLOCK, NEXT]
    assert ledger.blocks(OTHER) == [OTHER]
    assert ledger.pools() == [POOL, OTHER]


def test_admission_keeps_blocks(ledger: Ledger) -> None:
    """A boot is no reason to lose them."""
    ledger.begin(ONE)
    ledger.add(POOL, BLOCK)

    ledger.admit(ONE)

    assert ledger.blocks(POOL) == [BLOCK]


def test_a_dropped_block_is_gone(ledger: Ledger) -> None:
    """With its pool, if it was the last one; dropping it again changes nothing."""
    ledger.begin(ONE)
    ledger.add(POOL, BLOCK)
    ledger.add(POOL, NEXT)

    ledger.drop(POOL, BLOCK)
    ledger.drop(POOL, BLOCK)
    left = ledger.blocks(POOL)
    ledger.drop(POOL, NEXT)

    assert left == [NEXT]
    assert ledger.pools() == []


def test_another_host_begins_without_blocks(ledger: Ledger) -> None:
    """What the ledger had is not its own."""
    other = Identity(host="two", instance="def")
    ledger.begin(ONE)
    ledger.attempt("abc 1 x")
    ledger.add(POOL, BLOCK)

    ledger.begin(other)

    assert ledger.identity() == other
    assert ledger.attempts() == ()
    assert ledger.pools() == []
