"""What a network's containers say to DHCP servers, and which answers they take."""

import re
from dataclasses import dataclass
from enum import Enum
from ipaddress import IPv4Address
from typing import Any, Final

from plugin.drivers.options import Option, Values, boolean, choice, ipv4_address, listed
from plugin.drivers.routes import named_gateways
from plugin.errors import RefusedError

_CLASS: Final = re.compile(r"[ -~]{1,255}")  # RFC 2132 section 9.13: an option has 255 octets
_MOST_OF_CLASSES: Final = 255  # with an octet for the length of each: RFC 3004 section 4
_KEY: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_ADDRESSES: Final = "addresses of DHCP servers with ',' between"


class Conflict(Enum):
    """When a container is told that another machine has its address."""

    JOIN = "join"
    WAIT = "wait"
    OFF = "off"


class Fqdn(Enum):
    """Who makes the container's entry in the DNS."""

    OFF = "off"
    SERVER = "server"


def _addresses(text: str) -> frozenset[IPv4Address]:
    return frozenset(listed(",", ipv4_address)(text))


def _class(text: str) -> str:
    if not _CLASS.fullmatch(text):
        raise ValueError(text)
    return text


def _classes(text: str) -> tuple[str, ...]:
    classes = listed(",", _class)(text)
    if len(set(classes)) != len(classes) or len("".join(classes)) + len(classes) > _MOST_OF_CLASSES:
        raise ValueError(text)
    return classes


def _key(text: str) -> str:
    if not _KEY.fullmatch(text):
        raise ValueError(text)
    return text


SERVERS: Final[Option[frozenset[IPv4Address]]] = Option(
    name="servers",
    parse=_addresses,
    default=frozenset(),
    expected=_ADDRESSES,
    meaning="The only DHCP servers that addresses are taken from, by the identifier in their answers.",
)
DENY_SERVERS: Final[Option[frozenset[IPv4Address]]] = Option(
    name="deny_servers",
    parse=_addresses,
    default=frozenset(),
    expected=_ADDRESSES,
    meaning="DHCP servers that addresses are never taken from.",
)
VENDOR_CLASS: Final[Option[str | None]] = Option(
    name="vendor_class",
    parse=_class,
    default=None,
    expected="up to 255 printable ASCII characters",
    meaning="What containers say they are (option 60), for servers that give classes of clients "
    "different addresses or routers.",
)
USER_CLASS: Final[Option[tuple[str, ...]]] = Option(
    name="user_class",
    parse=_classes,
    default=(),
    expected="printable ASCII characters, or several such classes, each once, with ',' between, 254 together",
    meaning="Classes that containers say they are of (option 77, of DHCPv6 option 15), for servers that "
    "choose by them, as by `vendor_class`.",
)
USE_ROUTES: Final = Option(
    name="use_routes",
    parse=boolean,
    default=True,
    expected="true or false",
    meaning="`false`: the server's routes (options 121 and 33) are not asked for; its router (option 3) is "
    "the default route.",
)
USE_MTU: Final = Option(
    name="use_mtu",
    parse=boolean,
    default=True,
    expected="true or false",
    meaning="`false`: the server's MTU (option 26) is not asked for; containers have that of the parent, "
    "or of `mtu`.",
)
FQDN: Final = Option(
    name="fqdn",
    parse=choice(Fqdn),
    default=Fqdn.OFF,
    expected="off or server",
    meaning="`server`: the DHCP server is asked to enter the container's name in its DNS (option 81). "
    "`off`: the name is sent as host name (option 12), which many servers enter, too.",
)
CONFLICT: Final = Option(
    name="conflict",
    parse=choice(Conflict),
    default=Conflict.JOIN,
    expected="join, wait or off",
    meaning="Whether another machine has the address, which is seen by ARP. `join`: the start fails then, "
    "and the next has another address. `wait`: another address is asked for in the same start, "
    "and every start waits half a second for it. `off`: nobody looks.",
)
IDENTITY: Final[Option[str | None]] = Option(
    name="identity",
    parse=_key,
    default=None,
    expected="up to 64 letters, digits, dots, hyphens and underscores",
    meaning="MAC addresses and client identifiers are made of this text, and not of the network's id: they "
    "are the same after the network was removed and created again, or on another host.",
)
REQUIRE: Final = Option(
    name="require",
    parse=boolean,
    default=False,
    expected="true or false",
    meaning="The network is created only if a DHCP server answers.",
)
OPTIONS: Final[tuple[Option[Any], ...]] = (
    *(SERVERS, DENY_SERVERS, VENDOR_CLASS, USER_CLASS, FQDN, USE_ROUTES, USE_MTU),
    *(CONFLICT, IDENTITY, REQUIRE),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class DhcpTerms:
    """The values of the options above, as they are on every network that says nothing of them.

    The user named ``gateway`` for the default route of containers.
    """

    servers: frozenset[IPv4Address] = frozenset()
    denied_servers: frozenset[IPv4Address] = frozenset()
    vendor_class: str | None = None
    user_classes: tuple[str, ...] = ()
    fqdn: bool = False
    routes: bool = True
    mtu: bool = True
    gateway: IPv4Address | None = None
    conflict: Conflict = Conflict.JOIN
    identity: str | None = None
    required: bool = False


def terms_of(options: Values) -> DhcpTerms:
    """What the options say."""
    gateway = named_gateways(options).get(4)
    return DhcpTerms(
        servers=options[SERVERS],
        denied_servers=options[DENY_SERVERS],
        vendor_class=options[VENDOR_CLASS],
        user_classes=options[USER_CLASS],
        fqdn=options[FQDN] is Fqdn.SERVER,
        routes=options[USE_ROUTES],
        mtu=options[USE_MTU],
        gateway=gateway if isinstance(gateway, IPv4Address) else None,
        conflict=options[CONFLICT],
        identity=options[IDENTITY],
        required=options[REQUIRE],
    )


def check_terms(options: Values) -> None:
    """Refuse what means nothing together."""
    servers, denied = options[SERVERS], options[DENY_SERVERS]
    both = servers & denied
    if both:
        raise RefusedError(
            f"option deny_servers is {options.texts[DENY_SERVERS.name]}, and servers has {min(both)}, too; "
            "leave it out of one of them"
        )
