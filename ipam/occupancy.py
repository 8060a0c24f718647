"""Where there is room: stretches of addresses that are occupied, and the gaps.

Prefixes are kept as sorted numbers, apart by family, so that both questions, what
is in the way of this prefix and where is the first gap of this size, are a walk
over numbers and cost well under a millisecond among thousands of pools.
"""

from bisect import bisect_left, insort
from collections.abc import Iterable, Sequence

from ipam.prefixes import Prefix


class Occupancy:
    """Stretches of one family that do not overlap, in order."""

    __slots__ = ("_firsts", "_lasts")

    def __init__(self, prefixes: Iterable[Prefix] = ()) -> None:
        self._firsts: list[int] = []
        self._lasts: list[int] = []
        for first, last in sorted(_numbers(prefix) for prefix in prefixes):
            if self._lasts and first <= self._lasts[-1]:
                self._lasts[-1] = max(self._lasts[-1], last)
            else:
                self._firsts.append(first)
                self._lasts.append(last)

    def overlaps(self, prefix: Prefix) -> int | None:
        """Where the first stretch begins that is in the way of the prefix."""
        first, last = _numbers(prefix)
        index = bisect_left(self._lasts, first)
        if index < len(self._firsts) and self._firsts[index] <= last:
            return self._firsts[index]
        return None

    def add(self, prefix: Prefix) -> None:
        """Occupy a prefix that overlaps nothing."""
        first, last = _numbers(prefix)
        insort(self._firsts, first)
        insort(self._lasts, last)

    def remove(self, prefix: Prefix) -> None:
        """Free a prefix that was added as such."""
        index = bisect_left(self._firsts, int(prefix.network_address))
        del self._firsts[index]
        del self._lasts[index]

    def skip(self, start: int, size: int) -> int:
        """The first multiple of size, from start on, that nothing here overlaps."""
        firsts, lasts = self._firsts, self._lasts
        for index in range(bisect_left(lasts, start), len(firsts)):
            if firsts[index] >= start + size:
                break
            start = (lasts[index] // size + 1) * size
        return start


def first_gap(base: Prefix, length: int, occupied: Sequence[Occupancy]) -> Prefix | None:
    """The lowest prefix of this length inside the base that overlaps nothing."""
    if not base.prefixlen <= length <= base.max_prefixlen:
        return None
    first, last = _numbers(base)
    size = 1 << (base.max_prefixlen - length)
    while first + size - 1 <= last:
        start = first
        for stretches in occupied:
            first = stretches.skip(first, size)
        if first == start:
            return type(base)((first, length))
    return None


def _numbers(prefix: Prefix) -> tuple[int, int]:
    return int(prefix.network_address), int(prefix.broadcast_address)
