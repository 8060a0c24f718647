"""The address that a router's prefix gives a container (RFC 4862), known before its link is there.

The container's kernel makes the same address of its hardware address, and keeps it and the default route
as routers say; here is only what people see of it, and whether the router still has the prefix.  Where
containers share a hardware address, each has one of its identity that its kernel does not make.
"""

from ipaddress import IPv6Address, IPv6Interface, IPv6Network
from typing import Final

from plugin.dhcp.errors import UnacceptableError
from plugin.dhcp.frames6 import Advertised
from plugin.dhcp.identity import interface_identifier
from plugin.dhcp.messages6 import is_host6
from plugin.dhcp.router_advertisement import Prefix, RouterAdvertisement
from plugin.dhcp.timing import SHORTEST_LEASE
from plugin.dhcp.values import Wish6
from plugin.model.ids import link_local
from plugin.model.leases import Facts, Lease

INFINITE: Final = 0xFFFFFFFF
_LENGTH: Final = 64  # what an interface identifier leaves
_IDENTIFIER: Final = (1 << 64) - 1
_PRIVATE: Final = IPv6Network("fc00::/7")  # RFC 4193
_TWO_HOURS: Final = 7200


def autonomous_lease(heard: Advertised, wish: Wish6, before: Lease | None, *, now: float) -> Lease:
    """The address, the one of ``before`` if its prefix is still there.  Raises UnacceptableError."""
    prefix = _prefix(heard.advertisement, before, now)
    address = _address(prefix, wish)
    if address in wish.avoid:
        raise UnacceptableError(f"{address} is this host's own address")
    known = before if before and before.address.ip == address else None
    seconds = _seconds(prefix.valid, known, now)
    whole = seconds or 0
    return Lease(
        identity=wish.identity,
        address=IPv6Interface((address, _LENGTH)),
        server=heard.source,
        next_hop=heard.mac,
        facts=Facts(),
        obtained=now,
        seconds=seconds,
        t1=whole // 2,
        t2=whole * 7 // 8,
    )


def _prefix(said: RouterAdvertisement, before: Lease | None, now: float) -> Prefix:
    """What is preferred, and reached from everywhere rather than from this site alone."""
    usable = [each for each in said.prefixes if _is_usable(each)]
    known = before if before and not before.has_ended(now + SHORTEST_LEASE) else None
    same = [
        each
        for each in usable
        if before and before.address.ip in each.network and (each.valid or known)
    ]
    if same:
        return same[0]
    fresh = [each for each in usable if each.valid and each.preferred]
    if not fresh:
        raise UnacceptableError(_why_not(said))
    return min(fresh, key=lambda each: each.network.overlaps(_PRIVATE))


def _is_usable(prefix: Prefix) -> bool:
    """RFC 4862 section 5.5.3: the lengths of prefix and identifier are 128 in all."""
    is_whole = prefix.network.prefixlen == _LENGTH
    return prefix.autonomous and is_whole and is_host6(prefix.network[1])


def _why_not(said: RouterAdvertisement) -> str:
    prefixes = ", ".join(
        f"{each.network}{' for hosts to make addresses of' if each.autonomous else ''}"
        f"{'' if each.valid and each.preferred else ', which is over'}"
        for each in said.prefixes
    )
    managed = "; its addresses are given by DHCPv6" if said.managed else ""
    return f"the router has no prefix /64 to make an address of ({prefixes or 'none'}{managed})"


def _address(prefix: Prefix, wish: Wish6) -> IPv6Address:
    """RFC 4291 appendix A, as the kernel does it (net/ipv6/addrconf.c), or RFC 7217."""
    identifier = int(link_local(wish.identity.mac)) & _IDENTIFIER
    if wish.shares_mac:
        identifier = interface_identifier(prefix.network, wish.identity)
    return IPv6Address(int(prefix.network.network_address) | identifier)


def _seconds(valid: int, known: Lease | None, now: float) -> int | None:
    """Section 5.5.3 e: an advertisement that can be forged ends no address within two hours."""
    if valid == INFINITE:
        return None
    if known is None:
        return max(valid, SHORTEST_LEASE)
    if known.seconds is None:
        return max(valid, _TWO_HOURS)
    left = max(0, round(known.obtained + known.seconds - now))
    return max(valid, min(left, _TWO_HOURS), SHORTEST_LEASE)
