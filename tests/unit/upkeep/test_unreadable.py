"""A network whose record cannot be read: told, left as it is, and nobody else's trouble."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from plugin.health import Status
from plugin.model.ids import IfName, bridge_name
from plugin.model.links import Bridge
from plugin.model.network import Network
from plugin.model.ports import HostPort, ProxiedPort
from plugin.model.resources import Resource
from plugin.model.traffic import LinkRole, Role
from plugin.upkeep.differences import Fault
from tests.fakes.rig import Rig
from tests.fakes.values import a_binding, a_network, an_endpoint

BLUE = a_network("blue", "10.1.0.0/24")
RED = a_network("red", "10.2.0.0/24")
STRAY = LinkRole(link=IfName("pnb-00000000000"), role=Role.NETWORK)
DAMAGES = {
    "mode": (lambda network: replace(network, mode="flannel"), "option mode is 'flannel'"),
    "option": (lambda network: replace(network, options={"mtu": "much"}), "option mtu is 'much'"),
}


@pytest.fixture
def rig() -> Rig:
    """Two networks, each with a container that publishes a port."""
    made = Rig()
    for number, network in enumerate((BLUE, RED)):
        made.networks.create(network)
        made.run(network, an_endpoint(network), a_binding(host_port=8000 + number))
    made.healer.heal()
    return made


@pytest.fixture(params=DAMAGES)
def damage(request: pytest.FixtureRequest, rig: Rig) -> str:
    """Spoils the record of a network; what pynet says of it."""
    change, reason = DAMAGES[request.param]
    spoil(rig, change)
    return reason


def spoil(rig: Rig, change: Callable[[Network], Network]) -> None:
    """Change a record, as no call does."""
    network = rig.store.network(BLUE.id)
    assert network
    rig.store.save_network(change(network))


def lose_a_rule(rig: Rig) -> None:
    """Of the network that can be read, and of the other one, too."""
    for network in (RED, BLUE):
        rig.firewall.remove([LinkRole(link=bridge_name(network.id), role=Role.NETWORK)])


def held(rig: Rig) -> frozenset[Resource]:
    """What the host holds; ports are the process's, which ends with a damage."""
    return frozenset(each for each in rig.held() if not isinstance(each, HostPort | ProxiedPort))


def of_blue(rig: Rig) -> frozenset[Resource]:
    """What the host holds that is not the other network's."""
    return held(rig) - rig.bound.of(RED).whole_plan(rig.store.endpoints(RED.id)).resources


def test_it_is_told_once(rig: Rig, damage: str) -> None:
    """As one condition, with what to do."""
    for _ in range(2):
        rig.healer.heal()

    (condition,) = rig.health.conditions
    assert condition.what == f"record of {BLUE.id[:12]}"
    assert damage in condition.why
    assert "docker network rm" in condition.remedy


def test_what_it_has_stays(rig: Rig, damage: str) -> None:
    """Links, addresses and facts, after a restart as well."""
    before = of_blue(rig)
    rig.healer.heal()
    again = rig.restarted()

    assert before
    assert of_blue(again) == before


def test_the_others_are_healed_and_swept(rig: Rig, damage: str) -> None:
    """What nobody owns goes, and what another network lacks comes back."""
    lose_a_rule(rig)
    stray = Bridge(ifname=IfName("pnb-0"), mac_address=None, mtu=1500, owner="nobody")
    rig.kernel.ensure([stray], lambda _: None)
    rig.firewall.ensure([STRAY])
    rig.healer.heal()

    assert LinkRole(link=bridge_name(RED.id), role=Role.NETWORK) in rig.held()
    assert LinkRole(link=bridge_name(BLUE.id), role=Role.NETWORK) not in rig.held()
    assert rig.held().isdisjoint({STRAY, stray})


def test_other_networks_come_and_go(rig: Rig, damage: str) -> None:
    """A creation looks at all other networks, and so does a deletion."""
    green = a_network("green", "10.3.0.0/24", mode="macvlan", options={"parent": "eth0.5"})
    rig.host.add_parent("eth0")
    rig.networks.create(green)
    rig.networks.delete(green.id)
    rig.networks.delete(RED.id)
    rig.parents.look_after()
    rig.host_addresses.follow()

    assert [network.id for network in rig.store.networks()] == [BLUE.id]


def test_check_names_it(rig: Rig, damage: str) -> None:
    """And shows what else differs; nothing that it has is garbage."""
    lose_a_rule(rig)

    found = rig.inspection.differences()

    assert [(each.network, each.kind, each.fault) for each in found] == [
        (BLUE.id[:12], "network", Fault.DAMAGED),
        (RED.id[:12], "LinkRole", Fault.MISSING),
    ]
    network = rig.store.network(BLUE.id)
    assert network
    assert rig.inspector.is_seen(network)


def test_it_can_be_removed(rig: Rig, damage: str) -> None:
    """``docker network rm`` frees all that it had, and the health is well again."""
    rig.networks.delete(BLUE.id)
    rig.healer.heal()
    rig.health.ready()

    assert held(rig) == held(rig) & rig.wanted()
    assert [network.id for network in rig.store.networks()] == [RED.id]
    assert rig.health.status is Status.OK


def test_it_is_healed_when_it_can_be_read_again(rig: Rig, damage: str) -> None:
    """After a downgrade that was undone, for instance."""
    rig.healer.heal()
    lose_a_rule(rig)
    spoil(rig, lambda network: replace(network, mode="bridge", options={}))
    rig.healer.heal()

    assert rig.held() == rig.wanted()
    assert rig.health.conditions == ()
