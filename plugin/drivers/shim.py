"""The host among containers that stand on a parent: a link of its own there, the shim.

The kernel keeps a parent apart from the links on it, but not those links from each other.  By
the shim the host goes to each container that has joined, and nowhere else; it is there under an
address it has anyway, or under one of its own that the LAN need not know.  Nobody but those
containers is heard on it.

An ipvlan shim has an address of its own always, because whatever comes to its parent for an address
of one of the links there is that link's: one that is derived, if none is given.
"""

from collections.abc import Iterator
from dataclasses import replace
from ipaddress import ip_interface, ip_network
from typing import Any, Final

from plugin.drivers import routes
from plugin.drivers.host_services import HOST_SERVICES, host_service_elements
from plugin.drivers.options import Option, address_list, boolean
from plugin.drivers.publishing import (
    PUBLISH,
    Publisher,
    any_address,
    carried_elements,
    held_port,
    is_carried,
    meets_loopback4,
    not_carried,
    translation,
)
from plugin.drivers.stacked import Stack
from plugin.errors import InvalidOptionError, RefusedError
from plugin.model.ids import IfName, MacAddress, derived_mac, link_local, own_address, shim_name
from plugin.model.network import (
    Attachment,
    Endpoint,
    IPAddress,
    IPInterface,
    IPNetwork,
    Network,
    PortBinding,
    PortTarget,
    PublishedPort,
    StaticRoute,
)
from plugin.model.resources import (
    Address,
    Element,
    HostRoute,
    IpvlanMode,
    ProxiedPort,
    Resource,
    RouteLocalnet,
    Shim,
    Sysctl,
)

HOST_ACCESS: Final = Option(
    name="host_access",
    parse=boolean,
    default=False,
    expected="true or false",
    meaning="Let the host and the containers reach each other, and publish ports on the host.",
)
HOST_ADDRESS: Final[Option[tuple[IPAddress, ...]]] = Option(
    name="host_address",
    parse=address_list,
    default=(),
    expected="an address that nobody else has, or one of each family with ',' between",
    meaning="Address at which containers reach the host (with `host_access`). Default: one that "
    "the host has on the parent; in mode ipvlan one that nobody on the LAN has (169.254.…, fd…).",
)
_IPVLAN: Final = "ipvlan"
_DOCKERS_WAY: Final = "publish=docker has docker_gwbridge for its way out"
OPTIONS: Final[tuple[Option[Any], ...]] = (HOST_ACCESS, HOST_ADDRESS, HOST_SERVICES, PUBLISH)


def has_access(network: Network) -> bool:
    """Whether the host is among the containers.  Raises RefusedError for what cannot be meant."""
    options = network.options
    access = HOST_ACCESS.of(options)
    own = HOST_ADDRESS.of(options)
    HOST_SERVICES.of(options)
    if PUBLISH.of(options) is Publisher.DOCKER and network.internal:
        raise RefusedError(
            "option publish is docker, and an internal network publishes nothing; leave out "
            "publish or --internal"
        )
    for option in (HOST_ADDRESS, HOST_SERVICES):
        if option.name in options and not access:
            raise RefusedError(
                f"option {option.name} is about how containers reach the host, which they do with "
                f"host_access=true only; add it, or leave out {option.name}"
            )
    if len({each.version for each in own}) != len(own):
        raise InvalidOptionError(
            HOST_ADDRESS.name, options[HOST_ADDRESS.name], HOST_ADDRESS.expected
        )
    return access


def refuse_contradictions(network: Network, stack: Stack) -> None:
    """When a network is made: what its options cannot mean together, or with its subnets."""
    options = network.options
    routes.refuse_contradictions(network)
    if PUBLISH.of(options) is Publisher.DOCKER:
        routes.refuse_contradictions(network, _DOCKERS_WAY)
        if routes.NO_DEFAULT_ROUTE.of(options):
            raise RefusedError(
                f"option {routes.NO_DEFAULT_ROUTE.name} is {options[routes.NO_DEFAULT_ROUTE.name]}, "
                f"and a network with {_DOCKERS_WAY}; leave out one of them"
            )
        if stack.own:
            raise RefusedError(
                "option publish is docker, and a network without a parent is isolated; say parent, "
                "or leave out publish"
            )
        if HOST_SERVICES.of(options) is not None:
            raise RefusedError(
                f"option host_services is {options[HOST_SERVICES.name]}, and with publish=docker "
                "containers reach the host by docker_gwbridge, where nothing of it is closed; leave "
                "out one of them"
            )
    gateways = {pool.gateway.ip for pool in network.pools if pool.gateway is not None}
    for address in HOST_ADDRESS.of(options):
        if address in gateways:
            raise InvalidOptionError(
                HOST_ADDRESS.name, address, "another address than the gateway's, that nobody has"
            )


def gateway_resources(network: Network) -> frozenset[Resource]:
    """With Docker's gateway: a neighbour who asks it would be answered by the other link."""
    if PUBLISH.of(network.options) is not Publisher.DOCKER:
        return frozenset()
    return frozenset(
        Element(container="pn_lan4", match=(str(pool.prefix),))
        for pool in network.pools
        if pool.prefix.version == 4 and pool.prefix.prefixlen
    )


def host_subnets(network: Network) -> tuple[IPNetwork, ...]:
    """The host goes to containers by the shim only; of Docker's gateway there is a rule for IPv4."""
    by_docker = PUBLISH.of(network.options) is Publisher.DOCKER
    return tuple(
        pool.prefix
        for pool in network.pools
        if HOST_ACCESS.of(network.options) or (by_docker and pool.prefix.version == 4)
    )


def network_resources(
    network: Network, stack: Stack, ipvlan_mode: IpvlanMode | None = None
) -> frozenset[Resource]:
    """The shim, and what is true of it whoever has joined."""
    _check_addresses(network, stack)
    ifname = shim_name(network.id)
    shim = Shim(
        ifname=ifname,
        parent=stack.parent,
        mac_address=_mac_address(network, stack),
        mtu=stack.mtu,
        ipv6=network.ipv6,
        mark=network.id,
        ipvlan_mode=ipvlan_mode,
    )
    sets = ("pn_bridges", "pn_shims", *(("pn_internal",) if network.internal else ()))
    return frozenset(
        {
            shim,
            *_own_addresses(network, ifname),
            *(Element(container=name, match=(f'"{ifname}"',)) for name in sets),
            *host_service_elements(ifname, HOST_SERVICES.of(network.options)),
            *_echoes(network, stack),
        }
    )


def endpoint_resources(network: Network, endpoint: Endpoint) -> frozenset[Resource]:
    """The host's way to the container, and the container's leave to be heard.

    Which address an ipvlan link gives itself cannot be known (net/ipv6/addrconf.c,
    addrconf_ifid_eui48, by the number it has among its parent's): it is not heard as that.
    """
    ifname = shim_name(network.id)
    mac_address = endpoint.mac_address or network.parent_mac or MacAddress("")
    known = (f'"{ifname}"', mac_address)
    resources: set[Resource] = set()
    for interface in endpoint.interfaces:
        source = _host_for(network, interface)
        if source is None:
            continue
        resources |= {
            HostRoute(
                ifname=ifname,
                address=interface.ip,
                mac_address=mac_address,
                source=source,
            ),
            Element(container=f"pn_shim{interface.version}", match=(*known, str(interface.ip))),
        }
    if endpoint.ipv6 is not None and endpoint.mac_address:
        own = str(link_local(endpoint.mac_address))
        resources.add(Element(container="pn_shim6", match=(*known, own)))
    return frozenset(resources)


def check_endpoint(network: Network, endpoint: Endpoint) -> None:
    """Refuse a container the host's address."""
    for interface in endpoint.interfaces:
        if interface.ip == _host_for(network, interface):
            raise RefusedError(
                f"address {interface.ip} is the host's on this network; keep it free with "
                f"--aux-address host={interface.ip}, or choose another host_address"
            )


def port_targets(
    network: Network, endpoint: Endpoint, binding: PortBinding
) -> tuple[PortTarget, ...]:
    """Any address means one of each family, as it does to Docker."""
    if network.internal or PUBLISH.of(network.options) is Publisher.DOCKER:
        return ()
    if not HOST_ACCESS.of(network.options):
        raise RefusedError(
            f"cannot publish port {binding.container_port}: the host does not reach containers of "
            "this network. Leave out -p, for all ports of the container are open at its own "
            f"address, or make the network with host_access=true or publish=docker"
        )
    own = endpoint.answering
    if binding.host_ip is not None:
        addresses = [binding.host_ip]
    else:
        families = sorted(own)
        if families == [4] and network.host_ipv6:
            families.append(6)
        if 4 in own and not is_carried(binding.protocol):
            families = [4]
        addresses = [any_address(version) for version in families]
    if endpoint.no_proxy_6to4 and 6 not in own:
        addresses = [address for address in addresses if address.version == 4]
    targets = [_target(own, address, binding) for address in addresses]
    return tuple(target for target in targets if target is not None)


def port_resources(network: Network, endpoint: Endpoint) -> frozenset[Resource]:
    """What the ports of an endpoint need while they are published.

    IPv4 is translated; whoever comes from elsewhere comes from the host, or the answer would go
    another way.  IPv6 is carried by the proxy: to translate it the host would have to forward
    IPv6, and one that does believes no router's advertisements any more (kernel doc ip-sysctl).
    """
    resources: set[Resource] = set()
    for port in endpoint.published:
        resources |= _port(network, endpoint, port)
    return frozenset(resources)


def attached(network: Network, endpoint: Endpoint, attachment: Attachment) -> Attachment:
    """With ways to the host where it is not on the link, and to Docker's gateway if that is asked for.

    Without a gateway and without DisableGatewayService, dockerd adds docker_gwbridge.
    """
    if HOST_ACCESS.of(network.options):
        attachment = replace(attachment, routes=(*attachment.routes, *_ways(network, endpoint)))
    if PUBLISH.of(network.options) is not Publisher.DOCKER:
        return attachment
    kept = tuple(each for each in attachment.routes if each.destination.prefixlen)
    return replace(
        attachment, gateway4=None, gateway6=None, routes=kept, disable_gateway_service=False
    )


def _mac_address(network: Network, stack: Stack) -> MacAddress | None:
    """Always the same, for containers remember it: also that of a shim that was made anew.

    Other than the network's id, the card's address is not that of another host's on the LAN.
    """
    if network.mode == _IPVLAN:
        return None
    if stack.own:
        return derived_mac(network.id, "host")
    return derived_mac(network.id, network.parent_mac) if network.parent_mac else None


def _check_addresses(network: Network, stack: Stack) -> None:
    for pool in network.pools:
        if pool.prefix.prefixlen and _host_in(network, pool.prefix) is None:
            where = "there is no parent" if stack.own else f"parent {stack.parent} has none"
            raise RefusedError(
                f"option host_access needs an IPv{pool.prefix.version} address of the host's, and "
                f"{where}; add one, or give one with host_address"
            )


def _echoes(network: Network, stack: Stack) -> Iterator[Element]:
    """A frame of an ipvlan container to its own MAC address is the parent's: past the services.

    Neighbours are not asked for it, so it takes forging (drivers/net/ipvlan/ipvlan_core.c,
    ipvlan_xmit_mode_l2).
    """
    closed = HOST_SERVICES.of(network.options) is not None
    if closed and network.mode == _IPVLAN and network.parent_mac:
        match = (f'"{stack.parent}"', network.parent_mac)
        yield Element(container="pn_echoes", match=match)


def _own_addresses(network: Network, ifname: IfName) -> Iterator[Address]:
    """Those of the option, or of nobody; where IPv6 is asked for hardware addresses any of it."""
    own = set(HOST_ADDRESS.of(network.options))
    for pool in network.pools:
        address = _host_in(network, pool.prefix)
        borrowed = network.mode != _IPVLAN and pool.prefix.version == 4
        if address is not None and not borrowed and pool.prefix.prefixlen:
            own.add(address)
    for address in own:
        interface = ip_interface(f"{address}/{address.max_prefixlen}")
        yield Address(ifname=ifname, interface=interface)


def _host_for(network: Network, interface: IPInterface) -> IPAddress | None:
    pools = (pool.prefix for pool in network.pools if interface.ip in pool.prefix)
    return _host_in(network, next(pools, interface.network))


def _host_in(network: Network, prefix: IPNetwork) -> IPAddress | None:
    """The host's address for containers of a subnet: one in it, if there is one."""
    known = HOST_ADDRESS.of(network.options)
    if prefix.version not in {each.version for each in known}:
        if network.mode == _IPVLAN:
            return own_address(network.id, prefix.version)
        known = tuple(each.ip for each in network.host_addresses)
    same = [each for each in known if each.version == prefix.version]
    return next((each for each in same if each in prefix), next(iter(same), None))


def _ways(network: Network, endpoint: Endpoint) -> Iterator[StaticRoute]:
    for interface in endpoint.interfaces:
        host = _host_for(network, interface)
        if host is not None and host not in interface.network:
            yield StaticRoute(destination=ip_network(host))


def _target(
    own: dict[int, IPAddress], host_ip: IPAddress, binding: PortBinding
) -> PortTarget | None:
    """The proxy crosses from IPv6 to IPv4, too, and is the way to every port of IPv6."""
    if host_ip.version == 6 and not is_carried(binding.protocol):
        raise not_carried(binding, host_ip)
    container_ip = own.get(host_ip.version) or (own.get(4) if host_ip.version == 6 else None)
    if container_ip is None:
        return None  # it is the other gateway's of its sandbox
    return PortTarget(host_ip=host_ip, container_ip=container_ip)


def _port(network: Network, endpoint: Endpoint, port: PublishedPort) -> set[Resource]:
    if port.host_ip is None:
        return set()
    held = held_port(port, port.host_ip)
    if port.host_ip.version == 6:
        proxied = ProxiedPort(held=held, address=port.container_ip, port=port.container_port)
        return {held, proxied, *carried_elements(held)}
    resources: set[Resource] = {
        held,
        translation(port),
        Sysctl(name="net/ipv4/ip_forward", value="1"),
    }
    source = None if endpoint.ipv4 is None else _host_for(network, endpoint.ipv4)
    if source is not None:
        match = (str(port.container_ip),)
        resources.add(Element(container="pn_shim_sources4", match=match, data=(str(source),)))
    if meets_loopback4(port):
        resources.add(RouteLocalnet(ifname=shim_name(network.id)))
    return resources
