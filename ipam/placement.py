"""Which pool lies where: no two pools of a tenant share an address.

It is kept by tenant and family, so that tenants do not see each other's pools when
they name one, while a gap for any pool is looked for among all of them: networks
of two tenants may well meet on one host.
"""

from collections.abc import Sequence

from ipam.occupancy import Occupancy, first_gap
from ipam.pool import Pool, PoolID, Tenant
from ipam.prefixes import Prefix
from ipam.settings import PoolSource


class Placement:
    """The places of the pools of one address space."""

    def __init__(self) -> None:
        self._occupied: dict[tuple[Tenant, int], Occupancy] = {}
        self._pools: dict[tuple[Tenant, int, int], tuple[Prefix, PoolID]] = {}

    def add(self, pool: Pool) -> None:
        """Place a pool that overlaps none."""
        family = (pool.tenant, pool.prefix.version)
        self._occupied.setdefault(family, Occupancy()).add(pool.prefix)
        start = int(pool.prefix.network_address)
        self._pools[*family, start] = (pool.prefix, pool.id)

    def remove(self, pool: Pool) -> None:
        """Take a pool out that was added."""
        family = (pool.tenant, pool.prefix.version)
        self._occupied[family].remove(pool.prefix)
        del self._pools[*family, int(pool.prefix.network_address)]

    def overlapping(self, tenant: Tenant, prefix: Prefix) -> PoolID | None:
        """The tenant's first pool that shares an address with the prefix."""
        family = (tenant, prefix.version)
        occupied = self._occupied.get(family)
        start = None if occupied is None else occupied.overlaps(prefix)
        if start is None:
            return None
        _, pool = self._pools[*family, start]
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
