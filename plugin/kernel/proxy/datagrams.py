"""A UDP port that is carried: each client has one socket towards the container.

An answer is sent from the address that the client used (RFC 3542 section 6.1).  On a socket that is
bound to any address the kernel would otherwise choose one by the route back.
"""

import socket
from typing import Any, Final

from plugin.kernel.proxy.loop import IN, Loop
from plugin.kernel.proxy.places import Places, client_of

_LARGEST: Final = 1 << 16
_ANCILLARY: Final = socket.CMSG_SPACE(20)  # linux/ipv6.h: struct in6_pktinfo

# A client's address, and the local address it used, in control messages.
Caller = tuple[Any, tuple[tuple[int, int, bytes], ...]]


class Datagrams:
    """The port."""

    def __init__(
        self, loop: Loop, places: Places, port: int, sock: socket.socket, target: tuple[str, int]
    ) -> None:
        self.loop = loop
        self.places = places
        self.port = port
        self.socket = sock
        self.target = target
        self.sessions: dict[Caller, _Session] = {}
        sock.settimeout(0)
        if sock.family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVPKTINFO, 1)
        loop.watch(sock, IN, self._forward)

    def close(self) -> None:
        """Forget every client."""
        for session in list(self.sessions.values()):
            session.close()
        self.loop.close(self.socket)

    def _forward(self, _: int) -> None:
        try:
            data, ancillary, _, client = self.socket.recvmsg(_LARGEST, _ANCILLARY)
            asked = tuple((level, kind, _source(value)) for level, kind, value in ancillary)
            caller = (client, asked)
            session = self.sessions.get(caller) or _Session(self, caller)
            session.send(data)
        except OSError:
            return  # a datagram may be lost, and the container may refuse it


class _Session:
    """A client."""

    def __init__(self, port: Datagrams, caller: Caller) -> None:
        self.port = port.port
        self.client = client_of(caller[0][0])
        self._of = port
        self._caller = caller
        family = socket.AF_INET6 if ":" in port.target[0] else socket.AF_INET
        self._socket = socket.socket(family, socket.SOCK_DGRAM)
        self._socket.settimeout(0)
        try:
            self._socket.connect(port.target)
            port.loop.watch(self._socket, IN, self._answer)
        except OSError:
            self._socket.close()
            raise
        port.places.enter(self, port.loop.now)
        port.sessions[caller] = self

    def send(self, data: bytes) -> None:
        """Pass on what the client sends."""
        self._of.places.note_use(self, self._of.loop.now)
        self._socket.send(data)

    def close(self) -> None:
        """Forget the client."""
        self._of.places.leave(self)
        del self._of.sessions[self._caller]
        self._of.loop.close(self._socket)

    def _answer(self, _: int) -> None:
        client, asked = self._caller
        try:
            self._of.socket.sendmsg([self._socket.recv(_LARGEST)], asked, 0, client)
        except OSError:
            return
        self._of.places.note_use(self, self._of.loop.now)


def _source(asked: bytes) -> bytes:
    """What to answer from: the interface is the route's to choose, but of a link-local address."""
    link_local = asked[0] == 0xFE and asked[1] & 0xC0 == 0x80  # RFC 4291 section 2.5.6
    return asked[:20] if link_local else asked[:16] + bytes(4)
