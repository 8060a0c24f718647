"""Endpoints that dockerd has deleted, and that could not be removed then."""

from plugin.model.ids import bridge_name
from tests.fakes.rig import Rig
from tests.fakes.values import a_binding, a_network, an_endpoint

BLUE = a_network("blue", "10.1.0.0/24", "fd00:1::/64")
WEB = an_endpoint(BLUE)


def test_one_that_cannot_be_removed_keeps_no_other(rig: Rig) -> None:
    """Nor the network from being healed; what is wrong with it is said."""
    other = an_endpoint(BLUE, 3)
    rig.networks.create(BLUE)
    rig.health.ready()
    rig.run(BLUE, WEB, a_binding())
    rig.run(BLUE, other)
    for each in (WEB, other):
        rig.store.mark_endpoint_deleting(each.id)
    rig.host.delete_link(bridge_name(BLUE.id))
    rig.faults.arm(0)
    rig.healer.heal()
    left = [each.id for each in rig.store.endpoints(BLUE.id)]
    (condition,) = rig.health.conditions

    assert rig.faults.points[0] == "remove elements"
    assert left == [WEB.id]
    assert condition.what == "networks"
    assert bridge_name(BLUE.id) in {link.ifname for link in rig.host.ours}
    rig.faults.arm(None)
    rig.healer.heal()
    assert not rig.store.endpoints(BLUE.id)
    assert rig.health.conditions == ()
    assert rig.held() == rig.wanted()
