"""How many addresses a second one thread takes, each of them durably."""

from collections.abc import Iterator
from typing import Final

from tests.benchmarks.figure import Figure, Reach, Row, Unit
from tests.benchmarks.figures.library import allocator, hold_pool, take
from tests.benchmarks.sample import Sample
from tests.benchmarks.scene import DISK, TMPFS, Scene

_BATCH: Final = 500
_REACH: Final = Reach(5000, at_least=True)


def _measure(scene: Scene) -> Iterator[Row]:
    for parent, where in ((TMPFS, "tmpfs"), (DISK, "disk")):
        rates = []
        with allocator(scene.directory(parent)) as library:
            pool = hold_pool(library, "10.0.0.0/16")
            for _ in scene.rounds(30, 6):
                rates.append(_BATCH / sum(take(library, pool, _BATCH)))  # noqa: PERF401 - timed
        yield Row(
            what=f"addresses on {where}",
            sample=Sample.of(rates),
            unit=Unit.PER_SECOND,
            reach=_REACH if parent == TMPFS else None,
        )


FIGURE: Final = Figure(
    name="ipam-rate",
    title="Library: addresses per second",
    method=f"`Allocator.request_address` on a SQLite store (WAL, FULL), one thread, in batches of "
    f"{_BATCH}; on a tmpfs and on the machine's disk.",
    measure=_measure,
)
