"""The host among containers that stand on a parent: a link of its own there, the shim.

The kernel keeps a parent apart from the links on it, but not those links from each other.  By
the shim the host goes to each container that has joined, and nowhere else; it is there under an
address it has anyway, or under one of its own that the LAN need not know.  Nobody but those
containers is heard on it.

An ipvlan shim has an address of its own always, because whatever comes to its parent for an address
of one of the links there is that link's: one that is derived, if none is given.
"""

from collections.abc import Iterator
from ipaddress import ip_interface

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
    """The shim, and what is true of it whoever has joined; nothing without access."""
    if not host.has_access:
        return frozenset()
    _check_addresses(host)
    network, stack, ifname = host.network, host.stack, host.ifname
    link = Shim(
        ifname=ifname,
        parent=stack.parent,
        mac_address=_mac_address(host),
        mtu=stack.mtu,
        ipv6=network.ipv6,
        mark=network.id,
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
    """The host's way to the container, and the container's leave to be heard.

    Which address an ipvlan link gives itself cannot be known (net/ipv6/addrconf.c,
    addrconf_ifid_eui48, by the number it has among its parent's): it is not heard as that.
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
    for pool in host.network.pools:
        if pool.prefix.prefixlen and host.address_in(pool.prefix) is None:
            where = "there is no parent" if stack.own else f"parent {stack.parent} has none"
            raise RefusedError(
                f"option host_access needs an IPv{pool.prefix.version} address of the host's, and "
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
    """Those of the option, or of nobody; where IPv6 is asked for hardware addresses any of it."""
    own = {*host.options[HOST_ADDRESS]}
    for pool in host.network.pools:
        address = host.address_in(pool.prefix)
        borrowed = host.ipvlan_mode is None and pool.prefix.version == 4
        if address is not None and not borrowed and pool.prefix.prefixlen:
            own.add(address)
    for address in own:
        interface = ip_interface(f"{address}/{address.max_prefixlen}")
        yield Address(ifname=host.ifname, interface=interface)
