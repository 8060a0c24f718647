"""The process that carries bytes between held ports and containers.

It is run as a file and imports nothing of pynet, so that it costs 10 MiB and starts at once.
Standard input is a socket on which pynet hands over listening sockets: a message is JSON,
``{"id": 7, "protocol": "tcp", "address": "10.1.0.2", "port": 80}`` with the socket attached, or
``{"id": 7}`` when the port is withdrawn; ``7`` is the answer when it is.  When pynet ends, so does this process.
"""

import contextlib
import errno
import fcntl
import json
import os
import resource
import selectors
import socket
import sys
import time
from collections.abc import Callable
from typing import Any, Final

CHUNK: Final = 1 << 16
PIPE_BYTES: Final = 1 << 20  # that one side may be ahead of the other
UDP_IDLE_SECONDS: Final = 90.0
LOOK_SECONDS: Final = 5.0  # between two looks for silent clients
MAX_SESSIONS: Final = 1024  # UDP clients of one port
REST_SECONDS: Final = 0.5  # that a port takes no calls when there are no descriptors for one
_SPLICE: Final = os.SPLICE_F_MOVE | os.SPLICE_F_NONBLOCK
_ANCILLARY: Final = socket.CMSG_SPACE(20)  # linux/ipv6.h: struct in6_pktinfo

Handler = Callable[[int], None]
# A client's address, and the address it asked at as control messages tell it.
Caller = tuple[Any, tuple[tuple[int, int, bytes], ...]]


class Loop:
    """Sockets, and whom to call when they are ready."""

    def __init__(self) -> None:
        self._selector = selectors.DefaultSelector()
        self._resting: list[tuple[float, socket.socket, Handler]] = []

    def watch(self, sock: socket.socket, events: int, handler: Handler) -> None:
        """Call ``handler`` with the events that are ready, or stop doing so for none."""
        known = self._selector.get_map().get(sock.fileno())
        if known is None:
            if events:
                self._selector.register(sock, events, handler)
        elif not events:
            self._selector.unregister(sock)
        elif known.events != events or known.data != handler:
            self._selector.modify(sock, events, handler)

    def forget(self, sock: socket.socket) -> None:
        """Close the socket."""
        if sock.fileno() >= 0:
            self.watch(sock, 0, lambda _: None)
            sock.close()

    def rest(self, sock: socket.socket, handler: Handler) -> None:
        """Leave alone for a moment what is ready and cannot be seen to."""
        self.watch(sock, 0, handler)
        self._resting.append((time.monotonic() + REST_SECONDS, sock, handler))

    def turn(self, seconds: float) -> None:
        """Wait for something to happen, and see to it."""
        if self._resting:
            seconds = max(0.0, self._resting[0][0] - time.monotonic())
        for key, events in self._selector.select(seconds):
            if key.fileobj.fileno() >= 0:  # type: ignore[union-attr]
                key.data(events)
        while self._resting and self._resting[0][0] <= time.monotonic():
            _, sock, handler = self._resting.pop(0)
            if sock.fileno() >= 0:
                self.watch(sock, selectors.EVENT_READ, handler)


class Channel:
    """What is on its way from one socket to another: a pipe, so that no byte is copied here."""

    def __init__(self, source: socket.socket, sink: socket.socket) -> None:
        self.source = source
        self.sink = sink
        self.ended = False  # the source has no more, and the sink has been told
        self._held = 0  # bytes in the pipe
        self._full = False
        self._out, self._in = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        with contextlib.suppress(OSError):  # a smaller one does, too
            fcntl.fcntl(self._in, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
        self._drained = False

    @property
    def takes(self) -> bool:
        """Whether it wants to be filled."""
        return not self._drained and not self._full

    @property
    def gives(self) -> bool:
        """Whether it has something for the sink."""
        return self._held > 0

    def fill(self) -> None:
        """Take what the source has."""
        try:
            taken = os.splice(self.source.fileno(), self._in, PIPE_BYTES, flags=_SPLICE)
        except BlockingIOError:
            # The source has something: it is the pipe that has no room.
            self._full = self._held > 0
            return
        self._held += taken
        self._drained = not taken

    def empty(self) -> None:
        """Give what there is to the sink, and its end after the last."""
        if self._held:
            with contextlib.suppress(BlockingIOError):
                self._held -= os.splice(self._out, self.sink.fileno(), self._held, flags=_SPLICE)
                self._full = False
        if self._drained and not self._held and not self.ended:
            self.sink.shutdown(socket.SHUT_WR)
            self.ended = True

    def close(self) -> None:
        """Let go of the pipe."""
        os.close(self._in)
        os.close(self._out)


class Stream:
    """One TCP connection and its other half.  If it cannot be had, the caller's end is closed."""

    def __init__(self, loop: Loop, client: socket.socket, target: tuple[str, int]) -> None:
        self._loop = loop
        self._client = client
        self._connected = False
        with contextlib.ExitStack() as undo:
            undo.enter_context(client)
            self._server = socket.socket(_family(target[0]), socket.SOCK_STREAM)
            undo.enter_context(self._server)
            there = Channel(client, self._server)
            undo.callback(there.close)
            back = Channel(self._server, client)
            undo.callback(back.close)
            for sock in (client, self._server):
                sock.settimeout(0)
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._server.connect_ex(target)
            loop.watch(self._server, selectors.EVENT_WRITE, self._ready)
            undo.pop_all()
        self._channels = (there, back)

    def _ready(self, _: int) -> None:
        try:
            if not self._connected:
                self._finish_connecting()
            for channel in self._channels:
                if channel.takes:
                    channel.fill()
                channel.empty()
        except OSError:
            self._close()
            return
        self._update()

    def _finish_connecting(self) -> None:
        error = self._server.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if error:
            raise OSError(error, "the container does not answer")
        self._connected = True

    def _update(self) -> None:
        if all(channel.ended for channel in self._channels):
            self._close()
            return
        there, back = self._channels
        for sock, inward, outward in ((self._client, there, back), (self._server, back, there)):
            events = selectors.EVENT_READ if inward.takes else 0
            events |= selectors.EVENT_WRITE if outward.gives else 0
            self._loop.watch(sock, events, self._ready)

    def _close(self) -> None:
        for sock in (self._client, self._server):
            self._loop.forget(sock)
        for channel in self._channels:
            channel.close()


class Datagrams:
    """A UDP port: each client has a socket of its own towards the container.

    An answer comes from the address that was asked (RFC 3542 section 6.1): on a socket that is
    bound to any address the kernel would choose one by the route back.
    """

    def __init__(self, loop: Loop, sock: socket.socket, target: tuple[str, int]) -> None:
        self._loop = loop
        self._socket = sock
        self._target = target
        self._sessions: dict[Caller, tuple[socket.socket, float]] = {}
        sock.settimeout(0)
        if sock.family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVPKTINFO, 1)
        loop.watch(sock, selectors.EVENT_READ, lambda _: self._forward())

    def expire(self, now: float) -> None:
        """Forget clients that have been silent."""
        for caller, (session, used) in list(self._sessions.items()):
            if now - used > UDP_IDLE_SECONDS:
                self._loop.forget(session)
                del self._sessions[caller]

    def close(self) -> None:
        """Forget everything."""
        self.expire(float("inf"))
        self._loop.forget(self._socket)

    def _forward(self) -> None:
        try:
            data, ancillary, _, client = self._socket.recvmsg(CHUNK, _ANCILLARY)
            asked = tuple((level, kind, _source(value)) for level, kind, value in ancillary)
            caller = (client, asked)
            known = self._sessions.get(caller)
            session = known[0] if known else self._open(caller)
            self._sessions[caller] = (session, time.monotonic())
            session.send(data)
        except OSError:
            return  # a datagram may be lost, and the container may refuse it

    def _open(self, caller: Caller) -> socket.socket:
        if len(self._sessions) >= MAX_SESSIONS:
            raise OSError("too many clients")
        session = socket.socket(_family(self._target[0]), socket.SOCK_DGRAM)
        session.settimeout(0)
        session.connect(self._target)
        self._loop.watch(session, selectors.EVENT_READ, lambda _: self._answer(session, caller))
        return session

    def _answer(self, session: socket.socket, caller: Caller) -> None:
        client, asked = caller
        try:
            self._socket.sendmsg([session.recv(CHUNK)], asked, 0, client)
        except OSError:
            return
        self._sessions[caller] = (session, time.monotonic())


class Connections:
    """A TCP port."""

    def __init__(self, loop: Loop, sock: socket.socket, target: tuple[str, int]) -> None:
        self._loop = loop
        self._socket = sock
        self._target = target
        sock.settimeout(0)
        loop.watch(sock, selectors.EVENT_READ, lambda _: self._accept())

    def expire(self, now: float) -> None:
        """Connections end when one of their sides does."""

    def close(self) -> None:
        """Take no more connections; those there are go on."""
        self._loop.forget(self._socket)

    def _accept(self) -> None:
        try:
            client, _ = self._socket.accept()
            Stream(self._loop, client, self._target)
        except OSError as error:
            # Who could not be accepted waits in line, and the socket stays ready: no descriptor,
            # no memory.  Everybody else's connections go on.
            if error.errno not in (errno.EAGAIN, errno.ECONNABORTED, errno.EINTR):
                self._loop.rest(self._socket, lambda _: self._accept())


def _source(asked: bytes) -> bytes:
    """What to answer from: the interface is the route's to choose, but of a link-local address."""
    link_local = asked[0] == 0xFE and asked[1] & 0xC0 == 0x80  # RFC 4291 section 2.5.6
    return asked[:20] if link_local else asked[:16] + bytes(4)


def _family(address: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def _take_all_descriptors() -> None:
    """Six of them carry a connection, and 1024 is what a process may have unless it asks."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def main() -> None:
    """Serve until the other side of standard input is gone."""
    control = socket.socket(fileno=0)
    control.settimeout(0)
    loop = Loop()
    ports: dict[int, Connections | Datagrams] = {}
    _take_all_descriptors()
    spare: list[int] = []

    def obey(_: int) -> None:
        while spare:  # a port's socket that found no room would be lost
            os.close(spare.pop())
        message, handed, _, _ = socket.recv_fds(control, CHUNK, 1)
        if not message:
            sys.exit(0)
        order = json.loads(message)
        if "port" not in order:
            port = ports.pop(order["id"], None)
            if port is not None:
                port.close()
            with contextlib.suppress(OSError):  # nobody waits any more
                control.send(str(order["id"]).encode())
            return
        kind = Datagrams if order["protocol"] == "udp" else Connections
        target = (order["address"], order["port"])
        ports[order["id"]] = kind(loop, socket.socket(fileno=handed[0]), target)

    loop.watch(control, selectors.EVENT_READ, obey)
    looked = time.monotonic()
    while True:
        if not spare:
            with contextlib.suppress(OSError):
                spare.append(os.open(os.devnull, os.O_RDONLY))
        loop.turn(UDP_IDLE_SECONDS)
        now = time.monotonic()
        if now - looked < LOOK_SECONDS:
            continue  # a look at every port for each event would make ports cost each other
        looked = now
        for port in ports.values():
            port.expire(now)


if __name__ == "__main__":
    main()
