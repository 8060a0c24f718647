"""The few rtnetlink requests that every container needs, at the price of the kernel's own work.

A general client builds an event loop for a socket and a tree of objects for a message: half of
what a join cost.  Here a conversation is a socket and a request is a few bytes (linux/rtnetlink.h,
linux/if_link.h).  Everything else, queues for instance, is left to pyroute2.
"""

import errno
import os
import socket
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from plugin import deadline
from plugin.kernel import raw_netlink as raw
from plugin.model.ids import IfName, MacAddress
from plugin.model.network import IPInterface

_RTM_NEWLINK: Final = 16
_RTM_DELLINK: Final = 17
_RTM_GETLINK: Final = 18
_RTM_SETLINK: Final = 19
_RTM_NEWADDR: Final = 20
_RTM_DELADDR: Final = 21
_RTM_GETADDR: Final = 22
_RTM_GETNEIGH: Final = 30
_RTM_GETNSID: Final = 90
_NLM_F_CREATE_EXCLUSIVE: Final = 0x600

_IFINFOMSG: Final = struct.Struct("=BxHiII")
_IFADDRMSG: Final = struct.Struct("=BBBBI")
_NDMSG: Final = struct.Struct("=BxxxiHBB")
_RTGENMSG: Final = struct.Struct("=Bxxx")
_U32: Final = struct.Struct("=I")
_S32: Final = struct.Struct("=i")
_IFF_UP: Final = 0x1
_IFF_LOOPBACK: Final = 0x8
_IFF_RUNNING: Final = 0x40
_ARPHRD_ETHER: Final = 1  # linux/if_arp.h
_AF_BRIDGE: Final = 7

_IFLA_ADDRESS: Final = 1
_IFLA_IFNAME: Final = 3
_IFLA_MTU: Final = 4
_IFLA_LINK: Final = 5
_IFLA_MASTER: Final = 10
_IFLA_PROTINFO: Final = 12
_IFLA_LINKINFO: Final = 18
_IFLA_IFALIAS: Final = 20
_IFLA_GROUP: Final = 27
_IFLA_LINK_NETNSID: Final = 37
_IFLA_TARGET_NETNSID: Final = 46
_IFLA_INFO_KIND: Final = 1
_IFLA_INFO_DATA: Final = 2
_IFLA_INFO_SLAVE_KIND: Final = 4
_IFLA_INFO_SLAVE_DATA: Final = 5
_VETH_INFO_PEER: Final = 1
_IFLA_BRPORT_MODE: Final = 4
_NDA_LLADDR: Final = 2
_NETNSA_NSID: Final = 1  # linux/net_namespace.h
_NETNSA_FD: Final = 3

_RT_SCOPE_LINK: Final = 253  # linux/rtnetlink.h
_IFA_ADDRESS: Final = 1
_IFA_LOCAL: Final = 2
_IFA_FLAGS: Final = 8
_IFA_PROTO: Final = 11

_NO_NUMBER: Final = -1  # NETNSA_NSID_NOT_ASSIGNED
_OWN_NAMESPACE: Final = "/proc/thread-self/ns/net"

_SOL_NETLINK: Final = 270
_NETLINK_CAP_ACK: Final = 10
_NETLINK_EXT_ACK: Final = 11
_NETLINK_GET_STRICT_CHK: Final = 12
_ERROR_HEADER: Final = 4 + 16  # the code, and the header of the request it is about
_ERROR_TEXT: Final = 1
_BUFFER: Final = 1 << 17
_TIMEOUT_SECONDS: Final = 10.0


class RtnlError(Exception):
    """The kernel refused; ``code`` is the errno, the text its own words or those of the errno."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(text or os.strerror(code))
        self.code = code

    @property
    def is_gone(self) -> bool:
        """Whether the thing spoken of is not there, which removal does not mind."""
        return self.code in (errno.ENODEV, errno.ENOENT, errno.EADDRNOTAVAIL)


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkInfo:
    """A link as the kernel describes it."""

    index: int
    ifname: IfName
    kind: str
    mac_address: MacAddress
    mtu: int
    up: bool
    running: bool
    loopback: bool
    ethernet: bool
    parent: int
    parent_nsid: int | None
    master: int
    master_kind: str
    group: int
    alias: str
    hairpin: bool
    data: dict[int, bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkChange:
    """What a link is to be; what is None is left to the kernel, or as it is."""

    ifname: IfName | None = None
    mac_address: MacAddress | None = None
    mtu: int | None = None
    parent: int | None = None
    master: int | None = None
    group: int | None = None
    alias: str | None = None
    up: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AddressInfo:
    """An address of a link, and who put it there (linux/if_addr.h)."""

    address: bytes
    prefixlen: int
    protocol: int
    scope: int
    flags: int


class Rtnl:
    """One conversation.  Every method raises RtnlError, or OSError for the socket."""

    def __init__(self) -> None:
        self._socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE)
        self._socket.settimeout(deadline.remaining(_TIMEOUT_SECONDS))
        for option in (_NETLINK_CAP_ACK, _NETLINK_EXT_ACK, _NETLINK_GET_STRICT_CHK):
            self._socket.setsockopt(_SOL_NETLINK, option, 1)

    def close(self) -> None:
        """End the conversation."""
        self._socket.close()

    def link(self, ifname: IfName) -> LinkInfo | None:
        """The link of that name."""
        body = _IFINFOMSG.pack(0, 0, 0, 0, 0) + _text(_IFLA_IFNAME, ifname)
        try:
            return _link_info(self.ask(_RTM_GETLINK, 0, body))
        except RtnlError as error:
            if error.is_gone:
                return None
            raise

    def links(self, nsid: int | None = None) -> list[LinkInfo]:
        """Every link; of another network namespace, if its number here is given."""
        request = _IFINFOMSG.pack(0, 0, 0, 0, 0) + _target(nsid)
        return [_link_info(body) for body in self.dump(_RTM_GETLINK, request)]

    def namespaces(self) -> list[int]:
        """The network namespaces that have a number in ours.

        Every namespace gets one into which a link of ours was moved (net/core/dev.c,
        dev_change_net_namespace), and it has it for as long as it lives.
        """
        numbers = []
        for body in self.dump(_RTM_GETNSID, _RTGENMSG.pack(0)):
            nsid = _signed(raw.find(body, _RTGENMSG.size, _NETNSA_NSID))
            if nsid is not None:
                numbers.append(nsid)
        return numbers

    def own_nsid(self) -> int | None:
        """The number that our own namespace has in itself, if it has one."""
        here = os.open(_OWN_NAMESPACE, os.O_RDONLY)
        try:
            body = _RTGENMSG.pack(0) + raw.attribute(_NETNSA_FD, _U32.pack(here))
            found = _signed(raw.find(self.ask(_RTM_GETNSID, 0, body), _RTGENMSG.size, _NETNSA_NSID))
        finally:
            os.close(here)
        return found if found != _NO_NUMBER else None

    def unicast_filter(self, index: int) -> frozenset[MacAddress]:
        """The MAC addresses that a link takes frames for beside its own.

        Those of the macvlan links on it that are up are among them, wherever they are
        (drivers/net/macvlan.c, macvlan_open).
        """
        request = _NDMSG.pack(_AF_BRIDGE, index, 0, 0, 0)
        found = set()
        for body in self.dump(_RTM_GETNEIGH, request):
            if _NDMSG.unpack_from(body)[1] == index:
                address = raw.find(body, _NDMSG.size, _NDA_LLADDR) or b""
                found.add(MacAddress(address.hex(":")))
        return frozenset(found)

    def add_link(self, kind: str, change: LinkChange, data: bytes = b"") -> None:
        """Make a link; ``data`` is the attributes of its kind."""
        info = [raw.attribute(_IFLA_INFO_KIND, kind.encode())]
        if data:
            info.append(raw.nested(_IFLA_INFO_DATA, data))
        body = _header(0, change) + _attributes(change) + raw.nested(_IFLA_LINKINFO, *info)
        self.ask(_RTM_NEWLINK, raw.NLM_F_ACK | _NLM_F_CREATE_EXCLUSIVE, body)

    def change_link(self, index: int, change: LinkChange) -> None:
        """Change a link in place."""
        self.ask(_RTM_NEWLINK, raw.NLM_F_ACK, _header(index, change) + _attributes(change))

    def delete_link(self, index: int, nsid: int | None = None) -> None:
        """Delete a link; in another network namespace, if its number here is given."""
        body = _IFINFOMSG.pack(0, 0, index, 0, 0) + _target(nsid)
        self.ask(_RTM_DELLINK, raw.NLM_F_ACK, body)

    def delete_group(self, group: int) -> None:
        """Delete every link of a group."""
        body = _IFINFOMSG.pack(0, 0, 0, 0, 0) + raw.attribute(_IFLA_GROUP, _U32.pack(group))
        self.ask(_RTM_DELLINK, raw.NLM_F_ACK, body)

    def set_hairpin(self, index: int, *, on: bool) -> None:
        """Let a bridge port send frames back where they came from, or not."""
        mode = raw.attribute(_IFLA_BRPORT_MODE, bytes((int(on),)))
        body = _IFINFOMSG.pack(_AF_BRIDGE, 0, index, 0, 0) + raw.nested(_IFLA_PROTINFO, mode)
        self.ask(_RTM_SETLINK, raw.NLM_F_ACK, body)

    def addresses(self, index: int) -> list[AddressInfo]:
        """Every address of a link."""
        request = _IFADDRMSG.pack(0, 0, 0, 0, index)
        return [_address_info(body) for body in self.dump(_RTM_GETADDR, request)]

    def add_address(self, index: int, interface: IPInterface, *, flags: int, protocol: int) -> None:
        """Put an address on a link."""
        body = _address(index, interface)
        body += raw.attribute(_IFA_PROTO, bytes((protocol,)))
        if flags:
            body += raw.attribute(_IFA_FLAGS, _U32.pack(flags))
        self.ask(_RTM_NEWADDR, raw.NLM_F_ACK | _NLM_F_CREATE_EXCLUSIVE, body)

    def delete_address(self, index: int, interface: IPInterface) -> None:
        """Take an address off a link."""
        self.ask(_RTM_DELADDR, raw.NLM_F_ACK, _address(index, interface))

    def ask(self, kind: int, flags: int, body: bytes) -> bytes:
        """Send a request; its one answer, or an acknowledgement without one."""
        self._socket.send(raw.message(kind, flags, body))
        answer, data = next(raw.messages(self._socket.recv(_BUFFER)))
        if answer == raw.NLMSG_ERROR:
            _check(data)
        return data

    def dump(self, kind: int, body: bytes) -> Iterator[bytes]:
        """Ask for all of a kind; each answer."""
        self._socket.send(raw.message(kind, raw.NLM_F_DUMP, body))
        while True:
            for answer, data in raw.messages(self._socket.recv(_BUFFER)):
                if answer == raw.NLMSG_DONE:
                    return
                if answer == raw.NLMSG_ERROR:
                    _check(data)
                    return
                yield data


def veth_peer(peer: LinkChange) -> bytes:
    """What a pair is made with: the other end."""
    other = _IFINFOMSG.pack(0, 0, 0, 0, 0) + _attributes(peer)
    return raw.attribute(_VETH_INFO_PEER, other)


def _target(nsid: int | None) -> bytes:
    return b"" if nsid is None else raw.attribute(_IFLA_TARGET_NETNSID, _S32.pack(nsid))


def _check(data: bytes) -> None:
    (code,) = struct.unpack_from("=i", data)
    if code:
        raise RtnlError(-code, raw.text(raw.find(data, _ERROR_HEADER, _ERROR_TEXT)))


def _header(index: int, change: LinkChange) -> bytes:
    flags = _IFF_UP if change.up else 0
    return _IFINFOMSG.pack(0, 0, index, flags, 0 if change.up is None else _IFF_UP)


def _attributes(change: LinkChange) -> bytes:
    found = []
    if change.ifname is not None:
        found.append(_text(_IFLA_IFNAME, change.ifname))
    if change.mac_address is not None:
        octets = bytes.fromhex(change.mac_address.replace(":", ""))
        found.append(raw.attribute(_IFLA_ADDRESS, octets))
    if change.alias is not None:
        found.append(raw.attribute(_IFLA_IFALIAS, change.alias.encode()))
    for number, value in (
        (_IFLA_MTU, change.mtu),
        (_IFLA_LINK, change.parent),
        (_IFLA_MASTER, change.master),
        (_IFLA_GROUP, change.group),
    ):
        if value is not None:
            found.append(raw.attribute(number, _U32.pack(value)))
    return b"".join(found)


def _link_info(body: bytes) -> LinkInfo:
    _, hardware, index, flags, _ = _IFINFOMSG.unpack_from(body)
    values = raw.attributes(body, _IFINFOMSG.size)
    info = raw.attributes(values.get(_IFLA_LINKINFO, b""), 0)
    port = raw.attributes(info.get(_IFLA_INFO_SLAVE_DATA, b""), 0)
    return LinkInfo(
        index=index,
        ifname=IfName(raw.text(values.get(_IFLA_IFNAME))),
        kind=raw.text(info.get(_IFLA_INFO_KIND)),
        mac_address=MacAddress(values.get(_IFLA_ADDRESS, b"").hex(":")),
        mtu=_number(values.get(_IFLA_MTU)),
        up=bool(flags & _IFF_UP),
        running=bool(flags & _IFF_RUNNING),
        loopback=bool(flags & _IFF_LOOPBACK),
        ethernet=hardware == _ARPHRD_ETHER,
        parent=_number(values.get(_IFLA_LINK)),
        parent_nsid=_signed(values.get(_IFLA_LINK_NETNSID)),
        master=_number(values.get(_IFLA_MASTER)),
        master_kind=raw.text(info.get(_IFLA_INFO_SLAVE_KIND)),
        group=_number(values.get(_IFLA_GROUP)),
        alias=raw.text(values.get(_IFLA_IFALIAS)),
        hairpin=any(port.get(_IFLA_BRPORT_MODE, b"")),
        data=raw.attributes(info.get(_IFLA_INFO_DATA, b""), 0),
    )


def _address(index: int, interface: IPInterface) -> bytes:
    family = socket.AF_INET if interface.version == 4 else socket.AF_INET6
    # What leads nowhere else is no source for anything that goes elsewhere (net/ipv4/devinet.c).
    near = interface.version == 4 and interface.ip.is_link_local
    scope = _RT_SCOPE_LINK if near else 0
    head = _IFADDRMSG.pack(family, interface.network.prefixlen, 0, scope, index)
    packed = interface.ip.packed
    return head + raw.attribute(_IFA_LOCAL, packed) + raw.attribute(_IFA_ADDRESS, packed)


def _address_info(body: bytes) -> AddressInfo:
    _, prefixlen, _, scope, _ = _IFADDRMSG.unpack_from(body)
    values = raw.attributes(body, _IFADDRMSG.size)
    return AddressInfo(
        address=values.get(_IFA_LOCAL) or values.get(_IFA_ADDRESS, b""),
        prefixlen=prefixlen,
        protocol=values.get(_IFA_PROTO, b"\0")[0],
        scope=scope,
        flags=_number(values.get(_IFA_FLAGS)),
    )


def _text(kind: int, value: str) -> bytes:
    return raw.attribute(kind, value.encode() + b"\0")


def _signed(value: bytes | None) -> int | None:
    return int(_S32.unpack(value)[0]) if value else None


def _number(value: bytes | None) -> int:
    return int(_U32.unpack(value)[0]) if value else 0
