"""A thread that listens to what the kernel announces (netlink(7)).

What comes faster than it is read is lost, and then everything must be looked at.  So a group that a
container can fill needs a filter.
"""

import os
import select
import socket
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from typing import ClassVar, Final

from plugin.kernel import open_files
from plugin.kernel.netlink import messages as raw
from plugin.log import Log
from plugin.socket_filters import Program, attach

_log: Final = Log("watch")
_BUFFER: Final = 1 << 16


class Watch(ABC):
    """A thread that listens to netlink groups, until it is closed."""

    wanted: ClassVar[Program] = ()  # filters announcements in the kernel; empty: all are read

    def __init__(self, protocol: int, groups: Iterable[int], changed: Callable[[], None]) -> None:
        self._changed = changed
        self._failed: Callable[[str], None] | None = None
        try:
            with ExitStack() as undo:
                self._socket = undo.enter_context(
                    socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, protocol)
                )
                self._socket.bind((0, 0))
                if self.wanted:
                    attach(self._socket, self.wanted)
                for group in groups:
                    self._socket.setsockopt(raw.SOL_NETLINK, raw.NETLINK_ADD_MEMBERSHIP, group)
                self._end = os.eventfd(0)
                undo.pop_all()
        except OSError as error:
            raise open_files.refusal("changes of this host cannot be watched", error) from error
        self._thread = threading.Thread(target=self._run, name=type(self).__name__, daemon=True)
        self._thread.start()

    def report_to(self, failed: Callable[[str], None]) -> None:
        """Report to ``failed``, too, an announcement that could not be read; listening goes on."""
        self._failed = failed

    def close(self) -> None:
        """Stop listening.

        Closing the socket would not wake the thread, and its number may be another file's by
        the time that the thread reads from it.
        """
        os.eventfd_write(self._end, 1)
        self._thread.join()
        self._socket.close()
        os.close(self._end)

    def _run(self) -> None:
        poll = select.poll()
        poll.register(self._socket, select.POLLIN)
        poll.register(self._end, select.POLLIN)
        while self._end not in (descriptor for descriptor, _ in poll.poll()):
            try:
                data = self._socket.recv(_BUFFER)
            except OSError as error:
                _log.warning("events.lost", reason=error)
                self._changed()
                continue
            try:
                for kind, body in raw.messages(data):
                    self._hear(kind, body)
            except Exception as error:  # noqa: BLE001 - the next announcement must be read, too
                self._fail(error)

    def _fail(self, error: Exception) -> None:
        _log.exception("watch.fault")
        if self._failed is not None:
            self._failed(
                f"{type(self).__name__} cannot read an announcement of the kernel: {error}"
            )
        self._changed()  # all that it may concern is looked at

    @abstractmethod
    def _hear(self, kind: int, body: bytes) -> None:
        """One announcement."""
