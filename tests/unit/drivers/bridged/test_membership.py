"""Mode bridge: what the firewall and the bridge are told, per option."""

from dataclasses import replace
from ipaddress import ip_address, ip_interface
from typing import Any

import pytest

from plugin.drivers.registry import bind
from plugin.model.addresses import Address
from plugin.model.ids import bridge_name
from plugin.model.links import Bridge
from plugin.model.traffic import LinkRole, Role
from tests.fakes.values import a_network, an_endpoint
from tests.unit.drivers.bridged.plans import DUAL, elements, of_kind, settings


def of_network(options: dict[str, str], *containers: str, **changes: Any) -> set[tuple[str, ...]]:
    """Elements of a dual stack network called lan."""
    network = a_network("blue", *DUAL, options={"bridge_name": "lan", **options}, **changes)
    return elements(bind(network).network_plan(), *containers)


class TestMembership:
    """What the firewall is told of a network, per option."""

    @pytest.mark.parametrize(
        ("options", "added"),
        [
            ({"isolation": "strict"}, {("pn_strict", '"lan"')}),
            ({"isolation": "off"}, {("pn_open", '"lan"')}),
            ({"isolation": "on"}, set()),
            (
                {"trusted_interfaces": "eth0:eth1"},
                {("pn_trusted", '"eth0"', '"lan"'), ("pn_trusted", '"eth1"', '"lan"')},
            ),
            ({"gateway_mode_ipv4": "nat-unprotected"}, {("pn_unprotected4", '"lan"')}),
            ({"gateway_mode_ipv6": "nat-unprotected"}, {("pn_unprotected6", '"lan"')}),
            ({"host_services": "allow"}, set()),
            ({"host_services": "deny"}, {("pn_host_closed", '"lan"')}),
            (
                {"host_services": "53/udp,80"},
                {
                    ("pn_host_closed", '"lan"'),
                    ("pn_host_services", '"lan"', "udp", "53"),
                    ("pn_host_services", '"lan"', "tcp", "80"),
                },
            ),
        ],
    )
    def test_an_option_adds_its_elements(
        self, options: dict[str, str], added: set[tuple[str, ...]]
    ) -> None:
        """And removes none."""
        assert of_network(options) == of_network({}) | added

    @pytest.mark.parametrize("version", [4, 6])
    def test_a_routed_family_is_not_hidden(self, version: int) -> None:
        """The other one still is."""
        found = of_network({f"gateway_mode_ipv{version}": "routed"})

        assert (f"pn_routed{version}", '"lan"') in found
        masquerade = {each[0] for each in found if "masquerade" in each[0]}
        assert masquerade == {f"pn_masquerade{10 - version}"}

    @pytest.mark.parametrize(
        ("options", "source"),
        [
            ({"host_ipv4": "192.0.2.3"}, ("pn_sources4", "10.1.0.0/24", "192.0.2.3")),
            ({"host_ipv6": "fd00:99::3"}, ("pn_sources6", "fd00:1::/64", "fd00:99::3")),
        ],
    )
    def test_a_chosen_source_takes_the_place_of_masquerading(
        self, options: dict[str, str], source: tuple[str, ...]
    ) -> None:
        """Where masquerading is off nothing is hidden, as with Docker (iptabler, n.config.Masquerade)."""
        version = source[0][-1]
        sources = ("pn_sources4", "pn_sources6")

        assert of_network(options, *sources) == {source}
        assert not of_network(options, f"pn_masquerade{version}")
        assert not of_network({**options, "masquerade": "false"}, *sources)

    def test_an_internal_network_is_translated_by_nothing(self) -> None:
        """Not even by an address that was asked for."""
        found = of_network({"host_ipv4": "192.0.2.3"}, internal=True)

        assert not [each for each in found if each[0][:-1] in ("pn_sources", "pn_masquerade")]


class TestAddresses:
    def addresses(self, options: dict[str, str], **changes: Any) -> set[str]:
        plan = bind(a_network("blue", *DUAL, options=options, **changes)).network_plan()
        return {str(each.interface.ip) for each in of_kind(plan, Address)}

    def test_ipv4_can_be_left_to_another_router(self) -> None:
        """``inhibit_ipv4``; IPv6 has no such option."""
        assert self.addresses({"inhibit_ipv4": "true"}) == {"fd00:1::1"}

    @pytest.mark.parametrize(("version", "left"), [(4, {"fd00:1::1"}), (6, {"10.1.0.1"})])
    def test_an_isolated_family_has_none(self, version: int, left: set[str]) -> None:
        """The host is not even a neighbour."""
        options = {f"gateway_mode_ipv{version}": "isolated"}

        assert self.addresses(options, internal=True) == left

    def test_an_isolated_ipv6_is_off_on_the_bridge(self) -> None:
        """Else it would have a link-local address."""
        network = a_network("blue", *DUAL, internal=True, options={"gateway_mode_ipv6": "isolated"})
        found = settings(bind(network).network_plan())

        assert found[f"net/ipv6/conf/{bridge_name(network.id)}/disable_ipv6"] == "1"


class TestHostServices:
    @pytest.mark.parametrize(
        ("options", "changes", "closed"),
        [
            ({"gateway_mode_ipv4": "isolated"}, {}, True),
            ({"gateway_mode_ipv4": "isolated", "host_services": "allow"}, {}, False),
            ({"gateway_mode_ipv4": "isolated"}, {"foreign_parent": True}, False),
            ({"gateway_mode_ipv6": "isolated"}, {}, False),
            ({}, {}, False),
        ],
    )
    def test_a_host_without_a_part_in_it_is_closed(
        self, options: dict[str, str], changes: dict[str, bool], *, closed: bool
    ) -> None:
        """Unless the user says so, or names a bridge by which the host has a part."""
        network = a_network(options=options, internal=True, **changes)
        found = {each.role for each in of_kind(bind(network).network_plan(), LinkRole)}

        assert (Role.HOST_CLOSED in found) is closed

    def test_a_family_that_is_not_isolated_keeps_it_open(self) -> None:
        """The host has an address of that family there."""
        options = {"gateway_mode_ipv4": "isolated"}
        network = a_network("blue", *DUAL, options=options, internal=True)
        found = {each.role for each in of_kind(bind(network).network_plan(), LinkRole)}

        assert Role.HOST_CLOSED not in found


class TestBridge:
    def test_a_bridge_of_a_chosen_name_may_be_there_already(self) -> None:
        """One of a derived name never is."""
        (chosen,) = of_kind(bind(a_network(options={"bridge_name": "lan"})).network_plan(), Bridge)
        (derived,) = of_kind(bind(a_network()).network_plan(), Bridge)

        assert chosen.adoptable
        assert not derived.adoptable

    def test_its_mtu_is_asked_for_by_name(self) -> None:
        """A network takes that of the bridge it adopts."""
        assert bind(a_network(options={"bridge_name": "lan"})).mtu_link() == "lan"
        assert bind(a_network()).mtu_link() is None


def test_neighbours_hear_of_a_stand_in() -> None:
    """Where there may be one."""
    network = a_network("blue", *DUAL, options={"gateway_container": "10.1.0.5"})
    found = settings(bind(network).network_plan())
    bridge = bridge_name(network.id)

    assert found[f"net/ipv4/conf/{bridge}/arp_notify"] == "1"
    assert found[f"net/ipv6/conf/{bridge}/ndisc_notify"] == "1"
    assert not [n for n in settings(bind(a_network()).network_plan()) if "notify" in n]


class TestStandIns:
    """The host answers in place of a gateway container that is not there."""

    NETWORK = a_network("blue", *DUAL, options={"gateway_container": "10.1.0.5,fd00:1::5"})

    def test_with_nobody_there_the_host_has_the_addresses(self) -> None:
        """As one address each: the subnet is the gateway's."""
        bridge = bridge_name(self.NETWORK.id)

        assert bind(self.NETWORK).shared_plan(()).resources == {
            Address(ifname=bridge, interface=ip_interface("10.1.0.5/32")),
            Address(ifname=bridge, interface=ip_interface("fd00:1::5/128")),
        }

    def test_who_has_joined_needs_no_stand_in(self) -> None:
        """Created is not joined."""
        gateway = an_endpoint(self.NETWORK, 5)
        others = (an_endpoint(self.NETWORK, 2, sandbox_key="/x"),)

        assert len(bind(self.NETWORK).shared_plan((gateway, *others)).resources) == 2
        joined = replace(gateway, sandbox_key="/x")
        assert not bind(self.NETWORK).shared_plan((joined, *others)).resources

    def test_without_the_option_there_are_none(self) -> None:
        """Whichever containers have joined."""
        assert not bind(a_network()).shared_plan(()).resources

    def test_it_is_every_others_gateway(self) -> None:
        """But not its own: it goes by the host."""
        other = bind(self.NETWORK).attachment(an_endpoint(self.NETWORK, 2))
        own = bind(self.NETWORK).attachment(an_endpoint(self.NETWORK, 5))

        assert (other.gateway4, other.gateway6) == (
            ip_address("10.1.0.5"),
            ip_address("fd00:1::5"),
        )
        assert (own.gateway4, own.gateway6) == (ip_address("10.1.0.1"), ip_address("fd00:1::1"))
