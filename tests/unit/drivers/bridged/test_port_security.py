"""Guards at a container's bridge port: whom it may reach, and as whom it may send."""

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
    port_name,
)
from plugin.model.network import Endpoint, Network
from tests.fakes.values import a_network, an_endpoint
from tests.unit.drivers.bridged.plans import DUAL, elements

GUARDS = (
    *("pn_guarded", "pn_guard_mac", "pn_guard_lladdr6", "pn_guard4", "pn_guard6"),
    "pn_guard_target6",
)


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
