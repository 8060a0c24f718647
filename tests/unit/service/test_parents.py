"""Links of the host that networks stand on: before a network is made, and between networks."""

from dataclasses import replace
from ipaddress import ip_interface

import pytest

from plugin.errors import MissingLinkError, RefusedError
from plugin.model.ids import IfName, NetworkID
from plugin.model.links import Ipvlan, IpvlanFlag, IpvlanMode, IpvlanSetting
from plugin.model.network import Network
from tests.fakes.rig import Rig
from tests.fakes.values import a_network

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

    def test_the_link_of_this_host(self, rig: Rig) -> None:
        """By its name, or on the LAN; the record has what was found, and a restart asks nothing."""
        addresses = (ip_interface("10.2.0.7/24"),)
        rig.host.add_parent("eth1", addresses=addresses)
        rig.networks.create(on("eth7", 1, **{"parent@HERE": "eth0", "parent@there": "eth8"}))
        rig.networks.create(on("auto", 2))
        rig.networks.create(on("10.2.0.0/24", 5))

        found = {each.options["parent"] for each in rig.store.networks()}
        assert found == {"eth0", "eth1"}
        assert not any("parent@" in name for each in rig.store.networks() for name in each.options)
        rig.host.add_parent("eth1")
        again = Rig(rig)
        assert again.store.networks() == rig.store.networks()
        assert again.held() == again.wanted()

    def test_a_host_without_such_a_link(self, rig: Rig) -> None:
        """One sentence, with what would be right on this host alone; nothing is made."""
        of_swarm = replace(on("eth7"), id=NetworkID("n" * 25))
        pool = replace(of_swarm.pools[0], options={"cluster": "lan"})
        for network in (of_swarm, replace(on("eth7"), pools=(pool,))):
            with pytest.raises(MissingLinkError, match=r"name one .* with -o parent@here=LINK$"):
                rig.networks.create(network)
        with pytest.raises(RefusedError, match="no link of host here has an address on the LAN"):
            rig.networks.create(on("auto", 3))

        assert rig.store.networks() == ()

    def test_one_that_may_not_work_is_said_in_the_log(
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

    def test_foreign_ipvlan_links(self, rig: Rig) -> None:
        """A link of pynet's would change their mode: not even the rehearsal is made."""
        setting = IpvlanSetting(mode=IpvlanMode.L3, flag=IpvlanFlag.BRIDGE)
        rig.host.foreign_ipvlan[ETH0] = {setting}
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
