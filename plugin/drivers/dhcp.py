"""Addresses by DHCP: the options of a network on a parent, and what a lease means to a container."""

import re
from dataclasses import dataclass, field
from enum import Enum
from ipaddress import IPv4Network
from typing import Any, Final

from plugin.dhcp.identity import host_name
from plugin.drivers import dhcp_terms
from plugin.drivers.dhcp_terms import DhcpTerms
from plugin.drivers.options import MIN_MTU_IPV6, Option, Values, boolean
from plugin.drivers.routes import GATEWAY
from plugin.errors import InvalidOptionError, RefusedError
from plugin.model.ids import IfName, MacAddress, is_of_swarm
from plugin.model.network import LEASED_SPACE, Endpoint, IPAddress, Network, StaticRoute

_SCALES: Final = {"s": 1, "m": 60, "h": 3600}
_DURATION: Final = re.compile(r"(?P<number>[0-9]{1,6})(?P<scale>[smh])")
_MOST_SECONDS: Final = 365 * 24 * 3600


def _duration(text: str) -> int | None:
    """Seconds; None for ever."""
    if text == "never":
        return None
    found = _DURATION.fullmatch("0s" if text == "0" else text)
    seconds = int(found["number"]) * _SCALES[found["scale"]] if found else _MOST_SECONDS + 1
    if seconds > _MOST_SECONDS:
        raise ValueError(text)
    return seconds


class Ipv6(Enum):
    """Whence containers have an IPv6 address beside that of IPv4."""

    OFF = "off"
    SLAAC = "slaac"
    DHCP = "dhcp"
    AUTO = "auto"


def _name(text: str) -> str:
    if host_name(text) != text:
        raise ValueError(text)
    return text


DHCP: Final = Option(
    name="dhcp",
    parse=boolean,
    default=False,
    expected="true or false",
    meaning="Containers get their IPv4 address from the LAN's own DHCP server. The network is "
    "created with `--ipam-driver null`, or with `--ipam-driver pynet --ipam-opt dhcp=PARENT`.",
)
RELEASE_AFTER: Final[Option[int | None]] = Option(
    name="release_after",
    parse=_duration,
    default=3600,
    expected="a time as 30m or 12h, 0 or never",
    meaning="How long an address stays a container's that is gone, before it is given back to the "
    "DHCP server.",
)
IPV6: Final[Option[Any]] = Option(
    name="ipv6",
    parse=Ipv6,
    default=Ipv6.OFF,
    expected="off, slaac, dhcp or auto",
    meaning="IPv6 beside IPv4, on a network with `dhcp=true`. `slaac`: the LAN's router has the prefix, and "
    "the container's MAC address makes an address of it, or in mode ipvlan its identity. `dhcp`: a DHCPv6 "
    "server gives it. `auto`: as the router says.",
)
OPTIONS: Final[tuple[Option[Any], ...]] = (
    *(DHCP, RELEASE_AFTER, IPV6, GATEWAY),
    *dhcp_terms.OPTIONS,
)
NAME: Final[Option[str | None]] = Option(
    name="name",
    parse=_name,
    default=None,
    expected="a name as web or db-1, of letters, digits and hyphens",
    meaning="As whom the container asks the LAN's DHCP server, on a network with `dhcp=true`: whatever "
    "container has the name next has the address again. The server is told it as host name.",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class DhcpUse:
    """A network's containers are given addresses by a server on the LAN of ``parent``.

    With a pool of pynet's IPAM the engine asks for addresses before it names an endpoint, and all
    may have to be of ``subnet``.  That pool was asked for by ``pool_parent``, which is the parent or
    ``auto``.  Containers that share the MAC address ``shared_mac`` are known by their client identifiers
    alone; one that has the parent to itself has ``only_mac``.  The host itself has the addresses to
    ``avoid``.  Identities are made of the ``key``.
    """

    parent: IfName
    release_after: int | None
    key: str
    terms: DhcpTerms = field(default_factory=DhcpTerms)
    ipv6: Ipv6 = Ipv6.OFF
    pool_parent: IfName | None = None
    subnet: IPv4Network | None = None
    shared_mac: MacAddress | None = None
    only_mac: MacAddress | None = None
    avoid: frozenset[IPAddress] = frozenset()

    @property
    def has_pool(self) -> bool:
        """Whether the engine asks pynet's IPAM for addresses."""
        return self.pool_parent is not None


def is_asked_for(network: Network) -> bool:
    """Whether the network's addresses are a DHCP server's, as far as its options can be read."""
    try:
        return DHCP.of(network.options)
    except InvalidOptionError:
        return False


def has_ipv6(network: Network, options: Values) -> bool:
    """Whether containers have an IPv6 address, of an IPAM or of the LAN."""
    return network.ipv6 or options[IPV6] is not Ipv6.OFF


def dhcp_use(network: Network, parent: IfName, options: Values) -> DhcpUse | None:
    """What the options say; the mode adds whose the MAC addresses are."""
    if not options[DHCP]:
        return None
    pools = [each for each in network.pools if each.space == LEASED_SPACE]
    prefixes = [each.prefix for each in pools]
    subnets = [each for each in prefixes if isinstance(each, IPv4Network) and each.prefixlen]
    named = [IfName((each.options or {}).get(DHCP.name, parent)) for each in pools]
    terms = dhcp_terms.terms_of(options)
    return DhcpUse(
        parent=parent,
        release_after=options[RELEASE_AFTER],
        key=_key(network, terms),
        terms=terms,
        ipv6=options[IPV6],
        pool_parent=named[0] if named else None,
        subnet=subnets[0] if subnets else None,
        avoid=frozenset(each.ip for each in network.host_addresses),
    )


def _key(network: Network, terms: DhcpTerms) -> str:
    """Nodes of a swarm have networks of one id, and perhaps one LAN, but each a card of its own."""
    key = f"identity {terms.identity}" if terms.identity else network.id
    return f"{key} {network.parent_mac}" if is_of_swarm(network.id) else key


def check_options(network: Network, options: Values, *, isolated: bool = False) -> None:
    """Refuse DHCP where no server could be asked, or an IPAM gives addresses."""
    if not options[DHCP]:
        for option in OPTIONS:
            if options.is_changed(option):
                other = "say --gateway in its place" if option is GATEWAY else "leave it out"
                raise RefusedError(
                    f"option {option.name} is {options.texts[option.name]!r}, and nothing is leased "
                    f"without dhcp=true; say dhcp=true, or {other}"
                )
        return
    dhcp_terms.check_terms(options)
    if isolated:
        raise RefusedError(
            "option dhcp is true, and there is no DHCP server on an isolated network; say parent too"
        )
    others = [pool for pool in network.pools if pool.space != LEASED_SPACE]
    subnets = [str(pool.prefix) for pool in others if pool.prefix.prefixlen]
    if subnets:
        raise RefusedError(
            f"option dhcp is true, and the network has subnet {subnets[0]}, whose addresses its IPAM gives "
            "out; create it with --ipam-driver null and without --subnet, or with --ipam-driver pynet "
            "--ipam-opt dhcp=PARENT"
        )
    if network.ipv6:
        raise RefusedError(
            "option dhcp is true, and with --ipv6 an IPAM gives addresses; create the network without --ipv6, "
            "and say -o ipv6=auto"
        )


def check_endpoint(network: Network, options: Values, endpoint: Endpoint) -> None:
    """Refuse a name where nobody is told it."""
    if NAME.name not in endpoint.options:
        return
    name = NAME.of(endpoint.options)
    if not options[DHCP]:
        raise RefusedError(
            f"option {NAME.name} is {name!r}, and the network's addresses are not of a DHCP server; "
            f"leave out the option {NAME.name}"
        )
    if any(pool.space == LEASED_SPACE for pool in network.pools):
        raise RefusedError(
            f"option {NAME.name} is {name!r}, and the address was leased before the engine told it; "
            "use a network with --ipam-driver null, or leave it out (from engine 29 on the container's "
            "own name is told)"
        )


def leased_mtu(endpoint: Endpoint, parent: int) -> int | None:
    """The size that the server named, if the parent carries it, and IPv6 goes through."""
    mtu = endpoint.facts.mtu if endpoint.facts else None
    least = MIN_MTU_IPV6 if endpoint.ipv6 else 0
    return mtu if mtu and least <= mtu < parent else None


def with_leased_routes(
    named: tuple[StaticRoute, ...], endpoint: Endpoint
) -> tuple[StaticRoute, ...]:
    """The user's routes, and those of the server to other places: a kernel takes one for each."""
    routes = {each.destination: each for each in named}
    for each in endpoint.facts.routes if endpoint.facts else ():
        way = StaticRoute(destination=each.destination, next_hop=each.gateway)
        routes.setdefault(each.destination, way)
    return tuple(routes.values())
