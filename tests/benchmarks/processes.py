"""The memory and the processor time of a program with all its children, as the kernel counts them."""

import contextlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_TICKS: Final = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """In bytes; PSS shares what several processes share."""

    rss: int
    pss: int

    def __add__(self, other: "Memory") -> "Memory":
        return Memory(rss=self.rss + other.rss, pss=self.pss + other.pss)


def tree_memory(pid: int) -> Memory:
    """Return the memory of a process and all its descendants.

    A descendant that ended while they were read counts nothing.

    Raises:
        OSError: The process itself has ended.
    """
    total = _memory(pid)
    for child in _children(pid):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            total += tree_memory(child)
    return total


def tree_seconds(pid: int) -> float:
    """Return the seconds of the processor that a process and its descendants have used.

    Raises:
        OSError: The process itself has ended.
    """
    total = _seconds(pid)
    for child in _children(pid):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            total += tree_seconds(child)
    return total


def resident() -> int:
    """Return the RSS of this process."""
    return _memory("self").rss


def _memory(pid: int | str) -> Memory:
    fields = {}
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]:
        name, value, *_ = line.split()
        fields[name.rstrip(":")] = int(value) << 10
    return Memory(rss=fields["Rss"], pss=fields["Pss"])


def _seconds(pid: int) -> float:
    """Of its threads to the nanosecond, and of children that have ended to the tick (proc(5))."""
    own = 0
    for task in Path(f"/proc/{pid}/task").iterdir():
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            own += int((task / "schedstat").read_text().split()[0])
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return own / 1e9 + sum(map(int, fields[13:15])) / _TICKS  # cutime, cstime


def _children(pid: int) -> list[int]:
    tasks = Path(f"/proc/{pid}/task").glob("*/children")
    return [int(child) for task in tasks for child in task.read_text().split()]
