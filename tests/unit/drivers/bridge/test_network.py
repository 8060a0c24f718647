"""Mode bridge: what should be, for a network, an endpoint and its ports."""

from dataclasses import replace
from ipaddress import ip_address, ip_interface
from typing import Any

import pytest

from plugin.drivers.bridge import BridgeDriver
from plugin.errors import (
    GatewayOutsideError,
    InvalidOptionError,
    RefusedError,
    UnknownOptionError,
)
from plugin.model.ids import bridge_name, handoff_name, port_name
from plugin.model.network import Attachment, GatewayNeeds, Network, Protocol
from plugin.model.plan import Plan
from plugin.model.resources import Address, Bridge, Element, Hairpin, HostPort, Sysctl, Veth
from tests.fakes.values import (
    a_binding,
    a_network,
    a_pool,
    a_published_port,
    an_endpoint,
)

DRIVER = BridgeDriver()
DUAL = ("10.1.0.0/24", "fd00:1::/64")


def of_kind(plan: Plan, kind: type) -> set[Any]:
    return {each for each in plan.resources if isinstance(each, kind)}


def elements(plan: Plan) -> set[tuple[str, ...]]:
    """As text: the set or map, the key, and the data."""
    return {(each.container, *each.match, *each.data) for each in of_kind(plan, Element)}


def settings(plan: Plan) -> dict[str, str]:
    return {each.name: each.value for each in of_kind(plan, Sysctl)}


class TestCheckOptions:
    def test_all_that_there_are(self) -> None:
        """With good values."""
        DRIVER.check_options(
            {
                "mode": "bridge",
                "mtu": "1400",
                "bridge_name": "br0",
                "masquerade": "false",
                "host_binding": "192.0.2.2",
                "iface_prefix": "net",
            }
        )

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({"mtu": "big"}, "option mtu is 'big', expected a number of bytes from 68 to 65535"),
            (
                {"bridge_name": "a/b"},
                "option bridge_name is 'a/b', expected a link name of 1 to 15",
            ),
            ({"masquerade": "no"}, "option masquerade is 'no', expected true or false"),
            ({"host_binding": "::1"}, "option host_binding is '::1', expected an IPv4 address"),
            ({"iface_prefix": "x" * 14}, "expected a link name of 1 to 13 bytes"),
            ({"foo": "bar"}, "option foo is unknown in mode bridge; it has mode, mtu"),
            ({"mut": "1"}, "did you mean mtu?"),
        ],
    )
    @pytest.mark.parametrize("asked", ["check_options", "gateway_needs", "network_plan"])
    def test_refusals(self, options: dict[str, str], message: str, asked: str) -> None:
        """Whichever call comes first says no, before anything is made."""
        argument: Any = options if asked == "check_options" else a_network(options=options)

        with pytest.raises((InvalidOptionError, UnknownOptionError)) as refusal:
            getattr(DRIVER, asked)(argument)
        assert message in str(refusal.value)


class TestCheckEndpointOptions:
    def test_none_are_fine(self) -> None:
        """Most containers have none."""
        DRIVER.check_endpoint_options({})

    def test_any_is_refused(self) -> None:
        """``docker network connect --driver-opt foo=bar``."""
        with pytest.raises(UnknownOptionError, match="option foo is unknown for a container"):
            DRIVER.check_endpoint_options({"foo": "bar"})


class TestGatewayNeeds:
    @pytest.mark.parametrize("internal", [False, True])
    def test_every_family_needs_one(self, internal: bool) -> None:
        """The bridge has an address in every subnet."""
        assert DRIVER.gateway_needs(a_network(internal=internal)) == GatewayNeeds()


class TestNetworkPlan:
    def test_a_network_with_nothing_chosen(self) -> None:
        """The whole of it, once."""
        network = a_network()
        bridge = bridge_name(network.id)
        quoted = f'"{bridge}"'

        plan = DRIVER.network_plan(network)

        (made,) = of_kind(plan, Bridge)
        assert (made.ifname, made.mtu, made.mark) == (bridge, 1500, network.id)
        assert of_kind(plan, Address) == {
            Address(ifname=bridge, interface=ip_interface("10.1.0.1/24"))
        }
        assert settings(plan) == {
            "net/ipv4/ip_forward": "1",
            f"net/ipv4/conf/{bridge}/route_localnet": "1",
            f"net/ipv6/conf/{bridge}/accept_ra": "0",
            f"net/ipv6/conf/{bridge}/disable_ipv6": "1",
        }
        assert elements(plan) == {
            ("pn_bridges", quoted),
            ("pn_same", quoted, quoted),
            ("pn_subnets4", "10.1.0.0/24"),
            ("pn_masquerade4", "10.1.0.0/24"),
        }
        assert (plan.requires, plan.handoff) == (frozenset(), None)

    def test_both_families(self) -> None:
        """IPv6 has its own switches and its own sets."""
        network = a_network("blue", *DUAL)
        bridge = bridge_name(network.id)

        plan = DRIVER.network_plan(network)

        assert {str(each.interface) for each in of_kind(plan, Address)} == {
            "10.1.0.1/24",
            "fd00:1::1/64",
        }
        assert settings(plan)["net/ipv6/conf/all/forwarding"] == "1"
        assert settings(plan)[f"net/ipv6/conf/{bridge}/disable_ipv6"] == "0"
        assert {
            ("pn_subnets6", "fd00:1::/64"),
            ("pn_masquerade6", "fd00:1::/64"),
        } <= elements(plan)

    def test_ipv6_alone(self) -> None:
        """Nothing of IPv4 is switched on for it."""
        plan = DRIVER.network_plan(a_network("blue", "fd00:1::/64"))

        assert not [name for name in settings(plan) if "ipv4" in name]
        assert not [each for each in elements(plan) if each[0].endswith("4")]

    def test_several_subnets(self) -> None:
        """A gateway in each that has one."""
        network = a_network(pools=(a_pool("10.1.0.0/24"), a_pool("10.2.0.0/24", gateway=None)))

        plan = DRIVER.network_plan(network)

        assert {str(each.interface) for each in of_kind(plan, Address)} == {"10.1.0.1/24"}
        assert {("pn_subnets4", "10.1.0.0/24"), ("pn_subnets4", "10.2.0.0/24")} <= elements(plan)

    def test_an_internal_network_is_told_to_the_firewall(self) -> None:
        """And does not go out behind anybody's address."""
        network = a_network(internal=True)
        found = elements(DRIVER.network_plan(network))

        assert ("pn_internal", f'"{bridge_name(network.id)}"') in found
        assert not [each for each in found if "masquerade" in each[0]]

    def test_masquerading_can_be_left_out(self) -> None:
        """Where routers know the way."""
        found = elements(DRIVER.network_plan(a_network(options={"masquerade": "false"})))

        assert not [each for each in found if "masquerade" in each[0]]
        assert ("pn_subnets4", "10.1.0.0/24") in found

    @pytest.mark.parametrize(
        ("options", "uplink", "mtu"),
        [({}, 9000, 9000), ({"mtu": "1400"}, 9000, 1400), ({"mtu": "0"}, 1300, 1300)],
    )
    def test_mtu(self, options: dict[str, str], uplink: int, mtu: int) -> None:
        """What was asked for, else the uplink's."""
        network = a_network(options=options, uplink_mtu=uplink)
        (bridge,) = of_kind(DRIVER.network_plan(network), Bridge)

        assert bridge.mtu == mtu

    def test_a_chosen_name(self) -> None:
        """In all places that a name is needed."""
        plan = DRIVER.network_plan(a_network(options={"bridge_name": "lan"}))

        assert {each.ifname for each in plan.resources if hasattr(each, "ifname")} == {"lan"}
        assert ("pn_same", '"lan"', '"lan"') in elements(plan)
        assert "net/ipv4/conf/lan/route_localnet" in settings(plan)

    def test_the_same_network_has_the_same_plan(self) -> None:
        """Today and after a restart; and no two networks share a bridge or its address."""
        (one,) = of_kind(DRIVER.network_plan(a_network()), Bridge)
        (again,) = of_kind(DRIVER.network_plan(a_network()), Bridge)
        (other,) = of_kind(DRIVER.network_plan(a_network("red")), Bridge)

        assert one == again
        assert one.ifname != other.ifname
        assert one.mac_address != other.mac_address

    @pytest.mark.parametrize(
        ("network", "error", "message"),
        [
            (
                a_network(pools=(a_pool("10.1.0.0/24", "10.2.0.1/24"),)),
                GatewayOutsideError,
                "gateway 10.2.0.1 is outside its subnet 10.1.0.0/24; choose an address of",
            ),
            (
                a_network("blue", "fd00:1::/64", options={"mtu": "1279"}),
                InvalidOptionError,
                "option mtu is '1279', expected at least 1280 bytes on a network with IPv6",
            ),
            (
                a_network(pools=(a_pool("0.0.0.0/0", None),)),
                RefusedError,
                "subnet 0.0.0.0/0 holds every address; mode bridge needs one of its own",
            ),
        ],
    )
    def test_refusals(self, network: Network, error: type[RefusedError], message: str) -> None:
        """What cannot be meant."""
        with pytest.raises(error) as refusal:
            DRIVER.network_plan(network)

        assert message in str(refusal.value)


class TestMacAddress:
    def test_it_follows_from_network_and_address(self) -> None:
        """The endpoint may be another every time."""
        network = a_network()
        first = DRIVER.mac_address(network, an_endpoint(network, 2, "a"))
        again = DRIVER.mac_address(network, an_endpoint(network, 2, "b"))
        other = DRIVER.mac_address(network, an_endpoint(network, 3))

        assert first == again != other

    def test_an_endpoint_without_addresses_has_one_of_its_own(self) -> None:
        """The IPAM of another may give none."""
        network = a_network()
        one = replace(an_endpoint(network, 2, "a"), ipv4=None)
        two = replace(an_endpoint(network, 2, "b"), ipv4=None)

        assert DRIVER.mac_address(network, one) != DRIVER.mac_address(network, two)

    def test_ipv6_serves_where_it_is_alone(self) -> None:
        """As IPv4 does."""
        network = a_network("blue", "fd00:1::/64")

        assert DRIVER.mac_address(network, an_endpoint(network, 2, "a")) == DRIVER.mac_address(
            network, an_endpoint(network, 2, "b")
        )


class TestEndpointPlan:
    def test_a_pair_between_bridge_and_sandbox(self) -> None:
        """Its far end is what dockerd gets."""
        network = a_network(options={"mtu": "1400"})
        endpoint = an_endpoint(network)

        plan = DRIVER.endpoint_plan(network, endpoint)

        assert plan == Plan(
            resources=frozenset(
                {
                    Veth(
                        ifname=port_name(endpoint.id),
                        peer=handoff_name(endpoint.id),
                        peer_mac_address=endpoint.mac_address,
                        master=bridge_name(network.id),
                        mtu=1400,
                        mark=f"{network.id}/{endpoint.id}",
                    )
                }
            ),
            handoff=handoff_name(endpoint.id),
        )


class TestHostAddresses:
    @pytest.mark.parametrize(
        ("subnets", "expected"),
        [
            (DUAL, ["0.0.0.0", "::"]),
            (DUAL[:1], ["0.0.0.0"]),
            (DUAL[1:], ["::"]),
        ],
    )
    def test_any_address_is_one_of_each_family(
        self, subnets: tuple[str, ...], expected: list[str]
    ) -> None:
        """That the container has."""
        network = a_network("blue", *subnets)
        found = DRIVER.host_addresses(network, an_endpoint(network), a_binding())

        assert [str(each) for each in found] == expected

    def test_one_address_is_that_address(self) -> None:
        """``-p 127.0.0.1:8080:80``."""
        network = a_network("blue", *DUAL)
        binding = a_binding(host_ip="127.0.0.1")

        assert DRIVER.host_addresses(network, an_endpoint(network), binding) == (
            ip_address("127.0.0.1"),
        )

    def test_the_networks_default_address(self) -> None:
        """``-o host_binding=192.0.2.2`` is for bindings that name none."""
        network = a_network("blue", *DUAL, options={"host_binding": "192.0.2.2"})
        endpoint = an_endpoint(network)

        assert DRIVER.host_addresses(network, endpoint, a_binding()) == (ip_address("192.0.2.2"),)
        named = a_binding(host_ip="127.0.0.1")
        assert DRIVER.host_addresses(network, endpoint, named) == (ip_address("127.0.0.1"),)

    def test_an_internal_network_publishes_nothing(self) -> None:
        """Even if the engine asks for it."""
        network = a_network(internal=True)

        assert DRIVER.host_addresses(network, an_endpoint(network), a_binding()) == ()

    def test_a_family_that_the_container_does_not_have_is_refused(self) -> None:
        """There is nothing to send it to."""
        network = a_network()
        binding = a_binding(80, host_ip="::1")

        with pytest.raises(
            RefusedError, match=r"cannot publish port 80 on ::1: the container has no IPv6 address"
        ):
            DRIVER.host_addresses(network, an_endpoint(network), binding)


class TestPortsPlan:
    def test_nothing_published_needs_nothing(self) -> None:
        """Not even leave to send back."""
        network = a_network()

        assert DRIVER.ports_plan(network, an_endpoint(network)) == Plan()

    def test_any_address(self) -> None:
        """A held port and an entry for each family, and leave for the port to send back."""
        network = a_network("blue", *DUAL)
        endpoint = an_endpoint(
            network, published=(a_published_port(), a_published_port("::", 8080, "fd00:1::2"))
        )

        plan = DRIVER.ports_plan(network, endpoint)

        assert of_kind(plan, Hairpin) == {Hairpin(ifname=port_name(endpoint.id))}
        assert of_kind(plan, HostPort) == {
            HostPort(protocol=Protocol.TCP, address=ip_address(each), port=8080)
            for each in ("0.0.0.0", "::")
        }
        assert elements(plan) == {
            ("pn_ports4", "tcp", "8080", "10.1.0.2", "80"),
            ("pn_ports6", "tcp", "8080", "fd00:1::2", "80"),
        }

    def test_one_address(self) -> None:
        """Its entry names it."""
        network = a_network()
        udp = replace(a_published_port("192.0.2.2", 53, port=5353), protocol=Protocol.UDP)
        plan = DRIVER.ports_plan(network, an_endpoint(network, published=(udp,)))

        assert elements(plan) == {("pn_host_ports4", "192.0.2.2", "udp", "53", "10.1.0.2", "5353")}


class TestAttachment:
    def test_the_gateways_of_its_subnets(self) -> None:
        """One of each family."""
        network = a_network("blue", *DUAL)
        endpoint = an_endpoint(network)

        assert DRIVER.attachment(network, endpoint) == Attachment(
            src_name=handoff_name(endpoint.id),
            dst_prefix="eth",
            gateway4=ip_address("10.1.0.1"),  # type: ignore[arg-type]
            gateway6=ip_address("fd00:1::1"),  # type: ignore[arg-type]
        )

    def test_the_gateway_of_the_subnet_the_address_is_in(self) -> None:
        """Another one is not on its link."""
        network = a_network("blue", "10.1.0.0/24", "10.2.0.0/24")
        endpoint = replace(an_endpoint(network), ipv4=ip_interface("10.2.0.9/24"))

        assert str(DRIVER.attachment(network, endpoint).gateway4) == "10.2.0.1"

    def test_an_internal_network_has_none(self) -> None:
        """The engine would set it as a default route."""
        network = a_network("blue", *DUAL, internal=True)
        attachment = DRIVER.attachment(network, an_endpoint(network))

        assert (attachment.gateway4, attachment.gateway6) == (None, None)

    def test_an_auxiliary_address_can_replace_it(self) -> None:
        """``--aux-address DefaultGatewayIPv4=10.1.0.254``."""
        other = {"DefaultGatewayIPv4": ip_interface("10.1.0.254/24")}
        network = a_network(pools=(a_pool("10.1.0.0/24", auxiliary=other),))

        assert str(DRIVER.attachment(network, an_endpoint(network)).gateway4) == "10.1.0.254"

    def test_a_subnet_without_a_gateway(self) -> None:
        """Nothing is made up."""
        network = a_network(pools=(a_pool("10.1.0.0/24", gateway=None),))

        assert DRIVER.attachment(network, an_endpoint(network)).gateway4 is None

    def test_a_chosen_prefix_for_the_links_name(self) -> None:
        """``-o com.docker.network.container_iface_prefix=net``."""
        network = a_network(options={"iface_prefix": "net"}, internal=True)

        assert DRIVER.attachment(network, an_endpoint(network)).dst_prefix == "net"
