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
from typing import Final

from plugin.errors import KernelError
from plugin.kernel import open_files
from plugin.kernel.netlink.messages import NetlinkError
from plugin.kernel.netlink.unix_diag import UnixSocket, unix_sockets
from plugin.log import Log

NAME: Final = "\0pynet"  # the only one that versions before 0.1 knew

_log: Final = Log("claim")
_ANOTHER: Final = "another pynet works on this host's network already"


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


def _refuse_beside(others: list[UnixSocket]) -> None:
    if any(_may_be_pynet(holder) for holder in others):
        raise KernelError(_ANOTHER)


def _others(sock: socket.socket) -> list[UnixSocket] | None:
    """Other holders of pynet's names in this namespace; None if the kernel does not show them."""
    own = os.fstat(sock.fileno()).st_ino
    try:
        found = unix_sockets()
    except NetlinkError as error:
        raise KernelError(f"cannot look for another pynet: {error}") from error
    if found is None:
        return None
    return [each for each in found if each.inode != own and _is_name(each.name)]


def _may_be_pynet(holder: UnixSocket) -> bool:
    return holder.user in (None, 0, os.geteuid())


def _is_name(name: str) -> bool:
    return name == NAME or name.startswith(f"{NAME}-")
