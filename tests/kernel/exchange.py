"""Many clients ask many servers at once, in one loop and without threads.

What is expected to be silent is waited for only until everything else has been heard, and a
moment longer.
"""

import errno
import resource
import selectors
import socket
import time
from collections.abc import Callable, Hashable, Mapping
from enum import Enum
from types import TracebackType
from typing import Final, Self, TypeVar
from typing import Protocol as Contract

from plugin.model.network import Protocol

_DEADLINE: Final = 60.0
_SILENCE: Final = 0.3  # after the last that answers, for those that must not
_AGAIN: Final = 0.2  # a datagram may be lost while neighbours are looked for
_IP_PKTINFO: Final = 8  # linux/in.h; its struct has an interface and two addresses
Target = tuple[str, int] | tuple[str, int, int, int]
_SOURCE: Final[dict[int, Callable[[bytes], bytes]]] = {
    socket.IPPROTO_IP: lambda value: bytes(4) + value[4:8] + bytes(4),
    socket.IPPROTO_IPV6: lambda value: value[:16] + bytes(4),
}
_KINDS: Final = {Protocol.TCP: socket.SOCK_STREAM, Protocol.UDP: socket.SOCK_DGRAM}

Key = TypeVar("Key", bound=Hashable)


class Answer(Enum):
    """What becomes of a question."""

    REACHED = "reached"
    REFUSED = "refused"
    DROPPED = "dropped"
    UNREACHABLE = "unreachable"  # the client has no way there


_ERRORS: Final = {
    errno.ECONNREFUSED: Answer.REFUSED,
    errno.ECONNRESET: Answer.REFUSED,
    errno.ENETUNREACH: Answer.UNREACHABLE,
    errno.EHOSTUNREACH: Answer.UNREACHABLE,
    errno.EADDRNOTAVAIL: Answer.UNREACHABLE,
    errno.EACCES: Answer.UNREACHABLE,
    errno.EPERM: Answer.DROPPED,  # a rule dropped it on its way out
}


class Place(Contract):
    """Where sockets are made: a network namespace."""

    def socket(self, family: socket.AddressFamily, kind: socket.SocketKind) -> socket.socket:
        """Make one."""


class Exchange:
    """Servers and questions; everything is closed at the end."""

    def __init__(self) -> None:
        # A process may have 1024 sockets unless it asks for more.
        _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
        self._selector = selectors.DefaultSelector()
        self._sockets: list[socket.socket] = []
        self._waiting: dict[Hashable, socket.socket] = {}
        self._datagrams: dict[Hashable, socket.socket] = {}
        self._answers: dict[Hashable, Answer] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._selector.close()
        for sock in self._sockets:
            sock.close()

    def serve(self, netns: Place, protocol: Protocol, port: int, word: bytes = b"!") -> None:
        """Answer every question to the port in the namespace, by either family."""
        for family, address in ((socket.AF_INET, "0.0.0.0"), (socket.AF_INET6, "::")):
            sock = self._socket(netns, family, protocol)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            sock.bind((address, port))
            if protocol is Protocol.TCP:
                sock.listen(512)
            elif family == socket.AF_INET:
                sock.setsockopt(socket.IPPROTO_IP, _IP_PKTINFO, 1)
            else:
                sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVPKTINFO, 1)
            self._watch(sock, self._accept if protocol is Protocol.TCP else self._echo, word)

    def ask(self, key: Hashable, netns: Place, protocol: Protocol, to: Target) -> None:
        """Ask a question, whose answer has the key; a link-local address has its link's number."""
        family = socket.AF_INET6 if ":" in to[0] else socket.AF_INET
        sock = self._socket(netns, family, protocol)
        self._waiting[key] = sock
        code = sock.connect_ex(to)
        if code not in (0, errno.EINPROGRESS):
            self._note(key, code)
            return
        if protocol is Protocol.UDP:
            self._datagrams[key] = sock
        self._watch(sock, lambda one, _: self._hear(key, one), b"")

    def answers(self, expected: Mapping[Key, Answer]) -> dict[Key, Answer]:
        """What became of every question, with ``expected`` telling what to wait for."""
        talkative = {key for key, answer in expected.items() if answer is not Answer.DROPPED}
        end = time.monotonic() + _DEADLINE
        while talkative & self._waiting.keys() and time.monotonic() < end:
            self._say_again()
            self._turn(_AGAIN)
        end = time.monotonic() + _SILENCE
        while (left := end - time.monotonic()) > 0 and self._waiting:
            self._turn(left)
        return {key: self._answers.get(key, Answer.DROPPED) for key in expected}

    def _socket(
        self, netns: Place, family: socket.AddressFamily, protocol: Protocol
    ) -> socket.socket:
        sock = netns.socket(family, _KINDS[protocol])
        sock.settimeout(0)
        self._sockets.append(sock)
        return sock

    def _watch(
        self, sock: socket.socket, ready: Callable[[socket.socket, bytes], None], word: bytes
    ) -> None:
        self._selector.register(sock, selectors.EVENT_READ, (ready, word))

    def _turn(self, seconds: float) -> None:
        for key, _ in self._selector.select(seconds):
            ready, word = key.data
            ready(key.fileobj, word)

    def _say_again(self) -> None:
        for key in self._datagrams.keys() & self._waiting.keys():
            try:
                self._datagrams[key].send(b"?")
            except OSError as error:
                self._note(key, error.errno)

    def _accept(self, sock: socket.socket, word: bytes) -> None:
        connection, _ = sock.accept()
        self._sockets.append(connection)
        connection.sendall(word)

    def _echo(self, sock: socket.socket, word: bytes) -> None:
        """From the address that was asked, as a server on a host with several must."""
        _, ancillary, _, client = sock.recvmsg(16, socket.CMSG_SPACE(20))
        source = [(level, kind, _SOURCE[level](value)) for level, kind, value in ancillary]
        sock.sendmsg([word], source, 0, client)

    def _hear(self, key: Hashable, sock: socket.socket) -> None:
        try:
            # A proxy that finds nobody takes the connection and ends it.
            self._note(key, 0 if sock.recv(16) else errno.ECONNRESET)
        except BlockingIOError:
            return  # what woke it was taken since, or did not count
        except OSError as error:
            self._note(key, error.errno)

    def _note(self, key: Hashable, code: int | None) -> None:
        sock = self._waiting.pop(key, None)
        if sock is None:
            return
        self._answers[key] = _ERRORS[code] if code else Answer.REACHED
        if sock in self._selector.get_map():
            self._selector.unregister(sock)
