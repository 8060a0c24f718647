"""Containers on the host's LAN: what a macvlan network adds to `docker run`, and how fast it is."""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.benchmarks.engine import Engine
from tests.benchmarks.figure import Figure, Reach, Row, Statistic, Unit
from tests.benchmarks.figures.drivers import Contender, in_turn, networks
from tests.benchmarks.figures.run import METHOD, compare
from tests.benchmarks.sample import Sample, round_by_round
from tests.benchmarks.scene import Scene
from tests.benchmarks.traffic import MEBIBYTE, Sink, send

DOCKER: Final = Contender(
    "Docker's macvlan", "macvlan", "default", "bench-docker", {"parent": "eth0"}
)
PYNET: Final = Contender(
    "pynet", "pynet", "pynet", "bench-pynet", {"mode": "macvlan", "parent": "eth0"}
)
BOTH: Final = (DOCKER, PYNET)
SIZE: Final = 32 * MEBIBYTE
_BEFORE: Final = 4 * MEBIBYTE
_SINK: Final = 80
_WARM_UP: Final = 2


@dataclass(frozen=True, slots=True)
class Pair:
    """A container that sends, and the address of one that has a server."""

    sender: Path
    address: str


def _measure_run(scene: Scene) -> Iterator[Row]:
    return compare(scene, BOTH, lambda each: scene.engine.run(each.network), 0.9, (50, 5))


def _measure_tcp(scene: Scene) -> Iterator[Row]:
    rates: dict[Contender, list[float]] = {each: [] for each in BOTH}
    with networks(scene, BOTH) as engine, ExitStack() as undo:
        pairs = {each: _pair(scene, engine, each, undo) for each in BOTH}
        for number in scene.rounds(150, 20):
            for each in in_turn(BOTH, number):
                pair = pairs[each]
                send(pair.sender, pair.address, _SINK, _BEFORE)
                rate = send(pair.sender, pair.address, _SINK, SIZE)
                if number >= _WARM_UP:
                    rates[each].append(rate)
    beside = Sample.of(rates[DOCKER])
    yield Row(what=DOCKER.title, sample=beside, unit=Unit.GIGABITS)
    yield Row(
        what=PYNET.title,
        sample=Sample.of(rates[PYNET]),
        unit=Unit.GIGABITS,
        beside=beside,
        by_round=round_by_round(rates[PYNET], rates[DOCKER]),
        reach=Reach(1.0, Statistic.RATIO, at_least=True),
    )


def _pair(scene: Scene, engine: Engine, contender: Contender, undo: ExitStack) -> Pair:
    containers = []
    for _ in range(2):
        container = engine.create(contender.network, command=("sleep", "3600"))
        undo.callback(engine.remove, container)
        engine.start(container)
        containers.append(container)
    sender, receiver = (scene.host.path(str(engine.sandbox(each))) for each in containers)
    undo.enter_context(Sink(receiver, _SINK))
    return Pair(sender=sender, address=engine.address(containers[1], contender.network))


FIGURE_RUN: Final = Figure(
    name="macvlan-run",
    title="`docker run --rm` on a macvlan network less `--network none`",
    method=METHOD + "Over the engine's HTTP API, with the requests that the command sends; both "
    "networks stand on the host's uplink.",
    measure=_measure_run,
)
FIGURE_TCP: Final = Figure(
    name="macvlan-tcp",
    title="TCP between two containers on a macvlan network",
    method=f"One container sends {SIZE // MEBIBYTE} MiB to another of its network, over a new "
    "connection each time; from the first byte until the other has said that it has all. Each in "
    f"turn, each round in the other order, and each time after {_BEFORE // MEBIBYTE} MiB that do "
    "not count; the ratio is the median of the ratios of single rounds, with the interval that it "
    "is in at 95 %.",
    measure=_measure_tcp,
)
