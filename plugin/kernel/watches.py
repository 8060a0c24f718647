"""Watch for changes by other programs to rules that networks depend on.

Also to the host's addresses on parents, which may come late after a boot, and differ then.  Links are
in ``link_watch``.

The kernel announces every change of nftables to a netlink group, with the name of the process
that made it (linux/netfilter/nf_tables.h, NFTA_GEN_PROC_NAME); iptables-nft is announced the
same way, legacy iptables is not and waits for the tick.  Docker changes rules with every
container, so only pynet's tables count, and the chains of Docker that have rules of pynet.
What pynet changes with each container comes from a socket with a number that no other has, and the
kernel leaves it out.
"""

import ctypes
import socket
import struct
from collections.abc import Callable
from typing import ClassVar, Final

from plugin import socket_filters as filters
from plugin.kernel.handler import name_of
from plugin.kernel.netlink import link_messages as words
from plugin.kernel.netlink import messages as raw
from plugin.kernel.netlink import nf_tables
from plugin.kernel.watch import Watch

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

# What pynet changes itself, by the socket that it changes rules by (linux/netlink.h, nlmsg_pid).
_OF_OTHERS: Final = (
    (filters.LOAD_WORD, 0, 0, raw.SENDER_AT),
    (filters.JUMP_EQUAL, 0, 1, socket.htonl(nf_tables.PORT)),
    (filters.RETURN, 0, 0, 0),
    (filters.RETURN, 0, 0, 1 << 16),
)

_ADDRESS: Final = struct.Struct("=xxBxI")  # struct ifaddrmsg: flags and index
_UNUSABLE: Final = words.IFA_F_DADFAILED | words.IFA_F_DEPRECATED | words.IFA_F_TENTATIVE


def name_process() -> None:
    """Give this thread, and those it starts, the name that our own changes are known by."""
    ctypes.CDLL(None).prctl(_PR_SET_NAME, PROCESS_NAME.encode(), 0, 0, 0)


class RulesetWatch(Watch):
    """Calls ``changed`` after another program changed pynet's tables, or its rules in other tables."""

    wanted: ClassVar[filters.Program] = _OF_OTHERS

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

    wanted: ClassVar[filters.Program] = _OF_OTHERS

    def __init__(self, changed: Callable[[], None]) -> None:
        super().__init__(raw.NETLINK_NETFILTER, (_NFNLGRP_NFTABLES,), changed)

    def _hear(self, kind: int, body: bytes) -> None:
        if kind in _TABLES and _text(body, nf_tables.TABLE) == _FIREWALLD:
            self._changed()


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
