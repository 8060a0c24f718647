"""TCP connections that are carried.

Bytes go through one pipe that all connections share, so that they are not copied.  What the
receiver does not take at once is kept as bytes, and its sender is not read until they are gone.
Left in the pipe, the bytes would pin whole pages, eight times their size, without any account.
"""

import contextlib
import errno
import fcntl
import os
import socket
from typing import Final

from plugin.kernel.proxy.loop import FAILED, IN, OUT, Handler, Loop
from plugin.kernel.proxy.places import Places, client_of

MOST_AT_ONCE: Final = 1 << 20  # bytes that are taken from one side before the other has them
LEAST_AT_ONCE: Final = 1 << 16
MOST_WAITING: Final = 1 << 26  # bytes that wait for all receivers; then each sender is read little
_UNSENT: Final = 1 << 19  # bytes that the kernel takes for a receiver beyond what is on its way
_PIPE: Final = 1 << 20
_SPLICE: Final = os.SPLICE_F_MOVE | os.SPLICE_F_NONBLOCK
# Of tcp(7): a peer that vanished is found out within three minutes.
_OPTIONS: Final = {
    socket.TCP_KEEPIDLE: 60,
    socket.TCP_KEEPINTVL: 15,
    socket.TCP_KEEPCNT: 8,
    socket.TCP_NODELAY: 1,
    socket.TCP_NOTSENT_LOWAT: _UNSENT,
}
# The caller has gone already; any other failure to accept is a want of this host's.
_CALLER_GONE: Final = (errno.EAGAIN, errno.ECONNABORTED, errno.EINTR)


class Pipe:
    """The one pipe; it is empty whenever it is not in use."""

    def __init__(self) -> None:
        self.waiting = 0  # bytes that are kept for receivers, of all connections
        self._out, self._in = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        with contextlib.suppress(OSError):  # a smaller one does, too
            fcntl.fcntl(self._in, fcntl.F_SETPIPE_SZ, _PIPE)

    def carry(self, source: socket.socket, sink: socket.socket, most: int) -> tuple[int, bytes]:
        """How many bytes the source had, at most so many, and those that the sink did not take.

        Raises BlockingIOError if the source has none now.
        """
        taken = os.splice(source.fileno(), self._in, most, flags=_SPLICE)
        left = taken
        try:
            while left:
                left -= os.splice(self._out, sink.fileno(), left, flags=_SPLICE)
        except BlockingIOError:
            return taken, self._read(left)
        except OSError:
            self._read(left)
            raise
        return taken, b""

    def _read(self, size: int) -> bytes:
        parts = []
        while size:
            parts.append(os.read(self._out, size))
            size -= len(parts[-1])
        return b"".join(parts)


class _Direction:
    """What goes from one side of a connection to the other."""

    def __init__(self, pipe: Pipe, source: socket.socket, sink: socket.socket) -> None:
        self.ended = False  # the source has no more, and the sink has been shut down
        self._pipe = pipe
        self._source = source
        self._sink = sink
        self._at_once = LEAST_AT_ONCE
        self._waiting = memoryview(b"")
        self._drained = False

    @property
    def wants_source(self) -> bool:
        """Whether the source is to be read."""
        return not self._waiting and not self._drained

    @property
    def wants_sink(self) -> bool:
        """Whether the sink is to be written to."""
        return bool(self._waiting)

    def pull(self) -> None:
        """Carry what the source has."""
        if not self.wants_source:
            return
        plenty = self._pipe.waiting < MOST_WAITING
        try:
            taken, left = self._pipe.carry(
                self._source, self._sink, self._at_once if plenty else LEAST_AT_ONCE
            )
        except BlockingIOError:
            return
        self._drained = not taken
        self._keep(memoryview(left))
        # As much as the sink takes, so that little is copied.
        if left:
            self._at_once = max(LEAST_AT_ONCE, taken - len(left))
        elif taken == self._at_once:
            self._at_once = min(MOST_AT_ONCE, 2 * self._at_once)
        self._tell_end()

    def push(self) -> None:
        """Give the sink what waits for it."""
        if not self._waiting:
            return
        with contextlib.suppress(BlockingIOError):
            self._keep(self._waiting[self._sink.send(self._waiting) :])
        self._tell_end()

    def drop(self) -> None:
        """Forget what waits."""
        self._keep(memoryview(b""))

    def _keep(self, waiting: memoryview) -> None:
        self._pipe.waiting += len(waiting) - len(self._waiting)
        self._waiting = waiting

    def _tell_end(self) -> None:
        if self._drained and not self._waiting and not self.ended:
            self._sink.shutdown(socket.SHUT_WR)
            self.ended = True


class Stream:
    """One connection: the caller's half, and that towards the container."""

    def __init__(
        self, listener: "Listener", client: socket.socket, server: socket.socket, address: str
    ) -> None:
        self.port = listener.port
        self.client = client_of(address)
        self._loop = listener.loop
        self._places = listener.places
        self._client = client
        self._server = server
        self._connected = False
        for sock in (client, server):
            sock.settimeout(0)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            for option, value in _OPTIONS.items():
                sock.setsockopt(socket.IPPROTO_TCP, option, value)
        server.connect_ex(listener.target)
        self._loop.watch(server, OUT, self._server_ready)
        self._there = _Direction(listener.pipe, client, self._server)
        self._back = _Direction(listener.pipe, self._server, client)
        self._places.enter(self, self._loop.now)

    def close(self) -> None:
        """End both halves."""
        self._places.leave(self)
        for direction in (self._there, self._back):
            direction.drop()
        for sock in (self._client, self._server):
            self._loop.close(sock)

    def _client_ready(self, events: int) -> None:
        self._act(events, self._there, self._back)

    def _server_ready(self, events: int) -> None:
        if not self._connected:
            if self._server.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
                self.close()
                return
            self._connected = True
        self._act(events, self._back, self._there)

    def _act(self, events: int, inward: _Direction, outward: _Direction) -> None:
        try:
            if events & (OUT | FAILED):
                outward.push()
            if events & (IN | FAILED):
                inward.pull()
        except OSError:
            self.close()
            return
        self._places.note_use(self, self._loop.now)
        if self._there.ended and self._back.ended:
            self.close()
            return
        self._watch(self._client, self._there, self._back, self._client_ready)
        self._watch(self._server, self._back, self._there, self._server_ready)

    def _watch(
        self, sock: socket.socket, inward: _Direction, outward: _Direction, ready: Handler
    ) -> None:
        events = IN if inward.wants_source else 0
        self._loop.watch(sock, events | (OUT if outward.wants_sink else 0), ready)


class Listener:
    """A TCP port."""

    def __init__(
        self,
        loop: Loop,
        places: Places,
        pipe: Pipe,
        port: int,
        sock: socket.socket,
        target: tuple[str, int],
    ) -> None:
        self.loop = loop
        self.places = places
        self.pipe = pipe
        self.port = port
        self.target = target
        self._socket = sock
        self._family = socket.AF_INET6 if ":" in target[0] else socket.AF_INET
        sock.settimeout(0)
        loop.watch(sock, IN, self._accept)

    def close(self) -> None:
        """Take no more connections; those there are go on."""
        self.loop.close(self._socket)

    def _accept(self, _: int) -> None:
        try:
            # First what may be wanting: a caller that was accepted could not go back in line.
            with contextlib.ExitStack() as undo:
                server = undo.enter_context(socket.socket(self._family, socket.SOCK_STREAM))
                client, address = self._socket.accept()
                undo.enter_context(client)
                Stream(self, client, server, address[0])
                undo.pop_all()
        except OSError as error:
            # Who could not be accepted waits in line, and the socket stays ready: no file, no
            # memory.  Everybody else's connections go on.
            if error.errno not in _CALLER_GONE:
                self.loop.pause(self._socket, self._accept)
