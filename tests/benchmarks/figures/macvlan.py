"""Containers on the host's LAN: what a macvlan network adds to `docker run`, and how fast it is."""

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Final

from tests.benchmarks.engine import Engine
from tests.benchmarks.figure import Figure, Reach, Row, Statistic
from tests.benchmarks.figures import rates
from tests.benchmarks.figures.drivers import Contender, networks
from tests.benchmarks.figures.rates import ROUNDS, SENDS, SINK, UNTIL, Way
from tests.benchmarks.figures.run import METHOD, compare
from tests.benchmarks.scene import Scene
from tests.benchmarks.traffic import Sink

DOCKER: Final = Contender(
    "Docker's macvlan", "macvlan", "default", "bench-docker", {"parent": "eth0"}
)
PYNET: Final = Contender(
    "pynet", "pynet", "pynet", "bench-pynet", {"mode": "macvlan", "parent": "eth0"}
)
BOTH: Final = (DOCKER, PYNET)


def _measure_run(scene: Scene) -> Iterator[Row]:
    return compare(scene, BOTH, lambda each: scene.engine.run(each.network), 0.8, (50, 5))


def _measure_tcp(scene: Scene) -> Iterator[Row]:
    with networks(scene, BOTH) as engine, ExitStack() as undo:
        ways = {each: _way(scene, engine, each, undo) for each in BOTH}
        yield from rates.compare(scene, ways, Reach(1.0, Statistic.RATIO, at_least=True))


def _way(scene: Scene, engine: Engine, contender: Contender, undo: ExitStack) -> Way:
    """From one container to another, which receives."""
    containers = []
    for _ in range(2):
        container = engine.create(contender.network, command=("sleep", "3600"))
        undo.callback(engine.remove, container)
        engine.start(container)
        containers.append(container)
    sender, receiver = (scene.host.path(str(engine.sandbox(each))) for each in containers)
    undo.enter_context(Sink(receiver, SINK))
    return Way(sender, engine.address(containers[1], contender.network))


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
    method=f"One container {SENDS} to another of its network, {UNTIL}Each {ROUNDS}",
    measure=_measure_tcp,
)
