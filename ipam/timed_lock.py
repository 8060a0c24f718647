"""A lock with a bounded wait: a disk that blocks one writer must not block all.

The daemon has another such lock (``plugin/deadline.py``), which knows how long the engine waits.
This package does not import the daemon, and has the bound below.
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
