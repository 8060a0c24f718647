"""Forgets connections that were translated before a port was published, or after.

UDP has no end that the kernel could see: a client that keeps sending keeps its old translation,
to a container that is gone or past one that has come.  The kernel is given a filter and tells what
matches, so the cost here does not depend on how many connections there are.  It could delete
by that filter too, but only since Linux 6.8 (net/netfilter/nf_conntrack_netlink.c); filtered
lists are as old as 5.8.
"""

import errno
import socket
import struct
from collections.abc import Iterable, Iterator
from typing import Final

from plugin.kernel.raw_netlink import (
    NETLINK_NETFILTER,
    NLM_F_ACK,
    NLM_F_DUMP,
    NLMSG_DONE,
    NLMSG_ERROR,
    attribute,
    attributes,
    find,
    message,
    messages,
    nested,
)
from plugin.log import Log
from plugin.model.network import Protocol
from plugin.model.resources import HostPort

_log: Final = Log("conntrack")
# linux/netfilter/nfnetlink.h: NFNL_SUBSYS_CTNETLINK with CT_GET, CT_DELETE
_CT_GET: Final = 1 << 8 | 1
_CT_DELETE: Final = 1 << 8 | 2
# linux/netfilter/nfnetlink_conntrack.h
_CTA_TUPLE_ORIG: Final = 1
_CTA_TUPLE_PROTO: Final = 2
_CTA_PROTO_NUM: Final = 1
_CTA_PROTO_DST_PORT: Final = 3
_CTA_ID: Final = 12
_CTA_ZONE: Final = 18
_CTA_FILTER: Final = 25
_CTA_FILTER_ORIG_FLAGS: Final = 1
_MATCH_PROTOCOL_AND_PORT: Final = 1 << 3 | 1 << 5
_GENERIC: Final = struct.Struct("!BBH")  # struct nfgenmsg
_CODE: Final = struct.Struct("=i")
_APART: Final = (_CTA_ZONE, _CTA_ID)  # what tells connections with the same ends apart
_TIMEOUT_SECONDS: Final = 2.0
_ROOM: Final = 1 << 16


def forget(ports: Iterable[HostPort]) -> None:
    """Forget connections to the UDP ports among ``ports``, whoever they were translated to.

    A kernel that cannot is said in the log: nothing but a client's patience depends on it.
    """
    wanted = {(port.address.version, port.port) for port in ports if port.protocol is Protocol.UDP}
    if not wanted:
        return
    try:
        with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_NETFILTER) as sock:
            sock.settimeout(_TIMEOUT_SECONDS)
            for version, port in sorted(wanted):
                _forget(sock, socket.AF_INET if version == 4 else socket.AF_INET6, port)
    except OSError as error:
        _log.warning("connections.not_forgotten", reason=error)


def _forget(sock: socket.socket, family: int, port: int) -> None:
    for found in _connections(sock, family, port):
        which = nested(_CTA_TUPLE_ORIG, found[_CTA_TUPLE_ORIG])
        which += b"".join(attribute(kind, found[kind]) for kind in _APART if kind in found)
        sock.send(message(_CT_DELETE, NLM_F_ACK, _GENERIC.pack(family, 0, 0) + which))
        for _, body in messages(sock.recv(_ROOM)):
            _check(body, but=errno.ENOENT)  # it ended by itself


def _connections(sock: socket.socket, family: int, port: int) -> list[dict[int, bytes]]:
    protocol = attribute(_CTA_PROTO_NUM, struct.pack("=B", Protocol.UDP.value))
    number = attribute(_CTA_PROTO_DST_PORT, struct.pack("!H", port))
    flags = attribute(_CTA_FILTER_ORIG_FLAGS, struct.pack("=I", _MATCH_PROTOCOL_AND_PORT))
    wanted = nested(_CTA_TUPLE_ORIG, nested(_CTA_TUPLE_PROTO, protocol, number))
    body = _GENERIC.pack(family, 0, 0) + wanted + nested(_CTA_FILTER, flags)
    sock.send(message(_CT_GET, NLM_F_DUMP, body))
    return [found for found in _answers(sock) if _is_to(port, found)]


def _answers(sock: socket.socket) -> Iterator[dict[int, bytes]]:
    while True:
        for kind, body in messages(sock.recv(_ROOM)):
            if kind == NLMSG_DONE:
                return
            if kind == NLMSG_ERROR:
                _check(body)
                return
            yield attributes(body, _GENERIC.size)


def _is_to(port: int, found: dict[int, bytes]) -> bool:
    """An older kernel knows no filters and tells them all."""
    words = attributes(find(found[_CTA_TUPLE_ORIG], 0, _CTA_TUPLE_PROTO) or b"", 0)
    ours = {_CTA_PROTO_NUM: bytes([Protocol.UDP.value]), _CTA_PROTO_DST_PORT: port.to_bytes(2)}
    return ours.items() <= words.items()


def _check(body: bytes, but: int = 0) -> None:
    (code,) = _CODE.unpack_from(body)
    if -code not in (0, but):
        raise OSError(-code, "the kernel refused to forget connections")
