"""Ethernet frames of DHCPv4 and ARP, both ways.

A frame that cannot be read belongs to another program: reading answers None and never raises.  UDP checksums
are not verified, because local senders leave them to the hardware.
"""

import struct
from dataclasses import dataclass
from ipaddress import IPv4Address
from typing import Final

from plugin.model.ids import MacAddress

BROADCAST: Final = MacAddress("ff:ff:ff:ff:ff:ff")
EVERYBODY: Final = IPv4Address("255.255.255.255")
NOBODY: Final = IPv4Address("0.0.0.0")  # noqa: S104 - the address of who has none
ETHERTYPE_IPV4: Final = 0x0800
ETHERTYPE_ARP: Final = 0x0806
SERVER_PORT: Final = 67
CLIENT_PORT: Final = 68
ARP_REQUEST: Final = 1
ARP_REPLY: Final = 2

_ETHERNET: Final = struct.Struct("!6s6sH")
_IPV4: Final = struct.Struct("!BBHHHBBH4s4s")
_UDP: Final = struct.Struct("!HHHH")
_ARP: Final = struct.Struct("!HHBBH6s4s6s4s")
_ARP_OF_ETHERNET: Final = (1, ETHERTYPE_IPV4, 6, 4)  # RFC 826
_FRAGMENT: Final = 0x3FFF  # RFC 791: more fragments, and the offset
_DONT_FRAGMENT: Final = 0x4000
_TTL: Final = 64
_UDP_PROTOCOL: Final = 17


@dataclass(frozen=True, slots=True, kw_only=True)
class Datagram:
    """What a server or relay sent to the client's port."""

    mac: MacAddress
    source: IPv4Address
    payload: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Arp:
    """Who says or asks what."""

    operation: int
    mac: MacAddress
    sender: IPv4Address
    target: IPv4Address


def read_frame(frame: bytes) -> Datagram | Arp | None:
    """What a frame carries, if it is for a DHCP client or about an address."""
    if len(frame) < _ETHERNET.size:
        return None
    _, source, kind = _ETHERNET.unpack_from(frame)
    body = frame[_ETHERNET.size :]
    if kind == ETHERTYPE_ARP:
        return _read_arp(body)
    if kind == ETHERTYPE_IPV4:
        return _read_datagram(mac_of(source), body)
    return None


def datagram_frame(
    mac: MacAddress,
    payload: bytes,
    *,
    source: IPv4Address = NOBODY,
    target: IPv4Address = EVERYBODY,
    next_hop: MacAddress = BROADCAST,
) -> bytes:
    """From the client's port to the server's."""
    length = _UDP.size + len(payload)
    udp = _UDP.pack(CLIENT_PORT, SERVER_PORT, length, 0) + payload
    ends = source.packed + target.packed
    number = checksum(ends + struct.pack("!HH", _UDP_PROTOCOL, length) + udp) or 0xFFFF
    udp = udp[:6] + struct.pack("!H", number) + udp[8:]
    total = _IPV4.size + length
    head = _IPV4.pack(
        *(0x45, 0, total, 0, _DONT_FRAGMENT, _TTL, _UDP_PROTOCOL, 0),
        *(source.packed, target.packed),
    )
    head = head[:10] + struct.pack("!H", checksum(head)) + head[12:]
    return ethernet(mac, next_hop, ETHERTYPE_IPV4) + head + udp


def arp_frame(mac: MacAddress, sender: IPv4Address, target: IPv4Address) -> bytes:
    """A question to everybody: with no sender a probe, with the target itself an announcement."""
    body = _ARP.pack(
        *(*_ARP_OF_ETHERNET, ARP_REQUEST),
        *(packed_mac(mac), sender.packed, bytes(6), target.packed),
    )
    return ethernet(mac, BROADCAST, ETHERTYPE_ARP) + body


def _read_arp(body: bytes) -> Arp | None:
    if len(body) < _ARP.size:
        return None
    *kind, operation, mac, sender, _, target = _ARP.unpack_from(body)
    if tuple(kind) != _ARP_OF_ETHERNET:
        return None
    return Arp(
        operation=operation,
        mac=mac_of(mac),
        sender=IPv4Address(sender),
        target=IPv4Address(target),
    )


def _read_datagram(mac: MacAddress, packet: bytes) -> Datagram | None:
    if len(packet) < _IPV4.size:
        return None
    first, _, total, _, fragment, _, protocol, _, source, _ = _IPV4.unpack_from(packet)
    start = (first & 0xF) * 4
    odd = first >> 4 != 4 or start < _IPV4.size or not start + _UDP.size <= total <= len(packet)
    if odd or fragment & _FRAGMENT or protocol != _UDP_PROTOCOL:
        return None
    _, port, length, _ = _UDP.unpack_from(packet, start)
    if port != CLIENT_PORT or not _UDP.size <= length <= total - start:
        return None
    payload = packet[start + _UDP.size : start + length]
    return Datagram(mac=mac, source=IPv4Address(source), payload=payload)


def ethernet(source: MacAddress, target: MacAddress, kind: int) -> bytes:
    """The header of a frame."""
    return _ETHERNET.pack(packed_mac(target), packed_mac(source), kind)


def checksum(data: bytes) -> int:
    """RFC 1071."""
    data += bytes(len(data) % 2)
    total: int = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def mac_of(packed: bytes) -> MacAddress:
    """The text of a hardware address."""
    return MacAddress(packed.hex(":"))


def packed_mac(mac: MacAddress) -> bytes:
    """Its six octets."""
    return bytes.fromhex(mac.replace(":", ""))
