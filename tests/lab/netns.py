"""Sockets in another network namespace, opened from this process.

A socket belongs to the namespace its thread was in when it was made.  So a
test enters a host's namespace for the moment of ``socket()``, and talks or
serves from its own process afterwards.
"""

import ctypes
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

CLONE_NEWNET = 0x40000000  # linux/sched.h

_libc = ctypes.CDLL(None, use_errno=True)


@contextmanager
def inside(netns: Path) -> Iterator[None]:
    """Put the calling thread into a network namespace for the block."""
    here = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
    try:
        _enter(netns)
        try:
            yield
        finally:
            _setns(here, "the namespace this thread came from")
    finally:
        os.close(here)


def free_port(netns: Path) -> int:
    """Return a TCP port that nobody in a namespace has just now."""
    with inside(netns), socket.create_server(("0.0.0.0", 0)) as server:
        return int(server.getsockname()[1])


def _enter(netns: Path) -> None:
    there = os.open(netns, os.O_RDONLY)
    try:
        _setns(there, str(netns))
    finally:
        os.close(there)


def _setns(descriptor: int, what: str) -> None:
    if _libc.setns(descriptor, CLONE_NEWNET):
        code = ctypes.get_errno()
        raise OSError(code, f"cannot enter {what}: {os.strerror(code)}")
