"""Deletes entries of the kernel's connection table.

The kernel cannot see the end of a UDP conversation: a client that keeps sending keeps its old
translation, to a container that is gone or around a new one.  Entries of any protocol outlive
their container: the next one with the address would get packets of the other side.

The kernel keeps the table of all namespaces in one array, and every listing walks all of it:
11 ms for the 262,144 buckets of a host with 4 GiB.  So a few listings serve any number of ports
and addresses.  A filtered one costs 1 us for each connection of the host, an
unfiltered one 5 us.  The kernel's file walks the array without its locks, in 0.4 ms, but is whole
only as far as one page goes: where a host has few connections, and none of them is wanted, nothing
else is asked.  Since Linux 6.8 the kernel deletes by a filter, and takes no lock where the array is
empty: 1 ms for each filter (net/netfilter/nf_conntrack_core.c, get_next_corpse).  An older one refuses
such a request as incomplete, and is asked for filtered lists, which are as old as 5.8.
"""

import errno
import socket
import weakref
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from typing import Final

from plugin.kernel import proc_files
from plugin.kernel.netlink import conntrack_messages as words
from plugin.kernel.netlink.conntrack_messages import Wanted
from plugin.kernel.netlink.messages import (
    NETLINK_NETFILTER,
    NFGENMSG,
    NLM_F_ACK,
    Conversation,
    NetlinkError,
    acknowledgements,
    attributes,
    check,
    dump,
    message,
)
from plugin.log import Log
from plugin.model.network import IPAddress
from plugin.model.ports import HostPort

_log: Final = Log("conntrack")
# linux/netfilter/nfnetlink.h: NFNL_SUBSYS_CTNETLINK with CT_GET, CT_DELETE
_CT_GET: Final = 1 << 8 | 1
_CT_DELETE: Final = 1 << 8 | 2
_TIMEOUT_SECONDS: Final = 2.0
_ROOM: Final = 1 << 16
_NO_FILTERS: Final = (errno.EINVAL, errno.EOPNOTSUPP)
_FEW: Final = 5000  # connections for which an unfiltered listing costs no more than another walk
_FILTERS: Final = 8  # by which the kernel deletes; for more, one listing costs less
_COUNT: Final = "/proc/sys/net/netfilter/nf_conntrack_count"  # of this namespace
_TEXT: Final = Path("/proc/thread-self/net/nf_conntrack")
_LINES: Final = 20  # of the text, as many as one page may have
_PAGE: Final = 4096
_LONGEST: Final = 512  # bytes that a line may have, and more


class Connections:
    """The table of the network namespace that the first caller is in.

    A socket is kept, since closing one waits for what was deleted from nf_tables last (see
    ``nf_tables.conversation``): 5 to 16 ms for each container that ends.  Nobody waits for it: on a
    host with 200,000 connections a look takes a tenth of a second, and many ports may come at once.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._socket: socket.socket | None = None

    def forget(self, ports: Iterable[HostPort]) -> None:
        """Forget connections to the UDP ports among ``ports``, translated to any container."""
        self._forget(words.udp_ports(ports))

    def forget_addresses(self, addresses: Iterable[IPAddress]) -> None:
        """Forget connections from and to containers with ``addresses``, of any protocol."""
        self._forget(words.containers(addresses))

    def close(self) -> None:
        """End the conversation, unless a caller is in it; the next one begins another."""
        if self._lock.acquire(timeout=_TIMEOUT_SECONDS):
            try:
                self._close()
            finally:
                self._lock.release()

    def _forget(self, wanted: Wanted) -> None:
        """Log that the kernel cannot do it; no service depends on it."""
        if not wanted:
            return
        try:
            connections = _connections()
            if not connections or (connections <= _LINES and _lacks(wanted)):
                return
            with self._conversation() as sock:
                _delete_wanted(sock, wanted, connections)
        except (NetlinkError, OSError) as error:
            _log.warning("connections.not_forgotten", reason=error)

    @contextmanager
    def _conversation(self) -> Iterator[socket.socket]:
        """The socket that is kept, or one of its own for a caller who finds that in use."""
        if not self._lock.acquire(blocking=False):
            with _open() as sock:
                yield sock
            return
        try:
            if self._socket is None:
                self._socket = _open()
                weakref.finalize(self, self._socket.close)  # closed even if close() is never called
            yield self._socket
        except BaseException:
            self._close()  # unread answers must not go to the next caller
            raise
        finally:
            self._lock.release()

    def _close(self) -> None:
        sock, self._socket = self._socket, None
        if sock is not None:
            sock.close()


def _open() -> socket.socket:
    return Conversation(NETLINK_NETFILTER, _TIMEOUT_SECONDS)


def _delete_wanted(sock: socket.socket, wanted: Wanted, connections: int) -> None:
    if _delete_all(sock, wanted.filters()):
        wanted = wanted.beyond_filters()
    listings = wanted.listings()
    if connections <= _FEW * (len(listings) - 1):
        listings = [NFGENMSG.pack(socket.AF_UNSPEC, 0, 0)]
    for listing in listings:
        for body in dump(sock, _CT_GET, listing, wanted.may_be_in):
            found = attributes(body, NFGENMSG.size)
            if wanted.has(body[0], found):
                _delete(sock, body[0], found)


def _connections() -> int:
    """How many there are in this namespace; none where the kernel does not track any."""
    try:
        return int(proc_files.read(_COUNT))
    except FileNotFoundError:
        return 0


def _lacks(wanted: Wanted) -> bool:
    """Whether the kernel's text is whole and has nothing like it.

    A second read would begin at an entry by its number, and miss one for each that ended meanwhile
    (net/netfilter/nf_conntrack_standalone.c, ct_get_idx).  So only what one read has is believed,
    and only where another line would have had room.
    """
    try:
        with _TEXT.open("rb", buffering=0) as file:  # or it would read on
            text = file.read(_ROOM)
    except OSError:
        return False  # the kernel is built without it, or cannot read it out now
    return len(text) <= _PAGE - _LONGEST and wanted.words().isdisjoint(text.split())


def _delete_all(sock: socket.socket, filters: Collection[bytes]) -> bool:
    """Have the kernel delete by filters; False if it cannot, or not as fast as by a listing.

    A kernel before 6.8 takes a filter for a connection of which nearly nothing is said (EINVAL).
    """
    if len(filters) > _FILTERS:
        return False
    try:
        for each in filters:
            _ask_to_delete(sock, each)
    except NetlinkError as error:
        if error.code in _NO_FILTERS:
            return False
        raise
    return True


def _delete(sock: socket.socket, family: int, found: dict[int, bytes]) -> None:
    try:
        _ask_to_delete(sock, NFGENMSG.pack(family, 0, 0) + words.which(found))
    except NetlinkError as error:
        if error.code != errno.ENOENT:  # it ended by itself
            raise


def _ask_to_delete(sock: socket.socket, body: bytes) -> None:
    sock.send(message(_CT_DELETE, NLM_F_ACK, body))
    for _, answer in acknowledgements(sock.recv(_ROOM)):
        check(answer)
