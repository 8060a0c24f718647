"""Ethernet frames of DHCPv6, router advertisements and duplicate address detection, both ways.

As in ``frames``: a frame that cannot be read belongs to another program, and answers None.
"""

import struct
from dataclasses import dataclass
from ipaddress import IPv6Address
from typing import Final

from plugin.dhcp.frames import checksum, ethernet, mac_of, packed_mac
from plugin.dhcp.messages6 import CLIENT_PORT, SERVER_PORT
from plugin.dhcp.router_advertisement import RouterAdvertisement, read_advertisement, solicitation
from plugin.model.ids import MacAddress

ETHERTYPE_IPV6: Final = 0x86DD
UNSPECIFIED: Final = IPv6Address("::")
ALL_NODES: Final = IPv6Address("ff02::1")
ALL_ROUTERS: Final = IPv6Address("ff02::2")
ALL_SERVERS: Final = IPv6Address("ff02::1:2")  # RFC 8415 section 7.1
NEIGHBOUR_SOLICITATION: Final = 135
NEIGHBOUR_ADVERTISEMENT: Final = 136

_SOLICITED_NODE: Final = int(IPv6Address("ff02::1:ff00:0"))  # RFC 4291 section 2.7.1
_ETHERNET: Final = struct.Struct("!6s6sH")
_IPV6: Final = struct.Struct("!IHBB16s16s")
_UDP: Final = struct.Struct("!HHHH")
_VERSION: Final = 6 << 28
_UDP_PROTOCOL: Final = 17
_ICMPV6: Final = 58
_HOP_LIMIT: Final = 255  # RFC 4861 section 6.1.2: what crossed a router is not from this link
_OVERRIDE: Final = 0x20000000
_TARGET_LINK_LAYER: Final = b"\2\1"
_NEIGHBOUR_SIZE: Final = 24


@dataclass(frozen=True, slots=True, kw_only=True)
class Speaker:
    """Who asks for a container that has no link yet: the parent, by its own link-local address."""

    mac: MacAddress
    address: IPv6Address | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Datagram6:
    """What a server sent to the client's port."""

    mac: MacAddress
    source: IPv6Address
    payload: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Advertised:
    """What a router says of the LAN."""

    mac: MacAddress
    source: IPv6Address
    advertisement: RouterAdvertisement


@dataclass(frozen=True, slots=True, kw_only=True)
class Neighbour:
    """Another host has the ``target``, or is about to take it."""

    mac: MacAddress
    target: IPv6Address


Heard6 = Datagram6 | Advertised | Neighbour


def read_frame6(frame: bytes) -> Heard6 | None:
    """What a frame carries, if it is for a client of a container's."""
    if len(frame) < _ETHERNET.size + _IPV6.size:
        return None
    _, sender, kind = _ETHERNET.unpack_from(frame)
    first, length, header, hops, source, _ = _IPV6.unpack_from(frame, _ETHERNET.size)
    body = frame[_ETHERNET.size + _IPV6.size :][:length]
    if kind != ETHERTYPE_IPV6 or first >> 28 != 6 or len(body) < length:
        return None
    mac, address = mac_of(sender), IPv6Address(source)
    if header == _ICMPV6 and hops == _HOP_LIMIT:
        return _read_icmp(mac, address, body)
    if header == _UDP_PROTOCOL and len(body) >= _UDP.size:
        _, port, size, _ = _UDP.unpack_from(body)
        if port == CLIENT_PORT and _UDP.size <= size <= length:
            return Datagram6(mac=mac, source=address, payload=body[_UDP.size : size])
    return None


def datagram_frame6(speaker: Speaker, payload: bytes) -> bytes:
    """From the client's port to all servers and relays, as all messages of a client are sent."""
    source = speaker.address or UNSPECIFIED
    length = _UDP.size + len(payload)
    udp = _UDP.pack(CLIENT_PORT, SERVER_PORT, length, 0) + payload
    number = _sum(source, ALL_SERVERS, _UDP_PROTOCOL, udp) or 0xFFFF
    udp = udp[:6] + number.to_bytes(2, "big") + udp[8:]
    return _packet(speaker.mac, source, ALL_SERVERS, (_UDP_PROTOCOL, udp))


def solicitation_frame(speaker: Speaker) -> bytes:
    """What is said of this LAN?  One who has no address asks without saying who (RFC 4861 4.1)."""
    source = speaker.address or UNSPECIFIED
    message = solicitation(packed_mac(speaker.mac))
    return _icmp(speaker.mac, source, ALL_ROUTERS, message if speaker.address else message[:8])


def probe_frame(mac: MacAddress, address: IPv6Address) -> bytes:
    """Has another host the address?  Asked by nobody (RFC 4862 section 5.4.2)."""
    message = struct.pack("!BBHI", NEIGHBOUR_SOLICITATION, 0, 0, 0) + address.packed
    return _icmp(mac, UNSPECIFIED, solicited_node(address), message)


def announcement_frame(mac: MacAddress, address: IPv6Address) -> bytes:
    """The address is here now (RFC 4861 section 7.2.6)."""
    head = struct.pack("!BBHI", NEIGHBOUR_ADVERTISEMENT, 0, 0, _OVERRIDE)
    message = head + address.packed + _TARGET_LINK_LAYER + packed_mac(mac)
    return _icmp(mac, address, ALL_NODES, message)


def solicited_node(address: IPv6Address) -> IPv6Address:
    """The group that is asked for an address."""
    return IPv6Address(_SOLICITED_NODE | int(address) & 0xFFFFFF)


def multicast_mac(group: IPv6Address) -> MacAddress:
    """RFC 2464 section 7."""
    return mac_of(b"\x33\x33" + group.packed[-4:])


def _read_icmp(mac: MacAddress, source: IPv6Address, message: bytes) -> Heard6 | None:
    advertisement = read_advertisement(message) if source.is_link_local else None
    if advertisement:
        return Advertised(mac=mac, source=source, advertisement=advertisement)
    if len(message) < _NEIGHBOUR_SIZE or message[1]:
        return None
    is_probe = message[0] == NEIGHBOUR_SOLICITATION and source == UNSPECIFIED
    if not is_probe and message[0] != NEIGHBOUR_ADVERTISEMENT:
        return None
    return Neighbour(mac=mac, target=IPv6Address(message[8:24]))


def _icmp(mac: MacAddress, source: IPv6Address, target: IPv6Address, message: bytes) -> bytes:
    number = _sum(source, target, _ICMPV6, message)
    message = message[:2] + number.to_bytes(2, "big") + message[4:]
    return _packet(mac, source, target, (_ICMPV6, message))


def _packet(
    mac: MacAddress, source: IPv6Address, target: IPv6Address, body: tuple[int, bytes]
) -> bytes:
    header, payload = body
    head = _IPV6.pack(
        *(_VERSION, len(payload), header, _HOP_LIMIT), *(source.packed, target.packed)
    )
    return ethernet(mac, multicast_mac(target), ETHERTYPE_IPV6) + head + payload


def _sum(source: IPv6Address, target: IPv6Address, header: int, body: bytes) -> int:
    """RFC 8200 section 8.1."""
    pseudo = source.packed + target.packed + struct.pack("!II", len(body), header)
    return checksum(pseudo + body)
