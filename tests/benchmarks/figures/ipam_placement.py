"""How long a free pool is looked for among many."""

import time
from collections.abc import Iterator
from typing import Final

from tests.benchmarks.figure import Figure, Reach, Row
from tests.benchmarks.figures.library import allocator, hold_pool
from tests.benchmarks.sample import Sample
from tests.benchmarks.scene import TMPFS, Scene

_PROBES: Final = 200


def _measure(scene: Scene) -> Iterator[Row]:
    count = scene.amount(5_000, 1_000)
    seconds = []
    with allocator(scene.directory(TMPFS)) as library:
        for _ in range(count):
            hold_pool(library)
        for _ in range(_PROBES):
            started = time.perf_counter()
            pool = hold_pool(library)
            seconds.append(time.perf_counter() - started)
            library.release_pool(pool)
    yield Row(what=f"any pool beside {count:,} others", sample=Sample.of(seconds), reach=Reach(1.0))


FIGURE: Final = Figure(
    name="ipam-placement",
    title="Library: a pool among many",
    method="`Allocator.request_pool` without a prefix when the first so many /24 of 10.0.0.0/8 "
    "are held; durable, on a tmpfs. It is released each time, which is not measured.",
    measure=_measure,
)
