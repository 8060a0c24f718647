"""Types of nft's for the fields of facts: as text, both ways, and as nf_tables has them.

The text of an element could be packed, too (``elements``), and is where it is all there is: that
takes four times as long, and a container's life is two dozen elements.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_network
from operator import attrgetter
from typing import Any, Final

from plugin.firewall.elements import IFNAMSIZ, NF_PROTOCOLS, gap_of
from plugin.model.facts import Fact
from plugin.model.ids import MacAddress
from plugin.model.network import IPAddress, IPNetwork, Protocol

Value = str | int | IPAddress | IPNetwork | Protocol
_PROTOCOLS: Final = {each.text: each for each in Protocol}
_VERSIONS: Final = {"ipv4": 4, "ipv6": 6}


@dataclass(frozen=True, slots=True)
class NftType:
    """What a value is as text, what a text is as a value, and the bytes of a value."""

    write: Callable[[Value], str]
    read: Callable[[str], Value]
    pack: Callable[[Any], bytes]


def unquoted(text: str) -> str:
    """The name of a link.  Raises ValueError for what is none."""
    if len(text) < 2 or text[0] != '"':
        raise ValueError(text)
    return text[1:-1]


def _number(value: Value) -> str:
    if not isinstance(value, IPv6Address):
        raise TypeError(value)
    return hex(int(value))


def _mac_address(text: str) -> MacAddress:
    return MacAddress(int(text, 0).to_bytes(6).hex(":"))


def _mac_bytes(value: str) -> bytes:
    return bytes.fromhex(value.replace(":", ""))


_octets: Final = attrgetter("packed")
PREFIX: Final = NftType(str, ip_network, _octets)
TYPES: Final = {
    "ifname": NftType(
        lambda value: f'"{value}"', unquoted, lambda value: value.encode().ljust(IFNAMSIZ, b"\0")
    ),
    "ether_addr": NftType(str, str, _mac_bytes),
    "ipv4_addr": NftType(str, IPv4Address, _octets),
    "ipv6_addr": NftType(str, IPv6Address, _octets),
    "inet_proto": NftType(
        lambda value: Protocol(value).text,
        _PROTOCOLS.__getitem__,
        lambda value: value.value.to_bytes(),
    ),
    "inet_service": NftType(str, int, lambda value: value.to_bytes(2)),
    "nf_proto": NftType(
        lambda value: f"ipv{value}",
        _VERSIONS.__getitem__,
        lambda value: NF_PROTOCOLS[f"ipv{value}"].to_bytes(),
    ),
    # What nft has no name for is a number to it: an IPv6 address, and a MAC address.
    "@th,64,128": NftType(_number, lambda text: IPv6Address(int(text, 0)), _octets),
    "@th,96,24": NftType(
        lambda value: hex(int(str(value))),
        lambda text: int(text, 0),
        lambda value: value.to_bytes(3),
    ),
    "@th,208,48": NftType(
        lambda value: hex(int(str(value).replace(":", ""), 16)), _mac_address, _mac_bytes
    ),
}


# A field's value in a fact, its bytes, and what they are filled up with as a part with others.
Pack = tuple[Callable[[Fact], Any], Callable[[Any], bytes], bytes]


def packs(fields: Sequence[tuple[str, NftType]], kinds: Sequence[str]) -> tuple[Pack, ...]:
    """How fields of those types become a key, or data."""
    gaps = [b""] if len(kinds) == 1 else [bytes(gap_of(kind)) for kind in kinds]
    return tuple(
        (attrgetter(name), kind.pack, gap) for (name, kind), gap in zip(fields, gaps, strict=True)
    )


def packed(fact: Fact, fields: Iterable[Pack]) -> bytes:
    """A key, or data, of a fact."""
    return b"".join([pack(get(fact)) + gap for get, pack, gap in fields])
