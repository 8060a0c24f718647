"""What a container may not say, frame by frame, under the name of the promise that it would break.

The speaker is the second address of its network, and all but what is forged is right.
"""

import socket
import struct
from typing import Final

from tests.kernel import frames
from tests.kernel.frames import ARP, IP4, IP6, MARK, Ether

DUAL: Final = ("10.1.0.0/24", "fd00:1::/64")
OWN_MAC: Final = "02:00:00:00:00:02"
FOREIGN_MAC: Final = "02:00:00:00:00:99"
OWN4, GATEWAY4, FOREIGN4 = "10.1.0.2", "10.1.0.1", "10.1.0.3"
OWN6, GATEWAY6, FOREIGN6 = "fd00:1::2", "fd00:1::1", "fd00:1::3"
LINK6, FOREIGN_LINK6 = "fe80::ff:fe00:2", "fe80::1"
ALL4, ALL6, ROUTERS6, REPORTS6 = "255.255.255.255", "ff02::1", "ff02::2", "ff02::16"
HONEST: Final = Ether(source=OWN_MAC)
LIAR: Final = Ether(source=FOREIGN_MAC)
TO_A_GROUP: Final = Ether(source=OWN_MAC, target="01:80:c2:00:00:0e")
SILENT: Final = bytes(4)  # reserved
KINDS: Final = {135: "a solicitation", 136: "an advertisement"}
# How a neighbour is told of the sender's link-layer address, and what the message is about.
TOLD: Final = ((135, frames.source_is_at, FOREIGN6), (136, frames.target_is_at, OWN6))
ROUTER: Final = frames.icmp6(LINK6, ALL6, 134, struct.pack("!BBHII", 64, 0, 1800, 0, 0))
LEASE6: Final = frames.udp6(LINK6, ALL6, (5470, 546))


def _four(source: str, target: str = FOREIGN4, ports: tuple[int, int] = (7, 7)) -> bytes:
    return HONEST.frame(IP4, frames.udp4(source, target, ports))


def _six(packet: bytes) -> bytes:
    return HONEST.frame(IP6, packet)


def _arp(operation: int, ip: str, target: str = FOREIGN4, mac: str = OWN_MAC) -> bytes:
    return HONEST.frame(ARP, frames.arp(operation=operation, mac=mac, ip=ip, target=target))


def _as_ieee802(frame: bytes) -> bytes:
    """The other hardware type that Linux takes on Ethernet (net/ipv4/arp.c: arp_process)."""
    return frame[:14] + struct.pack("!H", 6) + frame[16:]


def _neighbour(kind: int, source: str, about: str, options: bytes = b"") -> bytes:
    return frames.neighbour(kind, source, ALL6, about, options)


def _solicitation(options: bytes) -> bytes:
    return _six(frames.icmp6(LINK6, ROUTERS6, 133, SILENT, options))


_OWN_SOURCE, _FOREIGN_SOURCE = frames.source_is_at(OWN_MAC), frames.source_is_at(FOREIGN_MAC)
FORGERIES: Final[dict[str, dict[str, bytes]]] = {
    "own-mac-address": {
        "IPv4": LIAR.frame(IP4, frames.udp4(OWN4, FOREIGN4, (7, 7))),
        "IPv6": LIAR.frame(IP6, frames.udp6(OWN6, FOREIGN6, (7, 7))),
        "ARP": LIAR.frame(ARP, frames.arp(operation=1, mac=OWN_MAC, ip=OWN4, target=FOREIGN4)),
    },
    "own-ip-address": {
        "a neighbour's, IPv4": _four(FOREIGN4),
        "the gateway's, IPv4": _four(GATEWAY4),
        "one of elsewhere": _four("192.0.2.1"),
        "the host's loopback": _four("127.0.0.1"),
        "none, and not for DHCP": _four("0.0.0.0"),
        "a neighbour's, IPv6": _six(frames.udp6(FOREIGN6, FOREIGN6, (7, 7))),
        "the gateway's, IPv6": _six(frames.udp6(GATEWAY6, FOREIGN6, (7, 7))),
        "another link-local one": _six(frames.udp6(FOREIGN_LINK6, ALL6, (7, 7))),
        "none, IPv6": _six(frames.udp6("::", ALL6, (7, 7))),
        "a neighbour's, behind options": _six(
            frames.behind_options(frames.udp6(FOREIGN6, FOREIGN6, (7, 7)))
        ),
    },
    "own-arp": {
        "a request as the gateway": _arp(1, GATEWAY4),
        "an answer for the gateway": _arp(2, GATEWAY4),
        "an answer with another's MAC address": _arp(2, OWN4, mac=FOREIGN_MAC),
        "a request with another's MAC address": _arp(1, OWN4, mac=FOREIGN_MAC),
        "a probe with another's MAC address": _arp(1, "0.0.0.0", OWN4, mac=FOREIGN_MAC),
        "a probe for a neighbour's address": _arp(1, "0.0.0.0"),
        "an answer of nobody": _arp(2, "0.0.0.0", OWN4),
        "a question of RARP": _arp(3, OWN4, OWN4),
        "an answer for the gateway, as IEEE 802": _as_ieee802(_arp(2, GATEWAY4)),
        "an answer with another's MAC address, as IEEE 802": _as_ieee802(
            _arp(2, OWN4, mac=FOREIGN_MAC)
        ),
    },
    "own-neighbour-discovery": {
        "an advertisement for the gateway": _six(_neighbour(136, OWN6, GATEWAY6)),
        "an advertisement for the gateway, from it": _six(_neighbour(136, GATEWAY6, GATEWAY6)),
        "an advertisement for the gateway, from nobody": _six(_neighbour(136, "::", GATEWAY6)),
        "an advertisement for the gateway, behind options": _six(
            frames.behind_options(_neighbour(136, OWN6, GATEWAY6))
        ),
        "a probe for a neighbour's address": _six(_neighbour(135, "::", FOREIGN6)),
        "a probe for a neighbour's link-local address": _six(_neighbour(135, "::", FOREIGN_LINK6)),
        **{
            f"another's MAC address in {KINDS[kind]} {what}": _six(
                _neighbour(kind, source, about, before + tells(FOREIGN_MAC) + after)
            )
            for kind, tells, about in TOLD
            for what, source, before, after in (
                ("from its address", OWN6, b"", b""),
                ("from its link-local address", LINK6, b"", b""),
                ("before its own", OWN6, b"", tells(OWN_MAC)),
                ("after its own", OWN6, tells(OWN_MAC), b""),
                ("after a nonce", OWN6, frames.NONCE, b""),
                ("after one that nobody knows", OWN6, frames.UNKNOWN, b""),
            )
        },
        **{
            f"another's MAC address in {KINDS[kind]} behind options": _six(
                frames.behind_options(_neighbour(kind, OWN6, about, tells(FOREIGN_MAC)))
            )
            for kind, tells, about in TOLD
        },
        "another's MAC address in a router solicitation": _solicitation(_FOREIGN_SOURCE),
        "another's MAC address in a router solicitation after its own": _solicitation(
            _OWN_SOURCE + _FOREIGN_SOURCE
        ),
        "another's MAC address in a probe": _six(_neighbour(135, "::", OWN6, _FOREIGN_SOURCE)),
        "another's MAC address in a probe after a nonce": _six(
            _neighbour(135, "::", OWN6, frames.NONCE + _FOREIGN_SOURCE)
        ),
    },
    "no-dhcp-server": {
        "IPv4": _four(OWN4, ALL4, (67, 68)),
        "IPv4, from another port": _four(OWN4, ALL4, (6767, 68)),
        "IPv6": _six(frames.udp6(LINK6, ALL6, (547, 546))),
        "IPv6, from another port": _six(LEASE6),
        "IPv6, behind options": _six(frames.behind_options(LEASE6)),
    },
    "no-router": {
        "an advertisement": _six(ROUTER),
        "an advertisement behind options": _six(frames.behind_options(ROUTER)),
        "an advertisement, IPv4": HONEST.frame(
            IP4, frames.ip4(OWN4, "224.0.0.1", socket.IPPROTO_ICMP, b"\x09\0\0\0" + bytes(4))
        ),
        "a redirect": _six(frames.icmp6(LINK6, FOREIGN6, 137, SILENT + bytes(32))),
        "a query for groups": HONEST.frame(
            IP4, frames.ip4(OWN4, "224.0.0.1", socket.IPPROTO_IGMP, b"\x11\0\0\0" + bytes(4))
        ),
        "a query for groups, IPv6": _six(frames.icmp6(LINK6, ALL6, 130, bytes(20))),
    },
    "known-protocols": {
        "a VLAN tag": HONEST.frame(
            0x8100, struct.pack("!HH", 7, IP4) + frames.udp4(OWN4, FOREIGN4, (7, 7))
        ),
        # A priority without a VLAN (802.1Q): a receiver ignores the tag.
        "the gateway's ARP behind a priority tag": HONEST.frame(
            0x8100,
            struct.pack("!HH", 0, ARP)
            + frames.arp(operation=2, mac=OWN_MAC, ip=GATEWAY4, target=FOREIGN4),
        ),
        "a service VLAN tag": HONEST.frame(
            0x88A8, struct.pack("!HH", 7, IP4) + frames.udp4(OWN4, FOREIGN4, (7, 7))
        ),
        "802.3": HONEST.frame(3 + len(MARK), b"\x42\x42\x03" + MARK),
        "another protocol": HONEST.frame(0x88B5, MARK),
    },
    "bridge-groups": {
        **{
            f"another's MAC address, to {last:x}": Ether(
                source=FOREIGN_MAC, target=f"01:80:c2:00:00:{last:02x}"
            ).frame(0x88CC, MARK)
            for last in range(16)
            if last != 1  # pause frames, which end at the port
        },
        "another's IPv4 address": TO_A_GROUP.frame(IP4, frames.udp4(FOREIGN4, FOREIGN4, (7, 7))),
        "a router advertisement": TO_A_GROUP.frame(IP6, ROUTER),
    },
}
# Where br_netfilter is on, a bridge keeps pieces until it has all of them.
PIECES: Final[dict[str, dict[str, bytes]]] = {
    "own-neighbour-discovery": {
        "in one piece": _six(
            frames.piece6(_neighbour(136, OWN6, OWN6, frames.UNKNOWN), 0, 999, more=False)
        ),
    },
    "no-dhcp-server": {
        "IPv4, in pieces": HONEST.frame(
            IP4, frames.piece4(frames.udp4(OWN4, ALL4, (67, 68)), 0, 8, more=True)
        ),
        "IPv6, in pieces": _six(frames.piece6(LEASE6, 0, 16, more=True)),
        "IPv6, that begins in the second piece": _six(
            frames.piece6(frames.behind_options(LEASE6), 0, 8, more=True)
        ),
    },
    "no-router": {
        "a query for groups in pieces": HONEST.frame(
            IP4,
            frames.piece4(
                frames.ip4(OWN4, "224.0.0.1", socket.IPPROTO_IGMP, b"\x11\0\0\0" + bytes(4)),
                *(0, 8),
                more=True,
            ),
        ),
        "an advertisement in pieces": _six(frames.piece6(ROUTER, 0, 24, more=True)),
        "an advertisement in one piece": _six(frames.piece6(ROUTER, 0, 999, more=False)),
        "an advertisement that begins in the second piece": _six(
            frames.piece6(frames.behind_options(ROUTER), 0, 8, more=True)
        ),
    },
}


def named(table: dict[str, dict[str, bytes]]) -> dict[str, bytes]:
    """All frames of a table, by promise and what it is."""
    return {
        f"{promise}: {what}": frame
        for promise, rows in table.items()
        for what, frame in rows.items()
    }
