"""The deadline of a call, known to every wait that the call causes.

A call of the engine runs in one thread from its first byte to its answer.  So its deadline is a
context variable and appears in no signature.  In a tick or a command there is no deadline, and a
wait has its own bound only.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from threading import Lock
from typing import Final

from plugin.errors import LateError

_end: Final[ContextVar[float | None]] = ContextVar("deadline", default=None)


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """Set the deadline: the caller waits for so many seconds from now."""
    token = _end.set(time.monotonic() + seconds)
    try:
        yield
    finally:
        _end.reset(token)


def remaining(most: float) -> float:
    """Seconds that a wait may take: at most so many, and never longer than is waited for."""
    end = _end.get()
    return most if end is None else max(0.0, min(most, end - time.monotonic()))


def check() -> None:
    """Raise LateError if the caller has stopped waiting: what was done must be undone."""
    end = _end.get()
    if end is not None and time.monotonic() > end:
        raise LateError("the host took too long, and what was done was undone; see /health")


class TimedLock:
    """A lock with a bounded wait: until the deadline, and for ``most`` seconds at most.

    On entry of its ``with`` statement it raises what ``late`` makes of the seconds waited in vain.
    So a disk or a kernel that blocks one caller does not block all.
    """

    __slots__ = ("_late", "_lock", "_most")

    def __init__(self, most: float, late: Callable[[float], Exception]) -> None:
        self._most = most
        self._late = late
        self._lock = Lock()

    def __enter__(self) -> None:
        seconds = remaining(self._most)
        if not self._lock.acquire(timeout=seconds):
            raise self._late(seconds)

    def __exit__(self, *_: object) -> None:
        self._lock.release()
