"""Tells when somebody else changed rules that networks depend on.

The kernel announces every change of nftables to a netlink group, with the name of the process
that made it (linux/netfilter/nf_tables.h, NFTA_GEN_PROC_NAME); iptables-nft is announced the
same way, legacy iptables is not and waits for the tick.  Docker changes rules with every
container, so only what concerns us counts: our table, and the chains our one rule lives in.
"""

import ctypes
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from typing import Final

from plugin.errors import KernelError
from plugin.log import Log

PROCESS_NAME: Final = "pynet"

_log: Final = Log("ruleset")
_PR_SET_NAME: Final = 15  # linux/prctl.h
_NETLINK_NETFILTER: Final = 12  # linux/netlink.h
_SOL_NETLINK: Final = 270
_NETLINK_ADD_MEMBERSHIP: Final = 1
_NFNLGRP_NFTABLES: Final = 7  # linux/netfilter/nfnetlink.h
_SUBSYSTEM: Final = 10
_NEWCHAIN: Final = 3  # linux/netfilter/nf_tables.h, enum nf_tables_msg_types
_DELCHAIN: Final = 5
_DELRULE: Final = 8
_DELETIONS: Final = frozenset({2, _DELCHAIN, _DELRULE, 11, 14})  # table, ..., set, element
_NEWGEN: Final = 15
_TABLE: Final = 1  # the attribute with the table's name, in every message
_CHAIN_OF_RULE: Final = 2
_NAME_OF_CHAIN: Final = 3
_PROCESS: Final = 3
_HEADER: Final = struct.Struct("=IHHII")
_GENERIC: Final = 4  # struct nfgenmsg
_ATTRIBUTE: Final = struct.Struct("=HH")
_BUFFER: Final = 1 << 16
_OWN_TABLE: Final = "pynet"
_SHARED_CHAINS: Final = frozenset({"DOCKER-USER", "FORWARD"})


def name_process() -> None:
    """Give this thread, and those it starts, the name that our own changes are known by."""
    ctypes.CDLL(None).prctl(_PR_SET_NAME, PROCESS_NAME.encode(), 0, 0, 0)


class RulesetWatch:
    """Calls ``changed`` from a thread of its own after a change that was not ours."""

    def __init__(self, changed: Callable[[], None]) -> None:
        self._changed = changed
        self._socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, _NETLINK_NETFILTER)
        try:
            self._socket.bind((0, 0))
            self._socket.setsockopt(_SOL_NETLINK, _NETLINK_ADD_MEMBERSHIP, _NFNLGRP_NFTABLES)
        except OSError as error:
            self._socket.close()
            raise KernelError(f"changes of rules cannot be watched: {error}") from error
        threading.Thread(target=self._run, name="ruleset", daemon=True).start()

    def close(self) -> None:
        """Stop listening."""
        self._socket.close()

    def _run(self) -> None:
        concerned = False
        while True:
            try:
                data = self._socket.recv(_BUFFER)
            except OSError as error:
                if self._socket.fileno() < 0:
                    return
                _log.warning("ruleset.events_lost", reason=error)
                self._changed()
                continue
            for kind, payload in _messages(data):
                if kind != _NEWGEN:
                    concerned = concerned or _concerns_us(kind, payload)
                    continue
                if concerned and _text(payload, _PROCESS) != PROCESS_NAME:
                    self._changed()
                concerned = False


def _concerns_us(kind: int, payload: bytes) -> bool:
    table = _text(payload, _TABLE)
    if table == _OWN_TABLE:
        return kind in _DELETIONS
    if table != "filter" or kind not in (_NEWCHAIN, _DELCHAIN, _DELRULE):
        return False
    chain = _text(payload, _CHAIN_OF_RULE if kind == _DELRULE else _NAME_OF_CHAIN)
    return chain in _SHARED_CHAINS


def _messages(data: bytes) -> Iterator[tuple[int, bytes]]:
    offset = 0
    while offset + _HEADER.size <= len(data):
        length, kind, _, _, _ = _HEADER.unpack_from(data, offset)
        if length < _HEADER.size:
            return
        if kind >> 8 == _SUBSYSTEM:
            start = offset + _HEADER.size + _GENERIC
            yield kind & 0xFF, data[start : offset + length]
        offset += (length + 3) & ~3


def _text(payload: bytes, wanted: int) -> str:
    """The attribute of that number as text; empty if it is absent."""
    offset = 0
    while offset + _ATTRIBUTE.size <= len(payload):
        size, attribute = _ATTRIBUTE.unpack_from(payload, offset)
        if size < _ATTRIBUTE.size:
            break
        if attribute & 0x3FFF == wanted:
            value = payload[offset + _ATTRIBUTE.size : offset + size]
            return value.rstrip(b"\0").decode(errors="replace")
        offset += (size + 3) & ~3
    return ""
