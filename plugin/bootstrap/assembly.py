"""Put the services together over given backends; tests give others than the program does."""

from collections.abc import Callable
from dataclasses import dataclass

from ipam.pool import LOCAL
from plugin.addressing.base import AddressUse
from plugin.cluster.base import Cluster
from plugin.cluster.static import Static
from plugin.dhcp.base import Clients, Told
from plugin.firewall.base import Firewall
from plugin.health import Health
from plugin.kernel.base import Kernel
from plugin.service.allocations import Allocations
from plugin.service.bound_networks import BoundNetworks
from plugin.service.endpoints import Endpoints
from plugin.service.gateways import Gateways
from plugin.service.hosts import Hosts
from plugin.service.leased_pools import LeasedPools
from plugin.service.leases import Leases
from plugin.service.locks import Locks
from plugin.service.networks import Networks
from plugin.service.parents import ParentSurvey
from plugin.service.reconcile import Reconciler
from plugin.service.teardown import Teardown
from plugin.store.base import Store
from plugin.upkeep.differences import Inspection
from plugin.upkeep.drift import Inspector
from plugin.upkeep.healing import Healer
from plugin.upkeep.host_addresses import HostAddresses
from plugin.upkeep.idle_timer import IdleTimer
from plugin.upkeep.leases import LeaseKeeper, LeaseNews
from plugin.upkeep.moves import Moves
from plugin.upkeep.parents import Parents
from plugin.upkeep.peers import Peers


@dataclass(frozen=True, slots=True, kw_only=True)
class Backends:
    """The outside worlds, each behind its contract."""

    store: Store
    kernel: Kernel
    firewall: Firewall
    addresses: AddressUse
    cluster: Cluster
    clients: Callable[[Told], Clients]


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """The services that dockerd calls, and the upkeep, over one set of backends."""

    locks: Locks
    reconciler: Reconciler
    bound: BoundNetworks
    teardown: Teardown
    networks: Networks
    allocations: Allocations
    pools: LeasedPools
    endpoints: Endpoints
    gateways: Gateways
    inspector: Inspector
    inspection: Inspection
    healer: Healer
    survey: ParentSurvey
    parents: Parents
    host_addresses: HostAddresses
    peers: Peers
    leases: LeaseKeeper


def assemble(
    backends: Backends,
    health: Health,
    *,
    running: bool = True,
    locks: Locks | None = None,
    timer: IdleTimer | None = None,
) -> Parts:
    """Build every part; nothing is read or changed yet.

    ``running`` is false for a command that works in the place of a plugin that does not run.
    """
    store, addresses = backends.store, backends.addresses
    cluster = Static(backends.cluster)
    locks = locks or Locks()
    reconciler = Reconciler(backends.kernel, backends.firewall, running=running)
    bound = BoundNetworks()
    news = LeaseNews()
    leases = Leases(store, backends.clients(news))
    hosts = Hosts(backends.kernel, cluster)
    teardown = Teardown(reconciler, bound, addresses, locks, leases, hosts)
    survey = ParentSurvey(backends.kernel)
    moves = Moves(store, reconciler, bound, locks)
    pools = LeasedPools(store, bound, locks, leases, addresses, LOCAL)
    inspector = Inspector(store, reconciler, bound)
    endpoints = Endpoints(store, reconciler, locks, addresses, teardown)
    return Parts(
        locks=locks,
        reconciler=reconciler,
        bound=bound,
        teardown=teardown,
        networks=Networks(store, reconciler, teardown, survey, pools),
        pools=pools,
        allocations=Allocations(addresses, health),
        endpoints=endpoints,
        gateways=Gateways(store, endpoints),
        inspector=inspector,
        inspection=Inspection(store, inspector, locks),
        healer=Healer(inspector, teardown, locks, health, timer or IdleTimer()),
        survey=survey,
        parents=Parents(store, backends.kernel, bound, health, survey),
        host_addresses=HostAddresses(moves),
        peers=Peers(moves, hosts, cluster, health),
        leases=LeaseKeeper(store, bound, leases, locks, news, health),
    )
