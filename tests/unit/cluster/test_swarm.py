"""Nodes that an engine names, over restarts of the plugin and of the engine."""

from collections.abc import Callable
from dataclasses import replace
from ipaddress import ip_address
from pathlib import Path

import pytest

from plugin.cluster.base import Membership, PeersChange
from plugin.cluster.swarm import Agents, NodeDiscovery
from plugin.cluster.swarm_nodes import NodesFile
from plugin.errors import RefusedError
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


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    return Engine(tmp_path)


class TestNodes:
    def test_networks_of_the_swarm_are_on_all_nodes(self, engine: Engine) -> None:
        """As far as this host knows; a device sends to hosts of one family."""
        engine.join("a", TWO, THREE, SIX, ONE)

        assert engine.cluster.own_address(RED) == ONE
        assert engine.peers == {TWO, THREE}

    def test_other_networks_are_left_to_another_cluster(self, engine: Engine) -> None:
        """In every respect."""
        engine.join("a", TWO)
        engine.other.own, engine.other.hosts = THREE, frozenset({ONE, THREE})
        engine.cluster.enter(OF_HERE)
        engine.cluster.enter(OF_RED)

        assert engine.cluster.own_address(HERE) == THREE
        assert engine.cluster.peers(OF_HERE) == {THREE}
        assert engine.other.members == {HERE}
        engine.cluster.leave(HERE)
        assert engine.other.members == set()

    def test_differences_are_told_of_networks_that_were_asked_for(self, engine: Engine) -> None:
        """Once each, and not of networks that left."""
        engine.join("a", TWO)
        assert engine.told == []
        assert engine.peers == {TWO}
        engine.cluster.appeared(THREE)
        engine.cluster.disappeared(TWO)
        engine.cluster.disappeared(TWO)
        engine.cluster.leave(RED)
        engine.cluster.disappeared(THREE)

        assert engine.told == [
            PeersChange(network=RED, added=frozenset({THREE})),
            PeersChange(network=RED, removed=frozenset({TWO})),
        ]

    def test_a_node_that_starts_again_soon_stays(self, engine: Engine) -> None:
        """Its next agent comes before the former one is missed."""
        engine.join("a", TWO)
        assert engine.peers == {TWO}
        engine.cluster.appeared(TWO)
        engine.start_plugin()
        engine.cluster.disappeared(TWO)
        assert engine.peers == {TWO}
        engine.cluster.disappeared(TWO)

        assert engine.peers == frozenset()
        assert engine.told == [PeersChange(network=RED, removed=frozenset({TWO}))]


class TestRestart:
    def test_a_plugin_that_starts_again_knows_the_nodes(self, engine: Engine) -> None:
        """The engine names this host alone to it, as it does when pynet was disabled."""
        engine.join("a", TWO, THREE)
        engine.cluster.disappeared(THREE)
        engine.start_plugin()
        assert engine.peers == {TWO}
        engine.join("a")

        assert engine.peers == {TWO}
        assert engine.health.conditions == ()

    def test_another_agent_begins_anew(self, engine: Engine) -> None:
        """Of an engine that started again, or that is in another swarm now: its nodes come next."""
        engine.join("a", TWO)
        assert engine.peers == {TWO}
        engine.join("b", THREE)

        assert engine.peers == {THREE}
        assert engine.told[0] == PeersChange(network=RED, removed=frozenset({TWO}))

    def test_an_engine_that_starts_with_the_plugin_begins_anew(self, engine: Engine) -> None:
        """The agent comes after the engine's first question."""
        engine.join("a", TWO)
        engine.agents = {}
        engine.start_plugin()
        engine.join("b", THREE)

        assert engine.peers == {THREE}
        assert engine.cluster.own_address(RED) == ONE

    def test_what_is_damaged_is_nothing(self, engine: Engine) -> None:
        """A power failure may leave anything; the next agent names all nodes."""
        engine.join("a", TWO)
        for damage in ("", "[]", '{"agent": "a"}', "\x00\xff"):
            (engine.directory / "swarm-nodes").write_text(damage)
            engine.start_plugin()
            assert engine.peers == frozenset()

    def test_a_directory_that_cannot_be_written_loses_nothing_now(self, engine: Engine) -> None:
        """Only the next process does not know."""
        (engine.directory / "swarm-nodes.new").mkdir()
        engine.join("a", TWO)

        assert engine.peers == {TWO}


class TestWhereEtcdTells:
    """Which nodes have which network; an engine names all nodes."""

    @pytest.fixture
    def members(self, engine: Engine) -> FakeMembers:
        engine.members = made = FakeMembers()
        engine.start_plugin()
        return made

    def test_nodes_without_the_network_lack_it(self, engine: Engine, members: FakeMembers) -> None:
        """Nobody else: one that tells nothing may have an older pynet, or no etcd."""
        members.nodes = {ONE: {RED}, TWO: set()}
        engine.join("a", TWO, THREE)
        assert engine.peers == {TWO, THREE}
        assert engine.flooded == {THREE}
        members.nodes[TWO].add(RED)
        members.changed()

        assert engine.flooded == {TWO, THREE}
        assert engine.told[-1] == PeersChange(network=RED, added=frozenset({TWO}))
        members.nodes[TWO].clear()
        members.changed()
        members.changed()
        assert engine.told[-1] == PeersChange(network=RED, removed=frozenset({TWO}))
        assert len(engine.told) == 2

    def test_nobody_lacks_it_while_etcd_is_away(self, engine: Engine, members: FakeMembers) -> None:
        """The nodes that the engine named hold."""
        members.nodes = {TWO: set(), THREE: set()}
        engine.join("a", TWO, THREE)
        assert engine.flooded == frozenset()
        members.silent = {TWO, THREE}
        members.changed()

        assert engine.flooded == {TWO, THREE}

    def test_nodes_are_known_before_the_engine_names_them(
        self, engine: Engine, members: FakeMembers
    ) -> None:
        """Those that have the network; after a restart of both, and where the list was lost."""
        members.nodes = {ONE: {RED}, TWO: {RED}, THREE: set(), SIX: {RED}}
        engine.join("a", TWO, THREE)
        engine.join("b")
        assert engine.peers == {TWO}
        (engine.directory / "swarm-nodes").unlink()
        engine.start_plugin()

        assert engine.peers == {TWO}

    def test_the_node_is_shown_to_others(self, engine: Engine, members: FakeMembers) -> None:
        """By each process that runs, with the networks that come and go."""
        engine.join("a", TWO)
        engine.cluster.enter(OF_RED)
        engine.cluster.enter(OF_HERE)
        engine.cluster.leave(HERE)
        engine.cluster.leave(RED)
        engine.start_plugin()

        assert members.shown == [ONE, ONE]
        assert (members.entered, members.left) == ([RED], 1)


def test_a_list_that_was_lost(engine: Engine) -> None:
    """Is no reason to leave hosts that the network's record has."""
    part = replace(OF_RED, recorded=(TWO, SIX))
    assert engine.cluster.peers(part) == {TWO}
    engine.join("a")

    assert engine.cluster.peers(part) == frozenset()


class TestEnabledLater:
    """pynet was enabled when the host was in a swarm already: other nodes are never named."""

    @pytest.fixture
    def late(self, engine: Engine) -> Engine:
        engine.agents = {EVERYWHERE: "a"}
        engine.start_plugin()
        engine.join("a")
        return engine

    def test_networks_are_refused(self, late: Engine) -> None:
        """They would be cut off from all other nodes, without a word."""
        with pytest.raises(RefusedError, match="restart Docker on this node, once"):
            late.cluster.own_address(RED)
        (condition,) = late.health.conditions

        assert condition.remedy == "restart Docker on this node, once"

    def test_a_restart_of_the_plugin_changes_nothing(self, late: Engine) -> None:
        """It is the same agent."""
        late.start_plugin()
        late.join("a")

        with pytest.raises(RefusedError):
            late.cluster.own_address(RED)
        assert len(late.health.conditions) == 1

    def test_a_restart_of_the_engine_is_the_remedy(self, late: Engine) -> None:
        """Which names all nodes anew."""
        late.join("b", TWO)

        assert late.cluster.own_address(RED) == ONE
        assert late.peers == {TWO}
        assert late.health.conditions == ()

    def test_a_host_in_no_swarm_is_told_the_same(self, engine: Engine) -> None:
        """An engine asks for no network of a swarm then."""
        with pytest.raises(RefusedError):
            engine.cluster.own_address(RED)
        assert engine.health.conditions == ()


@pytest.mark.parametrize(("listens", "at"), [("::", ONE), ("::", SIX), ("0.0.0.0", ONE)])
def test_an_agent_listens_at_every_address(listens: str, at: IPAddress) -> None:
    """Engines do, by one socket of both families."""
    assert Agents(lambda: {ip_address(listens): "a"}).at(at) == "a"
    assert Agents(dict).at(at) is None
