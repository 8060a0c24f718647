"""Mode bridge: what a network needs, and which gateways it asks for."""

from ipaddress import ip_interface

import pytest

from plugin.drivers.registry import bind
from plugin.errors import GatewayOutsideError, InvalidOptionError, RefusedError
from plugin.model.addresses import Address
from plugin.model.ids import bridge_name
from plugin.model.links import Bridge
from plugin.model.network import GatewayNeeds, Network
from tests.fakes.values import a_network, a_pool
from tests.unit.drivers.bridged.plans import DUAL, elements, of_kind, settings


class TestGatewayNeeds:
    @pytest.mark.parametrize("internal", [False, True])
    def test_every_family_needs_one(self, internal: bool) -> None:
        """The bridge has an address in every subnet."""
        assert bind(a_network(internal=internal)).gateway_needs() == GatewayNeeds()

    @pytest.mark.parametrize(
        ("options", "internal", "needs"),
        [
            ({"gateway_mode_ipv4": "isolated"}, True, GatewayNeeds(skip_ipv4=True)),
            ({"gateway_mode_ipv6": "isolated"}, True, GatewayNeeds(skip_ipv6=True)),
            ({"inhibit_ipv4": "true"}, True, GatewayNeeds(skip_ipv4=True)),
            ({"inhibit_ipv4": "true"}, False, GatewayNeeds()),
            ({"gateway_mode_ipv4": "routed"}, False, GatewayNeeds()),
        ],
    )
    def test_where_the_host_has_no_part_it_needs_none(
        self, options: dict[str, str], internal: bool, needs: GatewayNeeds
    ) -> None:
        """As Docker's own driver answers."""
        network = a_network("blue", *DUAL, internal=internal, options=options)

        assert bind(network).gateway_needs() == needs


class TestNetworkPlan:
    def test_a_network_with_nothing_chosen(self) -> None:
        """The whole of it, once."""
        network = a_network()
        bridge = bridge_name(network.id)
        quoted = f'"{bridge}"'

        plan = bind(network).network_plan()

        (made,) = of_kind(plan, Bridge)
        assert (made.ifname, made.mtu, made.owner) == (bridge, 1500, network.id)
        assert of_kind(plan, Address) == {
            Address(ifname=bridge, interface=ip_interface("10.1.0.1/24"))
        }
        assert settings(plan) == {
            f"net/ipv6/conf/{bridge}/accept_ra": "0",
            f"net/ipv6/conf/{bridge}/accept_dad": "0",
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

        plan = bind(network).network_plan()

        assert {str(each.interface) for each in of_kind(plan, Address)} == {
            "10.1.0.1/24",
            "fd00:1::1/64",
        }
        assert settings(plan)[f"net/ipv6/conf/{bridge}/disable_ipv6"] == "0"
        assert {
            ("pn_subnets6", "fd00:1::/64"),
            ("pn_masquerade6", "fd00:1::/64"),
        } <= elements(plan)

    def test_ipv6_alone(self) -> None:
        """Nothing of IPv4 is switched on for it."""
        plan = bind(a_network("blue", "fd00:1::/64")).network_plan()

        assert not [name for name in settings(plan) if "ipv4" in name]
        assert not [each for each in elements(plan) if each[0].endswith("4")]

    def test_several_subnets(self) -> None:
        """A gateway in each that has one."""
        network = a_network(pools=(a_pool("10.1.0.0/24"), a_pool("10.2.0.0/24", gateway=None)))

        plan = bind(network).network_plan()

        assert {str(each.interface) for each in of_kind(plan, Address)} == {"10.1.0.1/24"}
        assert {("pn_subnets4", "10.1.0.0/24"), ("pn_subnets4", "10.2.0.0/24")} <= elements(plan)

    def test_an_internal_network_is_told_to_the_firewall(self) -> None:
        """And its containers do not go out behind an address of the host."""
        network = a_network(internal=True)
        found = elements(bind(network).network_plan())

        assert ("pn_internal", f'"{bridge_name(network.id)}"') in found
        assert not [each for each in found if "masquerade" in each[0]]

    def test_masquerading_can_be_left_out(self) -> None:
        """Where routers know the way."""
        found = elements(bind(a_network(options={"masquerade": "false"})).network_plan())

        assert not [each for each in found if "masquerade" in each[0]]
        assert ("pn_subnets4", "10.1.0.0/24") in found

    @pytest.mark.parametrize(
        ("options", "uplink", "mtu"),
        [({}, 9000, 9000), ({"mtu": "1400"}, 9000, 1400), ({"mtu": "0"}, 1300, 1300)],
    )
    def test_mtu(self, options: dict[str, str], uplink: int, mtu: int) -> None:
        """What was asked for, else the uplink's."""
        network = a_network(options=options, uplink_mtu=uplink)
        (bridge,) = of_kind(bind(network).network_plan(), Bridge)

        assert bridge.mtu == mtu

    def test_a_chosen_name(self) -> None:
        """In all places that a name is needed."""
        plan = bind(a_network(options={"bridge_name": "lan"})).network_plan()

        assert {each.ifname for each in plan.resources if hasattr(each, "ifname")} == {"lan"}
        assert ("pn_same", '"lan"', '"lan"') in elements(plan)
        assert "net/ipv6/conf/lan/accept_ra" in settings(plan)

    def test_the_same_network_has_the_same_plan(self) -> None:
        """Today and after a restart; and no two networks share a bridge or its address."""
        (one,) = of_kind(bind(a_network()).network_plan(), Bridge)
        (again,) = of_kind(bind(a_network()).network_plan(), Bridge)
        (other,) = of_kind(bind(a_network("red")).network_plan(), Bridge)

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
            bind(network).network_plan()

        assert message in str(refusal.value)


@pytest.mark.parametrize("subnet", ["10.13.0.1/32", "fd00:13::1/128"])
def test_a_subnet_of_one_address(subnet: str) -> None:
    """It is the bridge's, and no container would ever start; without a gateway one can."""
    network = a_network(pools=(a_pool(subnet, subnet),))
    with pytest.raises(RefusedError, match=f"subnet {subnet} has one address, which is the bridge"):
        bind(network).check_options()

    bind(a_network(pools=(a_pool(subnet, None),))).check_options()
