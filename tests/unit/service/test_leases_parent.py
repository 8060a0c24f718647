"""Leases where one container has the parent, or the host is among them, by a server in memory."""

from dataclasses import replace
from ipaddress import IPv4Address, IPv4Interface, IPv6Interface, ip_interface, ip_network
from typing import Final

import pytest

from plugin.deadline import within
from plugin.dhcp.base import NoLeaseError
from plugin.errors import RefusedError
from plugin.model.addresses import Address, HostRoute
from plugin.model.ids import MacAddress, link_local
from plugin.model.links import Shim
from plugin.model.network import Network
from plugin.model.speakers import HeardOnShim
from tests.fakes.rig import Rig
from tests.fakes.values import SANDBOX
from tests.unit.service.leasing import LAN, MAC, start

PARENT_MAC: Final = MacAddress("02:00:00:00:00:50")
OWN: Final = IPv4Interface("192.168.50.7/24")
OWN6: Final = IPv6Interface("2001:db8:50::7/64")
ELSEWHERE6: Final = IPv6Interface("fd00::7/64")
FIRST: Final = IPv4Address("192.168.50.100")


@pytest.fixture
def on_host(rig: Rig) -> Rig:
    """A host on the LAN."""
    rig.host.add_parent("eth0", mac_address=PARENT_MAC, addresses=(OWN,))
    return rig


def lan(**options: str) -> Network:
    return replace(LAN, options={**LAN.options, **options})


class TestPassthru:
    @pytest.fixture
    def alone(self, on_host: Rig) -> Rig:
        on_host.networks.create(lan(macvlan_mode="passthru"))
        return on_host

    def test_it_has_the_parents_mac_address(self, alone: Rig) -> None:
        """Which the kernel gives it, and the engine must not set."""
        endpoint = start(alone, "web")

        assert endpoint.mac_address == ""
        assert {each.mac for each in alone.lan.server.heard} == {PARENT_MAC}
        alone.endpoints.delete(LAN.id, endpoint.id)
        assert start(alone, "new").ipv4 == endpoint.ipv4

    def test_or_one_that_was_chosen(self, alone: Rig) -> None:
        """The parent has it meanwhile, and its own again afterwards."""
        assert start(alone, "web", MAC).mac_address == MAC
        assert alone.lan.server.heard[-1].mac == MAC

    @pytest.mark.parametrize("mac", [None, MAC])
    def test_there_is_one_container(self, alone: Rig, mac: MacAddress | None) -> None:
        """The second asks nobody for an address."""
        endpoint = start(alone, "web")
        alone.endpoints.join(LAN.id, endpoint.id, SANDBOX)
        alone.lan.server.heard.clear()

        with pytest.raises(
            RefusedError, match=f"one container has the parent, .* {FIRST} does; stop"
        ):
            start(alone, "db", mac)

        assert alone.lan.server.heard == []

    def test_the_hosts_kernel_made_the_same_address(self, rig: Rig) -> None:
        """Of the router's prefix: no frame for it reaches the host any more."""
        own = "2001:db8:50::ff:fe00:50/64"
        rig.host.add_parent("eth0", mac_address=PARENT_MAC, addresses=(OWN, ip_interface(own)))
        rig.networks.create(lan(macvlan_mode="passthru", ipv6="slaac"))

        assert str(start(rig, "web").ipv6) == own


class TestHostAccess:
    def test_the_host_has_a_way_to_each(self, on_host: Rig) -> None:
        """From the address that it has on the parent."""
        on_host.networks.create(lan(host_access="true"))
        endpoint = start(on_host, "web")
        on_host.endpoints.join(LAN.id, endpoint.id, SANDBOX)

        (way,) = (each for each in on_host.held() if isinstance(each, HostRoute))
        assert (way.address, way.source) == (FIRST, OWN.ip)
        assert not [each for each in on_host.held() if isinstance(each, Address)]

    def test_its_address_is_no_containers(self, on_host: Rig) -> None:
        """Neither the parent's nor an extra one."""
        on_host.networks.create(lan(host_access="true", host_address=str(FIRST)))

        with within(0.3), pytest.raises(NoLeaseError, match=f"{FIRST} is this host's own address"):
            start(on_host, "web")

    @pytest.mark.parametrize("version", [4, 6])
    def test_a_host_without_an_address(self, rig: Rig, version: int) -> None:
        """It says what to do."""
        rig.host.add_parent("eth0", addresses=(OWN,) if version == 6 else ())

        with pytest.raises(
            RefusedError, match=f"needs an IPv{version} address of the host's, and parent eth0"
        ):
            rig.networks.create(lan(host_access="true", ipv6="auto"))

    @pytest.mark.parametrize(("ipv6", "source"), [("slaac", OWN6), ("dhcp", ELSEWHERE6)])
    def test_both_families(self, rig: Rig, ipv6: str, source: IPv6Interface) -> None:
        """From the address of the same prefix; a server's is of none, and then the host is on the link all the same."""
        rig.host.add_parent("eth0", mac_address=PARENT_MAC, addresses=(OWN, ELSEWHERE6, OWN6))
        rig.networks.create(lan(host_access="true", ipv6=ipv6))
        endpoint = start(rig, "web", MAC)
        attachment = rig.endpoints.join(LAN.id, endpoint.id, SANDBOX)
        held = rig.held()

        (way,) = (e for e in held if isinstance(e, HostRoute) and e.address.version == 6)
        assert endpoint.ipv6
        assert (way.address, way.source) == (endpoint.ipv6.ip, source.ip)
        there = {e.interface.ip for e in held if isinstance(e, Address)}
        assert there == {OWN6.ip, ELSEWHERE6.ip}
        assert all(e.ipv6 for e in held if isinstance(e, Shim))
        heard = {e.address for e in held if isinstance(e, HeardOnShim)}
        assert heard == {FIRST, endpoint.ipv6.ip, link_local(MAC)}
        ways = {e.destination for e in attachment.routes}
        assert (ip_network(source.ip) in ways) is (ipv6 == "dhcp")

    def test_an_extra_address_of_ipv6_is_no_containers(self, on_host: Rig) -> None:
        """As one of IPv4."""
        own = "2001:db8:50:0:11:22ff:fe33:4455"
        on_host.networks.create(lan(host_access="true", ipv6="slaac", host_address=own))

        with within(0.3), pytest.raises(NoLeaseError, match=f"{own} is this host's own address"):
            start(on_host, "web", MAC)
