"""How long a store with many leases takes to open, and how much memory."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from tests.benchmarks.figure import Figure, Reach, Row, Unit
from tests.benchmarks.figures.library import allocator, hold_pool, take
from tests.benchmarks.processes import resident
from tests.benchmarks.sample import Sample
from tests.benchmarks.scene import TMPFS, Scene

PREFIX: Final = "10.0.0.0/8"


def _measure(scene: Scene) -> Iterator[Row]:
    directory = scene.directory(TMPFS)
    leases = scene.amount(100_000, 5_000)
    with allocator(directory) as library:
        take(library, hold_pool(library, PREFIX), leases)
    said = [_ask(directory) for _ in scene.rounds(10, 3)]
    yield Row(
        what=f"opened, and an address taken, with {leases:,} leases",
        sample=Sample.of(each["seconds"] for each in said),
        reach=Reach(1000),
    )
    yield Row(
        what="RSS more than before",
        sample=Sample.of(each["grown"] for each in said),
        unit=Unit.MEBIBYTES,
        reach=Reach(60),
    )


def _ask(directory: Path) -> dict[str, float]:
    """Open the store in a fresh process."""
    argv = [sys.executable, "-m", __name__, str(directory)]
    done = subprocess.run(argv, stdout=subprocess.PIPE, check=True)
    said: dict[str, float] = json.loads(done.stdout)
    return said


def _answer(directory: Path) -> dict[str, float]:
    before, started = resident(), time.perf_counter()
    with allocator(directory) as library:
        pool = next(pool.id for pool in library.pools() if str(pool.prefix) == PREFIX)
        take(library, pool, 1)
        seconds = time.perf_counter() - started
        return {"seconds": seconds, "grown": resident() - before}


FIGURE: Final = Figure(
    name="ipam-open",
    title="Library: opening a full store",
    method="In a fresh process each time, with the package imported: from opening the file to "
    "the first new address, which is when the pool's leases are read.",
    measure=_measure,
)

if __name__ == "__main__":
    sys.stdout.write(json.dumps(_answer(Path(sys.argv[1]))))
