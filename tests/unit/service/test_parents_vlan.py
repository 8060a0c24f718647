"""VLANs of a parent that several networks share: made with the first, and gone with the last."""

import pytest

from plugin.errors import KernelError, RefusedError
from plugin.model.links import Ipvlan, Vlan
from tests.fakes.rig import Rig
from tests.unit.service.test_parents import ETH0, TAGGED, on


@pytest.fixture
def rig(rig: Rig) -> Rig:
    """Of a host with a card."""
    rig.host.add_parent(ETH0, mtu=1450)
    return rig


class TestSharedVlan:
    def test_it_goes_with_the_last_network(self, rig: Rig) -> None:
        """Whichever network was the first."""
        one, other = on("eth0.100"), on("eth0", 2, vlan="100")
        rig.networks.create(one)
        rig.networks.create(other)
        rig.networks.delete(one.id)

        assert rig.held() == {Vlan(ifname=TAGGED, parent=ETH0, number=100)}
        rig.networks.delete(other.id)
        assert rig.held() == frozenset()

    def test_a_creation_that_fails_leaves_it_to_others(self, rig: Rig) -> None:
        """Their containers would lose their links."""
        rig.networks.create(on("eth0.100"))
        before = rig.held()
        rig.faults.arm(3, KernelError("out of order"))
        with pytest.raises(KernelError):
            rig.networks.create(on("eth0.100", 2))
        rig.faults.arm(None)

        assert rig.held() == before

    def test_and_takes_it_away_if_there_are_none(self, rig: Rig) -> None:
        """Nothing is left."""
        rig.host.lacks_links.add(Ipvlan)
        with pytest.raises(RefusedError):
            rig.networks.create(on("eth0.100", 2, "ipvlan"))

        assert rig.held() == frozenset()

    def test_one_of_the_hosts_own_stays(self, rig: Rig) -> None:
        """It was there before, and may be needed for something else."""
        rig.host.add_parent(TAGGED, lower=ETH0, vlan=100)
        network = on("eth0.100")
        rig.networks.create(network)
        assert rig.store.networks()[0].foreign_parent
        rig.networks.delete(network.id)

        assert TAGGED in rig.host.links

    def test_one_that_an_adopted_one_became_stays(self, rig: Rig) -> None:
        """The host's was deleted, and made again for another network: the first stands on it too."""
        rig.host.add_parent(TAGGED, lower=ETH0, vlan=100)
        adopting, making = on("eth0.100"), on("eth0.100", 2)
        rig.networks.create(adopting)
        rig.host.parents.pop(TAGGED)
        rig.host.delete_link(TAGGED)
        rig.networks.create(making)
        rig.networks.delete(making.id)
        rig.healer.heal()

        assert TAGGED in rig.host.links
        rig.networks.delete(adopting.id)
        rig.healer.heal()
        assert rig.held() == frozenset()

    def test_one_that_another_program_uses_stays(self, rig: Rig) -> None:
        """As long as it is used, and no tick reports it."""
        network = on("eth0.100")
        rig.networks.create(network)
        rig.host.used_vlans.add(TAGGED)
        rig.networks.delete(network.id)
        rig.healer.heal()

        assert TAGGED in rig.host.links
        assert rig.inspector.surplus() == []
        rig.host.used_vlans.clear()
        rig.healer.heal()
        assert rig.held() == frozenset()

    def test_it_is_back_when_its_base_is(self, rig: Rig) -> None:
        """The card was unplugged."""
        rig.networks.create(on("eth0.100"))
        held = rig.held()
        rig.host.delete_link(ETH0)
        rig.healer.heal()
        assert rig.held() == frozenset()
        rig.host.add_parent(ETH0)
        rig.healer.heal()

        assert rig.held() == held
        assert rig.health.conditions == ()

    def test_a_sweep_takes_what_nobody_wants(self, rig: Rig) -> None:
        """The process died between the record's end and the link's."""
        network = on("eth0.100")
        rig.networks.create(network)
        rig.store.delete_network(network.id)
        rig.healer.heal()

        assert rig.held() == frozenset()
