"""What the C library and Python's collector do with memory: as little as they can.

Buffers for messages of the kernel lie between values that stay.  So after many calls pages are
free that no other process gets: 5 MiB after 200 containers.
"""

import ctypes
import gc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

_M_ARENA_MAX: Final = -8  # malloc.h


def use_one_arena() -> None:
    """Threads of Python take turns: an arena for each is 12 MiB for nothing (mallopt(3))."""
    ctypes.CDLL(None).mallopt(_M_ARENA_MAX, 1)


@contextmanager
def kept() -> Iterator[None]:
    """Have the collector never look at what is made in the block, which is there until the end.

    Modules and functions are 50,000 objects: a look at them takes 25 ms, in which no call goes on, and
    writes to every page, which a process that was forked then has twice.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


def trim() -> None:
    """Give free pages back to the kernel (malloc_trim(3)); it takes a millisecond or two.

    Other threads run meanwhile, unless they want memory of the C library.
    """
    ctypes.CDLL(None).malloc_trim(0)
