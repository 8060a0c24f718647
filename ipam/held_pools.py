"""The pools of one address space that are held, as this process remembers them."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from ipam.addresses import PoolAddresses
from ipam.errors import PoolInUseError, PoolOverlapError, PoolsExhaustedError
from ipam.placement import Placement
from ipam.pool import Pool, PoolID, Tenant
from ipam.pool_request import WantedPool
from ipam.prefixes import Prefix
from ipam.settings import PoolSource


class HeldPools:
    """Pools by id, by place, and by the network that uses them."""

    def __init__(self) -> None:
        self._pools: dict[PoolID, PoolAddresses] = {}
        self._placement = Placement()
        self._used: dict[str, list[PoolID]] = {}

    def __len__(self) -> int:
        return len(self._pools)

    def __iter__(self) -> Iterator[PoolAddresses]:
        return iter(self._pools.values())

    def get(self, pool: PoolID) -> PoolAddresses | None:
        """The pool with this id, if it is held."""
        return self._pools.get(pool)

    def at(self, prefix: Prefix) -> list[PoolAddresses]:
        """The pools with exactly this prefix, one of a tenant at most."""
        return [self._pools[pool] for pool in self._placement.at(prefix)]

    def overlapping(self, tenant: Tenant, prefix: Prefix) -> PoolAddresses | None:
        """The tenant's first pool that shares an address with the prefix."""
        found = self._placement.overlapping(tenant, prefix)
        return None if found is None else self._pools[found]

    def all_overlapping(self, tenant: Tenant, prefix: Prefix) -> list[Pool]:
        """All of the tenant's pools that share an address with the prefix; looks at each."""
        return [
            each.pool
            for each in self
            if each.pool.tenant == tenant
            and each.pool.prefix.version == prefix.version
            and each.pool.prefix.overlaps(prefix)
        ]

    def gap(self, source: PoolSource, length: int, occupied: Sequence[Prefix]) -> Prefix | None:
        """The lowest prefix of the source that is clear of pools and of ``occupied``."""
        return self._placement.gap(source, length, occupied)

    def of_network(self, network: str | None) -> list[PoolAddresses]:
        """The pools that the network uses."""
        return [self._pools[pool] for pool in self._used.get(network or "", ())]

    def of_group(self, group: str | None) -> list[PoolAddresses]:
        """The pools with this name in their option ``group``."""
        if group is None:
            return []
        return [each for each in self if each.pool.group == group]

    def siblings(self, home: PoolAddresses) -> list[PoolAddresses]:
        """The pools that stand in for this one: of its network or group, tenant and IP version."""
        near = [*self.of_network(home.pool.network), *self.of_group(home.pool.group)]
        return [
            each
            for each in dict.fromkeys(near)
            if each is not home
            and each.pool.tenant == home.pool.tenant
            and each.pool.prefix.version == home.pool.prefix.version
        ]

    def of_version(self, version: int, home: PoolAddresses) -> list[PoolAddresses]:
        """The pools of this one's network and tenant that are of an IP version."""
        return [
            each
            for each in self.of_network(home.pool.network)
            if each.pool.tenant == home.pool.tenant and each.pool.prefix.version == version
        ]

    def pool_for(self, network: str, prefix: Prefix) -> Pool | None:
        """The pool with this prefix that the network uses, or will be taken to use."""
        found = [each.pool for each in self.at(prefix)]
        mine = [pool for pool in found if pool.network == network]
        free = [pool for pool in found if pool.network is None]
        candidates = mine or free
        return candidates[0] if len(candidates) == 1 else None

    def to_use(
        self, network: str, prefix: Prefix, is_gone: Callable[[Pool], bool]
    ) -> PoolAddresses | None:
        """The pool with this prefix that the network is to use; None if it does, or none is free.

        A pool is free, too, if the network that has it ``is_gone``.

        Raises PoolInUseError if it serves another network.
        """
        found = self.at(prefix)
        if any(each.pool.network == network for each in found):
            return None
        free = [each for each in found if each.pool.network is None or is_gone(each.pool)]
        if found and not free:
            raise PoolInUseError(
                f"pool {found[0].pool.id} serves network {found[0].pool.network} and cannot "
                f"serve {network} as well; choose another subnet"
            )
        # Of two tenants' pools that both wait for their network, neither is taken for
        # this one's: a pool that no network is known to use is merely kept longer.
        return free[0] if len(free) == 1 else None

    def add(self, added: PoolAddresses) -> None:
        """Remember a pool that overlaps none of its tenant."""
        self._pools[added.pool.id] = added
        self._placement.add(added.pool)
        self._use(replace(added.pool, network=None), added.pool)

    def change(self, found: PoolAddresses, pool: Pool) -> None:
        """Remember what is new about a pool."""
        self._use(found.pool, pool)
        found.change(pool)

    def remove(self, pool: Pool) -> None:
        """Forget a pool."""
        self._placement.remove(pool)
        self._use(pool, replace(pool, network=None))
        del self._pools[pool.id]

    def _use(self, before: Pool, after: Pool) -> None:
        if before.network == after.network:
            return
        if before.network is not None:
            self._used[before.network].remove(before.id)
            if not self._used[before.network]:
                del self._used[before.network]
        if after.network is not None:
            self._used.setdefault(after.network, []).append(after.id)


def overlap(pool: Pool, held: Pool) -> PoolOverlapError:
    """What a pool is refused with that overlaps one that is held."""
    user = f", of network {held.network}" if held.network else ""
    return PoolOverlapError(
        f"Pool overlaps with other one on this address space: {pool.prefix} and pool "
        f"{held.id}{user}; choose another subnet, or keep the networks apart "
        f"with the option tenant=NAME"
    )


def exhausted(
    wanted: WantedPool, sources: Sequence[PoolSource], beside: str
) -> PoolsExhaustedError:
    """What a request for any pool is refused with if no source has room."""
    bases = ", ".join(str(source) for source in sources) or "none"
    size = f" of length {wanted.length}" if wanted.length else ""
    return PoolsExhaustedError(
        f"all predefined address pools have been fully subnetted: no IPv{wanted.version} "
        f"pool{size} is left in {bases} beside {beside} of the host; add a range to the setting "
        f"pools, or give a subnet"
    )
