"""An engine in a swarm, and the processes of the plugin that it runs."""

from collections.abc import Callable
from ipaddress import ip_address
from pathlib import Path

from plugin.cluster.base import Membership, PeersChange
from plugin.cluster.swarm import Agents, NodeDiscovery
from plugin.cluster.swarm_nodes import NodesFile
from plugin.health import Health
from plugin.model.ids import NetworkID
from plugin.model.network import IPAddress
from tests.fakes.cluster import FakeCluster

ONE, TWO, THREE = map(ip_address, ("10.99.0.1", "10.99.0.2", "10.99.0.3"))
EVERYWHERE = ip_address("::")
SIX = ip_address("fd00::6")
RED = NetworkID("r" * 25)
HERE = NetworkID("f" * 64)
OF_RED = Membership(network=RED, local=ONE)
OF_HERE = Membership(network=HERE, local=ONE)


class FakeMembers:
    """What nodes tell; a test says it."""

    def __init__(self) -> None:
        self.nodes: dict[IPAddress, set[NetworkID]] = {}
        self.silent: set[IPAddress] = set()
        self.shown: list[IPAddress] = []
        self.entered: list[NetworkID] = []
        self.left = 0

    def having(self, network: NetworkID) -> frozenset[IPAddress]:
        return frozenset(each for each, networks in self.nodes.items() if network in networks)

    def lacking(self, network: NetworkID) -> frozenset[IPAddress]:
        return frozenset(self.nodes) - self.having(network) - self.silent

    def report_to(self, changed: Callable[[], None]) -> None:
        self.changed = changed

    def show(self, own: IPAddress) -> None:
        self.shown.append(own)

    def enter(self, network: NetworkID) -> None:
        self.entered.append(network)

    def leave(self) -> None:
        self.left += 1


class Engine:
    """An engine that names nodes, and the processes of the plugin that it runs."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.agents: dict[IPAddress, str] = {}
        self.other = FakeCluster()
        self.members: FakeMembers | None = None
        self.start_plugin()

    def start_plugin(self) -> None:
        """The engine waits for an answer to its first question."""
        agents = Agents(lambda: self.agents)
        agents.asked()
        self.health = Health()
        kept = NodesFile(self.directory)
        self.cluster = NodeDiscovery(kept, agents, self.health, self.other, self.members)
        self.told: list[PeersChange] = []
        self.cluster.report_to(self.told.append)

    def join(self, agent: str, *nodes: IPAddress) -> None:
        """The engine's agent is in a swarm with these other nodes."""
        self.agents = {EVERYWHERE: agent}
        self.cluster.joined(ONE)
        for node in nodes:
            self.cluster.appeared(node)

    @property
    def peers(self) -> frozenset[IPAddress]:
        return self.cluster.peers(OF_RED)

    @property
    def flooded(self) -> frozenset[IPAddress]:
        return self.peers - self.cluster.lacking(OF_RED)
