"""Mode macvlan: what a network and an endpoint are given, and what is refused."""

from dataclasses import replace
from ipaddress import IPv4Address, IPv4Network, ip_address, ip_network
from typing import Any

import pytest

from plugin.drivers.macvlan import OPTIONS
from plugin.drivers.registry import bind
from plugin.errors import GatewayOutsideError, RefusedError
from plugin.model.ids import IfName, MacAddress, dummy_name, handoff_name
from plugin.model.leases import Facts, Route
from plugin.model.links import Dummy, Macvlan, MacvlanMode
from plugin.model.network import GatewayNeeds, Network, StaticRoute
from plugin.model.parents import HostLink, ParentUse
from tests.fakes.values import a_network, a_pool, an_endpoint

ETH0 = IfName("eth0")


def a_macvlan(*subnets: str, internal: bool = False, **options: str) -> Network:
    """A network on eth0, unless ``parent`` is said to be empty."""
    own = {"mode": "macvlan", "parent": "eth0", **options}
    own = {name: value for name, value in own.items() if value}
    return a_network("lan", *subnets, mode="macvlan", options=own, internal=internal)


def links(**facts: Any) -> dict[IfName, HostLink]:
    return {ETH0: HostLink(ifname=ETH0, **facts)}


class TestPlans:
    def test_the_network_needs_its_parent_and_nothing_else(self) -> None:
        """The parent is the host's, so it is not made."""
        plan = bind(a_macvlan()).network_plan()

        assert plan.requires == {ETH0}
        assert plan.resources == frozenset()

    def test_without_a_parent_it_has_one_that_leads_nowhere(self) -> None:
        """As with Docker's driver."""
        network = a_macvlan(parent="")
        plan = bind(network).network_plan()

        assert plan.requires == frozenset()
        assert plan.resources == {
            Dummy(ifname=dummy_name(network.id), mtu=1500, owner=network.id),
        }

    @pytest.mark.parametrize("mode", list(MacvlanMode))
    def test_the_link_is_handed_over(self, mode: MacvlanMode) -> None:
        """With its MAC address from birth."""
        network = a_macvlan(macvlan_mode=mode.name.lower(), mtu="1400")
        endpoint = an_endpoint(network)
        plan = bind(network).endpoint_plan(endpoint)

        assert plan.handoff == handoff_name(endpoint.id)
        assert plan.requires == {ETH0}
        assert plan.resources == {
            Macvlan(
                ifname=handoff_name(endpoint.id),
                parent=ETH0,
                mode=mode,
                mac_address=endpoint.mac_address,
                mtu=1400,
                owner=f"{network.id}/{endpoint.id}",
            )
        }

    def test_a_mac_address_goes_with_the_ip_address(self) -> None:
        """A container that comes back with the address leaves no neighbour with a stale entry."""
        network = a_macvlan()
        one, other = an_endpoint(network, 2), an_endpoint(network, 3)

        assert bind(network).mac_address(one) == bind(network).mac_address(one)
        assert bind(network).mac_address(one) != bind(network).mac_address(other)

    def test_passthru_has_the_parents(self) -> None:
        """Unless the user chose one."""
        network = a_macvlan(macvlan_mode="passthru")
        endpoint = replace(an_endpoint(network), mac_address=MacAddress(""))
        (link,) = bind(network).endpoint_plan(endpoint).resources

        assert bind(network).mac_address(endpoint) == ""
        assert isinstance(link, Macvlan)
        assert link.mac_address is None

    def test_no_ports_are_published(self) -> None:
        """All of them are open on the LAN."""
        network = a_macvlan()

        assert not bind(network).ports_plan(an_endpoint(network)).resources


class TestAttachment:
    def test_the_gateway_is_the_users(self) -> None:
        """And Docker adds no bridge of its own."""
        network = a_macvlan("10.1.0.0/24", "fd00:1::/64", routes="10.9.0.0/16 via 10.1.0.9")
        attachment = bind(network).attachment(an_endpoint(network))

        assert str(attachment.gateway4) == "10.1.0.1"
        assert str(attachment.gateway6) == "fd00:1::1"
        assert attachment.disable_gateway_service
        assert attachment.routes == (
            StaticRoute(destination=ip_network("10.9.0.0/16"), next_hop=ip_address("10.1.0.9")),
        )

    def test_one_route_to_each_place(self) -> None:
        """The user's before the first of the server's, whatever an earlier version saved of those."""
        network = a_macvlan("10.1.0.0/24", dhcp="true", routes="10.9.0.0/16 via 10.1.0.9")
        said = (
            ("10.9.0.0/16", "10.1.0.7"),
            ("10.8.0.0/16", "10.1.0.7"),
            ("10.8.0.0/16", "10.1.0.6"),
        )
        routes = tuple(Route(destination=IPv4Network(a), gateway=IPv4Address(b)) for a, b in said)
        endpoint = replace(an_endpoint(network), facts=Facts(routes=routes))
        attachment = bind(network).attachment(endpoint)

        ways = [f"{each.destination} via {each.next_hop}" for each in attachment.routes]
        assert ways[:2] == ["10.9.0.0/16 via 10.1.0.9", "10.8.0.0/16 via 10.1.0.7"]
        assert not [each for each in attachment.routes[2:] if each.destination.prefixlen]

    def test_without_one_everybody_is_on_the_link(self) -> None:
        """The engine's resolver asks others only for who has a way out."""
        network = replace(a_macvlan(), pools=(a_pool("10.1.0.0/24", None),))
        attachment = bind(network).attachment(an_endpoint(network))

        assert attachment.gateway4 is None
        assert attachment.routes == (StaticRoute(destination=ip_network("0.0.0.0/0")),)

    def test_a_gateway_of_the_users_routes(self) -> None:
        """Also a link-local one, and of the family that has none otherwise."""
        network = a_macvlan("10.1.0.0/24", "fd00:1::/64", routes="::/0 via fe80::1")
        network = replace(network, pools=(network.pools[0], a_pool("fd00:1::/64", None)))
        attachment = bind(network).attachment(an_endpoint(network))

        assert str(attachment.gateway4) == "10.1.0.1"
        assert str(attachment.gateway6) == "fe80::1"
        assert attachment.routes == ()

    @pytest.mark.parametrize(("text", "left"), [("true", []), ("ipv4", [6]), ("ipv6", [4])])
    def test_no_default_route(self, text: str, left: list[int]) -> None:
        """Neither by a gateway nor by the link."""
        network = a_macvlan("10.1.0.0/24", "fd00:1::/64", no_default_route=text)
        bare = replace(network, pools=(a_pool("10.1.0.0/24", None), a_pool("fd00:1::/64", None)))
        attachment = bind(network).attachment(an_endpoint(network))
        on_link = bind(bare).attachment(an_endpoint(bare)).routes

        found = [each.version for each in (attachment.gateway4, attachment.gateway6) if each]
        assert found == left
        assert [each.destination.version for each in on_link] == left

    def test_one_of_two_subnets(self) -> None:
        """The one the address is of."""
        network = a_macvlan("10.1.0.0/24", "10.2.0.0/24")
        second = replace(network, pools=network.pools[1:])
        attachment = bind(network).attachment(an_endpoint(second))

        assert str(attachment.gateway4) == "10.2.0.1"

    @pytest.mark.parametrize("network", [a_macvlan(internal=True), a_macvlan(parent="")])
    def test_an_internal_network_has_no_way_out(self, network: Network) -> None:
        """Nor has one without a parent."""
        attachment = bind(network).attachment(an_endpoint(network))

        assert attachment.gateway4 is None
        assert attachment.routes == ()
        assert attachment.disable_gateway_service

    @pytest.mark.parametrize("internal", [False, True])
    def test_the_routers_address_is_kept_free(self, internal: bool) -> None:
        """The first one of a LAN must not be a container's by chance."""
        assert bind(a_macvlan(internal=internal)).gateway_needs() == GatewayNeeds()

    def test_without_a_parent_there_is_no_router(self) -> None:
        """Every address is for containers."""
        needs = GatewayNeeds(skip_ipv4=True, skip_ipv6=True)

        assert bind(a_macvlan(parent="")).gateway_needs() == needs


class TestParent:
    def test_several_networks_share_one(self) -> None:
        """But for mode passthru."""
        use = ParentUse(parent=ETH0, kind="macvlan")

        assert bind(a_macvlan()).parent_use() == use
        assert bind(a_macvlan()).mtu_link() == ETH0
        assert bind(a_macvlan(macvlan_mode="passthru")).parent_use() == replace(use, exclusive=True)
        assert bind(a_macvlan(parent="")).parent_use() is None

    @pytest.mark.parametrize(
        ("facts", "match"),
        [
            ({"loopback": True}, "parent is 'eth0', expected a link that leads out of the host"),
            ({"master_kind": "bridge"}, "eth0 is a port of a bridge.*choose the bridge itself"),
            ({"master_kind": "bond"}, "eth0 is a port of a bond.*choose the bond itself"),
            (
                {"ours": True},
                "link eth0 is pynet's own, and goes with the network that it was made",
            ),
            ({"wireless": True}, "Wi-Fi.*choose mode=ipvlan"),
            ({"mtu": 1300}, "mtu is '1400', expected at most 1300 bytes"),
        ],
    )
    def test_what_carries_nothing_is_refused(self, facts: dict[str, Any], match: str) -> None:
        """With the remedy."""
        with pytest.raises(RefusedError, match=match):
            bind(a_macvlan(mtu="1400")).check_parent(links(**facts))

    @pytest.mark.parametrize(
        ("facts", "match"),
        [
            ({"carrier": False}, "no carrier; check the cable"),
            ({"up": False, "carrier": False}, "nothing until it is up: ip link set eth0 up"),
            ({"bus_driver": "virtio_net"}, "allow promiscuous mode and forged transmits"),
            ({"bus_driver": "mana"}, "allow promiscuous mode and forged transmits"),
            ({"bus_driver": "e1000e", "in_guest": True}, "is a virtual card (e1000e)"),
            ({"bus_driver": "ixgbevf"}, "spoofchk off trust on"),
            ({"bus_driver": "mlx5_core", "virtual_function": True}, "spoofchk off trust on"),
        ],
    )
    def test_a_parent_that_may_not_work_gives_a_hint(
        self, facts: dict[str, Any], match: str
    ) -> None:
        """With the remedy, and nothing is refused."""
        (hint,) = bind(a_macvlan()).check_parent(links(**facts))

        assert match in hint

    @pytest.mark.parametrize(
        "facts", [{"bus_driver": "virtio_net"}, {"bus_driver": "iavf"}, {"wireless": True}]
    )
    def test_passthru_on_some_cards_gives_a_hint(self, facts: dict[str, Any]) -> None:
        """It changes the card itself."""
        (hint,) = bind(a_macvlan(macvlan_mode="passthru")).check_parent(links(**facts))

        assert "promiscuous mode and gives it the container's MAC address" in hint
        assert "leave out --mac-address" in hint

    def test_a_network_that_gives_no_addresses(self) -> None:
        """Docker's null IPAM: its containers start, and reach nothing."""
        network = replace(a_macvlan(), pools=(a_pool("0.0.0.0/0", gateway=None),))

        (hint,) = bind(network).check_parent(links())

        assert "has no subnet (--ipam-driver null)" in hint
        assert "create it with --subnet" in hint

    def test_what_is_right_needs_no_word(self) -> None:
        """A card that is up."""
        card, bridge = links(bus_driver="e1000e"), links(in_guest=True)
        assert bind(a_macvlan()).check_parent(card) == ()
        assert bind(a_macvlan(macvlan_mode="passthru")).check_parent(card) == ()
        assert bind(a_macvlan()).check_parent(bridge) == ()
        assert bind(a_macvlan(parent="")).check_parent({}) == ()


class TestRefusals:
    def test_a_gateway_of_elsewhere(self) -> None:
        """No container could reach it."""
        network = replace(a_macvlan(), pools=(a_pool("10.1.0.0/24", "10.2.0.1/24"),))
        with pytest.raises(GatewayOutsideError, match=r"choose an address of 10\.1\.0\.0/24"):
            bind(network).network_plan()


def test_dockers_names_are_the_same() -> None:
    """A user of Docker's driver changes nothing but ``-d``."""
    assert {"parent", "macvlan_mode"} <= {option.name for option in OPTIONS}
