"""Datagrams of containers and hosts on overlay networks, sent as they should be and forged."""

import socket
import struct
from ipaddress import ip_address
from typing import Final

from plugin.model.network import IPAddress
from tests.kernel.frames import IP4, Ether, checksum, udp4
from tests.kernel.netns import Netns
from tests.kernel.site import Container

PORT: Final = 7000
VXLAN: Final = 4789
IPPROTO_FRAGMENT: Final = 44  # RFC 8200


def ear(container: Container, address: str = "") -> socket.socket:
    """A server in a container."""
    sock = container.netns.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.bind((address or str(container.address4), PORT))
    return sock


def heard_until(sock: socket.socket, last: bytes) -> set[bytes]:
    """All that a server hears before the last word."""
    heard: set[bytes] = set()
    while (word := sock.recv(64)) != last:
        heard.add(word)
    return heard


def packet(source: IPAddress, target: IPAddress, word: bytes) -> bytes:
    """A datagram that holds a word."""
    return udp4(str(source), str(target), (40404, PORT), word)


def inner(source: Container, target: Container, word: bytes) -> bytes:
    """The frame of such a one, from one container to the other."""
    ether = Ether(source=source.endpoint.mac_address, target=target.endpoint.mac_address)
    return ether.frame(IP4, packet(source.address4, target.address4, word))


def encapsulated(vni: int, frame: bytes) -> bytes:
    """RFC 7348 section 5."""
    return struct.pack("!II", 0x08 << 24, vni << 8) + frame


def send(netns: Netns, to: str, data: bytes, source: str = "") -> None:
    """To the port that hosts listen on, from an address of the sender's."""
    family = socket.AF_INET6 if ":" in to else socket.AF_INET
    with netns.socket(family, socket.SOCK_DGRAM) as sock:
        sock.bind((source, 0))
        sock.sendto(data, (to, VXLAN))


def send_in_pieces(netns: Netns, way: tuple[str, str], data: bytes) -> None:
    """The same, in two fragments of IPv6 (RFC 8200 section 4.5): the ports in one, the rest after."""
    source, target = (ip_address(each).packed for each in way)
    head = struct.pack("!HHHH", 40404, VXLAN, 8 + len(data), 0)
    pseudo = source + target + struct.pack("!II", 8 + len(data), socket.IPPROTO_UDP)
    total = checksum(pseudo + head + data)
    whole = head[:6] + struct.pack("!H", total) + data
    with netns.socket(socket.AF_INET6, socket.SOCK_RAW, IPPROTO_FRAGMENT) as sock:
        for offset, piece, more in ((0, whole[:8], 1), (8, whole[8:], 0)):
            fragment = struct.pack("!BBHI", socket.IPPROTO_UDP, 0, offset | more, 77)
            sock.sendto(fragment + piece, (way[1], 0))
