"""One address space: placing pools so that they never overlap, under one lock.

Pools of one tenant share no address; pools of different tenants may.  The store
is the truth and every operation is one transaction of it.  What this object
remembers is read again when somebody else changed a pool, and after anything that
went wrong.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from threading import Lock

from ipam.addresses import Moment, PoolAddresses
from ipam.errors import (
    InvalidRequestError,
    PoolInUseError,
    PoolOverlapError,
    PoolsExhaustedError,
    RefusedError,
    UnknownPoolError,
)
from ipam.placement import Occupancy, first_gap
from ipam.pool import GLOBAL, AddressSpaceName, Pool, PoolID, Tenant
from ipam.prefixes import Address, Prefix
from ipam.settings import PoolSource, Settings
from ipam.store.base import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """Any pool of this length from these sources, clear of what is occupied."""

    version: int
    length: int | None
    sources: Sequence[PoolSource]
    occupied: Sequence[Prefix]


class AddressSpace:
    """The pools of one address space, of all tenants."""

    def __init__(self, name: AddressSpaceName, store: Store, settings: Settings) -> None:
        self.name = name
        self._store = store
        self._settings = settings
        self._lock = Lock()
        self._pools: dict[PoolID, PoolAddresses] = {}
        self._placed: dict[tuple[Tenant, int], Occupancy] = {}
        self._starts: dict[tuple[Tenant, int, int], PoolID] = {}
        self._revision = -1
        with self.operation():
            pass

    @contextmanager
    def operation(self) -> Iterator[None]:
        """Do what is done in the block as a whole, durably, and alone."""
        with self._lock:
            try:
                with self._store.transaction():
                    self._refresh()
                    yield
            except (InvalidRequestError, RefusedError):
                raise
            except BaseException:
                self._revision = -1
                self._pools.clear()
                raise

    def prefixes(self) -> list[Prefix]:
        """Every prefix that is held here."""
        return [addresses.pool.prefix for addresses in self._pools.values()]

    def find(self, pool: PoolID) -> PoolAddresses | None:
        """The addresses of this pool, if it is held."""
        return self._pools.get(pool)

    def get(self, pool: PoolID) -> PoolAddresses:
        """The addresses of this pool, which must be held."""
        found = self._pools.get(pool)
        if found is None:
            raise UnknownPoolError(
                f"pool {pool} is not held; if the store was lost, restart the engine "
                f"to replay its networks, or create the network again"
            )
        return found

    def family(self, home: PoolAddresses) -> list[PoolAddresses]:
        """This pool and then its siblings: of the same network and IP version."""
        network = home.pool.network
        if network is None:
            return [home]
        siblings = self._of_network(network, home.pool.prefix.version)
        return [home, *(each for each in siblings if each is not home)]

    def containing(self, prefix: Prefix, address: Address) -> PoolAddresses | None:
        """The pool with this prefix, of the tenant who asked for the address."""
        found = self._with_prefix(prefix)
        waiting = [each for each in found if each.awaits(address)]
        return next(iter(waiting or found), None)

    def owned_by(self, owner: str, gap: Gap, tenant: Tenant) -> Pool | None:
        """The pool this owner got when it asked for any pool before."""
        for addresses in self._pools.values():
            pool = addresses.pool
            if (
                (pool.owner, pool.tenant) == (owner, tenant)
                and pool.prefix.version == gap.version
                and gap.length in (None, pool.prefix.prefixlen)
            ):
                return pool
        return None

    def gap(self, gap: Gap) -> Prefix:
        """The lowest prefix that is clear of every pool of every tenant."""
        held = [placed for (_, version), placed in self._placed.items() if version == gap.version]
        clear_of = [*held, Occupancy(gap.occupied)]
        for source in gap.sources:
            length = gap.length or source.size
            prefix = first_gap(source, length, clear_of)
            if prefix is not None:
                return prefix
        raise PoolsExhaustedError(
            f"all predefined address pools have been fully subnetted: no free "
            f"{_sizes(gap)} for IPv{gap.version} in "
            f"{', '.join(str(source.base) for source in gap.sources) or 'no range'} "
            f"beside {len(self._pools)} pools and {len(gap.occupied)} occupied "
            f"prefixes; add a range to the pools setting, or give a subnet"
        )

    def place(self, wanted: Pool, at: Moment) -> Pool:
        """Hold exactly this pool; its owner may ask again."""
        found = self._overlapping(wanted)
        if found is None:
            return self._record(PoolAddresses(wanted, self._store, self._settings))
        if not self._is_repeat(found, wanted, at):
            user = found.pool.network and f", of network {found.pool.network}"
            raise PoolOverlapError(
                f"Pool overlaps with other one on this address space: {wanted.prefix} "
                f"and pool {found.pool.id}{user or ''}; choose another subnet, or "
                f"keep the networks apart with the option tenant=NAME"
            )
        found.pool = replace(found.pool, requested=at.now, released=False)
        found.replayed = at.now
        return self._record(found)

    def release(self, pool: PoolID) -> None:
        """Let the pool go, now or when the network that uses it is gone."""
        found = self._pools.get(pool)
        if found is None:
            return
        if found.pool.network is None:
            self._drop(found.pool)
        else:
            found.pool = replace(found.pool, released=True)
            self._record(found)

    def group(self, network: str, prefixes: Sequence[Prefix]) -> None:
        """Make the pools with these prefixes siblings, used by this network."""
        chosen = [each for prefix in prefixes for each in self._unused(network, prefix)]
        for addresses in chosen:
            addresses.pool = replace(addresses.pool, network=network)
            self._record(addresses)

    def ungroup(self, network: str) -> None:
        """Record that the network is gone, and let go what it released."""
        for version in (4, 6):
            for addresses in self._of_network(network, version):
                if addresses.pool.released:
                    self._drop(addresses.pool)
                else:
                    addresses.pool = replace(addresses.pool, network=None)
                    self._record(addresses)

    def _refresh(self) -> None:
        revision = self._store.revision()
        if revision == self._revision:
            return
        known = self._pools
        self._pools, self._placed, self._starts = {}, {}, {}
        for pool in self._store.pools():
            if pool.space != self.name:
                continue
            addresses = known.get(pool.id)
            if addresses is None or addresses.pool != pool:
                addresses = PoolAddresses(pool, self._store, self._settings)
            self._remember(addresses)
        self._revision = revision

    def _remember(self, addresses: PoolAddresses) -> None:
        pool = addresses.pool
        if pool.id not in self._pools:
            family = (pool.tenant, pool.prefix.version)
            self._placed.setdefault(family, Occupancy()).add(pool.prefix)
            self._starts[*family, int(pool.prefix.network_address)] = pool.id
        self._pools[pool.id] = addresses

    def _record(self, addresses: PoolAddresses) -> Pool:
        self._store.put_pool(addresses.pool)
        self._revision = self._store.revision()
        self._remember(addresses)
        return addresses.pool

    def _drop(self, pool: Pool) -> None:
        self._store.remove_pool(pool.id)
        self._revision = self._store.revision()
        family = (pool.tenant, pool.prefix.version)
        self._placed[family].remove(pool.prefix)
        del self._starts[*family, int(pool.prefix.network_address)]
        del self._pools[pool.id]

    def _overlapping(self, wanted: Pool) -> PoolAddresses | None:
        family = (wanted.tenant, wanted.prefix.version)
        placed = self._placed.get(family)
        if placed is None:
            return None
        start = placed.overlaps(wanted.prefix)
        if start is None:
            return None
        return self._pools[self._starts[*family, start]]

    def _is_repeat(self, held: PoolAddresses, wanted: Pool, at: Moment) -> bool:
        pool = held.pool
        if (pool.prefix, pool.ranges, pool.exclusions) != (
            wanted.prefix,
            wanted.ranges,
            wanted.exclusions,
        ):
            return False
        if pool.space == GLOBAL:
            # A swarm manager asks again for all it has when it becomes leader, and
            # nothing tells that from a second network.
            return True
        if wanted.owner is not None:
            return wanted.owner == pool.owner
        # The engine's client repeats a call whose answer it never got: this
        # process was started meanwhile, and nothing has happened in the pool.
        return (
            pool.network is None
            and pool.owner is None
            and pool.requested < at.began
            and at.now - pool.requested <= self._settings.reserve_timeout
            and not self._store.addresses(pool.id)
        )

    def _of_network(self, network: str, version: int) -> list[PoolAddresses]:
        return [
            addresses
            for addresses in self._pools.values()
            if addresses.pool.network == network and addresses.pool.prefix.version == version
        ]

    def _with_prefix(self, prefix: Prefix) -> list[PoolAddresses]:
        found = [
            self._pools[self._starts[key]]
            for tenant, version in self._placed
            if (key := (tenant, version, int(prefix.network_address))) in self._starts
        ]
        return [each for each in found if each.pool.prefix == prefix]

    def _unused(self, network: str, prefix: Prefix) -> list[PoolAddresses]:
        found = self._with_prefix(prefix)
        if not found or any(each.pool.network == network for each in found):
            return []
        free = [each for each in found if each.pool.network is None]
        if not free:
            raise PoolInUseError(
                f"pool {found[0].pool.id} serves network {found[0].pool.network} and "
                f"cannot serve {network} as well; choose another subnet"
            )
        return [max(free, key=lambda each: each.pool.requested)]


def _sizes(gap: Gap) -> str:
    lengths = {gap.length or source.size for source in gap.sources}
    return " or ".join(f"/{length}" for length in sorted(lengths)) or "pool"
