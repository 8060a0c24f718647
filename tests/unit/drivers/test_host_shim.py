"""The host among containers on a parent: what it is given, and what is refused."""

from dataclasses import replace
from ipaddress import ip_address, ip_interface, ip_network
from typing import Any

import pytest

from plugin.drivers.registry import bind
from plugin.errors import RefusedError
from plugin.model.addresses import Address, HostRoute
from plugin.model.facts import Fact
from plugin.model.ids import IfName, MacAddress, derived_mac, shim_name
from plugin.model.links import Shim
from plugin.model.nat import DockerPublishes, HostSeenAs, Published
from plugin.model.network import Endpoint, Network, PortTarget, Protocol, PublishedPort, StaticRoute
from plugin.model.ports import HostPort, ProxiedPort
from plugin.model.resources import Resource
from plugin.model.speakers import HeardOnShim
from plugin.model.sysctls import RouteLocalnet, Sysctl
from plugin.model.traffic import Barred, BarredPort, HostService, LinkRole, Role
from tests.fakes.values import a_binding, a_network, an_endpoint

DUAL = ("10.1.0.0/24", "fd00:1::/64")
HOST4, HOST6 = ip_address("10.1.0.9"), ip_address("fd00:1::9")
FOREIGN = ip_interface("172.16.0.9/24")
PARENT_MAC = MacAddress("02:00:00:00:00:ee")


def a_lan(*subnets: str, changes: dict[str, Any] | None = None, **options: str) -> Network:
    """A network with the host in it, which has an address of each family on eth0."""
    own = {"mode": "macvlan", "parent": "eth0", "host_access": "true", **options}
    return a_network(
        "lan",
        *(subnets or DUAL),
        **{
            "mode": "macvlan",
            "options": {name: value for name, value in own.items() if value},
            "host_addresses": (FOREIGN, ip_interface("10.1.0.9/24"), ip_interface("fd00:1::9/64")),
            "parent_mac": PARENT_MAC,
            **(changes or {}),
        },
    )


def of(kind: type[Resource], network: Network, endpoint: Endpoint | None = None) -> set[Resource]:
    """What the network needs, or one of its endpoints, of one kind."""
    plan = bind(network).endpoint_plan(endpoint) if endpoint else bind(network).network_plan()
    return {each for each in plan.resources if isinstance(each, kind)}


def published(network: Network, endpoint: Endpoint, host_ip: str | None = None) -> Endpoint:
    """With ``-p 8080:80``."""
    targets = bind(network).port_targets(endpoint, a_binding(host_ip=host_ip))
    ports = tuple(
        PublishedPort(
            protocol=a_binding().protocol,
            host_ip=target.host_ip,
            host_port=8080,
            container_ip=target.container_ip,
            container_port=80,
        )
        for target in targets
    )
    return replace(endpoint, published=ports)


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


class TestPorts:
    def test_ipv4_is_translated(self) -> None:
        """And comes from the host."""
        network = a_lan("10.1.0.0/24", changes={"host_ipv6": False})
        endpoint = published(network, an_endpoint(network))
        held = HostPort(protocol=a_binding().protocol, address=ip_address("0.0.0.0"), port=8080)

        assert bind(network).ports_plan(endpoint).resources == {
            held,
            Sysctl(name="net/ipv4/ip_forward", value="1"),
            RouteLocalnet(ifname=shim_name(network.id)),
            Published(
                protocol=Protocol.TCP,
                host_ip=ip_address("0.0.0.0"),
                host_port=8080,
                container_ip=ip_address("10.1.0.2"),
                container_port=80,
            ),
            HostSeenAs(container_ip=ip_address("10.1.0.2"), host_ip=HOST4),
        }

    @pytest.mark.parametrize(
        ("host_ip", "is_barred"), [("::", True), ("::1", False), ("fd00:99::1", True)]
    )
    def test_ipv6_is_carried(self, host_ip: str, *, is_barred: bool) -> None:
        """A host that forwards IPv6 believes its router no more."""
        network = a_lan()
        endpoint = published(network, an_endpoint(network), host_ip)
        where = {"protocol": Protocol.TCP, "address": ip_address(host_ip), "port": 8080}
        held, barred = HostPort(**where), BarredPort(**where, barred=Barred.CLOSED_NETWORKS)

        assert bind(network).ports_plan(endpoint).resources == {
            held,
            ProxiedPort(held=held, address=ip_address("fd00:1::2"), port=80),
            *([barred] if is_barred else []),
        }

    @pytest.mark.parametrize(
        ("subnets", "targets"),
        [
            (DUAL[:1], {"0.0.0.0": "10.1.0.2", "::": "10.1.0.2"}),
            (DUAL[1:], {"::": "fd00:1::2"}),
            (DUAL, {"0.0.0.0": "10.1.0.2", "::": "fd00:1::2"}),
        ],
    )
    def test_any_address(self, subnets: tuple[str, ...], targets: dict[str, str]) -> None:
        """Is one of each family."""
        network = a_lan(*subnets)
        found = bind(network).port_targets(an_endpoint(network), a_binding())

        assert found == tuple(
            PortTarget(host_ip=ip_address(one), container_ip=ip_address(other))
            for one, other in targets.items()
        )

    def test_a_family_that_the_container_has_not(self) -> None:
        """There is no proxy from IPv4 to IPv6: it is left to another gateway of the sandbox."""
        network = a_lan(DUAL[1])
        binding = a_binding(host_ip="127.0.0.1")

        assert bind(network).port_targets(an_endpoint(network), binding) == ()

    def test_what_the_proxy_cannot_carry_is_published_on_ipv4(self) -> None:
        """SCTP is translated there; IPv6 would need the proxy."""
        network = a_lan()
        binding = replace(a_binding(), protocol=Protocol.SCTP)
        targets = bind(network).port_targets(an_endpoint(network), binding)

        assert [target.host_ip for target in targets] == [ip_address("0.0.0.0")]

    def test_ipv6_is_anothers_if_the_engine_says_so(self) -> None:
        """The proxy would take [::] from it."""
        network = a_lan(DUAL[0])
        endpoint = replace(an_endpoint(network), no_proxy_6to4=True)
        (target,) = bind(network).port_targets(endpoint, a_binding())

        assert str(target.host_ip) == "0.0.0.0"
        assert bind(network).port_targets(endpoint, a_binding(host_ip="::1")) == ()

    def test_nobody_publishes(self) -> None:
        """In an internal network, and where Docker does it."""
        for network in (a_lan(changes={"internal": True}), a_lan(publish="docker")):
            assert bind(network).port_targets(an_endpoint(network), a_binding()) == ()

    def test_without_access(self) -> None:
        """What cannot be had is not left out in silence."""
        network = a_lan(host_access="")
        with pytest.raises(RefusedError, match=r"cannot publish port 80: .* host_access=true"):
            bind(network).port_targets(an_endpoint(network), a_binding())


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
