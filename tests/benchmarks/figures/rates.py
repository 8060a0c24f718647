"""How fast TCP is one way and another: the rounds, and what the report says of them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol, TypeVar

from tests.benchmarks.figure import Reach, Row, Unit
from tests.benchmarks.figures.drivers import in_turn
from tests.benchmarks.sample import Sample, round_by_round
from tests.benchmarks.scene import Scene
from tests.benchmarks.traffic import MEBIBYTE, send

SIZE: Final = 32 * MEBIBYTE
SINK: Final = 80  # the port of a receiver
_BEFORE: Final = 4 * MEBIBYTE
_WARM_UP: Final = 2
SENDS: Final = f"sends {SIZE // MEBIBYTE} MiB"
UNTIL: Final = "over a new connection each time; from the first byte until the other has said that it has all. "
ROUNDS: Final = (
    f"in turn, each round in the other order, and each time after {_BEFORE // MEBIBYTE} MiB that do "
    "not count; the ratio is the median of the ratios of single rounds, with the interval that it "
    "is in at 95 %."
)


class Titled(Protocol):
    """What is compared, by the report's name."""

    @property
    def title(self) -> str: ...


T = TypeVar("T", bound=Titled)


@dataclass(frozen=True, slots=True)
class Way:
    """Whence bytes are sent, and where to."""

    sender: Path
    address: object
    port: int = SINK
    streams: int = 1


def compare(scene: Scene, ways: Mapping[T, Way], reach: Reach | None) -> Iterator[Row]:
    """Measure two ways, the second beside the first."""
    pair = tuple(ways)
    rates: dict[T, list[float]] = {each: [] for each in pair}
    for number in scene.rounds(150, 20):
        for each in in_turn(pair, number):
            way = ways[each]
            send(way.sender, way.address, way.port, _BEFORE)
            rate = send(way.sender, way.address, way.port, SIZE, way.streams)
            if number >= _WARM_UP:
                rates[each].append(rate)
    dockers, own = pair
    beside = Sample.of(rates[dockers])
    yield Row(what=dockers.title, sample=beside, unit=Unit.GIGABITS)
    yield Row(
        what=own.title,
        sample=Sample.of(rates[own]),
        unit=Unit.GIGABITS,
        beside=beside,
        by_round=round_by_round(rates[own], rates[dockers]),
        reach=reach,
    )
