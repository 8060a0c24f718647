"""Whether an address costs more when many are taken, up to the last of a pool."""

from collections.abc import Iterator
from typing import Final

from tests.benchmarks.figure import Figure, Reach, Row, Statistic
from tests.benchmarks.figures.library import allocator, hold_pool, take
from tests.benchmarks.sample import Sample
from tests.benchmarks.scene import TMPFS, Scene

_WINDOW: Final = 200
_USABLE: Final = {"/16": 65533, "/20": 4093}  # less one, as if for the gateway
_REACH: Final = Reach(1.2, Statistic.RATIO)
_WARM_UP: Final = "192.168.0.0/24"


def _measure(scene: Scene) -> Iterator[Row]:
    size = "/20" if scene.quick else "/16"
    many = scene.amount(100_000, 5_000)
    for prefix, taken in (
        (f"10.1.0.0{size}", _USABLE[size] - _WINDOW),
        ("10.0.0.0/8", many),
        ("fd00:77::/64", many),
    ):
        yield from _compare(scene, prefix, taken)


def _compare(scene: Scene, prefix: str, taken: int) -> Iterator[Row]:
    """Take from a pool with so many taken and from an empty one, in turn."""
    first, last = [], []
    with (
        allocator(scene.directory(TMPFS)) as empty,
        allocator(scene.directory(TMPFS)) as full,
    ):
        one, other = hold_pool(empty, prefix), hold_pool(full, prefix)
        take(full, other, taken)
        take(empty, hold_pool(empty, _WARM_UP), _WINDOW)
        for _ in range(_WINDOW):
            first += take(empty, one, 1)
            last += take(full, other, 1)
    beside = Sample.of(first)
    yield Row(what=f"{prefix}, first {_WINDOW}", sample=beside)
    yield Row(
        what=f"{prefix}, {_WINDOW} more with {taken:,} taken",
        sample=Sample.of(last),
        beside=beside,
        reach=_REACH,
    )


FIGURE: Final = Figure(
    name="ipam-growth",
    title="Library: the last address beside the first",
    method="`Allocator.request_address` on a tmpfs, one thread. From a pool in which so many are "
    "taken, and from an empty pool in a store of its own, one address in turn; of the /16 the "
    "last there are.",
    measure=_measure,
)
