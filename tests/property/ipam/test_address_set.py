"""The set of bitmaps behaves as a plain set would, only faster."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from ipam.address_set import AddressSet
from ipam.prefixes import AddressRange, parse_prefix, parse_range, subtract
from tests.property.effort import effort

PREFIX = parse_prefix("10.0.0.0/21")
SIZE = 2048

spans = st.tuples(st.integers(0, SIZE - 1), st.integers(0, 600)).map(
    lambda span: AddressRange(first=PREFIX[span[0]], last=PREFIX[min(sum(span), SIZE - 1)])
)


def numbers(ranges: tuple[AddressRange, ...] | list[AddressRange]) -> set[int]:
    base = int(PREFIX.network_address)
    return {
        number
        for part in ranges
        for number in range(int(part.first) - base, int(part.last) - base + 1)
    }


class TestAddressSet:
    @effort(200)
    @given(
        ranges=st.lists(spans, max_size=4).map(lambda parts: subtract(parts, [])),
        taken=st.lists(spans, max_size=6),
        freed=st.lists(st.integers(0, SIZE - 1), max_size=40),
        passed=st.integers(0, SIZE - 1),
    )
    def test_next_free_is_the_first_of_the_ranges_that_is_not_in_the_set(
        self,
        ranges: tuple[AddressRange, ...],
        taken: list[AddressRange],
        freed: list[int],
        passed: int,
    ) -> None:
        """Behind the address that was passed over, and then from the beginning."""
        addresses = AddressSet(PREFIX, ranges)
        for number in numbers(taken):
            addresses.add(PREFIX[number])
        for number in freed:
            addresses.discard(PREFIX[number])
        addresses.pass_over(PREFIX[passed])
        absent = sorted(numbers(ranges) - (numbers(taken) - set(freed)))

        found = addresses.next_free()

        behind = [number for number in absent if number > passed]
        expected = next(iter([*behind, *absent]), None)
        assert found == (None if expected is None else PREFIX[expected])


class TestSubtract:
    @effort(200)
    @given(ranges=st.lists(spans, max_size=4), exclusions=st.lists(spans, max_size=4))
    def test_what_is_left_is_what_a_set_would_leave(
        self, ranges: list[AddressRange], exclusions: list[AddressRange]
    ) -> None:
        """In ranges that neither overlap nor touch, in order."""
        left = subtract(ranges, exclusions)

        assert numbers(left) == numbers(ranges) - numbers(exclusions)
        assert all(int(a.last) + 1 < int(b.first) for a, b in pairwise(left))


class TestRange:
    @given(part=spans)
    def test_what_is_written_is_read_back(self, part: AddressRange) -> None:
        """The store keeps ranges as text."""
        assert parse_range(str(part)) == part
