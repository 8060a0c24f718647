"""Mode bridge: what an endpoint needs, its MAC address and its bounds."""

from dataclasses import replace

import pytest

from plugin.drivers.registry import bind
from plugin.errors import RefusedError
from plugin.model.ids import (
    bridge_name,
    derived_mac,
    handoff_name,
    port_name,
    redirect_name,
)
from plugin.model.links import Veth
from plugin.model.resources import Resource
from plugin.model.shaping import IngressRedirect, RateLimit
from plugin.model.speakers import SpeaksAs, SpeaksFrom
from plugin.model.sysctls import Sysctl
from plugin.model.traffic import LinkRole
from tests.fakes.values import a_network, an_endpoint
from tests.unit.drivers.bridged.plans import DUAL, of_kind


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
        """Where pynet made the bridge; one that was there before has another address."""
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
        """Made by pynet or by the user."""
        network = a_network(options={"bridge_name": "lan"})
        (veth,) = of_kind(bind(network).endpoint_plan(an_endpoint(network)), Veth)

        assert veth.master == "lan"


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
