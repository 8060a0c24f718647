"""Watch for changes by other programs to what networks depend on: rules, Docker's bridges, parents.

Also to the host's addresses on parents, which may come late after a boot, and differ then.

The kernel announces every change of nftables to a netlink group, with the name of the process
that made it (linux/netfilter/nf_tables.h, NFTA_GEN_PROC_NAME); iptables-nft is announced the
same way, legacy iptables is not and waits for the tick.  Docker changes rules with every
container, so only pynet's tables count, and the chains of Docker that have rules of pynet.
"""

import ctypes
import os
import select
import socket
import struct
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from typing import Final

from plugin.kernel import open_files
from plugin.kernel.links import docker_bridges, ownership
from plugin.kernel.netlink import link_messages as words
from plugin.kernel.netlink import messages as raw
from plugin.kernel.netlink import nf_tables
from plugin.kernel.netlink.conversations import conversation
from plugin.kernel.netlink.link_messages import LinkInfo
from plugin.log import Log
from plugin.model.ids import WIREGUARD_PREFIX, IfName

PROCESS_NAME: Final = "pynet"

_log: Final = Log("watch")
_PR_SET_NAME: Final = 15  # linux/prctl.h
_BUFFER: Final = 1 << 16

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
_LINK: Final = struct.Struct("=BxxxiI")  # family, index and flags
_STATE: Final = words.IFF_UP | words.IFF_RUNNING
_OURS: Final = raw.U32.pack(ownership.GROUP_OURS)

_ADDRESS: Final = struct.Struct("=xxBxI")  # struct ifaddrmsg: flags and index
_UNUSABLE: Final = words.IFA_F_DADFAILED | words.IFA_F_DEPRECATED | words.IFA_F_TENTATIVE


def name_process() -> None:
    """Give this thread, and those it starts, the name that our own changes are known by."""
    ctypes.CDLL(None).prctl(_PR_SET_NAME, PROCESS_NAME.encode(), 0, 0, 0)


class Watch(ABC):
    """A thread that listens to netlink groups, until it is closed."""

    def __init__(self, protocol: int, groups: Iterable[int], changed: Callable[[], None]) -> None:
        self._changed = changed
        self._failed: Callable[[str], None] | None = None
        try:
            with ExitStack() as undo:
                self._socket = undo.enter_context(
                    socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, protocol)
                )
                self._socket.bind((0, 0))
                for group in groups:
                    self._socket.setsockopt(raw.SOL_NETLINK, raw.NETLINK_ADD_MEMBERSHIP, group)
                self._end = os.eventfd(0)
                undo.pop_all()
        except OSError as error:
            raise open_files.refusal("changes of this host cannot be watched", error) from error
        self._thread = threading.Thread(target=self._run, name=type(self).__name__, daemon=True)
        self._thread.start()

    def report_to(self, failed: Callable[[str], None]) -> None:
        """Report to ``failed``, too, an announcement that could not be read; listening goes on."""
        self._failed = failed

    def close(self) -> None:
        """Stop listening.

        Closing the socket would not wake the thread, and its number may be another file's by
        the time that the thread reads from it.
        """
        os.eventfd_write(self._end, 1)
        self._thread.join()
        self._socket.close()
        os.close(self._end)

    def _run(self) -> None:
        poll = select.poll()
        poll.register(self._socket, select.POLLIN)
        poll.register(self._end, select.POLLIN)
        while self._end not in (descriptor for descriptor, _ in poll.poll()):
            try:
                data = self._socket.recv(_BUFFER)
            except OSError as error:
                _log.warning("events.lost", reason=error)
                self._changed()
                continue
            try:
                for kind, body in raw.messages(data):
                    self._hear(kind, body)
            except Exception as error:  # noqa: BLE001 - the next announcement must be read, too
                self._fail(error)

    def _fail(self, error: Exception) -> None:
        _log.exception("watch.fault")
        if self._failed is not None:
            self._failed(
                f"{type(self).__name__} cannot read an announcement of the kernel: {error}"
            )
        self._changed()  # all that it may concern is looked at

    @abstractmethod
    def _hear(self, kind: int, body: bytes) -> None:
        """One announcement."""


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

    def __init__(self, concerns: Callable[[str], bool], changed: Callable[[], None]) -> None:
        self._concerns = concerns
        with conversation() as rtnl:  # a renamed link is known by its old name
            self._known = {each.index: (each.ifname, _state(each)) for each in rtnl.links()}
        super().__init__(socket.NETLINK_ROUTE, (words.RTNLGRP_LINK,), changed)

    def _hear(self, kind: int, body: bytes) -> None:
        family, index, flags = _LINK.unpack_from(body)
        if family:
            return  # of a bridge's port, not of the link
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

    Changed is one that is down, or has left its bridge.  What pynet does itself is announced, too:
    whether a link should be there is for ``changed`` to know.
    """

    def __init__(self, changed: Callable[[str], None], lost: Callable[[], None]) -> None:
        self._told = changed
        with conversation() as rtnl:
            own = [each for each in rtnl.links() if ownership.is_ours(each)]
        self._known = {each.index: (each.ifname, each.up, each.master) for each in own}
        super().__init__(socket.NETLINK_ROUTE, (words.RTNLGRP_LINK,), lost)

    def _hear(self, kind: int, body: bytes) -> None:
        family, index, flags = _LINK.unpack_from(body)
        if family:
            return  # of a bridge's port, not of the link
        before = self._known.pop(index, None)
        if kind == words.RTM_NEWLINK:
            found = raw.attributes(body, words.IFINFOMSG.size)
            if found.get(words.IFLA_GROUP) != _OURS:
                return  # another's, or left to the reaper
            (master,) = raw.U32.unpack(found.get(words.IFLA_MASTER, bytes(raw.U32.size)))
            ifname = IfName(raw.text(found.get(words.IFLA_IFNAME)))
            up = bool(flags & _needed(ifname))
            self._known[index] = (ifname, up, master)
            if before is None or not (before[1] > up or before[2] not in {0, master}):
                return
        if before is not None:
            self._told(before[0])


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
        if self._concerns(ownership.name_of(index)):
            self._changed()


def _needed(ifname: str) -> int:
    """What a link is without if it is of no use: one that a process has stays up when that ends."""
    return words.IFF_RUNNING if ifname.startswith(WIREGUARD_PREFIX) else words.IFF_UP


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
