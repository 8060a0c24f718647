"""The host among containers on a parent: what it is given, and what is refused."""

from ipaddress import ip_address, ip_interface, ip_network

import pytest

from plugin.drivers.registry import bind
from plugin.errors import RefusedError
from plugin.model.addresses import Address, HostRoute
from plugin.model.facts import Fact
from plugin.model.ids import IfName, derived_mac, shim_name
from plugin.model.links import Shim
from plugin.model.nat import DockerPublishes
from plugin.model.network import Protocol, StaticRoute
from plugin.model.speakers import HeardOnShim
from plugin.model.traffic import HostService, LinkRole, Role
from tests.fakes.values import an_endpoint
from tests.unit.drivers.host_lan import FOREIGN, HOST4, HOST6, PARENT_MAC, a_lan, of


class TestNetwork:
    def test_nothing_unless_asked_for(self) -> None:
        """The kernel keeps host and containers apart, and so does pynet."""
        network = a_lan(host_access="")

        assert bind(network).network_plan().resources == frozenset()
        assert of(HostRoute, network, an_endpoint(network)) == set()

    def test_a_link_of_the_hosts(self) -> None:
        """With a hardware address that no other host on the LAN derives."""
        network = a_lan(mtu="1400")
        shim = Shim(
            ifname=shim_name(network.id),
            parent=IfName("eth0"),
            mac_address=derived_mac(network.id, PARENT_MAC),
            mtu=1400,
            ipv6=True,
            owner=network.id,
        )

        assert of(Shim, network) == {shim}
        assert of(Fact, network) == {
            LinkRole(link=shim.ifname, role=role) for role in (Role.NETWORK, Role.SHIM)
        }

    def test_it_borrows_an_ipv6_address(self) -> None:
        """IPv4 needs none: the host answers for any of its own on any link."""
        network = a_lan()
        borrowed = Address(ifname=shim_name(network.id), interface=ip_interface("fd00:1::9/128"))

        assert of(Address, network) == {borrowed}

    def test_it_has_addresses_of_its_own(self) -> None:
        """If it is told to."""
        network = a_lan(host_address="10.1.0.77,fd00:77::1")

        assert {each.interface for each in of(Address, network)} == {  # type: ignore[union-attr]
            ip_interface("10.1.0.77/32"),
            ip_interface("fd00:77::1/128"),
        }

    def test_a_parent_of_its_own(self) -> None:
        """Without a parent the shim has no MAC address to differ from, and no address to borrow."""
        changes = {"host_addresses": (), "parent_mac": None}
        network = a_lan(parent="", host_address="10.1.0.77;fd00:1::77", changes=changes)
        (shim,) = of(Shim, network)

        assert isinstance(shim, Shim)
        assert shim.mac_address == derived_mac(network.id, "host")

    def test_services_of_the_host(self) -> None:
        """As in mode bridge."""
        network = a_lan(host_services="53/udp")
        name = shim_name(network.id)

        assert {
            LinkRole(link=name, role=Role.HOST_CLOSED),
            HostService(link=name, protocol=Protocol.UDP, port=53),
        } <= of(Fact, network)

    def test_docker_publishes(self) -> None:
        """The LAN's machines are answered by the link that they asked."""
        network = a_lan(host_access="", publish="docker")

        assert bind(network).network_plan().resources == {
            DockerPublishes(prefix=ip_network("10.1.0.0/24"))
        }


class TestEndpoint:
    def test_a_way_to_the_container(self) -> None:
        """Per family, under the address that the host has in the same subnet."""
        network = a_lan()
        endpoint = an_endpoint(network)
        mac = endpoint.mac_address

        assert of(HostRoute, network, endpoint) == {
            HostRoute(ifname=shim_name(network.id), address=address, mac_address=mac, source=source)
            for address, source in (
                (ip_address("10.1.0.2"), HOST4),
                (ip_address("fd00:1::2"), HOST6),
            )
        }

    def test_it_is_heard_as_itself_only(self) -> None:
        """With the address that its link gives itself, too."""
        network = a_lan()
        endpoint = an_endpoint(network)

        assert of(Fact, network, endpoint) == {
            HeardOnShim(
                shim=shim_name(network.id),
                mac_address=endpoint.mac_address,
                address=ip_address(address),
            )
            for address in ("10.1.0.2", "fd00:1::2", "fe80::ff:fe00:2")
        }

    def test_the_host_is_on_the_link(self) -> None:
        """So containers need no route to it."""
        network = a_lan()

        assert bind(network).attachment(an_endpoint(network)).routes == ()

    def test_the_host_is_off_the_link(self) -> None:
        """Then containers are told that it is on it all the same."""
        changes = {"host_addresses": (FOREIGN, ip_interface("fd00:1::9/64"))}
        network = a_lan(changes=changes)
        routes = bind(network).attachment(an_endpoint(network)).routes

        assert routes == (StaticRoute(destination=ip_network("172.16.0.9/32")),)

    def test_docker_publishes(self) -> None:
        """By a gateway of its own, which it adds where there is no other."""
        network = a_lan(host_access="", publish="docker", routes="10.7.0.0/16")
        attachment = bind(network).attachment(an_endpoint(network))

        assert attachment.gateway4 is attachment.gateway6 is None
        assert not attachment.disable_gateway_service
        assert attachment.routes == (StaticRoute(destination=ip_network("10.7.0.0/16")),)
        without = a_lan(host_access="", publish="docker", changes={"pools": ()})
        assert bind(without).attachment(an_endpoint(without)).routes == ()

    def test_the_hosts_address_is_refused(self) -> None:
        """Whichever IPAM gives addresses out."""
        network = a_lan(host_address="10.1.0.2")
        with pytest.raises(RefusedError, match=r"--aux-address host=10\.1\.0\.2"):
            bind(network).check_endpoint(an_endpoint(network, 2))

        bind(network).check_endpoint(an_endpoint(network, 3))


class TestRefusals:
    def test_a_host_without_addresses(self) -> None:
        """Of a family that the network has."""
        network = a_lan(changes={"host_addresses": (ip_interface("10.1.0.9/24"),)})
        with pytest.raises(
            RefusedError, match="needs an IPv6 address of the host's, and parent eth0"
        ):
            bind(network).network_plan()
        isolated = a_lan(parent="", changes={"host_addresses": ()})
        with pytest.raises(RefusedError, match=r"IPv4 address .* there is no parent"):
            bind(isolated).network_plan()
