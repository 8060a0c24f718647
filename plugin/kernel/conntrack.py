"""Forgets connections that were translated before a port was published, or after.

UDP has no end that the kernel could see: a client that keeps sending keeps its old translation,
to a container that is gone or past one that has come.  The kernel is given a filter and deletes
what matches (net/netfilter/nf_conntrack_netlink.c, since Linux 5.8), so the cost here does not
depend on how many connections there are.
"""

import socket
import struct
from collections.abc import Iterable
from typing import Final

from plugin.kernel.raw_netlink import NETLINK_NETFILTER, NLM_F_ACK, attribute, message, nested
from plugin.log import Log
from plugin.model.network import Protocol
from plugin.model.resources import HostPort

_log: Final = Log("conntrack")
_CT_DELETE: Final = 1 << 8 | 2  # linux/netfilter/nfnetlink.h: NFNL_SUBSYS_CTNETLINK, CT_DELETE
# linux/netfilter/nfnetlink_conntrack.h
_CTA_TUPLE_ORIG: Final = 1
_CTA_TUPLE_PROTO: Final = 2
_CTA_PROTO_NUM: Final = 1
_CTA_PROTO_DST_PORT: Final = 3
_CTA_FILTER: Final = 25
_CTA_FILTER_ORIG_FLAGS: Final = 1
_MATCH_PROTOCOL_AND_PORT: Final = 1 << 3 | 1 << 5
_GENERIC: Final = struct.Struct("!BBH")  # struct nfgenmsg
_ANSWER: Final = struct.Struct("=IHHIIi")
_TIMEOUT_SECONDS: Final = 2.0


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
    protocol = attribute(_CTA_PROTO_NUM, struct.pack("=B", Protocol.UDP.value))
    number = attribute(_CTA_PROTO_DST_PORT, struct.pack("!H", port))
    flags = attribute(_CTA_FILTER_ORIG_FLAGS, struct.pack("=I", _MATCH_PROTOCOL_AND_PORT))
    body = (
        _GENERIC.pack(family, 0, 0)
        + nested(_CTA_TUPLE_ORIG, nested(_CTA_TUPLE_PROTO, protocol, number))
        + nested(_CTA_FILTER, flags)
    )
    sock.send(message(_CT_DELETE, NLM_F_ACK, body))
    *_, code = _ANSWER.unpack_from(sock.recv(4096))
    if code:
        raise OSError(-code, "the kernel refused to forget connections")
