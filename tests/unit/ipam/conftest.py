"""An allocator on a store in memory, with a clock that stands until it is moved."""

from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from ipam.allocator import Allocator
from ipam.lease import AddressRequest, Kind, Owner
from ipam.pool import LOCAL, AddressSpaceName, Pool, PoolID, PoolRequest, Tenant
from ipam.prefixes import parse_address, parse_prefix
from ipam.reservation import Reservation
from ipam.settings import Settings, parse_pools
from ipam.store.base import Store
from ipam.store.host_facts import HostFacts, MemoryFacts
from ipam.store.memory import MemoryStore
from tests.fakes.registry import RegistryState
from tests.unit.ipam.clustered import ClusterHost

NOW = 1_800_000_000.0
PLAIN = Settings(quarantine=0, sticky=0, reserve_timeout=0)


@dataclass
class World:
    """What a test turns: time, routes and settings; and short words for requests."""

    settings: Settings = field(
        default_factory=lambda: Settings(pools=parse_pools("10.9.0.0/22:24,fd00:9::/62:64"))
    )
    store: Store = field(default_factory=MemoryStore)
    facts: HostFacts = field(default_factory=MemoryFacts)
    routes: list[str] = field(default_factory=list)
    now: float = NOW

    def __post_init__(self) -> None:
        self.allocator = self.opened()

    def opened(self) -> Allocator:
        """An allocator as a process has it that starts now."""
        return Allocator(
            self.store,
            self.settings,
            facts=self.facts,
            occupied=lambda: map(parse_prefix, self.routes),
            clock=lambda: self.now,
        )

    def restart(self) -> None:
        self.now += 1
        self.allocator = self.opened()

    def pool(
        self, prefix: str | None = None, /, space: AddressSpaceName = LOCAL, **options: str
    ) -> Pool:
        wanted = parse_prefix(prefix) if prefix else None
        return self.allocator.request_pool(PoolRequest(space=space, prefix=wanted, options=options))

    def used(self, *prefixes: str, network: str = "net1", **options: str) -> Pool:
        """The first of these pools, all used by one network."""
        pools = [self.pool(prefix, **options) for prefix in prefixes]
        self.allocator.group(network, LOCAL, [pool.prefix for pool in pools])
        return pools[0]

    def take(
        self,
        pool: Pool | PoolID,
        address: str | None = None,
        kind: Kind = Kind.ENDPOINT,
        **owner: str,
    ) -> str:
        """An address, without its length."""
        interface = self.allocator.request_address(
            pool.id if isinstance(pool, Pool) else pool,
            AddressRequest(
                address=parse_address(address) if address else None,
                kind=kind,
                owner=Owner(**owner),
            ),
        )
        return str(interface.ip)

    def reserve(self, address: str, tenant: str = "", **owner: str) -> None:
        self.allocator.reserve(
            Reservation(address=parse_address(address), tenant=Tenant(tenant), owner=Owner(**owner))
        )

    def give(self, pool: Pool, address: str) -> None:
        self.allocator.release_address(pool.id, parse_address(address))

    def bind(self, pool: Pool, address: str, endpoint: str | None = None, **owner: str) -> None:
        self.allocator.bind(
            LOCAL, pool.prefix, parse_address(address), Owner(**owner), endpoint=endpoint
        )

    def unbind(self, pool: Pool, address: str, endpoint: str | None = None) -> None:
        self.allocator.unbind(LOCAL, pool.prefix, parse_address(address), endpoint=endpoint)

    def states(self, pool: Pool) -> dict[str, str]:
        return {str(lease.address): str(lease.state) for lease in self.allocator.leases(pool.id)}

    def everything(self) -> list[object]:
        """All that is stored, to see that nothing changed."""
        pools = self.allocator.pools()
        leases = [lease for pool in pools for lease in self.allocator.leases(pool.id)]
        return [*pools, *leases, *self.allocator.reservations()]


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def make_world() -> Callable[..., World]:
    return World


@pytest.fixture
def cluster_of() -> Callable[[str], ClusterHost]:
    """Makes hosts of one cluster."""
    state = RegistryState()
    return lambda name: ClusterHost(state, name)


@pytest.fixture
def one(cluster_of: Callable[[str], ClusterHost]) -> ClusterHost:
    """The first host of a cluster."""
    return cluster_of("one")


@pytest.fixture
def two(cluster_of: Callable[[str], ClusterHost]) -> ClusterHost:
    """The second one."""
    return cluster_of("two")
