"""The host among ipvlan containers: what it is given, and what is refused."""

from dataclasses import replace
from ipaddress import ip_address, ip_interface, ip_network
from typing import Any

import pytest

from plugin.drivers.registry import bind
from plugin.errors import RefusedError
from plugin.model.addresses import Address, HostRoute
from plugin.model.ids import IfName, MacAddress, own_address, shim_name
from plugin.model.links import Ipvlan, IpvlanMode, Shim
from plugin.model.nat import HostSeenAs, Published
from plugin.model.network import Endpoint, Network, Protocol, PublishedPort
from plugin.model.parents import HostLink
from plugin.model.ports import HostPort
from plugin.model.resources import Resource
from plugin.model.speakers import ForgedSource, HeardOnShim
from plugin.model.sysctls import RouteLocalnet, Sysctl
from plugin.model.traffic import HostService, LinkRole, Role
from tests.fakes.values import a_binding, a_network, an_endpoint

DUAL = ("10.1.0.0/24", "fd00:1::/64")
ETH0 = IfName("eth0")
PARENT_MAC = MacAddress("02:00:00:00:00:ee")
PARENTS = (ip_interface("10.1.0.9/24"), ip_interface("fd00:1::9/64"))


def a_net(*subnets: str, **options: str) -> Network:
    """A network on eth0 with the host in it; an option without a value is left out."""
    given = {
        "mode": "ipvlan",
        "parent": "eth0",
        "host_access": "true",
        "host_address": "10.1.0.77,fd00:1::77",
        **options,
    }
    changes: dict[str, Any] = {"host_addresses": PARENTS, "parent_mac": PARENT_MAC}
    own = {name: value for name, value in given.items() if value}
    return a_network("lan", *(subnets or DUAL), mode="ipvlan", options=own, **changes)


def of(kind: type[Resource], network: Network) -> set[Resource]:
    return {each for each in bind(network).network_plan().resources if isinstance(each, kind)}


def a_member(network: Network, number: int = 2) -> Endpoint:
    return replace(an_endpoint(network, number), mac_address=MacAddress(""))


@pytest.mark.parametrize("mode", list(IpvlanMode))
def test_a_link_of_the_hosts(mode: IpvlanMode) -> None:
    """In the containers' mode, with its parent's MAC address and with addresses of its own."""
    network = a_net(ipvlan_mode=mode.name.lower())
    ifname = shim_name(network.id)
    shim = Shim(
        ifname=ifname,
        parent=ETH0,
        mac_address=None,
        mtu=None,
        ipv6=True,
        owner=network.id,
        ipvlan_mode=mode,
    )

    assert bind(network).network_plan().resources == {
        shim,
        *(LinkRole(link=ifname, role=role) for role in (Role.NETWORK, Role.SHIM)),
        *(
            Address(ifname=ifname, interface=ip_interface(each))
            for each in ("10.1.0.77/32", "fd00:1::77/128")
        ),
    }
    use = bind(network).parent_use()
    assert use is not None
    assert use.addressed


def test_a_way_to_the_container() -> None:
    """By the parent's MAC address, as which it is heard under the addresses it was given."""
    network = a_net()
    ifname = shim_name(network.id)
    resources = bind(network).endpoint_plan(a_member(network)).resources
    addresses = {"10.1.0.2": "10.1.0.77", "fd00:1::2": "fd00:1::77"}

    assert {each for each in resources if not isinstance(each, Ipvlan)} == {
        *(
            HostRoute(
                ifname=ifname,
                address=ip_address(address),
                mac_address=PARENT_MAC,
                source=ip_address(source),
            )
            for address, source in addresses.items()
        ),
        *(
            HeardOnShim(shim=ifname, mac_address=PARENT_MAC, address=ip_address(address))
            for address in addresses
        ),
    }


def test_services_of_the_host() -> None:
    """Nobody gets past them by a frame to the MAC address that all have."""
    network = a_net(host_services="53/udp")
    name = shim_name(network.id)
    resources = bind(network).network_plan().resources

    assert {
        LinkRole(link=name, role=Role.HOST_CLOSED),
        HostService(link=name, protocol=Protocol.UDP, port=53),
        ForgedSource(link=ETH0, mac_address=PARENT_MAC),
    } <= resources


def test_ports_are_published() -> None:
    """As in mode macvlan: what comes is from the host, as its containers know it."""
    network = a_net(DUAL[0], host_address="10.1.0.77")
    endpoint = a_member(network)
    (target,) = bind(network).port_targets(endpoint, a_binding(host_ip="0.0.0.0"))
    protocol = a_binding().protocol
    port = PublishedPort(
        protocol=protocol,
        host_ip=target.host_ip,
        host_port=8080,
        container_ip=target.container_ip,
        container_port=80,
    )

    assert bind(network).ports_plan(replace(endpoint, published=(port,))).resources == {
        HostPort(protocol=protocol, address=ip_address("0.0.0.0"), port=8080),
        Sysctl(name="net/ipv4/ip_forward", value="1"),
        RouteLocalnet(ifname=shim_name(network.id)),
        Published(
            protocol=protocol,
            host_ip=ip_address("0.0.0.0"),
            host_port=8080,
            container_ip=ip_address("10.1.0.2"),
            container_port=80,
        ),
        HostSeenAs(container_ip=ip_address("10.1.0.2"), host_ip=ip_address("10.1.0.77")),
    }


@pytest.mark.parametrize("mode", ["l3", "l3s"])
def test_all_services_may_be_said(mode: str) -> None:
    """It is what there is anyway."""
    bind(a_net(ipvlan_mode=mode, host_services="allow")).check_options()


def test_an_address_of_each_family() -> None:
    """The parent's is not borrowed: what is not given is derived, and is the network's alone."""
    network = a_net(host_address="10.1.0.77")
    own = own_address(network.id, 6)
    addresses = {each.interface for each in of(Address, network)}  # type: ignore[union-attr]

    assert addresses == {ip_interface("10.1.0.77/32"), ip_interface(f"{own}/128")}
    assert own in ip_network("fd00::/8")
    ways = bind(network).attachment(a_member(network)).routes
    assert ip_network(own) in {each.destination for each in ways}


def test_no_address_of_the_lan_is_needed() -> None:
    """Of either family; a null IPAM's is no subnet."""
    network = a_net("10.1.0.0/24", host_address="")
    own = own_address(network.id, 4)
    addresses = {each.interface for each in of(Address, network)}  # type: ignore[union-attr]

    assert addresses == {ip_interface(f"{own}/32")}
    nothing = a_net("0.0.0.0/0", host_address="")
    assert of(Address, nothing) == set()


def test_the_parents_address_is_refused() -> None:
    """Nobody on the LAN would reach the host at it any more."""
    links = {ETH0: HostLink(ifname=ETH0, addresses=PARENTS)}
    with pytest.raises(RefusedError, match=r"host_address is 10\.1\.0\.9, which parent eth0 has"):
        bind(a_net(host_address="10.1.0.9,fd00:1::77")).check_parent(links)

    assert bind(a_net()).check_parent(links) == ()


def test_the_parents_address_is_refused_to_containers() -> None:
    """What the LAN sends the host there would be the container's, with ``host_access`` or not."""
    network = a_net(host_access="", host_address="")
    with pytest.raises(
        RefusedError, match=r"10\.1\.0\.9 is the host's on the parent, .*--aux-addr"
    ):
        bind(network).check_endpoint(a_member(network, 9))
    bind(network).check_endpoint(a_member(network))


def test_the_hosts_address_is_refused_to_containers() -> None:
    """Whichever IPAM gives addresses out."""
    network = a_net()
    with pytest.raises(RefusedError, match=r"--aux-address host=10\.1\.0\.77"):
        bind(network).check_endpoint(a_member(network, 77))
    bind(network).check_endpoint(a_member(network))
