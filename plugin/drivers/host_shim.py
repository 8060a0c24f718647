"""The shim: the host's link among the containers on a parent.

The kernel isolates a parent from the links on it, but not those links from each other.  By the
shim the host reaches each container that has joined, and nothing else.  The host uses an
address that it has anyway, or an extra one that the LAN need not know.  The host accepts packets on
the shim from those containers only.

An ipvlan shim always has an extra address, derived if none is given: packets that arrive at the
parent for an address of a link on it are delivered to that link.
"""

from collections.abc import Iterator
from ipaddress import ip_interface

from plugin.drivers.dhcp import has_ipv6
from plugin.drivers.host_access import HOST_ADDRESS, HostAccess
from plugin.drivers.host_services import HOST_SERVICES, reached_services
from plugin.errors import RefusedError
from plugin.model.addresses import Address, HostRoute
from plugin.model.ids import MacAddress, derived_mac, link_local
from plugin.model.links import Shim
from plugin.model.network import Endpoint
from plugin.model.resources import Resource
from plugin.model.speakers import ForgedSource, HeardOnShim
from plugin.model.traffic import LinkRole, Role


def network_resources(host: HostAccess) -> frozenset[Resource]:
    """The shim, and its resources that do not depend on endpoints; nothing without access."""
    if not host.has_access:
        return frozenset()
    _check_addresses(host)
    network, stack, ifname = host.network, host.stack, host.ifname
    link = Shim(
        ifname=ifname,
        parent=stack.parent,
        mac_address=_mac_address(host),
        mtu=stack.mtu,
        ipv6=has_ipv6(network, host.options),
        owner=network.id,
        ipvlan_mode=host.ipvlan_mode,
    )
    roles = (Role.NETWORK, Role.SHIM, *((Role.INTERNAL,) if network.internal else ()))
    return frozenset(
        {
            link,
            *_own_addresses(host),
            *(LinkRole(link=ifname, role=role) for role in roles),
            *reached_services(ifname, host.options[HOST_SERVICES]),
            *_forged(host),
        }
    )


def endpoint_resources(host: HostAccess, endpoint: Endpoint) -> frozenset[Resource]:
    """The host's route to the container, and the permission to accept its packets.

    The link-local address of an ipvlan link depends on its number on the parent, which cannot be
    known (net/ipv6/addrconf.c, addrconf_ifid_eui48).  So packets from it are not accepted.
    """
    if not host.has_access:
        return frozenset()
    ifname = host.ifname
    mac_address = endpoint.mac_address or host.network.parent_mac or MacAddress("")
    resources: set[Resource] = set()
    for interface in endpoint.interfaces:
        source = host.address_for(interface)
        if source is None:
            continue
        resources |= {
            HostRoute(
                ifname=ifname,
                address=interface.ip,
                mac_address=mac_address,
                source=source,
            ),
            HeardOnShim(shim=ifname, mac_address=mac_address, address=interface.ip),
        }
    if endpoint.ipv6 is not None and endpoint.mac_address:
        own = link_local(endpoint.mac_address)
        resources.add(HeardOnShim(shim=ifname, mac_address=mac_address, address=own))
    return frozenset(resources)


def _mac_address(host: HostAccess) -> MacAddress | None:
    """Always the same, for containers remember it: also that of a shim that was made anew.

    Other than the network's id, the card's address is not that of another host's on the LAN.
    """
    network = host.network
    if host.ipvlan_mode is not None:
        return None
    if host.stack.own:
        return derived_mac(network.id, "host")
    return derived_mac(network.id, network.parent_mac) if network.parent_mac else None


def _check_addresses(host: HostAccess) -> None:
    stack = host.stack
    for subnet in host.subnets:
        if host.address_in(subnet) is None:
            where = "there is no parent" if stack.own else f"parent {stack.parent} has none"
            raise RefusedError(
                f"option host_access needs an IPv{subnet.version} address of the host's, and "
                f"{where}; add one, or give one with host_address"
            )


def _forged(host: HostAccess) -> Iterator[ForgedSource]:
    """A frame of an ipvlan container to its own MAC address is the parent's: past the services.

    Neighbours are not asked for it, so it takes forging (drivers/net/ipvlan/ipvlan_core.c,
    ipvlan_xmit_mode_l2).
    """
    closed = host.options[HOST_SERVICES] is not None
    if closed and host.ipvlan_mode is not None and host.network.parent_mac:
        yield ForgedSource(link=host.stack.parent, mac_address=host.network.parent_mac)


def _own_addresses(host: HostAccess) -> Iterator[Address]:
    """The addresses on the shim: those of the option, derived ones, and IPv6 ones for discovery.

    Containers whose subnet is not known may be of any in which the host has an address.
    """
    own = {*host.options[HOST_ADDRESS]}
    for subnet in host.subnets:
        address = host.address_in(subnet)
        borrowed = host.ipvlan_mode is None and subnet.version == 4
        if address is not None and not borrowed:
            own |= {address} if subnet.prefixlen else {*host.addresses(subnet.version)}
    for address in own:
        interface = ip_interface(f"{address}/{address.max_prefixlen}")
        yield Address(ifname=host.ifname, interface=interface)
