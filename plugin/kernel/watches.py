"""Watch for changes by other programs to what networks depend on: rules, Docker's bridges, parents.

Also to the host's addresses on parents, which may come late after a boot, and differ then.

The kernel announces every change of nftables to a netlink group, with the name of the process
that made it (linux/netfilter/nf_tables.h, NFTA_GEN_PROC_NAME); iptables-nft is announced the
same way, legacy iptables is not and waits for the tick.  Docker changes rules with every
container, so only pynet's tables count, and the chains of Docker that have rules of pynet.
"""

import ctypes
import socket
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import ClassVar, Final, Self

from plugin import socket_filters as filters
from plugin.kernel.handler import name_of
from plugin.kernel.links import docker_bridges, ownership
from plugin.kernel.netlink import link_messages as words
from plugin.kernel.netlink import messages as raw
from plugin.kernel.netlink import nf_tables
from plugin.kernel.netlink import route_messages as routes
from plugin.kernel.netlink.conversations import conversation
from plugin.kernel.netlink.link_messages import LinkInfo
from plugin.kernel.watch import Watch
from plugin.model.ids import WIREGUARD_PREFIX, IfName

PROCESS_NAME: Final = "pynet"

_PR_SET_NAME: Final = 15  # linux/prctl.h

_NFNLGRP_NFTABLES: Final = 7  # linux/netfilter/nfnetlink.h
_NEWGEN: Final = 15
_TABLES: Final = frozenset(
    {nf_tables.SUBSYSTEM << 8 | kind for kind in (nf_tables.NEWTABLE, nf_tables.DELTABLE)}
)  # made, and removed
_PROCESS: Final = 3
_OWN_TABLE: Final = "pynet"
_FIREWALLD: Final = "firewalld"
_SHARED_CHAINS: Final = frozenset({"DOCKER-USER", "FORWARD"})

_INDEX: Final = struct.Struct("=4xi")  # struct ifinfomsg, ifi_index
_LINK: Final = struct.Struct("=4xiI")  # struct ifinfomsg: index and flags
# A bridge tells of its ports by themselves, too: half of what is announced in a container's life.
_OF_LINKS: Final = (
    (filters.LOAD_BYTE, 0, 0, raw.HEADER_BYTES),  # struct ifinfomsg, ifi_family
    (filters.JUMP_EQUAL, 0, 1, routes.AF_BRIDGE),
    (filters.RETURN, 0, 0, 0),
    (filters.RETURN, 0, 0, 1 << 16),
)
_STATE: Final = words.IFF_UP | words.IFF_RUNNING
_OURS: Final = raw.U32.pack(ownership.GROUP_OURS)
_TUNNEL: Final = "vxlan"  # links of other kinds have data that time changes

_ADDRESS: Final = struct.Struct("=xxBxI")  # struct ifaddrmsg: flags and index
_UNUSABLE: Final = words.IFA_F_DADFAILED | words.IFA_F_DEPRECATED | words.IFA_F_TENTATIVE


def name_process() -> None:
    """Give this thread, and those it starts, the name that our own changes are known by."""
    ctypes.CDLL(None).prctl(_PR_SET_NAME, PROCESS_NAME.encode(), 0, 0, 0)


class RulesetWatch(Watch):
    """Calls ``changed`` after another program changed pynet's tables, or its rules in other tables."""

    def __init__(self, changed: Callable[[], None]) -> None:
        self._concerned = False
        super().__init__(raw.NETLINK_NETFILTER, (_NFNLGRP_NFTABLES,), changed)

    def _hear(self, kind: int, body: bytes) -> None:
        if kind >> 8 != nf_tables.SUBSYSTEM:
            return
        if kind & 0xFF != _NEWGEN:
            self._concerned = self._concerned or _concerns_us(kind & 0xFF, body)
            return
        if self._concerned and _text(body, _PROCESS) != PROCESS_NAME:
            self._changed()
        self._concerned = False


class FirewalldWatch(Watch):
    """Calls ``changed`` after firewalld made or removed its table: it was started, or reloaded."""

    def __init__(self, changed: Callable[[], None]) -> None:
        super().__init__(raw.NETLINK_NETFILTER, (_NFNLGRP_NFTABLES,), changed)

    def _hear(self, kind: int, body: bytes) -> None:
        if kind in _TABLES and _text(body, nf_tables.TABLE) == _FIREWALLD:
            self._changed()


class BridgeWatch(Watch):
    """Calls ``changed`` after a bridge of another program came, went, or got its first port."""

    wanted: ClassVar[filters.Program] = _OF_LINKS

    def __init__(self, changed: Callable[[], None]) -> None:
        self._known: set[tuple[int, bool]] = set()  # its index, and whether it is Docker's
        super().__init__(socket.NETLINK_ROUTE, (words.RTNLGRP_LINK,), changed)

    def _hear(self, kind: int, body: bytes) -> None:
        (index,) = _INDEX.unpack_from(body)
        found = raw.attributes(body, words.IFINFOMSG.size)
        ifname = raw.text(found.get(words.IFLA_IFNAME))
        named = docker_bridges.is_bridge(ifname)
        if kind != words.RTM_NEWLINK:
            gone = {(index, True), (index, False)} & self._known
            if named or gone:
                self._known -= gone
                self._changed()
        elif named:
            self._learn(index, dockers=True)
        elif words.IFLA_MASTER in found:
            (master,) = raw.U32.unpack(found[words.IFLA_MASTER])
            dockers = docker_bridges.is_port(ifname)
            if dockers or found.get(words.IFLA_GROUP, _OURS) != _OURS:
                self._learn(master, dockers=dockers)

    def _learn(self, bridge: int, *, dockers: bool) -> None:
        if (bridge, dockers) not in self._known:
            self._known.add((bridge, dockers))
            self._changed()


class ParentWatch(Watch):
    """Calls ``changed`` after a link came or went, or has another name or state.

    Of each container there are a dozen announcements: only links count that ``concerns`` answers
    for by a name that they have or had.
    """

    wanted: ClassVar[filters.Program] = _OF_LINKS

    def __init__(self, concerns: Callable[[str], bool], changed: Callable[[], None]) -> None:
        self._concerns = concerns
        with conversation() as rtnl:  # a renamed link is known by its old name
            self._known = {each.index: (each.ifname, _state(each)) for each in rtnl.links()}
        super().__init__(socket.NETLINK_ROUTE, (words.RTNLGRP_LINK,), changed)

    def _hear(self, kind: int, body: bytes) -> None:
        index, flags = _LINK.unpack_from(body)
        ifname = raw.text(raw.find(body, words.IFINFOMSG.size, words.IFLA_IFNAME))
        before, now = self._known.pop(index, None), (ifname, flags & _STATE)
        if kind == words.RTM_NEWLINK:
            self._known[index] = (IfName(ifname), flags & _STATE)
            if before == now:
                return
        names = {ifname} if before is None else {ifname, before[0]}
        if any(map(self._concerns, names)):
            self._changed()


class OwnLinkWatch(Watch):
    """Calls ``changed`` with the name of a link that belongs to pynet and went, or was changed.

    Changed is one that is down, has left its bridge, or has another MTU; and a tunnel that leads
    elsewhere.  What pynet does itself is announced, too: whether a link should be there is for
    ``changed`` to know.
    """

    wanted: ClassVar[filters.Program] = _OF_LINKS

    def __init__(self, changed: Callable[[str], None], lost: Callable[[], None]) -> None:
        self._told = changed
        with conversation() as rtnl:
            own = [each for each in rtnl.links() if ownership.is_ours(each)]
        self._known = {each.index: _OwnLink.of(each) for each in own}
        super().__init__(socket.NETLINK_ROUTE, (words.RTNLGRP_LINK,), lost)

    def _hear(self, kind: int, body: bytes) -> None:
        (index,) = _INDEX.unpack_from(body)
        before = self._known.pop(index, None)
        if kind == words.RTM_NEWLINK:
            if raw.find(body, words.IFINFOMSG.size, words.IFLA_GROUP) != _OURS:
                return  # another's, or left to the reaper
            now = self._known[index] = _OwnLink.of(words.link_info(body))
            if before is None or not before.is_harmed(now):
                return
        if before is not None:
            self._told(before.ifname)


@dataclass(frozen=True, slots=True)
class _OwnLink:
    """What of a link matters, as it was announced last."""

    ifname: IfName
    made: bool  # its owner is written last
    up: bool
    master: int
    mtu: int
    tunnel: Mapping[int, bytes]

    @classmethod
    def of(cls, link: LinkInfo) -> Self:
        # A link that a process has stays up when that ends.
        up = link.running if link.ifname.startswith(WIREGUARD_PREFIX) else link.up
        tunnel = link.data if link.kind == _TUNNEL else {}
        return cls(link.ifname, bool(link.alias), up, link.master, link.mtu, tunnel)

    def is_harmed(self, now: Self) -> bool:
        if self.up > now.up or self.master not in {0, now.master}:
            return True
        return self.made and (self.mtu, self.tunnel) != (now.mtu, now.tunnel)


class AddressWatch(Watch):
    """Calls ``changed`` after a link that ``concerns`` answers for got an address, or lost one.

    A router repeats its advertisements of an address: only new ones count.
    """

    def __init__(self, concerns: Callable[[str], bool], changed: Callable[[], None]) -> None:
        self._concerns = concerns
        self._known: dict[tuple[int, bytes], int] = {}
        groups = (words.RTNLGRP_IPV4_IFADDR, words.RTNLGRP_IPV6_IFADDR)
        super().__init__(socket.NETLINK_ROUTE, groups, changed)

    def _hear(self, kind: int, body: bytes) -> None:
        flags, index = _ADDRESS.unpack_from(body)
        found = raw.attributes(body, _ADDRESS.size)
        address = found.get(words.IFA_LOCAL) or found.get(words.IFA_ADDRESS, b"")
        if words.IFA_FLAGS in found:
            (flags,) = raw.U32.unpack(found[words.IFA_FLAGS])
        before, now = self._known.pop((index, address), None), flags & _UNUSABLE
        if kind == words.RTM_NEWADDR:
            self._known[index, address] = now
            if before == now:
                return
        if self._concerns(name_of(index)):
            self._changed()


def _state(link: LinkInfo) -> int:
    return link.up * words.IFF_UP | link.running * words.IFF_RUNNING


def _concerns_us(kind: int, body: bytes) -> bool:
    table = _text(body, nf_tables.TABLE)
    if table == _OWN_TABLE:
        return True  # an addition lets in what shall not come in, or goes before our rules
    if table != "filter" or kind not in (nf_tables.NEWCHAIN, nf_tables.DELCHAIN, nf_tables.DELRULE):
        return False
    chain = _text(
        body, nf_tables.CHAIN_OF_RULE if kind == nf_tables.DELRULE else nf_tables.NAME_OF_CHAIN
    )
    return chain in _SHARED_CHAINS


def _text(body: bytes, wanted: int) -> str:
    return raw.text(raw.find(body, raw.NFGENMSG.size, wanted))
