"""Which addresses of a prefix are taken, and which free one comes next.

The set is a tree of bitmaps, each 256 bits wide and kept only where an address is taken.  A bit on
the lowest level is an address; a bit on a level above means that the whole bitmap below is full.
A search for a free address skips full bitmaps.  It costs at most one step per level (4 for a /8, 8
for a v6 /64), however many addresses are taken.  A prefix of any size costs memory only for
the addresses that are taken.
"""

from bisect import bisect_right
from typing import Final

from ipam.prefixes import Address, AddressRange, Prefix

FANOUT_BITS: Final = 8
_WIDTH: Final = 1 << FANOUT_BITS
_FULL: Final = (1 << _WIDTH) - 1
_OFFSET: Final = _WIDTH - 1


class AddressSet:
    """Taken addresses of one prefix; free ones are offered from ``ranges`` only.

    The offer is next-fit: it starts behind the address that was offered last, so
    that an address which came back rests as long as others are free.
    """

    __slots__ = ("_base", "_cursor", "_firsts", "_lasts", "_levels", "_type")

    def __init__(self, prefix: Prefix, ranges: tuple[AddressRange, ...]) -> None:
        self._type: type[Address] = type(prefix.network_address)
        self._base = int(prefix.network_address)
        self._firsts = [int(part.first) - self._base for part in ranges]
        self._lasts = [int(part.last) - self._base for part in ranges]
        self._levels: list[dict[int, int]] = [{}]
        self._cursor = 0

    def __contains__(self, address: Address) -> bool:
        number = int(address) - self._base
        bits = self._levels[0].get(number >> FANOUT_BITS, 0)
        return bool(bits >> (number & _OFFSET) & 1)

    def add(self, address: Address) -> None:
        """Take the address; taking it twice changes nothing."""
        number = int(address) - self._base
        for level in self._levels:
            place = number >> FANOUT_BITS
            bits = level.get(place, 0) | 1 << (number & _OFFSET)
            level[place] = bits
            if bits != _FULL:
                return
            number = place
        self._levels.append({number >> FANOUT_BITS: 1 << (number & _OFFSET)})

    def discard(self, address: Address) -> None:
        """Give the address back, whether it was taken or not."""
        number = int(address) - self._base
        for level in self._levels:
            place = number >> FANOUT_BITS
            before = level.get(place, 0)
            after = before & ~(1 << (number & _OFFSET))
            if after:
                level[place] = after
            else:
                level.pop(place, None)
            if before != _FULL:
                return
            number = place

    def pass_over(self, address: Address) -> None:
        """Start the next offer behind this address."""
        self._cursor = int(address) - self._base + 1

    def next_free(self) -> Address | None:
        """The first free address behind the last one passed, or None when full."""
        current = bisect_right(self._firsts, self._cursor) - 1
        if current >= 0:
            number = self._next_absent(self._cursor)
            if number <= self._lasts[current]:
                return self._type(self._base + number)
        count = len(self._firsts)
        # Once around; the range of the cursor comes last, from its beginning.
        for index in (*range(current + 1, count), *range(current + 1)):
            number = self._next_absent(self._firsts[index])
            if number <= self._lasts[index]:
                return self._type(self._base + number)
        return None

    def _next_absent(self, number: int) -> int:
        height = 0
        while height < len(self._levels):
            bits = self._levels[height].get(number >> FANOUT_BITS, 0)
            offset = _lowest_zero(bits >> (number & _OFFSET)) + (number & _OFFSET)
            if offset < _WIDTH:
                number = number & ~_OFFSET | offset
                break
            number = (number >> FANOUT_BITS) + 1
            height += 1
        for level in reversed(self._levels[:height]):
            number = number << FANOUT_BITS | _lowest_zero(level.get(number, 0))
        return number


def _lowest_zero(bits: int) -> int:
    return (~bits & (bits + 1)).bit_length() - 1
