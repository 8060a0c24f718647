"""What the options of an answer mean, and which of it can be true.

A server is a stranger.  Whatever is kept was bounded here: what cannot be meant is left out, and
an answer whose address or times cannot be used is not taken at all.
"""

import re
import struct
from collections.abc import Iterator
from ipaddress import IPv4Address, IPv4Interface, IPv4Network
from typing import Final

from plugin.dhcp.domain_names import read_names
from plugin.dhcp.errors import UnacceptableError
from plugin.dhcp.messages4 import Message, Option
from plugin.dhcp.timing import SHORTEST_LEASE
from plugin.dhcp.values import Wish
from plugin.model.ids import MacAddress
from plugin.model.leases import Facts, Lease, Route

_WISHED_FOR: Final = (  # 121 before 3 and 33: RFC 3442
    *(Option.SUBNET_MASK, Option.CLASSLESS_ROUTES, Option.ROUTER, Option.STATIC_ROUTES),
    *(Option.DNS, Option.DOMAIN_NAME),
    *(Option.MTU, Option.NTP, Option.LEASE_TIME, Option.SERVER_ID, Option.T1, Option.T2),
    Option.DOMAIN_SEARCH,
)
_INFINITE: Final = 0xFFFFFFFF
_MASKS: Final = range(8, 31)  # shorter is no LAN, longer has no room for a router
_MTUS: Final = range(576, 0x10000)  # RFC 791: 576 is what every host takes
_MOST_ADDRESSES: Final = 8
_MOST_ROUTES: Final = 64
# Two halves of everything would win over the default route of another network of the container.
_WIDEST_ROUTE: Final = 8
_CLASSES: Final = {  # by the width of their networks
    8: IPv4Network("0.0.0.0/1"),
    16: IPv4Network("128.0.0.0/2"),
    24: IPv4Network("192.0.0.0/3"),
}
_TEXT: Final = re.compile(r"[!-~]{1,253}")
_NOT_ROUTED: Final = tuple(
    IPv4Network(each) for each in ("0.0.0.0/8", "127.0.0.0/8", "224.0.0.0/3", "169.254.0.0/16")
)


def server_of(message: Message) -> IPv4Address:
    """Who answered, of whom a lease can be asked; raises UnacceptableError."""
    servers = _addresses(message.option(Option.SERVER_ID))
    if len(servers) != 1 or not is_host(servers[0]):
        raise UnacceptableError("it names no server (option 54)")
    return servers[0]


def address_of(message: Message, wish: Wish) -> IPv4Interface:
    """The address that is offered or granted; raises UnacceptableError."""
    mask = message.option(Option.SUBNET_MASK) or b""
    length = _prefix_length(mask)
    if length is None:
        raise UnacceptableError(f"its subnet mask is {mask[:4].hex() or 'missing'}")
    interface = IPv4Interface((message.yours, length))
    network = interface.network
    ends = (network.network_address, network.broadcast_address)
    if not is_host(message.yours) or message.yours in ends:
        raise UnacceptableError(f"{interface} is no address of a host")
    if wish.subnet and message.yours not in wish.subnet:
        raise UnacceptableError(f"{message.yours} is not of the network's subnet {wish.subnet}")
    if wish.exact and message.yours != wish.address:
        raise UnacceptableError(
            f"{message.yours} is given, and {wish.address} was asked for; reserve that on the server"
        )
    if wish.gateway and wish.gateway not in network:
        raise UnacceptableError(
            f"{interface} is given, and gateway {wish.gateway} is not of that LAN; choose one that is"
        )
    if message.yours in wish.avoid:
        raise UnacceptableError(f"{message.yours} is this host's own address")
    return interface


def check_server(server: IPv4Address, wish: Wish) -> None:
    """Raise UnacceptableError if the user does not want to hear of this server."""
    if server in wish.denied_servers or (wish.servers and server not in wish.servers):
        raise UnacceptableError(f"server {server} is not one of those that may be listened to")


def lease_of(message: Message, wish: Wish, *, next_hop: MacAddress, asked: float) -> Lease:
    """What an OFFER promises or an ACK grants; raises UnacceptableError."""
    server = server_of(message)
    check_server(server, wish)
    address = address_of(message, wish)
    seconds = _number(message.option(Option.LEASE_TIME), 4)
    if not seconds:
        raise UnacceptableError("it says no lease time (option 51)")
    t1, t2 = _times(message, seconds)
    return Lease(
        identity=wish.identity,
        address=address,
        server=server,
        next_hop=next_hop,
        facts=facts_of(message, address, wish),
        obtained=asked,
        seconds=None if seconds == _INFINITE else seconds,
        t1=t1,
        t2=t2,
    )


def wished_for(wish: Wish) -> bytes:
    """The options that a server is asked for (option 55)."""
    unwanted = set() if wish.routes else {Option.CLASSLESS_ROUTES, Option.STATIC_ROUTES}
    if not wish.mtu:
        unwanted.add(Option.MTU)
    return bytes(code for code in _WISHED_FOR if code not in unwanted)


def facts_of(message: Message, address: IPv4Interface, wish: Wish) -> Facts:
    """What else is said; of each thing, as much as can be true and is wanted."""
    routers = [each for each in _addresses(message.option(Option.ROUTER)) if _near(each, address)]
    router = routers[0] if routers else None
    said: list[Route] = []
    classless = message.option(Option.CLASSLESS_ROUTES) if wish.routes else None
    if classless is not None:  # RFC 3442: options 3 and 33 are ignored then
        said = list(_routes(classless))[:_MOST_ROUTES]
        defaults = [each.gateway for each in said if not each.destination.prefixlen]
        near = [each for each in defaults if each and _near(each, address)]
        router = near[0] if near else None
    elif wish.routes:
        said = list(_static_routes(message.option(Option.STATIC_ROUTES)))[:_MOST_ROUTES]
    # Of several to one place, the first is preferred (RFC 2132 section 5.8), and a kernel takes one.
    routes: dict[IPv4Network, Route] = {}
    for each in said:
        if _is_sound(each, address):
            routes.setdefault(each.destination, each)
    mtu = _number(message.option(Option.MTU), 2) if wish.mtu else None
    return Facts(
        router=router,
        routes=tuple(routes.values()),
        mtu=mtu if mtu in _MTUS else None,
        dns=_hosts(message.option(Option.DNS)),
        ntp=_hosts(message.option(Option.NTP)),
        domain=_text(message.option(Option.DOMAIN_NAME)),
        search=read_names(message.option(Option.DOMAIN_SEARCH) or b""),
    )


def is_host(address: IPv4Address) -> bool:
    """Whether a host of a LAN can have the address at all."""
    return not any(address in each for each in _NOT_ROUTED)


def _times(message: Message, seconds: int) -> tuple[int, int]:
    """T1 and T2, the server's if they are in order (RFC 2131 section 4.4.5)."""
    whole = max(seconds, SHORTEST_LEASE)
    t1 = _number(message.option(Option.T1), 4) or 0
    t2 = _number(message.option(Option.T2), 4) or 0
    if 0 < t1 < t2 < whole:
        return t1, t2
    return whole // 2, whole * 7 // 8


def _routes(data: bytes) -> Iterator[Route]:
    """RFC 3442: the width, as many octets as it needs, the gateway."""
    at = 0
    while at < len(data) and data[at] <= 32:
        width = data[at]
        end = at + 1 + (width + 7) // 8
        if end + 4 > len(data):
            return
        prefix = data[at + 1 : end].ljust(4, b"\0")
        gateway = IPv4Address(data[end : end + 4])
        yield Route(
            destination=IPv4Network((prefix, width), strict=False),
            gateway=gateway if int(gateway) else None,
        )
        at = end + 4


def _static_routes(data: bytes | None) -> Iterator[Route]:
    """RFC 2132 section 5.8: destinations, whose mask is not said, each with a router.

    A network of its class (RFC 791 section 3.2) and a host are what all clients take them for.  A subnet, whose
    mask each guesses in another way, is left out.
    """
    pairs = _addresses(data)
    if len(pairs) % 2:
        return
    for destination, gateway in zip(pairs[::2], pairs[1::2], strict=True):
        width = next((each for each in _CLASSES if destination in _CLASSES[each]), 32)
        if int(destination) & (0xFFFFFFFF >> width):
            width = 32
        if int(gateway) and (width < 32 or destination.packed[-1]):
            yield Route(destination=IPv4Network((destination, width)), gateway=gateway)


def _is_sound(route: Route, address: IPv4Interface) -> bool:
    """Whether a route, the default one apart, leads where a LAN can."""
    destination = route.destination
    if destination.prefixlen < _WIDEST_ROUTE or not is_host(destination.network_address):
        return False
    if destination.overlaps(address.network):
        return False
    return route.gateway is None or _near(route.gateway, address)


def _near(address: IPv4Address, own: IPv4Interface) -> bool:
    return address in own.network and address != own.ip and is_host(address)


def _prefix_length(mask: bytes) -> int | None:
    if len(mask) != 4:
        return None
    inverted = ~int.from_bytes(mask, "big") & 0xFFFFFFFF
    length = 32 - inverted.bit_length()
    return length if not inverted & (inverted + 1) and length in _MASKS else None


def _hosts(data: bytes | None) -> tuple[IPv4Address, ...]:
    return tuple(each for each in _addresses(data) if is_host(each))[:_MOST_ADDRESSES]


def _addresses(data: bytes | None) -> list[IPv4Address]:
    if not data or len(data) % 4:
        return []
    return [IPv4Address(each) for (each,) in struct.iter_unpack("!4s", data)]


def _number(data: bytes | None, size: int) -> int | None:
    return int.from_bytes(data, "big") if data is not None and len(data) == size else None


def _text(data: bytes | None) -> str | None:
    text = (data or b"").rstrip(b"\0").decode("latin-1")
    return text if _TEXT.fullmatch(text) else None
