"""Routes in containers: those that the user names, and the default route.

An engine takes two kinds of routes from a driver, by a next hop and on the link (moby,
libnetwork/types: NEXTHOP and CONNECTED), and a gateway for each family.
"""

from collections.abc import Collection, Iterable
from dataclasses import replace
from enum import Enum
from ipaddress import IPv4Address, IPv6Address
from typing import Final

from plugin.drivers.options import Option, Values, families, ipv4_address, route_list
from plugin.errors import InvalidOptionError, RefusedError
from plugin.model.network import Attachment, Endpoint, IPAddress, Network, StaticRoute


class Gateway(Enum):
    """Whose default route for IPv4 containers with addresses by DHCP have, unless an address is named."""

    SERVER = "server"
    NONE = "none"


def _gateway(text: str) -> Gateway | IPv4Address:
    if text in {each.value for each in Gateway}:
        return Gateway(text)
    address = ipv4_address(text)
    if address.is_multicast or address.is_reserved or address.is_loopback or not int(address):
        raise ValueError(text)
    return address


ROUTES: Final[Option[tuple[StaticRoute, ...]]] = Option(
    name="routes",
    parse=route_list,
    default=(),
    expected="routes as '10.0.0.0/8 via 10.1.0.2; 10.2.0.0/16' (without via: on the link), a "
    "default route with via",
    meaning="Routes in every container but the one that is their next hop. `0.0.0.0/0 via …` and "
    "`::/0 via …` name another gateway than the network's, also a link-local one (`fe80::1`).",
)
NO_DEFAULT_ROUTE: Final[Option[frozenset[int]]] = Option(
    name="no_default_route",
    parse=families,
    default=frozenset(),
    expected="true, false, ipv4 or ipv6",
    meaning="Give containers no default route by this network, or none of one family: other "
    "networks or routers' advertisements do. The engine publishes no ports there then.",
)
GATEWAY: Final[Option[Gateway | IPv4Address]] = Option(
    name="gateway",
    parse=_gateway,
    default=Gateway.SERVER,
    expected="server, none or an IPv4 address of the LAN",
    meaning="The containers' default route for IPv4, on a network with `dhcp=true`: the router that the "
    "`server` names, `none`, or another machine of the LAN by its address.",
)
OPTIONS: Final = (ROUTES, NO_DEFAULT_ROUTE)


def named_gateways(options: Values) -> dict[int, IPAddress]:
    """The next hops of default routes that the user named, by family."""
    named: dict[int, IPAddress] = {
        route.next_hop.version: route.next_hop
        for route in options[ROUTES]
        if route.next_hop is not None and not route.destination.prefixlen
    }
    gateway = options[GATEWAY]
    if isinstance(gateway, IPv4Address):
        named[4] = gateway
    return named


def families_without(options: Values) -> frozenset[int]:
    """Families of which containers have no default route by the network."""
    return options[NO_DEFAULT_ROUTE] | ({4} if options[GATEWAY] is Gateway.NONE else frozenset())


def why_without(options: Values, versions: Collection[int] = (4, 6)) -> str:
    """What the user said that a default route of one of the families contradicts."""
    option = NO_DEFAULT_ROUTE if options[NO_DEFAULT_ROUTE].intersection(versions) else GATEWAY
    return f"{option.name} is {options.texts[option.name]}"


def refuse_conflicts(network: Network, options: Values, closed: str = "") -> None:
    """Refuse routes that cannot be beside each other, and default routes that cannot exist.

    ``closed`` is the reason why the network has no default route.  Raises RefusedError.
    """
    _refuse_repeated(options)
    said = [
        (
            f"option {ROUTES.name} has {each.destination} via {each.next_hop}",
            each.destination.version,
        )
        for each in options[ROUTES]
        if not each.destination.prefixlen
    ]
    if isinstance(options[GATEWAY], IPv4Address):
        said.append((f"option {GATEWAY.name} is {options[GATEWAY]}", 4))
    without = families_without(options)
    if network.internal:
        closed = "--internal has no way out"
    versions = [version for _, version in said]
    for text, version in said:
        if closed:
            raise RefusedError(f"{text}, and a network with {closed}; leave out one of them")
        if version in without:
            raise RefusedError(
                f"{text}, and {why_without(options, {version})}; leave out one of them"
            )
        if versions.count(version) > 1:
            raise RefusedError(
                f"{text}, and there is another default route of IPv{version}; leave out one of them"
            )


def _refuse_repeated(options: Values) -> None:
    """A container's kernel takes one route to each place."""
    there = set()
    for each in options[ROUTES]:
        if each.destination.prefixlen and each.destination in there:
            raise RefusedError(
                f"option {ROUTES.name} has two routes to {each.destination}; leave out one of them"
            )
        there.add(each.destination)


def check_next_hops(network: Network, options: Values) -> None:
    """Refuse next hops that containers do not have on their link.  Raises InvalidOptionError."""
    there = {pool.prefix.version for pool in network.pools}
    for route in options[ROUTES]:
        if route.destination.version not in there:
            raise InvalidOptionError(
                ROUTES.name, route.destination, "routes of families that the network has"
            )
        hop = route.next_hop
        if hop is None or (hop.version == 6 and hop.is_link_local):
            continue
        if not any(hop in pool.prefix for pool in network.pools):
            raise InvalidOptionError(
                ROUTES.name, f"via {hop}", "a next hop in a subnet of the network"
            )


def routes_for(options: Values, endpoint: Endpoint) -> tuple[StaticRoute, ...]:
    """The user's routes but for default ones, and those by the container itself."""
    own = _own(endpoint)
    return tuple(
        route
        for route in options[ROUTES]
        if route.destination.prefixlen and route.next_hop not in own
    )


def with_gateways(
    attachment: Attachment,
    options: Values,
    endpoint: Endpoint,
    found: Iterable[tuple[int, IPAddress | None]],
) -> Attachment:
    """The attachment with its default routes: those that the user named, or those ``found``, by family."""
    own = _own(endpoint)
    named = {version: hop for version, hop in named_gateways(options).items() if hop not in own}
    chosen = dict(found)
    chosen |= {each: named[each] for each in _versions(endpoint) if each in named}
    without = families_without(options)
    gateway4, gateway6 = (None if each in without else chosen.get(each) for each in (4, 6))
    return replace(
        attachment,
        gateway4=gateway4 if isinstance(gateway4, IPv4Address) else None,
        gateway6=gateway6 if isinstance(gateway6, IPv6Address) else None,
        disable_gateway_service=attachment.disable_gateway_service or bool(without),
    )


def _own(endpoint: Endpoint) -> Collection[IPAddress]:
    return {each.ip for each in endpoint.interfaces}


def _versions(endpoint: Endpoint) -> list[int]:
    return sorted({each.version for each in endpoint.interfaces})
