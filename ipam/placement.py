"""Which pool lies where: no two pools of a tenant share an address.

Pools are kept by tenant and IP version.  A requested prefix may overlap pools of other tenants.  A
gap for any pool is looked for among the pools of all tenants, because networks of two tenants may
meet on one host.

Prefixes are kept as sorted numbers.  To find a prefix in the way, or the first gap of a size, is a
walk over these numbers.  It costs well under a millisecond among thousands of pools.
"""

from bisect import bisect_left, insort
from collections.abc import Iterable, Sequence
from typing import Final

from ipam.pool import Pool, PoolID, Tenant
from ipam.prefixes import Prefix
from ipam.settings import PoolSource

# A default route is no reason to avoid anything, nor are the two halves of one that a
# VPN sets to come before it (OpenVPN's redirect-gateway def1).
_SHORTEST_AVOIDED: Final = 2


class Placement:
    """The places of the pools of one address space."""

    def __init__(self) -> None:
        self._occupied: dict[tuple[Tenant, int], Occupancy] = {}
        self._pools: dict[tuple[Tenant, int, int], tuple[Prefix, PoolID]] = {}

    def add(self, pool: Pool) -> None:
        """Place a pool that overlaps none."""
        key = (pool.tenant, pool.prefix.version)
        self._occupied.setdefault(key, Occupancy()).add(pool.prefix)
        start = int(pool.prefix.network_address)
        self._pools[*key, start] = (pool.prefix, pool.id)

    def remove(self, pool: Pool) -> None:
        """Take a pool out that was added."""
        key = (pool.tenant, pool.prefix.version)
        self._occupied[key].remove(pool.prefix)
        del self._pools[*key, int(pool.prefix.network_address)]

    def overlapping(self, tenant: Tenant, prefix: Prefix) -> PoolID | None:
        """The tenant's first pool that shares an address with the prefix."""
        key = (tenant, prefix.version)
        occupied = self._occupied.get(key)
        start = None if occupied is None else occupied.overlaps(prefix)
        if start is None:
            return None
        _, pool = self._pools[*key, start]
        return pool

    def at(self, prefix: Prefix) -> list[PoolID]:
        """The pools with exactly this prefix, one of a tenant at most."""
        start = int(prefix.network_address)
        placed = (
            self._pools.get((tenant, version, start))
            for tenant, version in self._occupied
            if version == prefix.version
        )
        return [pool for found, pool in filter(None, placed) if found == prefix]

    def gap(self, source: PoolSource, length: int, occupied: Sequence[Prefix]) -> Prefix | None:
        """The lowest prefix of the source that is clear of pools and of occupied."""
        version = source.base.version
        held = (each for (_, of), each in self._occupied.items() if of == version)
        return first_gap(source.base, length, [*held, Occupancy(occupied)])


class Occupancy:
    """Stretches of addresses of one IP version that do not overlap, in order."""

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


def avoided(prefixes: Iterable[Prefix]) -> list[Prefix]:
    """Those of the host's prefixes that no new pool is to overlap."""
    return [each for each in prefixes if each.prefixlen >= _SHORTEST_AVOIDED]


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
