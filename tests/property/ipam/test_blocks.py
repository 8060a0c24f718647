"""Five hosts and their copies share a pool: no address is ever in use twice.

Answers are lost, writes come late, hosts are cut off, processes and machines crash before and after each write,
machines are copied, states are lost or restored, hosts are forgotten, and addresses are kept for owners on any host.
"""

from collections import Counter

import pytest

from tests.property.effort import SEED
from tests.property.ipam.machines import Life


def _live(seed: int, steps: int) -> Counter[str]:
    life = Life(seed)
    for _ in range(steps):
        life.step()
        life.check()
    return life.seen


@pytest.mark.parametrize("seed", range(2))
def test_no_address_is_in_use_twice(seed: int) -> None:
    """Whatever happens in between."""
    seen = _live(seed, 1_000)

    assert seen["given"]


def test_everything_happens() -> None:
    """A life in which nothing is claimed, lost or refused would prove little."""
    seen = sum((_live(seed, 1_000) for seed in (10, 11, 12)), Counter())

    assert set(seen) == {
        *("admitted", "asked for", "claimed", "crashed", "forgotten", "full", "given"),
        *("given back", "not admitted", "unavailable", "unknown"),
        *("kept", "kept no longer", "kept one given", "restored"),
    }


@pytest.mark.nightly
def test_no_address_is_in_use_twice_in_a_long_time() -> None:
    """A hundred lives of a thousand steps, and others each night."""
    first = int(SEED or 0) * 100
    for seed in range(first, first + 100):
        _live(seed, 1_000)
