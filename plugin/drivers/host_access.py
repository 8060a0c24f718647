"""Whether the host is among the containers on a parent, and under which addresses.

The kernel isolates a parent from the links on it, but not those links from each other.  So with
``host_access`` the host gets a link there, the shim.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Any, Final

from plugin.drivers import dhcp, routes
from plugin.drivers.dhcp import DHCP, DhcpUse, has_ipv6
from plugin.drivers.host_services import HOST_SERVICES
from plugin.drivers.options import Option, Values, address_list, boolean
from plugin.drivers.parent_modes import Stack
from plugin.drivers.publishing import PUBLISH, Publisher
from plugin.errors import InvalidOptionError, RefusedError
from plugin.model.ids import IfName, own_address, shim_name
from plugin.model.links import IpvlanMode
from plugin.model.nat import DockerPublishes
from plugin.model.network import (
    Attachment,
    Endpoint,
    IPAddress,
    IPInterface,
    IPNetwork,
    Network,
    StaticRoute,
)
from plugin.model.resources import Resource

HOST_ACCESS: Final = Option(
    name="host_access",
    parse=boolean,
    default=False,
    expected="true or false",
    meaning="Let the host and the containers reach each other, and publish ports on the host.",
    of_host=True,
)
HOST_ADDRESS: Final[Option[tuple[IPAddress, ...]]] = Option(
    name="host_address",
    parse=address_list,
    default=(),
    expected="an address that is not in use, or one of each family with ',' between",
    meaning="Address at which containers reach the host (with `host_access`). Default: one that "
    "the host has on the parent; in mode ipvlan one that is not used on the LAN (169.254.…, fd…).",
    of_host=True,
)
_ANY: Final = IPv4Network("0.0.0.0/0")
_ANY6: Final = IPv6Network("::/0")
_DOCKERS_WAY: Final = "publish=docker has docker_gwbridge for its way out"
OPTIONS: Final[tuple[Option[Any], ...]] = (HOST_ACCESS, HOST_ADDRESS, HOST_SERVICES, PUBLISH)


@dataclass(frozen=True, slots=True, kw_only=True)
class HostAccess:
    """The options of a network about the host; ``ipvlan_mode`` is that of an ipvlan network."""

    network: Network
    options: Values
    stack: Stack
    ipvlan_mode: IpvlanMode | None = None

    @property
    def has_access(self) -> bool:
        """Whether the host is among the containers."""
        return self.options[HOST_ACCESS]

    @property
    def by_docker(self) -> bool:
        """Whether the engine publishes ports, on its bridge docker_gwbridge."""
        return self.options[PUBLISH] is Publisher.DOCKER

    @property
    def ifname(self) -> IfName:
        """The host's own link on the parent."""
        return shim_name(self.network.id)

    @property
    def subnets(self) -> tuple[IPNetwork, ...]:
        """Of containers; of a family whose LAN is known with their leases alone, everything."""
        pools = tuple(pool.prefix for pool in self.network.pools if pool.prefix.prefixlen)
        if not self.options[DHCP]:
            return pools
        return (*(pools or (_ANY,)), *((_ANY6,) if has_ipv6(self.network, self.options) else ()))

    def address_for(self, interface: IPInterface) -> IPAddress | None:
        """The host's address for a container."""
        pools = (prefix for prefix in self.subnets if prefix.prefixlen and interface.ip in prefix)
        return self.address_in(next(pools, interface.network))

    def address_in(self, prefix: IPNetwork) -> IPAddress | None:
        """The host's address for containers of a subnet: one in it, if there is one."""
        same = self.addresses(prefix.version)
        return next((each for each in same if each in prefix), next(iter(same), None))

    def addresses(self, version: int) -> tuple[IPAddress, ...]:
        """The host's addresses for containers: those of the option, else derived ones or the parent's."""
        known = tuple(each for each in self.options[HOST_ADDRESS] if each.version == version)
        if known:
            return known
        if self.ipvlan_mode is not None:
            return (own_address(self.network.id, version),)
        return tuple(each.ip for each in self.network.host_addresses if each.version == version)


def dhcp_use(host: HostAccess) -> DhcpUse | None:
    """How containers get addresses by DHCP; not those that the host has among them."""
    use = dhcp.dhcp_use(host.network, host.stack.parent, host.options)
    return replace(use, avoid=use.avoid | {*host.options[HOST_ADDRESS]}) if use else None


def check_options(host: HostAccess) -> None:
    """Refuse options about the host that cannot be meant, each for itself or together.

    Raises RefusedError, InvalidOptionError.
    """
    network, options = host.network, host.options
    if host.by_docker and network.internal:
        raise RefusedError(
            "option publish is docker, and an internal network publishes nothing; leave out "
            "publish or --internal"
        )
    for option in (HOST_ADDRESS, HOST_SERVICES):
        if option.name in options.texts and not host.has_access:
            raise RefusedError(
                f"option {option.name} is about how containers reach the host, which they do with "
                f"host_access=true only; add it, or leave out {option.name}"
            )
    own = options[HOST_ADDRESS]
    if len({each.version for each in own}) != len(own):
        raise InvalidOptionError(
            HOST_ADDRESS.name, options.texts[HOST_ADDRESS.name], HOST_ADDRESS.expected
        )


def refuse_conflicts(host: HostAccess) -> None:
    """Refuse what options cannot mean together, or with the network's subnets.

    Raises RefusedError, InvalidOptionError.
    """
    options = host.options
    routes.refuse_conflicts(host.network, options)
    if host.by_docker:
        routes.refuse_conflicts(host.network, options, _DOCKERS_WAY)
        if routes.families_without(options):
            raise RefusedError(
                f"option {routes.why_without(options)}, and a network with {_DOCKERS_WAY}; leave out one of them"
            )
        if host.stack.own:
            raise RefusedError(
                "option publish is docker, and a network without a parent is isolated; set parent, "
                "or leave out publish"
            )
        if options[HOST_SERVICES] is not None:
            raise RefusedError(
                f"option host_services is {options.texts[HOST_SERVICES.name]}, and with publish=docker "
                "containers reach the host by docker_gwbridge, where nothing of it is closed; leave "
                "out one of them"
            )
    gateways = {pool.gateway.ip for pool in host.network.pools if pool.gateway is not None}
    for address in options[HOST_ADDRESS]:
        if address in gateways:
            raise InvalidOptionError(
                HOST_ADDRESS.name, address, "an unused address other than the gateway's"
            )


def check_endpoint(host: HostAccess, endpoint: Endpoint) -> None:
    """Refuse a container the host's address.  Raises RefusedError."""
    if not host.has_access:
        return
    for interface in endpoint.interfaces:
        if interface.ip == host.address_for(interface):
            raise RefusedError(
                f"address {interface.ip} is the host's on this network; keep it free with "
                f"--aux-address host={interface.ip}, or choose another host_address"
            )


def host_subnets(host: HostAccess) -> tuple[IPNetwork, ...]:
    """The host goes to containers by the shim only; of Docker's gateway there is a rule for IPv4."""
    return tuple(
        pool.prefix
        for pool in host.network.pools
        if host.has_access or (host.by_docker and pool.prefix.version == 4)
    )


def gateway_resources(host: HostAccess) -> frozenset[Resource]:
    """With Docker's gateway: a neighbour who asks it would be answered by the other link."""
    if not host.by_docker:
        return frozenset()
    return frozenset(
        DockerPublishes(prefix=pool.prefix)
        for pool in host.network.pools
        if pool.prefix.version == 4 and pool.prefix.prefixlen
    )


def attached(host: HostAccess, endpoint: Endpoint, attachment: Attachment) -> Attachment:
    """With ways to the host where it is not on the link, and to Docker's gateway if that is asked for.

    Without a gateway and without DisableGatewayService, dockerd adds docker_gwbridge.
    """
    if host.has_access:
        ways = tuple(_ways(host, endpoint))
        there = {each.destination for each in ways}
        others = tuple(each for each in attachment.routes if each.destination not in there)
        attachment = replace(attachment, routes=others + ways)
    if not host.by_docker:
        return attachment
    kept = tuple(each for each in attachment.routes if each.destination.prefixlen)
    return replace(
        attachment, gateway4=None, gateway6=None, routes=kept, disable_gateway_service=False
    )


def _ways(host: HostAccess, endpoint: Endpoint) -> Iterator[StaticRoute]:
    for interface in endpoint.interfaces:
        address = host.address_for(interface)
        if address is not None and address not in interface.network:
            yield StaticRoute(destination=ip_network(address))
