"""What a router says of a LAN (RFC 4861 section 4.2), and the question for it."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv6Address, IPv6Network
from typing import Final

SOLICITATION: Final = 133
ADVERTISEMENT: Final = 134
_HEADER: Final = struct.Struct("!BBHBBHII")
_PREFIX: Final = struct.Struct("!BBBBIII16s")
_MANAGED: Final = 0x80
_OTHER: Final = 0x40
_ON_LINK: Final = 0x80
_AUTONOMOUS: Final = 0x40
_SOURCE_LINK_LAYER: Final = 1
_PREFIX_INFORMATION: Final = 3
_MTU: Final = 5
_MOST_PREFIXES: Final = 16
_MTUS: Final = range(1280, 0x10000)  # RFC 8200 section 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Prefix:
    """A prefix of the LAN; hosts may make addresses of it themselves if it is autonomous."""

    network: IPv6Network
    on_link: bool
    autonomous: bool
    valid: int
    preferred: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RouterAdvertisement:
    """Managed: DHCPv6 has addresses.  Other: it has other things.  ``lifetime`` 0: no router."""

    managed: bool
    other: bool
    lifetime: int
    mtu: int | None
    prefixes: tuple[Prefix, ...]


def solicitation(mac: bytes) -> bytes:
    """A router solicitation.  The caller, who knows the addresses, adds the checksum."""
    return struct.pack("!BBHI", SOLICITATION, 0, 0, 0) + bytes((_SOURCE_LINK_LAYER, 1)) + mac


def read_advertisement(message: bytes) -> RouterAdvertisement | None:
    """What an ICMPv6 message says, or None if it is something else or broken."""
    if len(message) < _HEADER.size:
        return None
    kind, code, _, _, flags, lifetime, _, _ = _HEADER.unpack_from(message)
    if kind != ADVERTISEMENT or code != 0:
        return None
    options = list(_options(message[_HEADER.size :]))
    if None in options:  # section 6.1.2: a length of zero spoils all of it
        return None
    whole = [each for each in options if each]
    mtus = [int.from_bytes(each[4:8], "big") for each in whole if each[0] == _MTU]
    found = (_prefix(each) for each in whole if each[0] == _PREFIX_INFORMATION)
    return RouterAdvertisement(
        managed=bool(flags & _MANAGED),
        other=bool(flags & _OTHER),
        lifetime=lifetime,
        mtu=next((mtu for mtu in mtus if mtu in _MTUS), None),
        prefixes=tuple(dict.fromkeys(each for each in found if each))[:_MOST_PREFIXES],
    )


def _options(area: bytes) -> Iterator[bytes | None]:
    """Each option, type and length included; None for one that does not fit."""
    at = 0
    while at < len(area):
        size = area[at + 1] * 8 if at + 1 < len(area) else 0
        if not size or at + size > len(area):
            yield None
            return
        yield area[at : at + size]
        at += size


def _prefix(option: bytes) -> Prefix | None:
    """RFC 4862 section 5.5.3: what is link-local, or preferred for longer than valid, is ignored."""
    if len(option) != _PREFIX.size:
        return None
    _, _, length, flags, valid, preferred, _, packed = _PREFIX.unpack(option)
    address = IPv6Address(packed)
    if length > 128 or preferred > valid or address.is_link_local or address.is_multicast:
        return None
    return Prefix(
        network=IPv6Network((packed, length), strict=False),
        on_link=bool(flags & _ON_LINK),
        autonomous=bool(flags & _AUTONOMOUS),
        valid=valid,
        preferred=preferred,
    )
