"""What macvlan and ipvlan have in common: VLANs, as the one sees them."""

from dataclasses import replace
from typing import Any

import pytest

from plugin.drivers.registry import bind
from plugin.errors import InvalidOptionError, RefusedError
from plugin.model.ids import IfName, vlan_name
from plugin.model.links import Vlan
from plugin.model.network import Network
from plugin.model.parents import HostLink, ParentUse
from plugin.model.plan import Plan
from tests.fakes.values import a_network

ETH0, TAGGED = IfName("eth0"), IfName("eth0.100")
VLAN = Vlan(ifname=TAGGED, parent=ETH0, number=100)


def on(parent: str, **options: str) -> Network:
    return a_network(mode="macvlan", options={"mode": "macvlan", "parent": parent, **options})


BY_NAME, BY_NUMBER = on("eth0.100"), on("eth0", vlan="100")


@pytest.mark.parametrize("network", [BY_NAME, BY_NUMBER])
def test_a_vlan_is_made_of_its_base(network: Network) -> None:
    """Either way of saying it."""
    assert bind(network).network_plan() == Plan(
        resources=frozenset({VLAN}), requires=frozenset({ETH0})
    )
    assert bind(network).parent_use() == ParentUse(parent=TAGGED, base=ETH0, kind="macvlan")


@pytest.mark.parametrize("network", [BY_NAME, BY_NUMBER])
def test_one_that_was_there_is_taken_as_it_is(network: Network) -> None:
    """And never made, nor removed."""
    network = replace(network, foreign_parent=True)

    assert bind(network).network_plan() == Plan(requires=frozenset({TAGGED}))
    assert bind(network).parent_use() == ParentUse(parent=TAGGED, kind="macvlan")


@pytest.mark.parametrize("parent", ["eth0.0100", "eth0.0", "eth0.4095", "br.lan", ".5", "eth0."])
def test_other_names_with_a_dot_are_names(parent: str) -> None:
    """Of links that are there or not."""
    assert bind(on(parent)).network_plan() == Plan(requires=frozenset({IfName(parent)}))


def test_a_name_that_is_too_long_is_derived() -> None:
    """The kernel takes 15 bytes."""
    long = IfName("enx0123456789ab")

    assert len(vlan_name(long, 100)) == 15
    assert vlan_name(long, 100) != vlan_name(long, 101)
    assert vlan_name(ETH0, 100) == "eth0.100"


@pytest.mark.parametrize("number", ["0", "4095", "-1", "0100", "ten", ""])
def test_wrong_numbers(number: str) -> None:
    """IEEE 802.1Q."""
    with pytest.raises(InvalidOptionError, match="expected a number from 1 to 4094"):
        bind(on("eth0", vlan=number)).check_options()


def test_a_vlan_of_nothing() -> None:
    """The parent was forgotten."""
    network = a_network(mode="macvlan", options={"vlan": "100"})
    with pytest.raises(RefusedError, match=r"vlan is 100, and there is no parent.*set parent, too"):
        bind(network).check_options()


class TestCheck:
    def check(self, network: Network, ifname: str = "eth0", **facts: Any) -> tuple[str, ...]:
        name = IfName(ifname)
        return bind(network).check_parent({name: HostLink(ifname=name, **facts)})

    def test_the_base_stands_for_what_is_to_be_made_of_it(self) -> None:
        """A port of a bridge passes tagged frames on to its VLANs."""
        assert self.check(BY_NAME, master_kind="bridge") == ()
        with pytest.raises(RefusedError, match="eth0 is down, and no VLAN of it can be up"):
            self.check(BY_NAME, up=False)
        with pytest.raises(RefusedError, match="link eth0 is pynet's own"):
            self.check(BY_NAME, ours=True)
        with pytest.raises(InvalidOptionError, match="at most 1300 bytes"):
            self.check(on("eth0", vlan="100", mtu="1400"), mtu=1300)
        with pytest.raises(RefusedError, match="Wi-Fi"):
            self.check(BY_NAME, wireless=True)

    @pytest.mark.parametrize("network", [BY_NAME, BY_NUMBER])
    def test_one_that_is_there_must_be_it(self, network: Network) -> None:
        """Names are given freely."""
        assert self.check(network, "eth0.100", lower=ETH0, vlan=100) == ()
        assert self.check(network, "eth0.100", lower=ETH0, vlan=100, ours=True) == ()
        with pytest.raises(RefusedError, match=r"eth0\.100 exists and is not VLAN 100 of eth0"):
            self.check(network, "eth0.100", lower=ETH0, vlan=200)
        with pytest.raises(RefusedError, match=r"eth0\.100 exists and is not VLAN 100 of eth0"):
            self.check(network, "eth0.100", kind="bridge")

    @pytest.mark.parametrize("network", [on("enp0s3"), on("enp0s3.100"), on("enp0s3", vlan="7")])
    def test_another_name_of_a_link(self, network: Network) -> None:
        """The kernel knows links by several (ip link property), networks their parents by one."""
        links = {IfName("enp0s3"): HostLink(ifname=ETH0)}
        with pytest.raises(RefusedError, match=r"enp0s3 is another name of link eth0.*use eth0"):
            bind(network).check_parent(links)

    def test_what_is_no_ethernet(self) -> None:
        """Nor is a VLAN possible there."""
        for network in (on("eth0"), BY_NAME):
            with pytest.raises(RefusedError, match=r"eth0 is no Ethernet link.*choose the card"):
                self.check(network, ethernet=False)

    def test_a_port_of_a_switch(self) -> None:
        """Open vSwitch has no link of its own that could be taken instead."""
        with pytest.raises(RefusedError, match=r"Open vSwitch.*choose an internal port"):
            self.check(on("eth0"), master_kind="openvswitch")
