"""A network made and removed."""

import time
from collections.abc import Iterator
from typing import Final

from tests.benchmarks.figure import Figure, Reach, Row, Statistic
from tests.benchmarks.figures.drivers import ALL, DOCKER, PYNET, Contender, in_turn
from tests.benchmarks.sample import Sample
from tests.benchmarks.scene import Scene

_WARM_UP: Final = 2


def _measure(scene: Scene) -> Iterator[Row]:
    seconds: dict[Contender, list[float]] = {each: [] for each in ALL}
    assert scene.plugin.running
    for number in scene.rounds(40, 8):
        for each in in_turn(ALL, number):
            started = time.perf_counter()
            scene.engine.create_network(each.network, each.driver, each.ipam)
            scene.engine.remove_network(each.network)
            if number >= _WARM_UP:
                seconds[each].append(time.perf_counter() - started)
    docker = Sample.of(seconds[DOCKER])
    yield Row(what=DOCKER.title, sample=docker)
    for each in ALL[1:]:
        yield Row(
            what=each.title,
            sample=Sample.of(seconds[each]),
            beside=docker,
            reach=Reach(0.7, Statistic.RATIO) if each is PYNET else None,
        )


FIGURE: Final = Figure(
    name="network",
    title="`docker network create` and `docker network rm`",
    method="One network without endpoints, created and removed over the engine's HTTP API on a "
    "kept connection; the drivers take turns, each round in the other order.",
    measure=_measure,
)
