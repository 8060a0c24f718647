"""Which nodes get what is for everybody: etcd tells who has which network, an engine names all nodes."""

import pytest

from plugin.cluster.base import PeersChange
from tests.unit.cluster.engines import (
    HERE,
    OF_HERE,
    OF_RED,
    ONE,
    RED,
    SIX,
    THREE,
    TWO,
    Engine,
    FakeMembers,
)


@pytest.fixture
def members(engine: Engine) -> FakeMembers:
    engine.members = made = FakeMembers()
    engine.start_plugin()
    return made


def test_nodes_without_the_network_lack_it(engine: Engine, members: FakeMembers) -> None:
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


def test_nobody_lacks_it_while_etcd_is_away(engine: Engine, members: FakeMembers) -> None:
    """The nodes that the engine named hold."""
    members.nodes = {TWO: set(), THREE: set()}
    engine.join("a", TWO, THREE)
    assert engine.flooded == frozenset()
    members.silent = {TWO, THREE}
    members.changed()

    assert engine.flooded == {TWO, THREE}


def test_nodes_are_known_before_the_engine_names_them(engine: Engine, members: FakeMembers) -> None:
    """Those that have the network; after a restart of both, and where the list was lost."""
    members.nodes = {ONE: {RED}, TWO: {RED}, THREE: set(), SIX: {RED}}
    engine.join("a", TWO, THREE)
    engine.join("b")
    assert engine.peers == {TWO}
    (engine.directory / "swarm-nodes").unlink()
    engine.start_plugin()

    assert engine.peers == {TWO}


def test_the_node_is_shown_to_others(engine: Engine, members: FakeMembers) -> None:
    """By each process that runs, with the networks that come and go."""
    engine.join("a", TWO)
    engine.cluster.enter(OF_RED)
    engine.cluster.enter(OF_HERE)
    engine.cluster.leave(HERE)
    engine.cluster.leave(RED)
    engine.start_plugin()

    assert members.shown == [ONE, ONE]
    assert (members.entered, members.left) == ([RED], 1)
