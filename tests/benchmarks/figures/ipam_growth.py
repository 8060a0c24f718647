"""Whether an address costs more when many are taken."""

from collections.abc import Iterator
from typing import Final

from ipam import Allocator
from tests.benchmarks.figure import Figure, Reach, Row, Statistic
from tests.benchmarks.figures.library import allocator, hold_pool, take
from tests.benchmarks.sample import Sample
from tests.benchmarks.scene import TMPFS, Scene

_WINDOW: Final = 200
_USABLE: Final = {"10.1.0.0/16": 65533, "10.1.0.0/20": 4093}  # less the gateway
_REACH: Final = Reach(1.2, Statistic.RATIO)
_WARM_UP: Final = 50


def _measure(scene: Scene) -> Iterator[Row]:
    prefix = "10.1.0.0/20" if scene.quick else "10.1.0.0/16"
    with allocator(scene.directory(TMPFS)) as library:
        take(library, hold_pool(library, "10.2.0.0/16"), _WARM_UP)
        seconds = take(library, hold_pool(library, prefix), _USABLE[prefix])
    first = Sample.of(seconds[:_WINDOW])
    yield Row(what=f"first {_WINDOW} of {prefix}", sample=first)
    yield Row(
        what=f"last {_WINDOW} of {prefix}",
        sample=Sample.of(seconds[-_WINDOW:]),
        beside=first,
        reach=_REACH,
    )
    with allocator(scene.directory(TMPFS)) as library:
        for prefix in ("10.0.0.0/8", "fd00:77::/64"):
            yield from _rows(library, prefix, scene.amount(100_000, 5_000))


def _rows(library: Allocator, prefix: str, taken: int) -> Iterator[Row]:
    pool = hold_pool(library, prefix)
    first = Sample.of(take(library, pool, _WINDOW))
    take(library, pool, taken - _WINDOW)
    yield Row(what=f"first {_WINDOW} of {prefix}", sample=first)
    yield Row(
        what=f"{prefix} with {taken:,} taken",
        sample=Sample.of(take(library, pool, _WINDOW)),
        beside=first,
        reach=_REACH,
    )


FIGURE: Final = Figure(
    name="ipam-growth",
    title="Library: the last address beside the first",
    method="`Allocator.request_address` until the pool is full, or until so many are taken; on a "
    f"tmpfs, one thread. {_WINDOW} consecutive addresses are compared with the first {_WINDOW} "
    "of the same pool.",
    measure=_measure,
)
