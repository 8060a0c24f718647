"""What the C library keeps of memory that Python has given back to it (malloc(3)).

Buffers for messages of the kernel lie between values that stay.  So after many calls pages are
free that no other process gets: 5 MiB after 200 containers.
"""

import ctypes
from typing import Final

_M_ARENA_MAX: Final = -8  # malloc.h


def use_one_arena() -> None:
    """Threads of Python take turns: an arena for each is 12 MiB for nothing (mallopt(3))."""
    ctypes.CDLL(None).mallopt(_M_ARENA_MAX, 1)


def trim() -> None:
    """Give free pages back to the kernel (malloc_trim(3)); it takes a millisecond or two.

    Other threads run meanwhile, unless they want memory of the C library.
    """
    ctypes.CDLL(None).malloc_trim(0)
