"""Many running containers removed at once."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Final

from tests.benchmarks.engine import Engine, EngineError
from tests.benchmarks.figure import Figure, Reach, Row, Statistic
from tests.benchmarks.figures.drivers import DOCKER, PYNET, Contender, in_turn, networks
from tests.benchmarks.figures.run import NONE
from tests.benchmarks.sample import Sample
from tests.benchmarks.scene import Scene

CONTAINERS: Final = 30
_STARTS_AT_ONCE: Final = 4  # only to get them up; not measured


def _measure(scene: Scene) -> Iterator[Row]:
    contenders = (NONE, DOCKER, PYNET)
    seconds: dict[Contender, list[float]] = {each: [] for each in contenders}
    with networks(scene, contenders[1:]) as engine, ThreadPoolExecutor(CONTAINERS) as pool:
        for number in scene.rounds(6, 1):
            for each in in_turn(contenders, number):
                containers = _start(engine, each.network)
                started = time.perf_counter()
                list(pool.map(engine.remove, containers))
                seconds[each].append(time.perf_counter() - started)
    yield Row(what=f"`{NONE.title}`", sample=Sample.of(seconds[NONE]))
    docker = Sample.of(seconds[DOCKER])
    yield Row(what=DOCKER.title, sample=docker)
    yield Row(
        what=PYNET.title,
        sample=Sample.of(seconds[PYNET]),
        beside=docker,
        reach=Reach(0.6, Statistic.RATIO),
    )


def _start(engine: Engine, network: str) -> list[str]:
    containers = [engine.create(network, command=("sleep", "3600")) for _ in range(CONTAINERS)]
    try:
        with ThreadPoolExecutor(_STARTS_AT_ONCE) as pool:
            list(pool.map(engine.start, containers))
    except BaseException:
        for container in containers:
            with suppress(EngineError):
                engine.remove(container)
        raise
    return containers


FIGURE: Final = Figure(
    name="rm",
    title=f"`docker rm -f` of {CONTAINERS} running containers",
    method="All at once over the engine's HTTP API, a connection for each, as the command does; "
    "from the first request to the last answer. The drivers take turns; without a network a removal "
    "takes what the first row says.",
    measure=_measure,
)
