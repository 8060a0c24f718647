"""Published ports are held by bound sockets, so that a conflict is found when it arises.

A TCP socket is bound and never listens: what the firewall does not translate is refused at
once instead of waiting for an answer.  If connections of an earlier server on that port are still
in TIME_WAIT, the socket is bound with SO_REUSEADDR.  The flag is cleared afterwards, so that no
other socket can listen there (net/ipv4/inet_connection_sock.c, inet_bind_conflict).  But the
kernel remembers the flag for the port, and would let pynet bind twice (Linux 6.1: any process).
So pynet compares its own sockets here, and uses the flag only if it must.
"""

import errno
import resource
import socket
import threading
from collections.abc import Iterable, Sequence
from ipaddress import IPv4Address
from typing import Final

from plugin.errors import KernelError, PortTakenError, PynetError, RefusedError
from plugin.kernel import open_files
from plugin.kernel.handler import OneByOne, Session
from plugin.model.network import IPAddress, Protocol
from plugin.model.ports import HostPort

_ATTEMPTS: Final = 16  # the kernel's free port for one family may be taken in the other
# The errors of socket(2) for a protocol or a family that the kernel does not have.
_NO_SUCH_PROTOCOL: Final = (errno.EPROTONOSUPPORT, errno.ESOCKTNOSUPPORT, errno.EAFNOSUPPORT)
# What ports leave for everything else; the kernel gives the lowest number that is free.
_OTHER_FILES: Final = 256
_KINDS: Final = {
    Protocol.TCP: (socket.SOCK_STREAM, socket.IPPROTO_TCP),
    Protocol.UDP: (socket.SOCK_DGRAM, socket.IPPROTO_UDP),
    Protocol.SCTP: (socket.SOCK_STREAM, socket.IPPROTO_SCTP),
}


class HostPorts:
    """The ports this process holds."""

    def __init__(self) -> None:
        self._sockets: dict[HostPort, socket.socket] = {}
        self._by_number: dict[tuple[Protocol, int], set[HostPort]] = {}
        self.released = 0  # how many were, so far
        self._lock = threading.Lock()

    def ensure(self, port: HostPort) -> None:
        """Hold the port, unless it is held already."""
        with self._lock:
            if port not in self._sockets:
                self._hold(port)

    def remove(self, port: HostPort) -> None:
        """Release the port."""
        with self._lock:
            self._release(port)

    def held(self, ports: Iterable[HostPort]) -> frozenset[HostPort]:
        """Those of ``ports`` that are held."""
        with self._lock:
            return frozenset(port for port in ports if port in self._sockets)

    def reserve(
        self, protocol: Protocol, addresses: Sequence[IPAddress], ports: range | None
    ) -> int:
        """Hold the first port of ``ports`` (or any) that is free on all ``addresses``.

        Raises PortTakenError, RefusedError.
        """
        with self._lock:
            if ports is None:
                return self._reserve_any(protocol, addresses)
            for number in ports:
                if self._reserve_on_all(protocol, addresses, number):
                    return number
        raise PortTakenError(addresses[0], ports[0])

    def socket_of(self, port: HostPort) -> socket.socket:
        """The socket that holds the port.  Raises KernelError if it is not held."""
        with self._lock:
            sock = self._sockets.get(port)
        if sock is None:
            raise KernelError(f"port {port.address}:{port.port} is not held")
        return sock

    def close(self) -> None:
        """Release every port."""
        with self._lock:
            for port in list(self._sockets):
                self._release(port)

    def _reserve_any(self, protocol: Protocol, addresses: Sequence[IPAddress]) -> int:
        for _ in range(_ATTEMPTS):
            number = _any_port(protocol, addresses[0])
            if number is None:
                break
            if self._reserve_on_all(protocol, addresses, number):
                return number
        raise RefusedError(f"no {protocol.text} port is free on {addresses[0]}")

    def _reserve_on_all(
        self, protocol: Protocol, addresses: Sequence[IPAddress], number: int
    ) -> bool:
        wanted = [HostPort(protocol=protocol, address=a, port=number) for a in addresses]
        taken: list[HostPort] = []
        for port in wanted:
            try:
                self._hold(port)
            except PynetError as error:
                for mine in taken:
                    self._release(mine)
                if isinstance(error, PortTakenError):
                    return False
                raise
            taken.append(port)
        return True

    def _hold(self, port: HostPort) -> None:
        number = (port.protocol, port.port)
        if any(_overlap(port, held) for held in self._by_number.get(number, ())):
            raise PortTakenError(port.address, port.port)
        self._sockets[port] = _bound(port)
        self._by_number.setdefault(number, set()).add(port)

    def _release(self, port: HostPort) -> None:
        held = self._sockets.pop(port, None)
        if held is not None:
            held.close()
            self.released += 1
            beside = self._by_number[port.protocol, port.port]
            beside.discard(port)
            if not beside:
                del self._by_number[port.protocol, port.port]


class HostPortHandler(OneByOne[HostPort]):
    """The ports as host objects; they end with this process."""

    def __init__(self, ports: HostPorts) -> None:
        self._ports = ports

    def ensure_one(self, session: Session, value: HostPort) -> None:
        self._ports.ensure(value)

    def remove_one(self, session: Session, value: HostPort) -> None:
        self._ports.remove(value)

    def read_one(self, session: Session, value: HostPort) -> HostPort | None:
        return value if self._ports.held([value]) else None

    def read(self, session: Session, values: Iterable[HostPort]) -> Iterable[HostPort]:
        return self._ports.held(values)

    def state(self, session: Session) -> object:
        """Nobody but this process releases a port."""
        return self._ports.released


def _overlap(one: HostPort, other: HostPort) -> bool:
    return one.address.version == other.address.version and (
        one.address == other.address or one.address.is_unspecified or other.address.is_unspecified
    )


def _bound(port: HostPort) -> socket.socket:
    sock = _new_socket(port.protocol, port.address)
    try:
        _bind(sock, port)
    except OSError as error:
        sock.close()
        raise _refusal(error, port.address, port.port) from error
    return sock


def _bind(sock: socket.socket, port: HostPort) -> None:
    place = (str(port.address), port.port)
    try:
        sock.bind(place)
    except OSError as error:
        if error.errno != errno.EADDRINUSE or port.protocol is Protocol.UDP:
            raise
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(place)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 0)


def _any_port(protocol: Protocol, address: IPAddress) -> int | None:
    """A port of the kernel's choice, or None if it has none left."""
    with _new_socket(protocol, address) as sock:
        try:
            sock.bind((str(address), 0))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                return None
            raise _refusal(error, address, 0) from error
        return int(sock.getsockname()[1])


def _refusal(error: OSError, address: IPAddress, port: int) -> PynetError:
    if error.errno == errno.EADDRINUSE:
        return PortTakenError(address, port)
    if error.errno == errno.EADDRNOTAVAIL:
        return RefusedError(f"cannot publish on {address}:{port}: this host has no such address")
    return open_files.refusal(f"cannot hold port {address}:{port}", error)


def _new_socket(protocol: Protocol, address: IPAddress) -> socket.socket:
    v4 = isinstance(address, IPv4Address)
    kind, number = _KINDS[protocol]
    try:
        sock = socket.socket(socket.AF_INET if v4 else socket.AF_INET6, kind, number)
    except OSError as error:
        if error.errno not in _NO_SUCH_PROTOCOL:
            raise open_files.refusal(f"cannot publish a port of {protocol.text}", error) from error
        raise RefusedError(
            f"cannot publish a port of {protocol.text}: this host's kernel does not have it "
            f"({error.strerror}); load its module, or publish another protocol"
        ) from error
    most, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if sock.fileno() >= most - _OTHER_FILES:
        sock.close()
        limit = OSError(errno.EMFILE, "")
        raise open_files.refusal(f"cannot publish a port of {protocol.text}", limit)
    if not v4:
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    if protocol is Protocol.UDP:
        # The socket is never read: datagrams that are not translated must not pile up.
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 0)
    return sock
