"""Many containers with a published port started at once."""

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

CONTAINERS: Final = 50
PORT: Final = 80


def _measure(scene: Scene) -> Iterator[Row]:
    contenders = (NONE, DOCKER, PYNET)
    seconds: dict[Contender, list[float]] = {each: [] for each in contenders}
    with networks(scene, contenders[1:]) as engine, ThreadPoolExecutor(CONTAINERS) as pool:
        for number in scene.rounds(5, 1):
            for each in in_turn(contenders, number):
                ports = () if each is NONE else (PORT,)
                seconds[each].append(_run(engine, pool, each.network, *ports))
    yield Row(what=f"`{NONE.title}`", sample=Sample.of(seconds[NONE]))
    docker = Sample.of(seconds[DOCKER])
    yield Row(what=DOCKER.title, sample=docker)
    yield Row(
        what=PYNET.title,
        sample=Sample.of(seconds[PYNET]),
        beside=docker,
        reach=Reach(0.7, Statistic.RATIO),
    )


def _run(engine: Engine, pool: ThreadPoolExecutor, network: str, *ports: int) -> float:
    """Start all at once, and remove them again; return the seconds of the former."""
    started = time.perf_counter()
    starting = [
        pool.submit(engine.run_detached, network, *ports, command=("sleep", "3600"))
        for _ in range(CONTAINERS)
    ]
    try:
        containers = [each.result() for each in starting]
        elapsed = time.perf_counter() - started
    finally:
        containers = [each.result() for each in starting if each.exception() is None]
        list(pool.map(_remove, [engine] * len(containers), containers))
    return elapsed


def _remove(engine: Engine, container: str) -> None:
    with suppress(EngineError):  # the error of its start is the one to tell
        engine.remove(container)


FIGURE: Final = Figure(
    name="run-p-50",
    title=f"{CONTAINERS} times `docker run -d -p 80` at once",
    method="All at once over the engine's HTTP API, a connection for each, with the requests that "
    "the command sends; from the first request until the last container runs. Whole times: what "
    "a container costs without any network is in them, and is the first row. The drivers take turns; the removal is "
    "not measured.",
    measure=_measure,
)
