"""A lock that nobody waits for for ever: a disk that keeps one writer must not keep everybody.

The daemon has a lock of its own (``plugin/deadline.py``), which knows how long the engine waits.
This package stands alone and has the bound below.
"""

from threading import Lock
from typing import Final

from ipam.errors import StoreError

PATIENCE: Final = 10.0  # seconds; an engine waits longer and then asks again


class TimedLock:
    """The lock of ``what``, in a ``with`` statement.

    Raises StoreError on entry after ``PATIENCE`` seconds.
    """

    __slots__ = ("_lock", "_what")

    def __init__(self, what: str) -> None:
        self._what = what
        self._lock = Lock()

    def __enter__(self) -> None:
        if not self._lock.acquire(timeout=PATIENCE):
            raise StoreError(
                f"{self._what} has been busy for {PATIENCE:g} s with another operation"
            )

    def __exit__(self, *_: object) -> None:
        self._lock.release()
