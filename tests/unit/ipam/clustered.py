"""Hosts of one cluster, each with an allocator of its own."""

from ipaddress import ip_address

from ipam.blocks.keys import blocks_of
from ipam.cluster_allocator import ClusterAllocator
from ipam.cluster_pools import ClusterPools, ThisHost
from ipam.lease import AddressRequest, Kind, Owner
from ipam.pool import Pool, PoolRequest
from ipam.prefixes import parse_prefix
from ipam.settings import Settings
from ipam.store.host_facts import MemoryFacts
from ipam.store.memory import MemoryStore
from tests.fakes.registry import FakeLedger, FakeRegistry, Fate, RegistryState

POOL = "10.50.0.0/16"
SMALL = "10.51.0.0/28"  # in four blocks of four addresses
RANGE = parse_prefix("10.48.0.0/12")


class ClusterHost:
    """One host: a disk, and what its engine asks."""

    def __init__(self, state: RegistryState, name: str) -> None:
        self.name = name
        self.state = state
        self.fate: Fate | None = Fate.DONE
        self.asked = 0
        self.boot = "boot1"
        self.instance = f"of-{name}"
        self.store = MemoryStore()
        self.ledger = FakeLedger()
        self.start()

    def start(self) -> None:
        """A process begins."""
        cluster = ClusterPools(
            lambda: FakeRegistry(self.state, self.name, self._fate),
            self.ledger,
            MemoryFacts(),
            ThisHost(name=self.name, boot=self.boot, instance=lambda: self.instance),
        )
        settings = Settings(cluster=(RANGE,), quarantine=0, sticky=0, reserve_timeout=0)
        self.allocator = ClusterAllocator(self.store, settings, cluster)

    def pool(self, prefix: str = POOL, **options: str) -> Pool:
        return self.allocator.request_pool(
            PoolRequest(prefix=parse_prefix(prefix), options=options)
        )

    def take(
        self,
        pool: Pool,
        address: str | None = None,
        kind: Kind = Kind.ENDPOINT,
        name: str | None = None,
    ) -> str:
        wanted = ip_address(address) if address else None
        request = AddressRequest(address=wanted, kind=kind, owner=Owner(name=name))
        return str(self.allocator.request_address(pool.id, request).ip)

    def blocks(self, pool: Pool) -> int:
        """How many the registry has for this host."""
        keys = self.state.keys.items()
        mine = [owner for key, owner in keys if key.startswith(blocks_of(pool.prefix))]
        return sum(owner.startswith(f"{self.name} ") for owner in mine)

    def _fate(self) -> Fate | None:
        self.asked += 1
        return self.fate
