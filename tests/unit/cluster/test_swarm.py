"""Nodes that an engine names, and the agents by which engines name them."""

from ipaddress import ip_address

import pytest

from plugin.cluster.base import PeersChange
from plugin.cluster.swarm import Agents
from plugin.model.network import IPAddress
from tests.unit.cluster.engines import HERE, OF_HERE, OF_RED, ONE, RED, SIX, THREE, TWO, Engine


def test_networks_of_the_swarm_are_on_all_nodes(engine: Engine) -> None:
    """As far as this host knows; a device sends to hosts of one family."""
    engine.join("a", TWO, THREE, SIX, ONE)

    assert engine.cluster.own_address(RED) == ONE
    assert engine.peers == {TWO, THREE}


def test_other_networks_are_left_to_another_cluster(engine: Engine) -> None:
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


def test_differences_are_told_of_networks_that_were_asked_for(engine: Engine) -> None:
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


def test_a_node_that_starts_again_soon_stays(engine: Engine) -> None:
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


@pytest.mark.parametrize(("listens", "at"), [("::", ONE), ("::", SIX), ("0.0.0.0", ONE)])
def test_an_agent_listens_at_every_address(listens: str, at: IPAddress) -> None:
    """Engines do, by one socket of both families."""
    assert Agents(lambda: {ip_address(listens): "a"}).at(at) == "a"
    assert Agents(dict).at(at) is None
