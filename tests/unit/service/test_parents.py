"""Links of the host that networks stand on: before, between networks, and afterwards."""

from typing import Any

import pytest

from plugin.drivers.registry import bind
from plugin.errors import KernelError, MissingLinkError, RefusedError
from plugin.health import Status
from plugin.model.ids import IfName, handoff_name
from plugin.model.links import Ipvlan, IpvlanFlag, IpvlanMode, IpvlanSetting, Vlan
from plugin.model.network import Network
from tests.fakes.rig import Rig
from tests.fakes.values import a_network, an_endpoint

ETH0 = IfName("eth0")
TAGGED = IfName("eth0.100")


def on(parent: str, number: int = 1, mode: str = "macvlan", **options: str) -> Network:
    """The ``number``-th network, on a parent."""
    own = {"mode": mode, "parent": parent, **options}
    return a_network(f"net{number}", f"10.{number}.0.0/24", mode=mode, options=own)


@pytest.fixture
def rig(rig: Rig) -> Rig:
    """Of a host with a card."""
    rig.host.add_parent(ETH0, mtu=1450)
    return rig


def conditions(rig: Rig) -> dict[str, tuple[str, str]]:
    rig.parents.look_after()
    return {each.what: (each.why, each.remedy) for each in rig.health.conditions}


class TestSurvey:
    def test_the_network_keeps_what_was_found(self, rig: Rig) -> None:
        """The plan is the same after a restart, whatever the parent is by then."""
        rig.networks.create(on("eth0"))

        (network,) = rig.store.networks()
        assert network.uplink_mtu == 1450
        assert network.foreign_parent

    def test_what_is_not_there_is_refused(self, rig: Rig) -> None:
        """By its name, and by that of its base."""
        for parent, missing in (("eth7", "eth7"), ("eth7.100", "eth7")):
            with pytest.raises(MissingLinkError, match=f"no link {missing} on this host; choose"):
                rig.networks.create(on(parent))

        assert rig.store.networks() == ()

    def test_a_doubtful_one_is_said_in_the_log(
        self, rig: Rig, capsys: pytest.CaptureFixture[str]
    ) -> None:
        """And the network is made."""
        rig.host.add_parent("eth1", carrier=False)
        rig.networks.create(on("eth1"))

        assert len(rig.store.networks()) == 1

    def test_a_kernel_that_cannot_is_found_out(self, rig: Rig) -> None:
        """Before a container needs it, and nothing is left."""
        rig.host.lacks_links.add(Ipvlan)
        with pytest.raises(RefusedError, match="makes no"):
            rig.networks.create(on("eth0.100", mode="ipvlan"))

        assert rig.store.networks() == ()
        assert rig.held() == frozenset()


class TestTogether:
    def test_networks_of_one_mode_share_a_parent(self, rig: Rig) -> None:
        """As many as there are subnets."""
        for number in (1, 2, 3):
            rig.networks.create(on("eth0", number))

        assert len(rig.store.networks()) == 3

    @pytest.mark.parametrize(
        ("first", "second", "match"),
        [
            (on("eth0"), on("eth0", 2, "ipvlan"), "carries macvlan links of network.*mode=macvlan"),
            (on("eth0", 1, "ipvlan"), on("eth0", 2), "carries ipvlan links.*choose mode=ipvlan"),
            (on("eth0"), on("eth0", 2, macvlan_mode="passthru"), "passthru is for one network"),
            (on("eth0", macvlan_mode="passthru"), on("eth0", 2), "eth0 is used by network"),
            (
                on("eth0", 1, "ipvlan"),
                on("eth0", 2, "ipvlan", ipvlan_mode="l3"),
                "choose ipvlan_mode=l2 ipvlan_flag=bridge or another parent",
            ),
            (on("eth0.100"), on("eth0", 2, "ipvlan", vlan="100"), "parent eth0.100 carries"),
        ],
    )
    def test_others_are_refused(
        self, rig: Rig, first: Network, second: Network, match: str
    ) -> None:
        """With the network that is in the way."""
        rig.networks.create(first)
        before = rig.held()
        with pytest.raises(RefusedError, match=match) as caught:
            rig.networks.create(second)

        assert first.id[:12] in str(caught.value)
        assert rig.store.networks()[0].id == first.id
        assert len(rig.store.networks()) == 1
        assert rig.held() == before

    def test_ipvlan_links_of_somebody_else(self, rig: Rig) -> None:
        """A link of ours would change theirs: not even the rehearsal is made."""
        theirs = IpvlanSetting(mode=IpvlanMode.L3, flag=IpvlanFlag.BRIDGE)
        rig.host.foreign_ipvlan[ETH0] = {theirs}
        with pytest.raises(
            RefusedError, match=r"pynet did not create.*choose ipvlan_mode=l3 ipvlan_fl"
        ):
            rig.networks.create(on("eth0", mode="ipvlan"))

        assert rig.store.networks() == ()
        rig.networks.create(on("eth0", 2, "ipvlan", ipvlan_mode="l3"))
        rig.networks.create(on("eth0.100", 3, "ipvlan"))

    def test_vlans_are_parents_of_their_own(self, rig: Rig) -> None:
        """And of another mode than their base, if wanted."""
        rig.networks.create(on("eth0"))
        rig.networks.create(on("eth0.100", 2, "ipvlan"))

        assert len(rig.store.networks()) == 2


class TestSharedVlan:
    def test_it_goes_with_the_last_network(self, rig: Rig) -> None:
        """Whichever was the first."""
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

    def test_one_that_somebody_else_uses_stays(self, rig: Rig) -> None:
        """As long as he does, and without a word at every tick."""
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


class TestLookAfter:
    @pytest.mark.parametrize(
        ("facts", "why", "remedy"),
        [
            ({"up": False}, "eth0 is down", "ip link set eth0 up"),
            ({"carrier": False}, "eth0 has no carrier", "check the cable"),
            (None, "eth0 is not there", "plug it in"),
        ],
    )
    @pytest.mark.parametrize("parent", ["eth0", "eth0.100"])
    def test_trouble_is_said_until_it_is_over(
        self, rig: Rig, parent: str, facts: dict[str, Any] | None, why: str, remedy: str
    ) -> None:
        """With the networks that have it."""
        network = on(parent)
        rig.networks.create(network)
        assert conditions(rig) == {}
        if facts is None:
            rig.host.delete_link(ETH0)
        else:
            rig.host.add_parent(ETH0, **facts)

        said = conditions(rig)["parent eth0"]
        assert why in said[0]
        assert network.id[:12] in said[0]
        assert remedy in said[1]
        assert rig.health.status is Status.DEGRADED
        rig.host.add_parent(ETH0)
        assert conditions(rig) == {}

    def test_what_would_be_refused_today_is_said(self, rig: Rig) -> None:
        """Somebody made the parent a port of a bridge."""
        rig.networks.create(on("eth0"))
        rig.host.add_parent(ETH0, master_kind="bridge")

        why, remedy = conditions(rig)["parent eth0"]
        assert "would be refused today (parent eth0 is a port of a bridge" in why
        assert remedy == "take it out: ip link set eth0 nomaster"

    def test_what_else_was_done_to_a_parent(self, rig: Rig) -> None:
        """Its MTU was lowered."""
        rig.networks.create(on("eth0", mtu="1450"))
        rig.host.add_parent(ETH0, mtu=1400)

        why, remedy = conditions(rig)["parent eth0"]
        assert "at most 1400 bytes" in why
        assert "change it back" in remedy

    def test_what_is_doubtful_is_a_hint(self, rig: Rig) -> None:
        """It degrades nothing, and goes with its network."""
        network = on("eth0")
        rig.networks.create(network)
        rig.host.add_parent(ETH0, bus_driver="virtio_net")
        assert conditions(rig) == {}
        (hint,) = rig.health.hints
        assert "allow promiscuous mode" in hint
        rig.networks.delete(network.id)

        assert conditions(rig) == {}
        assert rig.health.hints == ()

    def test_a_network_that_goes_takes_its_trouble_along(self, rig: Rig) -> None:
        """Nobody needs the parent any more."""
        network = on("eth0")
        rig.networks.create(network)
        rig.host.add_parent(ETH0, up=False)
        assert conditions(rig)
        rig.networks.delete(network.id)

        assert conditions(rig) == {}

    def test_links_that_concern_networks_are_known(self, rig: Rig) -> None:
        """For whoever listens to the kernel."""
        rig.networks.create(on("eth0.100"))
        rig.networks.create(a_network("blue", "10.9.0.0/24"))

        assert rig.parents.concerns("eth0")
        assert rig.parents.concerns("eth0.100")
        assert not rig.parents.concerns("eth1")
        restarted = rig.restarted()
        restarted.parents.look_after()
        assert restarted.parents.concerns("eth0.100")

    def test_a_look_meanwhile_loses_no_link(self, rig: Rig) -> None:
        """The network is surveyed, and has no record yet."""
        rig.survey.survey(bind(on("eth0.100")))
        rig.parents.look_after()

        assert rig.parents.concerns("eth0.100")


class TestHealing:
    def test_a_link_in_a_sandbox_is_not_lost(self, rig: Rig) -> None:
        """The host does not see it any more."""
        network = on("eth0")
        rig.networks.create(network)
        endpoint = rig.run(network, an_endpoint(network))
        rig.host.hand_over(handoff_name(endpoint.id))
        rig.healer.heal()

        found = rig.store.endpoint(endpoint.id)
        assert found is not None
        assert found.joined
        assert handoff_name(endpoint.id) not in rig.host.links

    def test_one_that_went_with_its_parent_is(self, rig: Rig) -> None:
        """The container has to be restarted: that is said until it is, whatever comes back."""
        network = on("eth0")
        rig.networks.create(network)
        endpoint = rig.run(network, an_endpoint(network))
        rig.host.hand_over(handoff_name(endpoint.id))
        rig.host.delete_link(ETH0)
        rig.healer.heal()
        found = rig.store.endpoint(endpoint.id)
        assert found is not None
        assert not found.joined

        rig.host.add_parent(ETH0)
        rig = rig.restarted()
        rig.healer.heal()
        why, remedy = conditions(rig)[f"containers of {network.id[:12]}"]
        assert f"{endpoint.id[:12]} (10.1.0.2) lost the link" in why
        assert "docker restart" in remedy
        rig.endpoints.leave(network.id, endpoint.id)
        rig.healer.heal()
        assert conditions(rig) == {}

    def test_one_that_went_with_its_sandbox_is_not_missed(self, rig: Rig) -> None:
        """An engine that was killed left it, and nothing runs without it."""
        network = on("eth0")
        rig.networks.create(network)
        endpoint = rig.run(network, an_endpoint(network))
        rig.host.delete_link(handoff_name(endpoint.id))
        rig.healer.heal()

        assert conditions(rig) == {}
