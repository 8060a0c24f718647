"""A set that knows the next free address at once, whatever is taken."""

import tracemalloc

import pytest

from ipam.address_set import AddressSet
from ipam.prefixes import parse_address, parse_prefix, parse_range, usable


def make_set(prefix: str, *ranges: str) -> AddressSet:
    network = parse_prefix(prefix)
    return AddressSet(network, tuple(map(parse_range, ranges)) or (usable(network),))


def take(addresses: AddressSet) -> str:
    address = addresses.next_free()
    if address is None:
        return "full"
    addresses.add(address)
    addresses.pass_over(address)
    return str(address)


class TestNextFree:
    def test_addresses_come_in_order_and_then_none(self) -> None:
        """A pool is used up to its last address."""
        addresses = make_set("10.0.0.0/29")

        assert [take(addresses) for _ in range(7)] == [
            "10.0.0.1",
            "10.0.0.2",
            "10.0.0.3",
            "10.0.0.4",
            "10.0.0.5",
            "10.0.0.6",
            "full",
        ]

    def test_a_freed_address_rests_until_the_others_were_offered(self) -> None:
        """Neighbours remember whose an address was."""
        addresses = make_set("10.0.0.0/29")
        for _ in range(3):
            take(addresses)
        addresses.discard(parse_address("10.0.0.2"))

        assert [take(addresses) for _ in range(4)] == [
            "10.0.0.4",
            "10.0.0.5",
            "10.0.0.6",
            "10.0.0.2",
        ]

    def test_ranges_are_used_one_after_the_other(self) -> None:
        """Several ip-ranges make one pool, and nothing between them is offered."""
        addresses = make_set("10.0.0.0/24", "10.0.0.250-10.0.0.251", "10.0.0.9")

        ordered = make_set("10.0.0.0/24", "10.0.0.9", "10.0.0.250-10.0.0.251")
        assert take(addresses) == "10.0.0.250"
        assert [take(ordered) for _ in range(4)] == [
            "10.0.0.9",
            "10.0.0.250",
            "10.0.0.251",
            "full",
        ]

    def test_no_range_is_full(self) -> None:
        """Everything may be excluded."""
        assert AddressSet(parse_prefix("10.0.0.0/24"), ()).next_free() is None

    @pytest.mark.parametrize("prefix", ["10.0.0.0/8", "fd00::/64", "fd00::/48"])
    def test_full_stretches_are_stepped_over_on_every_level(self, prefix: str) -> None:
        """70,000 taken addresses fill bitmaps of bitmaps."""
        network = parse_prefix(prefix)
        addresses = make_set(prefix)
        for offset in range(1, 70_000):
            addresses.add(network[offset])

        assert addresses.next_free() == network[70_000]

        addresses.discard(network[300])

        assert addresses.next_free() == network[300]

    def test_the_very_last_address_can_be_had(self) -> None:
        """The end of a v6 /64 is as good as its beginning."""
        addresses = make_set("fd00::/64")
        addresses.pass_over(parse_address("fd00::ffff:ffff:ffff:fffe"))

        assert take(addresses) == "fd00::ffff:ffff:ffff:ffff"
        assert take(addresses) == "fd00::1"


class TestContains:
    def test_what_was_added_is_in_it_until_discarded(self) -> None:
        """Adding and discarding may be repeated."""
        addresses = make_set("10.0.0.0/24")
        address = parse_address("10.0.0.77")

        addresses.add(address)
        addresses.add(address)
        was_in = address in addresses
        addresses.discard(address)
        addresses.discard(address)

        assert was_in
        assert address not in addresses
        assert parse_address("10.0.0.78") not in addresses


class TestSize:
    def test_only_what_is_taken_costs_memory(self) -> None:
        """A v6 /64 has more addresses than any machine has bytes."""
        addresses = make_set("fd00::/64")
        network = parse_prefix("fd00::/64")
        tracemalloc.start()
        for offset in range(1, 100_001):
            addresses.add(network[offset])
        taken, _ = tracemalloc.get_traced_memory()
        tracemalloc.stop()

        assert taken < 2 * 100_000
