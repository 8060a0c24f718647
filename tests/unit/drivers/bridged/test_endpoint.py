"""Mode bridge: what an endpoint needs, its guards and its bounds."""

from dataclasses import replace
from ipaddress import IPv6Address
from typing import ClassVar

import pytest

from plugin.drivers.bridged.port_security import link_local
from plugin.drivers.registry import bind
from plugin.errors import RefusedError
from plugin.model.ids import (
    MacAddress,
    bridge_name,
    derived_mac,
    handoff_name,
    port_name,
    redirect_name,
)
from plugin.model.links import Veth
from plugin.model.network import Endpoint, Network
from plugin.model.resources import Resource
from plugin.model.shaping import IngressRedirect, RateLimit
from plugin.model.speakers import SpeaksAs, SpeaksFrom
from plugin.model.sysctls import Sysctl
from plugin.model.traffic import LinkRole
from tests.fakes.values import a_network, an_endpoint
from tests.unit.drivers.bridged.plans import DUAL, elements, of_kind

GUARDS = (
    *("pn_guarded", "pn_guard_mac", "pn_guard_lladdr6", "pn_guard4", "pn_guard6"),
    "pn_guard_target6",
)


class TestMacAddress:
    def test_it_follows_from_network_and_address(self) -> None:
        """The endpoint may be another every time."""
        network = a_network()
        first = bind(network).mac_address(an_endpoint(network, 2, "a"))
        again = bind(network).mac_address(an_endpoint(network, 2, "b"))
        other = bind(network).mac_address(an_endpoint(network, 3))

        assert first == again != other

    def test_an_endpoint_without_addresses_has_one_of_its_own(self) -> None:
        """The IPAM of another may give none."""
        network = a_network()
        one = replace(an_endpoint(network, 2, "a"), ipv4=None)
        two = replace(an_endpoint(network, 2, "b"), ipv4=None)

        assert bind(network).mac_address(one) != bind(network).mac_address(two)

    def test_that_of_the_bridge_is_refused(self) -> None:
        """Where it is ours; one that was there before has another."""
        network = a_network()
        endpoint = an_endpoint(network, mac_address=derived_mac(network.id), mac_chosen=True)
        with pytest.raises(RefusedError, match="is that of the network's bridge; choose another"):
            bind(network).check_endpoint(endpoint)

        bind(a_network(options={"bridge_name": "br0"})).check_endpoint(endpoint)

    def test_ipv6_serves_where_it_is_alone(self) -> None:
        """As IPv4 does."""
        network = a_network("blue", "fd00:1::/64")

        assert bind(network).mac_address(an_endpoint(network, 2, "a")) == bind(network).mac_address(
            an_endpoint(network, 2, "b")
        )


class TestEndpointPlan:
    def test_a_pair_between_bridge_and_sandbox(self) -> None:
        """Its far end is what dockerd gets."""
        network = a_network(options={"mtu": "1400"})
        endpoint = an_endpoint(network)

        plan = bind(network).endpoint_plan(endpoint)

        assert of_kind(plan, Veth) == {
            Veth(
                ifname=port_name(endpoint.id),
                peer=handoff_name(endpoint.id),
                peer_mac_address=endpoint.mac_address,
                master=bridge_name(network.id),
                mtu=1400,
                owner=f"{network.id}/{endpoint.id}",
            )
        }
        assert plan.handoff == handoff_name(endpoint.id)
        assert {type(each) for each in plan.resources} == {
            Veth,
            LinkRole,
            SpeaksAs,
            SpeaksFrom,
            Sysctl,
        }

    @pytest.mark.parametrize(
        ("subnets", "names"),
        [
            (DUAL[:1], {"net/ipv4/ip_forward"}),
            (DUAL[1:], {"net/ipv6/conf/all/forwarding"}),
            (DUAL, {"net/ipv4/ip_forward", "net/ipv6/conf/all/forwarding"}),
        ],
    )
    def test_the_host_forwards_for_it(self, subnets: tuple[str, ...], names: set[str]) -> None:
        """Not for a network without containers: the engine is first to switch it on after a boot."""
        network = a_network("blue", *subnets)

        settings = of_kind(bind(network).endpoint_plan(an_endpoint(network)), Sysctl)
        assert {each.name for each in settings if each.value == "1"} == names
        assert not names & {each.name for each in of_kind(bind(network).network_plan(), Sysctl)}

    def test_on_a_bridge_with_a_chosen_name(self) -> None:
        """Whoever made it."""
        network = a_network(options={"bridge_name": "lan"})
        (veth,) = of_kind(bind(network).endpoint_plan(an_endpoint(network)), Veth)

        assert veth.master == "lan"


def guards(network: Network, endpoint: Endpoint) -> set[tuple[str, ...]]:
    """Without the name of the port, which is the first part of each."""
    name = f'"{port_name(endpoint.id)}"'
    found = elements(bind(network).endpoint_plan(endpoint), *GUARDS)
    assert {each[1] for each in found} <= {name}
    return {(each[0], *each[2:]) for each in found}


@pytest.mark.parametrize(
    ("mac", "address"),
    [
        ("02:00:00:00:00:02", "fe80::ff:fe00:2"),
        ("00:1b:44:11:3a:b7", "fe80::21b:44ff:fe11:3ab7"),
        ("ff:ff:ff:ff:ff:ff", "fe80::fdff:ffff:feff:ffff"),
    ],
)
def test_the_address_that_a_link_gives_itself(mac: str, address: str) -> None:
    """The seventh bit is turned, and ff:fe put in the middle."""
    assert link_local(MacAddress(mac)) == IPv6Address(address)


class TestSpoofing:
    def test_an_endpoint_of_both_families(self) -> None:
        """Its MAC address, its addresses, and the one that its link gives itself."""
        network = a_network("blue", *DUAL)

        assert guards(network, an_endpoint(network)) == {
            ("pn_guarded",),
            ("pn_guard_mac", "02:00:00:00:00:02"),
            ("pn_guard_lladdr6", "0x20000000002"),
            ("pn_guard4", "10.1.0.2"),
            ("pn_guard6", "fd00:1::2"),
            ("pn_guard6", "fe80::ff:fe00:2"),
            ("pn_guard_target6", "0xfd000001000000000000000000000002"),
            ("pn_guard_target6", "0xfe80000000000000000000fffe000002"),
        }

    def test_an_endpoint_without_ipv6_has_its_link_local_address(self) -> None:
        """Its kernel uses it whatever the network is."""
        network = a_network()
        found = guards(network, an_endpoint(network))

        assert {each for each in found if each[0] == "pn_guard6"} == {
            ("pn_guard6", "fe80::ff:fe00:2")
        }

    def test_an_endpoint_without_addresses_may_send_as_nobody(self) -> None:
        """The IPAM of another may give none; DHCP still works."""
        network = a_network()
        found = guards(network, replace(an_endpoint(network), ipv4=None))

        assert "pn_guard4" not in {each[0] for each in found}
        assert ("pn_guarded",) in found

    @pytest.mark.parametrize(
        ("of_network", "of_endpoint", "guarded"),
        [
            (None, None, True),
            ("false", None, False),
            ("false", "true", True),
            ("true", "false", False),
            (None, "false", False),
        ],
    )
    def test_who_is_exempt(
        self, of_network: str | None, of_endpoint: str | None, guarded: bool
    ) -> None:
        """What is said of the container counts more than what is said of the network."""
        network = a_network(options={"spoof_guard": of_network} if of_network else {})
        options = {"spoof_guard": of_endpoint} if of_endpoint else {}

        assert bool(guards(network, an_endpoint(network, options=options))) is guarded

    def test_a_gateway_container_is_exempt(self) -> None:
        """It passes on what others send; the others are guarded."""
        network = a_network(options={"gateway_container": "10.1.0.5"})

        assert not guards(network, an_endpoint(network, 5, options={"gateway": "true"}))
        assert guards(network, an_endpoint(network, 2))

    def test_a_gateway_container_can_be_guarded_all_the_same(self) -> None:
        """A proxy at the application's level sends as itself."""
        network = a_network(options={"gateway_container": "10.1.0.5"})

        assert guards(network, an_endpoint(network, 5, options={"spoof_guard": "true"}))


class TestSeparation:
    def separation(self, network: Network, allowed: str | None = None) -> set[tuple[str, ...]]:
        endpoint = an_endpoint(network, options={"icc_allow": allowed} if allowed else {})
        plan = bind(network).endpoint_plan(endpoint)
        return elements(plan, "pn_separate", "pn_pairs4", "pn_pairs6")

    def test_it_is_off_by_default(self) -> None:
        """And what is allowed needs no word then."""
        assert self.separation(a_network("blue", *DUAL)) == set()
        assert self.separation(a_network("blue", *DUAL), "10.1.0.3") == set()

    def test_a_port_that_talks_to_no_other(self) -> None:
        """``icc=false``."""
        network = a_network("blue", *DUAL, options={"icc": "false"})
        name = port_name(an_endpoint(network).id)

        assert self.separation(network) == {("pn_separate", f'"{name}"')}

    def test_those_it_may_talk_to(self) -> None:
        """In both directions, each family by itself."""
        network = a_network("blue", *DUAL, options={"icc": "false"})
        pairs = {
            each for each in self.separation(network, "10.1.0.3, fd00:1::4") if "pairs" in each[0]
        }

        assert pairs == {
            ("pn_pairs4", "10.1.0.2", "10.1.0.3"),
            ("pn_pairs4", "10.1.0.3", "10.1.0.2"),
            ("pn_pairs6", "fd00:1::2", "fd00:1::4"),
            ("pn_pairs6", "fd00:1::4", "fd00:1::2"),
        }

    def test_an_address_of_a_family_that_it_lacks_says_nothing(self) -> None:
        """There is no own address to pair it with."""
        network = a_network(options={"icc": "false"})

        assert len(self.separation(network, "fd00:1::4")) == 1


class TestGatewayContainer:
    OPTIONS: ClassVar[dict[str, str]] = {"gateway_container": "10.1.0.5", "icc": "false"}

    def test_it_is_told_to_the_firewall(self) -> None:
        """By bridge and hardware address."""
        network = a_network(options=self.OPTIONS)
        plan = bind(network).endpoint_plan(an_endpoint(network, 5, options={"gateway": "true"}))
        bridge = bridge_name(network.id)

        assert elements(plan) == {("pn_gateways", f'"{bridge}"', "02:00:00:00:00:05")}

    def test_it_says_that_it_is(self) -> None:
        """An IPAM may give its address to any container, which all others would send to then."""
        network = a_network(options=self.OPTIONS)
        by_chance = an_endpoint(network, 5)

        with pytest.raises(
            RefusedError, match=r"10\.1\.0\.5 is that of .* --driver-opt gateway=true"
        ):
            bind(network).check_endpoint(by_chance)
        assert ("pn_guarded", f'"{port_name(by_chance.id)}"') in elements(
            bind(network).endpoint_plan(by_chance)
        )
        bind(network).check_endpoint(an_endpoint(network, 5, options={"gateway": "true"}))
        bind(network).check_endpoint(an_endpoint(network, 2))

    @pytest.mark.parametrize("options", [OPTIONS, {}])
    def test_nobody_says_so_with_another_address(self, options: dict[str, str]) -> None:
        """It would pass on nothing, and nobody would know why."""
        network = a_network(options=options)

        with pytest.raises(RefusedError, match="option gateway is 'true', expected the address"):
            bind(network).check_endpoint(an_endpoint(network, 2, options={"gateway": "true"}))

    def test_nobody_else_is(self) -> None:
        """And who is separated from others is not from it."""
        network = a_network(options=self.OPTIONS)
        plan = bind(network).endpoint_plan(an_endpoint(network, 2))

        assert not elements(plan, "pn_gateways")
        assert elements(plan, "pn_separate")


class TestBounds:
    def bounds(self, of_network: dict[str, str], of_endpoint: dict[str, str]) -> set[Resource]:
        network = a_network(options=of_network)
        plan = bind(network).endpoint_plan(an_endpoint(network, options=of_endpoint))
        return of_kind(plan, RateLimit) | of_kind(plan, IngressRedirect)

    def test_without_options_there_are_none(self) -> None:
        """A bucket would cost every packet something."""
        assert self.bounds({}, {}) == set()

    @pytest.mark.parametrize(
        ("of_network", "of_endpoint"), [({"rate_to": "10mbit"}, {}), ({}, {"rate_to": "10mbit"})]
    )
    def test_what_it_receives_is_bounded_at_the_hosts_end(
        self, of_network: dict[str, str], of_endpoint: dict[str, str]
    ) -> None:
        """Where it is sent out."""
        port = port_name(an_endpoint(a_network()).id)

        assert self.bounds(of_network, of_endpoint) == {RateLimit(ifname=port, rate=10_000_000)}

    def test_what_it_sends_takes_a_detour(self) -> None:
        """The kernel bounds only what goes out of a link."""
        network = a_network()
        endpoint = an_endpoint(network)
        detour = redirect_name(endpoint.id)

        assert self.bounds({"rate_from": "1gbit"}, {}) == {
            IngressRedirect(
                ifname=detour,
                source=port_name(endpoint.id),
                owner=f"{network.id}/{endpoint.id}",
            ),
            RateLimit(ifname=detour, rate=1_000_000_000),
        }

    def test_the_containers_word_counts_more(self) -> None:
        """In each direction by itself."""
        found = self.bounds({"rate_to": "10mbit", "rate_from": "10mbit"}, {"rate_from": "20mbit"})

        assert sorted(each.rate for each in found if isinstance(each, RateLimit)) == [
            10_000_000,
            20_000_000,
        ]


def test_nothing_else_is_made_for_an_endpoint() -> None:
    """Ports come later."""
    network = a_network("blue", *DUAL, options={"rate_from": "1gbit", "icc": "false"})
    kinds = {type(each) for each in bind(network).endpoint_plan(an_endpoint(network)).resources}

    guards = {LinkRole, SpeaksAs, SpeaksFrom}
    assert kinds == {Veth, Sysctl, IngressRedirect, RateLimit, *guards}
