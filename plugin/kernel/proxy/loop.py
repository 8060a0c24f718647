"""The relay's event loop: an event costs the same with one socket as with ten thousand.

``selectors`` makes room for an event of every socket it knows on each turn; epoll itself is
asked here for some events at a time.
"""

import contextlib
import select
import socket
import time
from collections import deque
from collections.abc import Callable
from typing import Final

IN: Final = select.EPOLLIN
OUT: Final = select.EPOLLOUT
# Reported even if not asked for: the next read or write gets the reason.
FAILED: Final = select.EPOLLHUP | select.EPOLLERR
_EVENTS_PER_TURN: Final = 128
_PAUSE_SECONDS: Final = 0.5

Handler = Callable[[int], None]


class Loop:
    """Sockets, and whom to call when they are ready; ``now`` is the time of the current turn."""

    def __init__(self) -> None:
        self.now = time.monotonic()
        self._epoll = select.epoll()
        self._watched: dict[int, tuple[int, Handler]] = {}
        self._closing: dict[int, socket.socket] = {}  # by descriptor
        self._paused: deque[tuple[float, socket.socket, Handler]] = deque()

    def watch(self, sock: socket.socket, events: int, handler: Handler) -> None:
        """Call ``handler`` with the events that are ready; with no events, stop doing so."""
        descriptor = sock.fileno()
        known = self._watched.get(descriptor)
        if not events:
            if known is not None:
                del self._watched[descriptor]
                self._epoll.unregister(descriptor)
        elif known is None:
            self._epoll.register(descriptor, events)
            self._watched[descriptor] = events, handler
        elif known[0] != events:
            self._epoll.modify(descriptor, events)
            self._watched[descriptor] = events, handler

    def close(self, sock: socket.socket) -> None:
        """Watch the socket no more, and close it when this turn is over.

        Closed at once, its number could be another socket's while events of this turn wait.
        """
        if sock.fileno() >= 0:
            self.watch(sock, 0, _ignore)
            self._closing[sock.fileno()] = sock

    def pause(self, sock: socket.socket, handler: Handler) -> None:
        """Do not read for a moment from a socket that is ready and cannot be served."""
        self.watch(sock, 0, handler)
        self._paused.append((self.now + _PAUSE_SECONDS, sock, handler))

    def turn(self, until: float) -> None:
        """Wait for something to happen, at most until that moment, and see to it."""
        if self._paused:
            until = min(until, self._paused[0][0])
        try:
            ready = self._epoll.poll(max(0.0, until - time.monotonic()), _EVENTS_PER_TURN)
        except InterruptedError:
            ready = []
        self.now = time.monotonic()
        for descriptor, events in ready:
            known = self._watched.get(descriptor)
            if known is not None:
                known[1](events)
        while self._paused and self._paused[0][0] <= self.now:
            _, sock, handler = self._paused.popleft()
            if sock.fileno() >= 0 and sock.fileno() not in self._closing:
                self.watch(sock, IN, handler)
        for sock in self._closing.values():
            with contextlib.suppress(OSError):
                sock.close()
        self._closing.clear()


def _ignore(_: int) -> None:
    """Call no callback any more."""
