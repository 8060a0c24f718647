"""A wire that is a packet socket (packet(7)) on the parent.

It is bound to all protocols: one that is bound to IPv4 alone does not hear the unicast answer to a
macvlan child, which the child takes first.  A filter in the kernel drops everything but ARP and
DHCP before it costs a copy, and tagged frames, which are another LAN's.
"""

import errno
import os
import socket
import struct
from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from typing import Final

from plugin import socket_filters as filters
from plugin.dhcp import link_local, messages6
from plugin.dhcp.base import WireError
from plugin.dhcp.frames import CLIENT_PORT, ETHERTYPE_ARP, ETHERTYPE_IPV4, mac_of, packed_mac
from plugin.dhcp.frames6 import (
    ETHERTYPE_IPV6,
    NEIGHBOUR_ADVERTISEMENT,
    NEIGHBOUR_SOLICITATION,
    Speaker,
)
from plugin.dhcp.router_advertisement import ADVERTISEMENT
from plugin.model.ids import IfName, MacAddress

_ETH_P_ALL: Final = 3  # linux/if_ether.h
_SOL_PACKET: Final = 263  # linux/socket.h
_ADD_MEMBERSHIP: Final = 1  # linux/if_packet.h, as all of these
_DROP_MEMBERSHIP: Final = 2
_IGNORE_OUTGOING: Final = 23  # since Linux 4.20
_MR_MULTICAST: Final = 0
_MR_UNICAST: Final = 3
_OUTGOING: Final = 4  # PACKET_OUTGOING
_MEMBERSHIP: Final = struct.Struct("iHH8s")
_LARGEST: Final = 2048  # DHCP messages are asked to be of one Ethernet frame
_BUFFER: Final = 1 << 18  # bytes; a burst of ARP on a large LAN fits
_GONE: Final = frozenset({errno.ENETDOWN, errno.ENXIO, errno.ENODEV})

_VLAN_TAG_PRESENT: Final = 0xFFFFF000 + 48  # SKF_AD_OFF + SKF_AD_VLAN_TAG_PRESENT
_FILTER: Final = (
    (filters.LOAD_BYTE, 0, 0, _VLAN_TAG_PRESENT),
    (filters.JUMP_EQUAL, 0, 20, 0),
    (filters.LOAD_HALF, 0, 0, 12),
    (filters.JUMP_EQUAL, 19, 0, ETHERTYPE_ARP),
    (filters.JUMP_EQUAL, 10, 0, ETHERTYPE_IPV4),
    (filters.JUMP_EQUAL, 0, 16, ETHERTYPE_IPV6),
    (filters.LOAD_BYTE, 0, 0, 14 + 6),
    (filters.JUMP_EQUAL, 0, 4, socket.IPPROTO_ICMPV6),
    (filters.LOAD_BYTE, 0, 0, 14 + 40),
    (filters.JUMP_EQUAL, 13, 0, ADVERTISEMENT),
    (filters.JUMP_EQUAL, 12, 0, NEIGHBOUR_SOLICITATION),
    (filters.JUMP_EQUAL, 11, 10, NEIGHBOUR_ADVERTISEMENT),
    (filters.JUMP_EQUAL, 0, 9, socket.IPPROTO_UDP),
    (filters.LOAD_HALF, 0, 0, 14 + 40 + 2),
    (filters.JUMP_EQUAL, 8, 7, messages6.CLIENT_PORT),
    (filters.LOAD_BYTE, 0, 0, 14 + 9),
    (filters.JUMP_EQUAL, 0, 5, socket.IPPROTO_UDP),
    (filters.LOAD_HALF, 0, 0, 14 + 6),
    (filters.JUMP_ANY_BIT, 3, 0, 0x1FFF),  # later fragments have no ports
    (filters.LOAD_HEADER_LENGTH, 0, 0, 14),
    (filters.LOAD_HALF_INDEXED, 0, 0, 14 + 2),
    (filters.JUMP_EQUAL, 1, 0, CLIENT_PORT),
    (filters.RETURN, 0, 0, 0),
    (filters.RETURN, 0, 0, _LARGEST),
)


class PacketSocket:
    """One parent's."""

    def __init__(self, parent: IfName) -> None:
        self._parent = parent
        self._macs: frozenset[MacAddress] = frozenset()
        try:
            # Protocol 0 hears nothing until the filter is there.
            self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        except PermissionError as error:
            raise WireError("packet sockets need the capability CAP_NET_RAW") from error
        except OSError as error:
            raise WireError(f"no packet socket: {error.strerror}") from error
        try:
            self._prepare()
        except OSError as error:
            self._socket.close()
            raise _wire_error(parent, error) from error

    def fileno(self) -> int:
        return self._socket.fileno()

    def send(self, frame: bytes) -> None:
        try:
            self._socket.send(frame)
        except BlockingIOError:
            return  # as lost as on any full wire: it is sent again
        except OSError as error:
            if error.errno != errno.ENOBUFS:
                raise _wire_error(self._parent, error) from error

    def receive(self) -> bytes | None:
        while True:
            try:
                frame, address = self._socket.recvfrom(_LARGEST)
            except BlockingIOError:
                return None
            except OSError as error:
                raise _wire_error(self._parent, error) from error
            if address[2] != _OUTGOING:
                return bytes(frame)

    def speaker(self) -> Speaker:
        try:
            name, *_, packed = self._socket.getsockname()
        except OSError as error:
            raise _wire_error(self._parent, error) from error
        return Speaker(mac=mac_of(packed), address=link_local.address_of(name))

    def hear_for(self, macs: AbstractSet[MacAddress]) -> None:
        self._change(_DROP_MEMBERSHIP, self._macs - macs)
        self._change(_ADD_MEMBERSHIP, macs - self._macs)
        self._macs = frozenset(macs)

    def close(self) -> None:
        self._socket.close()

    def _prepare(self) -> None:
        self._socket.settimeout(0)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER)
        filters.attach(self._socket, _FILTER)
        try:
            self._socket.setsockopt(_SOL_PACKET, _IGNORE_OUTGOING, 1)
        except OSError as error:
            if error.errno != errno.ENOPROTOOPT:  # an older kernel: `receive` leaves them out
                raise
        self._socket.bind((self._parent, _ETH_P_ALL))

    def _change(self, how: int, macs: Iterable[MacAddress]) -> None:
        for mac in macs:
            packed = packed_mac(mac)
            kind = _MR_MULTICAST if packed[0] & 1 else _MR_UNICAST
            try:
                index = self._socket.getsockname()[0]
                index = socket.if_nametoindex(index) if isinstance(index, str) else index
                membership = _MEMBERSHIP.pack(index, kind, len(packed), packed)
                self._socket.setsockopt(_SOL_PACKET, how, membership)
            except OSError as error:
                if how == _ADD_MEMBERSHIP:
                    raise _wire_error(self._parent, error) from error


def _wire_error(parent: IfName, error: OSError) -> WireError:
    if error.errno in _GONE:
        return WireError(f"{parent} is down or gone")
    return WireError(f"{parent}: {os.strerror(error.errno or 0)}")
