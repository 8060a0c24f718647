"""What all viewers see: looked at once a second while there is one, whatever their number."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

_LONGEST_SILENCE: Final = 5.0  # seconds after which a viewer is told that nothing changed

Look = Callable[[], bytes]  # raises nothing: viewers would wait for ever


class TooManyViewersError(Exception):
    """As many pages are open as are served."""


class Feed:
    """Has a thread look at the host while it has viewers, and hands each what is new."""

    def __init__(self, look: Look, *, every: float, most: int) -> None:
        self._look = look
        self._every = every
        self._most = most
        self._changed = threading.Condition()
        self._viewers = 0
        self._number = 0
        self._last = b""
        self._thread: threading.Thread | None = None

    @property
    def viewers(self) -> int:
        """How many there are."""
        return self._viewers

    @contextmanager
    def viewer(self) -> Iterator[Iterator[bytes]]:
        """What is there, and then each change; nothing, where nothing changed for some seconds.

        Raises TooManyViewersError.
        """
        with self._changed:
            if self._viewers >= self._most:
                raise TooManyViewersError
            if self._thread is None:
                self._last = b""  # what was seen when the last viewer left may be long ago
                thread = threading.Thread(target=self._run, name="feed", daemon=True)
                thread.start()  # the host may have no room for one more, and then later has
                self._thread = thread
            self._viewers += 1
        try:
            yield self._seen()
        finally:
            with self._changed:
                self._viewers -= 1
                self._changed.notify_all()

    def _seen(self) -> Iterator[bytes]:
        number = 0
        while True:
            number, found = self._after(number)
            yield found

    def _after(self, number: int) -> tuple[int, bytes]:
        """What came after a number, and its own; nothing if nothing came for long."""
        with self._changed:
            news = self._changed.wait_for(
                lambda: self._last and self._number != number, _LONGEST_SILENCE
            )
            return (self._number, self._last) if news else (number, b"")

    def _run(self) -> None:
        while True:
            found = self._look()
            with self._changed:
                if found != self._last:
                    self._last = found
                    self._number += 1
                    self._changed.notify_all()
                if self._changed.wait_for(lambda: not self._viewers, self._every):
                    self._thread = None
                    return
