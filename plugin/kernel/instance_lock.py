"""One pynet per network namespace: two would remove each other's links as left over.

The lock is an abstract Unix socket.  It belongs to a network namespace (unix(7)), which the service
and a managed plugin share.  It ends with its process in every case, so it can never be stale.

Any user may bind the name, so only names that root has count.  If another user has the first name,
pynet binds a random one: the kernel lists every name of the namespace with its user (unix_diag).
Each process binds first and looks then, so that of two at least one sees the other.
"""

import errno
import os
import secrets
import socket
import struct
import sys
from dataclasses import dataclass
from typing import Final

from plugin.errors import KernelError
from plugin.kernel import open_files
from plugin.kernel.netlink.messages import NetlinkError, attributes, dump
from plugin.log import Log

NAME: Final = "\0pynet"  # the only one that versions before 0.1 knew

_log: Final = Log("claim")
_ANOTHER: Final = "another pynet works on this host's network already"
_NETLINK_SOCK_DIAG: Final = 4  # linux/netlink.h
_SOCK_DIAG_BY_FAMILY: Final = 20  # linux/sock_diag.h
_REQUEST: Final = struct.Struct("=BBHIIIII")  # linux/unix_diag.h, struct unix_diag_req
_ANSWER: Final = struct.Struct("=BBBBIII")  # struct unix_diag_msg
_ALL_STATES: Final = 0xFFFFFFFF
_SHOW_NAME: Final = 0x01
_SHOW_USER: Final = 0x40  # since Linux 5.3
_NAME: Final = 0
_USER: Final = 7
_TIMEOUT_SECONDS: Final = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Holder:
    """The holder of a name; the user is None if the kernel does not show it."""

    inode: int
    name: str
    user: int | None

    @property
    def may_be_pynet(self) -> bool:
        return self.user in (None, 0, os.geteuid())


def claim() -> socket.socket:
    """Become the pynet of this namespace, for as long as the socket is open.

    Raises KernelError if there is one.
    """
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        _take_name(sock)
        _refuse_beside(_others(sock) or [])
    except OSError as error:
        sock.close()
        raise open_files.refusal("cannot claim this host's network", error) from error
    except KernelError:
        sock.close()
        raise
    return sock


def _take_name(sock: socket.socket) -> None:
    try:
        sock.bind(NAME)
    except OSError as error:
        if error.errno != errno.EADDRINUSE:
            raise
    else:
        return
    others = _others(sock)
    if others is None:
        raise KernelError(
            f"{_ANOTHER}, or another process has the abstract socket @{NAME[1:]} (this kernel has "
            "no unix_diag, which would show its user)"
        )
    _refuse_beside(others)
    _log.warning("claim.name_taken", users=sorted({str(holder.user) for holder in others}))
    sock.bind(f"{NAME}-{secrets.token_hex(8)}")


def _refuse_beside(others: list[_Holder]) -> None:
    if any(holder.may_be_pynet for holder in others):
        raise KernelError(_ANOTHER)


def _others(sock: socket.socket) -> list[_Holder] | None:
    """Other holders of pynet's names in this namespace; None if the kernel does not show them."""
    own = os.fstat(sock.fileno()).st_ino
    request = _REQUEST.pack(socket.AF_UNIX, 0, 0, _ALL_STATES, 0, _SHOW_NAME | _SHOW_USER, 0, 0)
    try:
        with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, _NETLINK_SOCK_DIAG) as diag:
            diag.settimeout(_TIMEOUT_SECONDS)
            found = [_holder(body) for body in dump(diag, _SOCK_DIAG_BY_FAMILY, request)]
    except NetlinkError as error:
        if error.code in (errno.ENOENT, errno.EOPNOTSUPP, errno.EINVAL):
            return None
        raise KernelError(f"cannot look for another pynet: {error}") from error
    except OSError as error:
        if error.errno in (errno.EPROTONOSUPPORT, errno.EPERM, errno.EACCES):
            return None
        raise
    return [holder for holder in found if holder.inode != own and _is_name(holder.name)]


def _holder(body: bytes) -> _Holder:
    found = attributes(body, _ANSWER.size)
    user = found.get(_USER)
    return _Holder(
        inode=_ANSWER.unpack_from(body)[4],
        name=found.get(_NAME, b"").decode(errors="replace"),
        user=int.from_bytes(user, sys.byteorder) if user else None,
    )


def _is_name(name: str) -> bool:
    return name == NAME or name.startswith(f"{NAME}-")
