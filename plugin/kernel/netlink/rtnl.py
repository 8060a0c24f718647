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
from typing import Final

from plugin import deadline
from plugin.kernel import open_files
from plugin.kernel.netlink import link_messages as words
from plugin.kernel.netlink import messages as raw
from plugin.kernel.netlink import route_messages as routes
from plugin.kernel.netlink.link_messages import AddressInfo, LinkChange, LinkInfo
from plugin.model.ids import IfName, MacAddress
from plugin.model.network import IPInterface

_RTM_DELLINK: Final = 17
_RTM_GETLINK: Final = 18
_RTM_SETLINK: Final = 19
_RTM_DELADDR: Final = 21
_RTM_GETADDR: Final = 22
_RTM_GETNSID: Final = 90

_RTGENMSG: Final = struct.Struct("=Bxxx")
_ANY_LINK: Final = words.IFINFOMSG.pack(0, 0, 0, 0, 0)
# Without counters (linux/rtnetlink.h), a link that is as it was is told as it was.
_WITHOUT_STATISTICS: Final = raw.attribute(29, raw.U32.pack(1 << 3))  # IFLA_EXT_MASK
_NETNSA_NSID: Final = 1  # linux/net_namespace.h
_NETNSA_FD: Final = 3
_NO_NUMBER: Final = -1  # NETNSA_NSID_NOT_ASSIGNED
_OWN_NAMESPACE: Final = "/proc/thread-self/ns/net"

_FAMILIES: Final = {0: socket.AF_UNSPEC, 4: socket.AF_INET, 6: socket.AF_INET6}
_BUFFER: Final = 1 << 17
_TIMEOUT_SECONDS: Final = 10.0
_FAILED: Final = "netlink failed"
_links: Final = words.KnownLinks()


RtnlError = raw.NetlinkError


class Rtnl:
    """One conversation, which begins with the first request.

    Every method raises RtnlError, or KernelError for the socket.
    """

    def __init__(self) -> None:
        self._socket: socket.socket | None = None

    def _open(self) -> socket.socket:
        if self._socket is None:
            seconds = deadline.remaining(_TIMEOUT_SECONDS)
            self._socket = raw.Conversation(socket.NETLINK_ROUTE, seconds)
            for option in (raw.NETLINK_CAP_ACK, raw.NETLINK_EXT_ACK, raw.NETLINK_GET_STRICT_CHK):
                self._socket.setsockopt(raw.SOL_NETLINK, option, 1)
        return self._socket

    def close(self) -> None:
        """End the conversation."""
        if self._socket is not None:
            self._socket.close()

    def link(self, ifname: IfName) -> LinkInfo | None:
        """The link of that name."""
        name = words.text_attribute(words.IFLA_IFNAME, ifname)
        body = _ANY_LINK + name + _WITHOUT_STATISTICS
        try:
            return _links.one(self.ask(_RTM_GETLINK, 0, body))
        except RtnlError as error:
            if error.is_gone:
                return None
            raise

    def links(self, nsid: int | None = None) -> tuple[LinkInfo, ...]:
        """Every link; of another network namespace, if its number here is given."""
        request = _ANY_LINK + _target(nsid) + _WITHOUT_STATISTICS
        return _links.all(self.dump(_RTM_GETLINK, request), nsid)

    def namespaces(self) -> list[int]:
        """The network namespaces that have a number in this one.

        A namespace gets a number when a link of this one is moved into it (net/core/dev.c,
        dev_change_net_namespace), and keeps it until it ends.
        """
        numbers = []
        for body in self.dump(_RTM_GETNSID, _RTGENMSG.pack(0)):
            nsid = words.signed(raw.find(body, _RTGENMSG.size, _NETNSA_NSID))
            if nsid is not None:
                numbers.append(nsid)
        return numbers

    def links_elsewhere(self) -> Iterator[tuple[int, tuple[LinkInfo, ...]]]:
        """Those namespaces with all their links; a namespace that ends meanwhile is left out."""
        for nsid in self.namespaces():
            try:
                found = self.links(nsid)
            except RtnlError as error:
                # The number of a namespace that ended means nothing (net/core/rtnetlink.c,
                # rtnl_get_net_ns_capable).
                if not error.is_gone and error.code != errno.EINVAL:
                    raise
            else:
                yield nsid, found

    def own_nsid(self) -> int | None:
        """The number that our own namespace has in itself, if it has one."""
        here = os.open(_OWN_NAMESPACE, os.O_RDONLY)
        try:
            body = _RTGENMSG.pack(0) + raw.attribute(_NETNSA_FD, raw.U32.pack(here))
            found = words.signed(
                raw.find(self.ask(_RTM_GETNSID, 0, body), _RTGENMSG.size, _NETNSA_NSID)
            )
        finally:
            os.close(here)
        return found if found != _NO_NUMBER else None

    def unicast_filter(self, index: int) -> frozenset[MacAddress]:
        """The MAC addresses that a link takes frames for beside its own.

        Among them are those of macvlan links on it that are up, in any namespace
        (drivers/net/macvlan.c, macvlan_open).
        """
        request = routes.neighbours_of(routes.AF_BRIDGE, index)
        found = map(routes.neighbour_info, self.dump(routes.RTM_GETNEIGH, request))
        return frozenset(
            each.mac_address or MacAddress("") for each in found if each.ifindex == index
        )

    def add_link(self, kind: str, change: LinkChange, data: bytes = b"") -> None:
        """Make a link; ``data`` is the attributes of its kind."""
        info = [raw.attribute(words.IFLA_INFO_KIND, kind.encode())]
        if data:
            info.append(raw.nested(words.IFLA_INFO_DATA, data))
        body = words.link_change(0, change) + raw.nested(words.IFLA_LINKINFO, *info)
        self.ask(words.RTM_NEWLINK, raw.NLM_F_ACK | raw.NLM_F_CREATE_EXCLUSIVE, body)

    def change_link(self, index: int, change: LinkChange) -> None:
        """Change a link in place; 0 is the link that has the name already."""
        self.ask(words.RTM_NEWLINK, raw.NLM_F_ACK, words.link_change(index, change))

    def delete_link(self, index: int, nsid: int | None = None) -> None:
        """Delete a link; in another network namespace, if its number here is given."""
        body = words.IFINFOMSG.pack(0, 0, index, 0, 0) + _target(nsid)
        self.ask(_RTM_DELLINK, raw.NLM_F_ACK, body)

    def delete_group(self, group: int) -> None:
        """Delete every link of a group."""
        body = _ANY_LINK + raw.attribute(words.IFLA_GROUP, raw.U32.pack(group))
        self.ask(_RTM_DELLINK, raw.NLM_F_ACK, body)

    def set_hairpin(self, index: int, *, on: bool) -> None:
        """Let a bridge port send frames back where they came from, or not."""
        mode = raw.attribute(words.IFLA_BRPORT_MODE, bytes((int(on),)))
        body = words.IFINFOMSG.pack(routes.AF_BRIDGE, 0, index, 0, 0) + raw.nested(
            words.IFLA_PROTINFO, mode
        )
        self.ask(_RTM_SETLINK, raw.NLM_F_ACK, body)

    def addresses(self, index: int = 0, version: int = 0) -> list[AddressInfo]:
        """Every address of a link, or of all; of one family, or of both.

        For both the kernel waits while links are changed (net/core/rtnetlink.c, rtnl_dump_all).
        """
        request = words.IFADDRMSG.pack(_FAMILIES[version], 0, 0, 0, index)
        return [words.address_info(body) for body in self.dump(_RTM_GETADDR, request)]

    def add_address(self, index: int, interface: IPInterface, *, flags: int, protocol: int) -> None:
        """Put an address on a link."""
        body = words.address(index, interface)
        body += raw.attribute(words.IFA_PROTO, bytes((protocol,)))
        if flags:
            body += raw.attribute(words.IFA_FLAGS, raw.U32.pack(flags))
        self.ask(words.RTM_NEWADDR, raw.NLM_F_ACK | raw.NLM_F_CREATE_EXCLUSIVE, body)

    def delete_address(self, index: int, interface: IPInterface) -> None:
        """Take an address off a link."""
        self.ask(_RTM_DELADDR, raw.NLM_F_ACK, words.address(index, interface))

    def ask(self, kind: int, flags: int, body: bytes) -> bytes:
        """Send a request; its one answer, or an acknowledgement without one.

        Raises RtnlError if the kernel refuses, KernelError for the socket.
        """
        try:
            sock = self._open()
            sock.send(raw.message(kind, flags, body))
            answer, data = next(raw.messages(sock.recv(_BUFFER)))
        except OSError as error:
            raise open_files.refusal(_FAILED, error) from error
        if answer == raw.NLMSG_ERROR:
            raw.check(data)
        return data

    def dump(self, kind: int, body: bytes) -> list[bytes]:
        """Ask for all of a kind; each answer, as all were at one moment.

        Raises RtnlError if the kernel refuses, KernelError for the socket.
        """
        try:
            return raw.dump(self._open(), kind, body)
        except OSError as error:
            raise open_files.refusal(_FAILED, error) from error


def _target(nsid: int | None) -> bytes:
    return b"" if nsid is None else raw.attribute(words.IFLA_TARGET_NETNSID, raw.S32.pack(nsid))
