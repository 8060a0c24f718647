"""Taking turns, but not for ever: a disk that keeps one writer must not keep everybody."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock
from typing import Final

from ipam.errors import StoreError

PATIENCE: Final = 10.0  # seconds; an engine waits longer and then asks again


@contextmanager
def turn(lock: Lock, what: str) -> Iterator[None]:
    """Hold the lock of ``what`` for the block."""
    if not lock.acquire(timeout=PATIENCE):
        raise StoreError(f"{what} has been busy for {PATIENCE:g} s with another operation")
    try:
        yield
    finally:
        lock.release()
