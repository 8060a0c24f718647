"""Comparisons with what the firewall holds, made once for the same two sets."""

from ipaddress import ip_address, ip_network

from plugin.model.facts import Fact
from plugin.model.nat import SourceNat
from plugin.upkeep.known_facts import Comparisons


def some(*networks: int) -> frozenset[Fact]:
    """Facts, made anew each time."""
    return frozenset(
        SourceNat(prefix=ip_network(f"10.{each}.0.0/24"), source=ip_address("192.0.2.1"))
        for each in networks
    )


def test_what_is_there_is_found_in_each_reading() -> None:
    """Also by one set after the other, in any order."""
    made = Comparisons()
    there, later, wanted = some(1, 2, 3), some(1, 3), some(2, 3)
    for _ in range(2):
        assert made.has(there, wanted)
        assert not made.has(later, wanted)
        assert made.has(later, some(3))
        assert not made.has(there, some(3, 4))


def test_what_nobody_wants_is_found_in_each_reading() -> None:
    """And for each choice of what is wanted."""
    made = Comparisons()
    there, later = some(1, 2, 3), some(1, 2)
    one, two = some(1), some(2)
    for _ in range(2):
        assert made.others(there, [one, two]) == some(3)
        assert made.others(there, [one]) == some(2, 3)
        assert made.others(there, [one, some(3)]) == two
        assert made.others(later, [one, two]) == frozenset()


def test_sets_that_are_gone_are_forgotten() -> None:
    """Networks come and go while the firewall stays as it is."""
    made, there = Comparisons(), some(1, 2, 3)
    for _ in range(10):
        assert made.has(there, some(1, 2))

    assert len(made._compared.whole) == 0  # noqa: SLF001
