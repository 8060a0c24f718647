"""How long whoever asked will wait, known to everything that waits on their behalf.

A call of the engine runs in one thread from its first byte to its answer, so its deadline
goes along by itself and stands in no signature.  Without one, in a tick or a command, a wait
has its own bound only.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final

from plugin.errors import LateError

_end: Final[ContextVar[float | None]] = ContextVar("deadline", default=None)


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """Whoever asked waits for so many seconds from now."""
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
    """Raise LateError if nobody waits any more: what was done must be undone."""
    end = _end.get()
    if end is not None and time.monotonic() > end:
        raise LateError("the host took too long, and what was done was undone; see /health")
