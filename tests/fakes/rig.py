"""The services over a fake host: what bootstrap builds, for tests."""

from dataclasses import dataclass, field

from plugin.bootstrap.assembly import Backends, assemble
from plugin.dhcp.base import Clients, Told
from plugin.dhcp.loop import Loop
from plugin.health import Health
from plugin.model.addresses import Address
from plugin.model.ids import NetworkID
from plugin.model.links import Hairpin
from plugin.model.network import Endpoint, IPInterface, Network, NetworkState, PoolData
from plugin.model.resources import Resource
from plugin.model.sysctls import RouteLocalnet, Sysctl
from plugin.model.tunnels import FloodEntry
from plugin.service.locks import Locks
from plugin.upkeep.idle_timer import IdleTimer
from tests.fakes.cluster import FakeCluster
from tests.fakes.dhcp import FakeLan
from tests.fakes.faults import Faults
from tests.fakes.firewall import FaultyFirewall
from tests.fakes.host import FakeHost
from tests.fakes.kernel import FakeKernel
from tests.fakes.store import FaultyStore
from tests.fakes.values import SANDBOX


@dataclass(slots=True)
class AddressLog:
    """Remembers who was told to have which address."""

    groups: set[str] = field(default_factory=set)
    bound: set[str] = field(default_factory=set)
    given_back: set[NetworkID] = field(default_factory=set)
    ours: bool = False
    again: dict[str, bool] = field(default_factory=dict)

    def described(self, network: Network) -> Network:
        return network

    def group(self, network: Network, *, again: bool = False) -> None:
        self.groups.add(network.id)
        self.again[network.id] = again

    def ungroup(self, network_id: NetworkID, *, deleted: bool) -> None:
        self.groups.discard(network_id)

    def free(self, network_id: NetworkID) -> None:
        self.groups.discard(network_id)

    def bind(self, pool: PoolData, interface: IPInterface, endpoint: Endpoint) -> None:
        self.bound.add(f"{interface.ip} of {pool.prefix}")

    def unbind(self, pool: PoolData, interface: IPInterface, endpoint: Endpoint) -> None:
        self.bound.discard(f"{interface.ip} of {pool.prefix}")

    def release(self, pool: PoolData, interface: IPInterface, endpoint: Endpoint) -> None:
        self.unbind(pool, interface, endpoint)

    def holds(self, pool: PoolData) -> bool:
        return False

    def is_released(self, pool: PoolData, interface: IPInterface) -> bool:
        return self.ours and f"{interface.ip} of {pool.prefix}" not in self.bound

    def released(self) -> frozenset[NetworkID]:
        return frozenset(self.given_back)


class Rig:
    """One life of the plugin; ``restarted`` is the next."""

    def __init__(self, before: "Rig | None" = None) -> None:
        self.faults: Faults = before.faults if before else Faults()
        self.host: FakeHost = before.host if before else FakeHost()
        self.store: FaultyStore = before.store if before else FaultyStore(self.faults)
        self.firewall: FaultyFirewall = before.firewall if before else FaultyFirewall(self.faults)
        self.addresses: AddressLog = before.addresses if before else AddressLog()
        self.cluster: FakeCluster = before.cluster if before else FakeCluster()
        self.lan: FakeLan = before.lan if before else FakeLan()
        self.kernel = FakeKernel(self.host, self.faults)
        self.locks = Locks(wait_seconds=2)
        self.health = Health()
        self.now = 0.0
        self.backends = Backends(
            store=self.store,
            kernel=self.kernel,
            firewall=self.firewall,
            addresses=self.addresses,
            cluster=self.cluster,
            clients=self._clients,
        )
        parts = assemble(
            self.backends,
            self.health,
            locks=self.locks,
            timer=IdleTimer(lambda: self.now),
        )
        self.reconciler = parts.reconciler
        self.bound = parts.bound
        self.survey = parts.survey
        self.parents = parts.parents
        self.networks = parts.networks
        self.allocations = parts.allocations
        self.pools = parts.pools
        self.endpoints = parts.endpoints
        self.gateways = parts.gateways
        self.host_addresses = parts.host_addresses
        self.peers = parts.peers
        self.teardown = parts.teardown
        self.inspector = parts.inspector
        self.inspection = parts.inspection
        self.healer = parts.healer
        self.leases = parts.leases

    def _clients(self, told: Told) -> Clients:
        self.clients = Loop(self.lan, told)
        return self.clients

    def restarted(self) -> "Rig":
        """The same host and state, and a plugin that has just started and looked around."""
        self.faults.arm(None)
        rig = Rig(self)
        rig.healer.restore()
        return rig

    def run(self, network: Network, endpoint: Endpoint, *bindings: object) -> Endpoint:
        """Create, join and publish, as ``docker run`` does."""
        self.endpoints.create(endpoint)
        self.join(network, endpoint)
        self.endpoints.program(network.id, endpoint.id, bindings)  # type: ignore[arg-type]
        found = self.store.endpoint(endpoint.id)
        assert found is not None
        return found

    def join(self, network: Network, endpoint: Endpoint) -> None:
        """Join, and have dockerd take the other end of a pair; tests move links of parents."""
        self.endpoints.join(network.id, endpoint.id, SANDBOX)
        joined = self.endpoints.get(network.id, endpoint.id)
        known = self.store.network(network.id) or network
        handoff = self.bound.of(known).endpoint_plan(joined).handoff
        if handoff in self.host.links and self.host.links[handoff].resource is None:
            self.host.hand_over(handoff)

    def held(self) -> frozenset[Resource]:
        """Everything of pynet's that the host holds, except settings: those are not reset."""
        resources: set[Resource] = {*self.host.ours, *self.firewall.read()}
        resources |= {*self.kernel.ports, *self.kernel.proxied}
        for ifname, link in self.host.links.items():
            resources |= {Address(ifname=ifname, interface=each) for each in link.addresses}
            resources |= set(link.routes.values())
            resources |= {FloodEntry(ifname=ifname, peer=peer) for peer in link.peers}
            if link.hairpin:
                resources.add(Hairpin(ifname=ifname))
            if link.localnet:
                resources.add(RouteLocalnet(ifname=ifname))
            if link.limit:
                resources.add(link.limit)
        return frozenset(resources)

    def wanted(self) -> frozenset[Resource]:
        """Everything that the state says the host should hold, settings excepted."""
        resources: set[Resource] = set()
        for network in self.store.networks():
            if network.state is not NetworkState.ACTIVE:
                continue
            bound = self.bound.of(network)
            endpoints = self.store.endpoints(network.id)
            resources |= bound.network_plan().resources
            resources |= bound.shared_plan(endpoints).resources
            for endpoint in endpoints:
                if endpoint.joined:
                    resources |= bound.endpoint_plan(endpoint).resources
                    resources |= bound.ports_plan(endpoint).resources
        return frozenset(each for each in resources if not isinstance(each, Sysctl))
