"""What a network adds to `docker run --rm`."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final

from tests.benchmarks.figure import Figure, Reach, Row, Statistic
from tests.benchmarks.figures.drivers import (
    ALL,
    DOCKER,
    PYNET,
    Contender,
    in_turn,
    networks,
)
from tests.benchmarks.floor import NAME, Floor
from tests.benchmarks.sample import Sample, excess
from tests.benchmarks.scene import Scene
from tests.lab.host import IMAGE

NONE: Final = Contender("--network none", "null", "null", "none")
FLOOR: Final = Contender("The floor", NAME, "default", "bench-floor")
PORT: Final = 80
_WARM_UP: Final = 1
METHOD: Final = (
    "A container whose command ends at once, from its creation until it is removed, less the "
    "same with `--network none` in the same round; drivers take turns, each round in the other "
    "order. "
)

Runner = Callable[[Contender], float]


def _measure(scene: Scene) -> Iterator[Row]:
    """Over the API."""
    assert scene.plugin.running
    with Floor(scene.host) as floor:

        def run(each: Contender) -> float:
            if each is FLOOR:
                floor.refill()
            return scene.engine.run(each.network)

        seconds = measure(scene, (*ALL, FLOOR), run, (50, 5))
    yield from beside_dockers(seconds, 0.6)
    yield Row(
        what="pynet, less none, beside the floor",
        sample=excess(seconds[PYNET], seconds[NONE]),
        beside=excess(seconds[FLOOR], seconds[NONE]),
        reach=Reach(1.15, Statistic.RATIO),
    )


def _measure_published(scene: Scene) -> Iterator[Row]:
    """Over the API, with a port; nothing is published without a network."""

    def run(each: Contender) -> float:
        return scene.engine.run(each.network, *([] if each is NONE else [PORT]))

    return compare(scene, ALL, run, 0.38, (50, 5))


def _measure_command(scene: Scene) -> Iterator[Row]:
    """With the command."""

    def run(each: Contender) -> float:
        started = time.perf_counter()
        scene.host.docker("run", "--rm", "--network", each.network, IMAGE, "true")
        return time.perf_counter() - started

    return compare(scene, (DOCKER, PYNET), run, None, (20, 4))


def compare(
    scene: Scene,
    contenders: Sequence[Contender],
    run: Runner,
    reach: float | None,
    rounds: tuple[int, int],
) -> Iterator[Row]:
    """Compare others with Docker's, the first of the contenders."""
    return beside_dockers(measure(scene, contenders, run, rounds), reach)


def measure(
    scene: Scene, contenders: Sequence[Contender], run: Runner, rounds: tuple[int, int]
) -> dict[Contender, list[float]]:
    """Measure the contenders and `--network none` in turn; the seconds of each."""
    everybody = (NONE, *contenders)
    seconds: dict[Contender, list[float]] = {each: [] for each in everybody}
    with networks(scene, contenders):
        for number in scene.rounds(*rounds):
            for each in in_turn(everybody, number):
                value = run(each)
                if number >= _WARM_UP:
                    seconds[each].append(value)
    return seconds


def beside_dockers(
    seconds: Mapping[Contender, Sequence[float]], reach: float | None
) -> Iterator[Row]:
    """What each adds to the first, `--network none`, beside the second, which is Docker's."""
    _, docker, *others = seconds
    yield Row(what="`--network none`, whole", sample=Sample.of(seconds[NONE]))
    beside = excess(seconds[docker], seconds[NONE])
    yield Row(what=f"{docker.title}, less none", sample=beside)
    for each in others:
        yield Row(
            what=f"{each.title}, less none",
            sample=excess(seconds[each], seconds[NONE]),
            beside=beside,
            reach=Reach(reach, Statistic.RATIO) if reach and each is others[0] else None,
        )


FIGURE: Final = Figure(
    name="run",
    title="`docker run --rm` less `--network none`",
    method=METHOD + "Over the engine's HTTP API, with the requests that the command sends. "
    "The floor is a driver that answers at once, hands over links made before, and does nothing else.",
    measure=_measure,
)
FIGURE_PUBLISHED: Final = Figure(
    name="run-p",
    title="`docker run --rm -p 80` less `--network none`",
    method=METHOD + "Over the engine's HTTP API; the host's port is any that is free.",
    measure=_measure_published,
)
FIGURE_COMMAND: Final = Figure(
    name="run-cli",
    title="The same with the `docker` command",
    method=METHOD + "The command is started in the host's namespaces each time, which adds its "
    "own spread to each value.",
    measure=_measure_command,
)
