"""Prefix algebra: what lies in what, what is left, and how people write it.

The rest of the package sees only the values of the standard library's
``ipaddress``.  netaddr, which can subtract sets of addresses, is used here alone.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import (
    IPv4Address,
    IPv4Interface,
    IPv4Network,
    IPv6Address,
    IPv6Interface,
    IPv6Network,
    ip_address,
    ip_network,
)
from typing import TypeAlias

from netaddr import IPRange, IPSet

from ipam.errors import InvalidAddressError, InvalidPrefixError

Address: TypeAlias = IPv4Address | IPv6Address
Prefix: TypeAlias = IPv4Network | IPv6Network
Interface: TypeAlias = IPv4Interface | IPv6Interface


@dataclass(frozen=True, slots=True, kw_only=True)
class AddressRange:
    """Addresses of one IP version from the first to the last, both included."""

    first: Address
    last: Address

    def __contains__(self, address: Address) -> bool:
        return address.version == self.first.version and int(self.first) <= int(address) <= int(
            self.last
        )

    def __str__(self) -> str:
        if self.first == self.last:
            return str(self.first)
        return f"{self.first}-{self.last}"


def _unscoped(text: str) -> str:
    """The text without a zone (RFC 4007 section 11): ``fe80::1%eth0`` is no address of a pool."""
    if "%" in text:
        raise ValueError(text)
    return text


def parse_prefix(text: str) -> Prefix:
    """Read ``10.1.2.3/24`` as 10.1.2.0/24: engines before 25 send host bits.

    Raises InvalidPrefixError.
    """
    if "/" not in text:
        raise InvalidPrefixError(
            f"pool {text!r} has no length, expected a prefix such as 10.1.2.0/24"
        )
    try:
        return ip_network(_unscoped(text), strict=False)
    except ValueError as error:
        raise InvalidPrefixError(
            f"pool {text!r} is not a prefix, expected one such as 10.1.2.0/24"
        ) from error


def parse_address(text: str) -> Address:
    """Read an address, with or without the length Docker sometimes adds.

    Raises InvalidAddressError.
    """
    try:
        return ip_address(_unscoped(text).partition("/")[0])
    except ValueError as error:
        raise InvalidAddressError(
            f"address {text!r} is not an IP address, expected one such as 10.1.2.3"
        ) from error


def parse_range(text: str) -> AddressRange:
    """Read ``10.1.2.0/28``, ``10.1.2.3`` or ``10.1.2.3-10.1.2.9``.

    Raises InvalidAddressError, InvalidPrefixError.
    """
    if "/" in text:
        return span(parse_prefix(text))
    first, dash, last = (part.strip() for part in text.partition("-"))
    low = parse_address(first)
    high = parse_address(last) if dash else low
    if low.version != high.version or int(low) > int(high):
        raise InvalidAddressError(f"range {text!r} does not run from a lower to a higher address")
    return AddressRange(first=low, last=high)


def span(prefix: Prefix) -> AddressRange:
    """Every address of a prefix."""
    return AddressRange(first=prefix.network_address, last=prefix.broadcast_address)


def usable(prefix: Prefix) -> AddressRange:
    """The addresses a host may have.

    A v4 prefix loses its network and broadcast addresses, except /31 (RFC 3021)
    and /32.  A v6 prefix loses its subnet-router anycast address (RFC 4291
    section 2.6.1), except /127 (RFC 6164) and /128.
    """
    whole = span(prefix)
    if prefix.max_prefixlen - prefix.prefixlen <= 1:
        return whole
    last = whole.last - 1 if prefix.version == 4 else whole.last
    return AddressRange(first=whole.first + 1, last=last)


def intersect(one: AddressRange, other: AddressRange) -> AddressRange | None:
    """The addresses both have, if there are any."""
    if one.first.version != other.first.version:
        return None
    first = max(one.first, other.first, key=int)
    last = min(one.last, other.last, key=int)
    if int(first) > int(last):
        return None
    return AddressRange(first=first, last=last)


def subtract(
    ranges: Iterable[AddressRange], exclusions: Iterable[AddressRange]
) -> tuple[AddressRange, ...]:
    """What the ranges leave when the exclusions are taken out, in order."""
    left = _ip_set(ranges) - _ip_set(exclusions)
    return tuple(
        AddressRange(first=ip_address(str(part[0])), last=ip_address(str(part[-1])))
        for part in left.iter_ipranges()
    )


def alone(address: Address) -> Prefix:
    """The prefix that holds this address and no other."""
    if isinstance(address, IPv4Address):
        return IPv4Network(address)
    return IPv6Network(address)


def with_mask(address: Address, prefix: Prefix) -> Interface:
    """The address in the form of an interface: with the length of its prefix."""
    # As a number: the standard library would write an address as text, and read it again.
    if isinstance(address, IPv4Address):
        return IPv4Interface((int(address), prefix.prefixlen))
    return IPv6Interface((int(address), prefix.prefixlen))


def _ip_set(ranges: Iterable[AddressRange]) -> IPSet:
    joined = IPSet()
    for part in ranges:
        joined.add(IPRange(str(part.first), str(part.last)))
    return joined
