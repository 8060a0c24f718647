"""Frames that no IP stack would send, built by hand, and an ear for those that arrive."""

import socket
import struct
import time
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address
from typing import Final

BROADCAST: Final = "ff:ff:ff:ff:ff:ff"
ARP: Final = 0x0806
IP4: Final = 0x0800
IP6: Final = 0x86DD
ALL_PROTOCOLS: Final = 3  # linux/if_ether.h: ETH_P_ALL
TRIES: Final = 3
_PATIENCE: Final = 10.0
MARK: Final = b"pynet-test-mark."  # 16 bytes, in every frame that is looked for
UNKNOWN: Final = bytes((253, 3, 0, 0, 0, 0, 0, 0)) + MARK  # RFC 4861 section 4.6: an option
NONCE: Final = b"\x0e\1nonce!"  # RFC 7527 section 4.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Ether:
    """Where a frame goes and whence it says it comes."""

    source: str
    target: str = BROADCAST

    def frame(self, kind: int, payload: bytes) -> bytes:
        return _mac(self.target) + _mac(self.source) + struct.pack("!H", kind) + payload


def arp(*, operation: int, mac: str, ip: str, target: str) -> bytes:
    """RFC 826: who has ``target`` (1), or ``ip`` is at ``mac`` (2)."""
    return (
        struct.pack("!HHBBH", 1, IP4, 6, 4, operation)
        + _mac(mac)
        + IPv4Address(ip).packed
        + bytes(6)
        + IPv4Address(target).packed
        + MARK
    )


def udp4(source: str, target: str, ports: tuple[int, int], body: bytes = MARK) -> bytes:
    """An IPv4 datagram."""
    udp = struct.pack("!HHHH", *ports, 8 + len(body), 0) + body
    head = struct.pack(
        "!BBHHHBBH4s4s",
        *(0x45, 0, 20 + len(udp), 0, 0, 64, socket.IPPROTO_UDP, 0),
        IPv4Address(source).packed,
        IPv4Address(target).packed,
    )
    return head[:10] + struct.pack("!H", checksum(head)) + head[12:] + udp


def udp6(source: str, target: str, ports: tuple[int, int]) -> bytes:
    """An IPv6 datagram."""
    udp = struct.pack("!HHHH", *ports, 8 + len(MARK), 0) + MARK
    return _ip6(source, target, socket.IPPROTO_UDP, udp, 6)


def icmp6(source: str, target: str, kind: int, body: bytes, options: bytes = UNKNOWN) -> bytes:
    """An ICMPv6 message, its mark in an option nobody knows."""
    message = struct.pack("!BBH", kind, 0, 0) + body + options
    return _ip6(source, target, socket.IPPROTO_ICMPV6, message, 2)


def neighbour(kind: int, source: str, target: str, about: str, options: bytes = b"") -> bytes:
    """A solicitation (135) or an advertisement (136) about an address."""
    flags = 0x20000000 if kind == 136 else 0
    body = struct.pack("!I", flags) + IPv6Address(about).packed
    return icmp6(source, target, kind, body, options)


def source_is_at(mac: str) -> bytes:
    """An option of solicitations: the sender's link-layer address (RFC 4861 section 4.6.1)."""
    return b"\1\1" + _mac(mac)


def target_is_at(mac: str) -> bytes:
    """The same of advertisements."""
    return b"\2\1" + _mac(mac)


def behind_options(packet: bytes) -> bytes:
    """The same IPv6 packet with a header between, where a careless filter stops to look."""
    options = bytes((packet[6], 0, 1, 4, 0, 0, 0, 0))  # RFC 8200 section 4.6, PadN
    length = struct.pack("!H", len(packet) - 40 + len(options))
    header = packet[:4] + length + bytes((socket.IPPROTO_DSTOPTS,)) + packet[7:40]
    return header + options + packet[40:]


def piece6(packet: bytes, first: int, last: int, *, more: bool) -> bytes:
    """A fragment of an IPv6 packet: these bytes behind its header (RFC 8200 section 4.5)."""
    body = packet[40:][first:last]
    head = struct.pack("!BBHI", packet[6], 0, first | more, 7)
    length = struct.pack("!H", len(head) + len(body))
    return packet[:4] + length + bytes((socket.IPPROTO_FRAGMENT,)) + packet[7:40] + head + body


def piece4(packet: bytes, first: int, last: int, *, more: bool) -> bytes:
    """A fragment of an IPv4 packet: these bytes behind its header (RFC 791 section 3.1)."""
    body = packet[20:][first:last]
    length, offset = struct.pack("!H", 20 + len(body)), struct.pack("!H", more << 13 | first // 8)
    head = packet[:2] + length + b"\0\7" + offset + packet[8:10] + bytes(2) + packet[12:20]
    return head[:10] + struct.pack("!H", checksum(head)) + head[12:] + body


def ip4(source: str, target: str, protocol: int, body: bytes) -> bytes:
    """An IPv4 packet; the body has its own checksum at its third byte, and a mark behind it."""
    body += MARK
    body = body[:2] + struct.pack("!H", checksum(body)) + body[4:]
    head = struct.pack(
        "!BBHHHBBH4s4s",
        *(0x45, 0, 20 + len(body), 0, 0, 1, protocol, 0),
        IPv4Address(source).packed,
        IPv4Address(target).packed,
    )
    return head[:10] + struct.pack("!H", checksum(head)) + head[12:] + body


class Ear:
    """Hears what comes in by a link, with a raw packet socket of the link's namespace."""

    def __init__(self, packets: socket.socket, ifname: str = "eth0") -> None:
        self._socket = packets
        self._socket.bind((ifname, ALL_PROTOCOLS))

    def hears(self, send: Callable[[bytes], object], frame: bytes, control: bytes) -> bool:
        """Whether ``frame`` arrives; ``control`` is sent after it and must."""
        for _ in range(TRIES):
            send(frame)
            send(control)
            if self._until(control, frame):
                return True
        return False

    def _until(self, control: bytes, frame: bytes) -> bool:
        end = time.monotonic() + _PATIENCE
        heard = False
        while time.monotonic() < end:
            seen = self._socket.recv(2048)
            if seen == control:
                return heard
            heard = heard or seen in (frame, _without_tag(frame))
        raise AssertionError("not even the control came through")

    def close(self) -> None:
        self._socket.close()


def checksum(data: bytes) -> int:
    """RFC 1071."""
    data += bytes(len(data) % 2)
    total: int = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def _ip6(source: str, target: str, protocol: int, payload: bytes, sum_at: int) -> bytes:
    ends = IPv6Address(source).packed + IPv6Address(target).packed
    pseudo = ends + struct.pack("!I3xB", len(payload), protocol)
    number = struct.pack("!H", checksum(pseudo + payload) or 0xFFFF)
    payload = payload[:sum_at] + number + payload[sum_at + 2 :]
    return struct.pack("!IHBB", 6 << 28, len(payload), protocol, 255) + ends + payload


def _without_tag(frame: bytes) -> bytes:
    """As a packet socket shows it: the kernel keeps a VLAN tag beside the packet."""
    return frame[:12] + frame[16:]


def _mac(text: str) -> bytes:
    return bytes.fromhex(text.replace(":", ""))
