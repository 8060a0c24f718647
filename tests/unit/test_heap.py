"""What nothing needs any more is the kernel's again."""

import subprocess
import sys
from typing import Final

# Buffers that are freed, each before a value that stays, as messages of the kernel are.
PROGRAM: Final = """
from pathlib import Path
from plugin import heap

def resident():
    return int(Path("/proc/self/statm").read_text().split()[1])

heap.use_one_arena()
stay, buffers = [], []
for _ in range(400):
    buffers.append(b"x" * 50_000)
    stay.append(b"y" * 1000)
buffers.clear()
before = resident()
heap.trim()
print(before - resident(), len(stay))
"""


def test_pages_that_are_free_are_given_back() -> None:
    """Most of 20 MB, although a value stays between any two of the buffers."""
    argv = [sys.executable, "-c", PROGRAM]
    pages, _ = subprocess.run(argv, check=True, capture_output=True, text=True).stdout.split()

    assert int(pages) * 4096 > 15_000_000


def test_the_collector_does_not_look_at_what_is_kept() -> None:
    """It goes on to look at all that comes later."""
    program = """
import gc
from plugin import heap

with heap.kept():
    made = [[] for _ in range(1000)]
    enabled = gc.isenabled()
print(enabled, gc.isenabled(), any(each is made for each in gc.get_objects()))
"""
    argv = [sys.executable, "-c", program]
    told = subprocess.run(argv, check=True, capture_output=True, text=True).stdout

    assert told == "False True False\n"
