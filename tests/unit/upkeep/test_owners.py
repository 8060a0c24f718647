"""Whose link it is, so that an event is one network's alone."""

from dataclasses import replace

from plugin.model.ids import bridge_name, handoff_name, port_name, shim_name
from plugin.upkeep.owners import owner_of
from tests.fakes.rig import Rig
from tests.fakes.values import a_network, an_endpoint

BLUE = a_network("blue", "10.1.0.0/24")
RED = a_network("red", "10.2.0.0/24", options={"bridge_name": "br-red"})
WEB = an_endpoint(BLUE)


def a_rig() -> Rig:
    rig = Rig()
    rig.networks.create(BLUE)
    rig.networks.create(RED)
    rig.endpoints.create(WEB)
    return rig


def test_links_by_names_derived_and_chosen() -> None:
    """A bridge, a port, and a bridge with a name of the user's."""
    rig = a_rig()
    rig.join(BLUE, WEB)

    assert owner_of(rig.store, rig.bound, bridge_name(BLUE.id)) == BLUE.id
    assert owner_of(rig.store, rig.bound, port_name(WEB.id)) == BLUE.id
    assert owner_of(rig.store, rig.bound, "br-red") == RED.id
    assert owner_of(rig.store, rig.bound, shim_name(RED.id)) == RED.id


def test_links_that_are_as_they_should_be() -> None:
    """Of one who is not there yet or has left, and the end that goes into the sandbox."""
    rig = a_rig()
    before = owner_of(rig.store, rig.bound, port_name(WEB.id))
    rig.join(BLUE, WEB)
    handed_over = owner_of(rig.store, rig.bound, handoff_name(WEB.id))
    rig.endpoints.leave(BLUE.id, WEB.id)
    after = owner_of(rig.store, rig.bound, port_name(WEB.id))

    assert (before, handed_over, after) == (None, None, None)
    assert owner_of(rig.store, rig.bound, "eth0") is None


def test_one_network_is_healed_alone() -> None:
    """The other stays as it is, until a look at everything."""
    rig = a_rig()
    rig.join(BLUE, WEB)
    rig.host.links.pop(bridge_name(BLUE.id))
    rig.host.links.pop("br-red")
    rig.healer.heal_networks([RED.id, replace(BLUE, id="0" * 64).id])

    assert "br-red" in rig.host.links
    assert bridge_name(BLUE.id) not in rig.host.links
    rig.healer.heal()
    assert bridge_name(BLUE.id) in rig.host.links
