"""Addresses in a swarm of three managers: none twice, none lost, whatever ends."""

import signal
from collections import Counter
from ipaddress import ip_interface

import pytest

from tests.e2e.swarming import PATIENCE, Node, Swarm, restart
from tests.lab.commands import wait_until

pytestmark = pytest.mark.nightly
FIXED = "--ip-range=10.71.0.11/32"


def test_two_families_have_no_address_twice(swarm: Swarm) -> None:
    """On three nodes that choose IPv6 by themselves."""
    swarm.network("dual", "--ipv6", "--subnet", "10.66.0.0/24", "--subnet", "fd00:66::/64")
    swarm.service("six", "dual", "--replicas", "6")
    swarm.running("six", 6)
    found = swarm.addresses("dual")

    assert sorted(Counter(ip_interface(each).version for each in found).items()) == [(4, 6), (6, 6)]
    assert max(found.values()) == 1


def test_a_second_network_takes_nothing_of_the_first(swarm: Swarm) -> None:
    """A typing error in the subnet: the first one's tasks come and go as before."""
    swarm.network("dual2", "--subnet", "10.66.0.0/24")
    swarm.service("none", "dual2", "--replicas", "1")
    swarm.docker("service", "scale", "--detach", "six=8")
    swarm.running("six", 8)
    found = swarm.addresses("dual")

    assert max(found.values()) == 1
    assert "10.66.0.1" not in found
    swarm.remove("dual2", "none")
    swarm.remove("dual", "six")


def test_leaders_come_and_go(swarm: Swarm) -> None:
    """While a service grows and shrinks; in the end the leader holds what is in use, and no more."""
    swarm.network("led", "--subnet", "10.67.0.0/24")
    swarm.service("grows", "led", "--replicas", "6")
    swarm.running("grows", 6)
    most = []
    for replicas in (9, 3, 12, 5, 8, 4):
        leader = swarm.leader()
        assert leader is not None
        leader.host.dockerd.end(signal.SIGKILL)
        wait_until(lambda: swarm.leader() is not None, "another leader", deadline=120)
        swarm.docker("service", "scale", "--detach", f"grows={replicas}")
        most.append(max(swarm.addresses("led").values()))
        swarm.running("grows", replicas)
        most.append(max(swarm.addresses("led").values()))
        leader.host.dockerd.start(leader.host.leader)
        leader.plugin.wait_ready()
        swarm.ready()
    swarm.docker("service", "scale", "--detach", "grows=10")
    swarm.running("grows", 10)
    leader = swarm.leader()

    assert leader is not None
    assert set(most) == {1}
    assert len(swarm.addresses("led")) == 10
    wait_until(lambda: _held(leader) == 11, "what is not in use to rest", deadline=60)
    swarm.remove("led", "grows")


def _held(leader: Node) -> int:
    """Addresses that cannot be given to another container, and do not merely rest: tasks and gateway."""
    pools = leader.plugin.ask("/v1/pools")
    (pool,) = [
        each
        for each in pools
        if each["prefix"] == "10.67.0.0/24" and each["space"] == "pynet-global"
    ]
    return sum(count for state, count in pool["addresses"].items() if state != "resting")


def test_an_engine_that_was_killed_has_its_networks_again(swarm: Swarm) -> None:
    """And the plugin holds nothing of the engine's former life."""
    before = _outlived(swarm)
    _end_each(swarm, "killed", "10.68.0.0/24", signal.SIGKILL)

    # A node takes some seconds to delete its copy of a network that was removed, as of the test before.
    assert all(now > then for now, then in zip(_outlived(swarm), before, strict=True))


def test_an_engine_that_stopped_has_its_networks_again(swarm: Swarm) -> None:
    """It has deleted them in an orderly way."""
    _end_each(swarm, "stopped", "10.70.0.0/24", signal.SIGTERM)


def _outlived(swarm: Swarm) -> list[int]:
    return [node.plugin.tail(20000).count("network.outlived") for node in swarm.nodes]


def _end_each(swarm: Swarm, name: str, subnet: str, number: signal.Signals) -> None:
    """Every node's engine in turn, the leader's first; all tasks run again and none is rejected."""
    swarm.network(name, "--subnet", subnet)
    swarm.service(name, name, "--mode", "global")
    swarm.running(name, 3)
    for node in swarm.nodes:
        restart(node, number)
        swarm.ready()
        swarm.running(name, 3)

    assert swarm.rejected(name) == []
    assert max(swarm.addresses(name).values()) == 1
    assert swarm.unreached(name) == []
    swarm.remove(name, name)


def test_another_network_may_have_the_subnet_of_one_that_is_gone(swarm: Swarm) -> None:
    """Removed while a node was down, that node never hears of it."""
    swarm.network("old", "--subnet", "10.69.0.0/24")
    swarm.service("old", "old", "--mode", "global")
    swarm.running("old", 3)
    away = swarm.nodes[2]
    away.host.dockerd.end(signal.SIGKILL)
    swarm.ready(2)
    swarm.remove("old", "old")
    swarm.network("new", "--subnet", "10.69.0.0/24")
    swarm.service("new", "new", "--mode", "global")
    away.host.dockerd.start(away.host.leader)
    away.plugin.wait_ready()
    swarm.ready()
    swarm.running("new", 3)

    assert max(swarm.addresses("new").values()) == 1
    assert swarm.unreached("new") == []
    swarm.remove("new", "new")


def test_a_service_with_an_address_of_its_own(swarm: Swarm) -> None:
    """A range of one address: the task has it on whichever node it runs."""
    swarm.network("fixed", "--subnet=10.71.0.0/24", "--gateway=10.71.0.1", FIXED)
    swarm.service("one", "fixed", "--replicas=1")
    swarm.running("one", 1)
    (node,) = (each for each in swarm.nodes if each.containers("fixed"))
    swarm.docker("node", "update", "--availability=drain", node.host.name)
    try:
        wait_until(lambda: _elsewhere(swarm, node), "the task elsewhere", deadline=PATIENCE)
        swarm.running("one", 1)

        assert set(swarm.addresses("fixed")) == {"10.71.0.11"}
    finally:
        swarm.docker("node", "update", "--availability=active", node.host.name)
        swarm.remove("fixed", "one")


def _elsewhere(swarm: Swarm, node: Node) -> bool:
    return any(each.containers("fixed") for each in swarm.nodes if each is not node)
