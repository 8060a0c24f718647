"""The Unix sockets of this network namespace with their users, which /proc/net/unix does not have (unix_diag)."""

import errno
import socket
import struct
import sys
from dataclasses import dataclass
from typing import Final

from plugin.kernel.netlink.messages import Conversation, NetlinkError, attributes, dump

_NETLINK_SOCK_DIAG: Final = 4  # linux/netlink.h
_SOCK_DIAG_BY_FAMILY: Final = 20  # linux/sock_diag.h
_REQUEST: Final = struct.Struct("=BBHIIIII")  # linux/unix_diag.h, struct unix_diag_req
_ANSWER: Final = struct.Struct("=BBBBIII")  # struct unix_diag_msg
_ALL_STATES: Final = 0xFFFFFFFF
_SHOW_NAME: Final = 0x01
_SHOW_USER: Final = 0x40  # since Linux 5.3
_LISTEN: Final = 10  # net/tcp_states.h
_NAME: Final = 0
_USER: Final = 7
_TIMEOUT_SECONDS: Final = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class UnixSocket:
    """A socket; the user is None if the kernel does not show it."""

    inode: int
    name: str
    user: int | None
    listens: bool


def unix_sockets() -> list[UnixSocket] | None:
    """All of them; None if the kernel does not show them.  Raises NetlinkError, OSError."""
    request = _REQUEST.pack(socket.AF_UNIX, 0, 0, _ALL_STATES, 0, _SHOW_NAME | _SHOW_USER, 0, 0)
    try:
        with Conversation(_NETLINK_SOCK_DIAG, _TIMEOUT_SECONDS) as diag:
            return [_socket(body) for body in dump(diag, _SOCK_DIAG_BY_FAMILY, request)]
    except NetlinkError as error:
        if error.code in (errno.ENOENT, errno.EOPNOTSUPP, errno.EINVAL):
            return None
        raise
    except OSError as error:
        if error.errno in (errno.EPROTONOSUPPORT, errno.EPERM, errno.EACCES):
            return None
        raise


def _socket(body: bytes) -> UnixSocket:
    found = attributes(body, _ANSWER.size)
    user = found.get(_USER)
    _, _, state, _, inode, _, _ = _ANSWER.unpack_from(body)
    return UnixSocket(
        inode=inode,
        name=found.get(_NAME, b"").decode(errors="replace"),
        user=int.from_bytes(user, sys.byteorder) if user else None,
        listens=state == _LISTEN,
    )
