"""Tell other hosts that a container is here now, in the container's place.

Engines before 28 do not, and until a container has sent something, other hosts would look for it
where it was.  The words are those that a host has for it: an ARP announcement (RFC 5227 section
2.3) and an unsolicited neighbour advertisement (RFC 4861 section 7.2.6).
"""

import errno
import socket
import struct
from ipaddress import IPv6Address
from typing import Final

from plugin.errors import KernelError
from plugin.kernel import open_files
from plugin.kernel.links import ownership
from plugin.kernel.netlink import messages as raw
from plugin.kernel.netlink import route_messages as routes
from plugin.kernel.netlink.conversations import conversation
from plugin.kernel.netlink.rtnl import RtnlError
from plugin.model.network import IPAddress
from plugin.model.tunnels import Announcement

_BROADCAST: Final = b"\xff" * 6
_ALL_NODES: Final = IPv6Address("ff02::1")
_ALL_NODES_MAC: Final = bytes.fromhex("333300000001")  # RFC 2464 section 7
_ARP: Final = struct.Struct("!HHBBH6s4s6s4s")
_ARP_REQUEST: Final = (1, 0x0800, 6, 4, 1)
_IPV6: Final = struct.Struct("!IHBB16s16s")
_VERSION6: Final = 6 << 28
_ICMPV6: Final = 58
_HOPS: Final = 255
_ADVERTISEMENT: Final = struct.Struct("!BBHI16sBB6s")
_ADVERTISES: Final = 136
_OVERRIDES: Final = 1 << 29
_TARGET_LINK: Final = (2, 1)  # the option, and its length in eights of bytes


def announce(announcement: Announcement) -> None:
    """Have this host's bridge look for the container here, and tell the other hosts.

    Raises KernelError.
    """
    mac_address = bytes.fromhex(announcement.mac_address.replace(":", ""))
    _forget(announcement)
    try:
        with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as sock:
            for interface in announcement.interfaces:
                sock.sendto(frame(mac_address, interface.ip), (announcement.tunnel, 0))
    except OSError as error:
        if error.errno == errno.EPERM:
            raise KernelError("a container cannot be announced without CAP_NET_RAW") from error
        raise open_files.refusal("a container cannot be announced", error) from error


def frame(mac_address: bytes, address: IPAddress) -> bytes:
    """What the owner of both would send."""
    if isinstance(address, IPv6Address):
        ethernet = _ALL_NODES_MAC + mac_address + b"\x86\xdd"
        return ethernet + _advertisement(mac_address, address)
    arp = _ARP.pack(*_ARP_REQUEST, mac_address, address.packed, bytes(6), address.packed)
    return _BROADCAST + mac_address + b"\x08\x06" + arp


def _advertisement(mac_address: bytes, address: IPv6Address) -> bytes:
    fields = (_OVERRIDES, address.packed, *_TARGET_LINK, mac_address)
    ends = address.packed + _ALL_NODES.packed
    unsigned = _ADVERTISEMENT.pack(_ADVERTISES, 0, 0, *fields)
    signed = ends + struct.pack("!II", len(unsigned), _ICMPV6) + unsigned  # RFC 8200 section 8.1
    message = _ADVERTISEMENT.pack(_ADVERTISES, 0, _checksum(signed), *fields)
    head = _IPV6.pack(_VERSION6, len(message), _ICMPV6, _HOPS, address.packed, _ALL_NODES.packed)
    return head + message


def _checksum(data: bytes) -> int:
    """RFC 1071."""
    total: int = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def _forget(announcement: Announcement) -> None:
    """Have the bridge look for the container at every port, if it knows it behind the tunnel.

    It could not be told the container's own port: that has no carrier yet, and a bridge takes no
    entry for such a port (net/bridge/br_fdb.c, fdb_add_entry).
    """
    entry = routes.forwarding_entry(
        ownership.index_of(announcement.tunnel),
        announcement.mac_address,
        state=0,
        flags=routes.NTF_MASTER,
    )
    with conversation() as rtnl:
        try:
            rtnl.ask(routes.RTM_DELNEIGH, raw.NLM_F_ACK, entry)
        except RtnlError as error:
            if error.code != errno.ENOENT:
                raise
