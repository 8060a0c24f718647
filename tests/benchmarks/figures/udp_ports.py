"""Ten thousand UDP ports published by one `docker run`."""

import re
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from tests.benchmarks.figure import Figure, Reach, Row, Statistic, Unit
from tests.benchmarks.figures.drivers import PYNET, Contender, networks
from tests.benchmarks.figures.run import FLOOR
from tests.benchmarks.floor import Floor
from tests.benchmarks.sample import Sample
from tests.benchmarks.scene import Scene
from tests.lab.host import IMAGE
from tests.lab.unix_http import get_bytes

FEW: Final = 5_000
MANY: Final = 10_000
FIRST: Final = 20_000  # of the host's ports, and of the container's
_COUNTS: Final = (0, FEW, MANY)
_NAME: Final = "bench-ports"
_WARM_UP: Final = 1
_PATIENCE: Final = 300.0  # seconds
_REMOVE: Final = ("rm", "-f", _NAME)
_SUM: Final = re.compile(rb"^pynet_rpc_seconds_sum\{.*\} (\S+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class _Cost:
    """Seconds of a command, and of the calls that pynet answered meanwhile."""

    whole: float
    calls: float


_Costs = dict[int, list[_Cost]]  # by the number of ports


def _measure(scene: Scene) -> Iterator[Row]:
    runs: _Costs = {count: [] for count in _COUNTS}
    removals: _Costs = {count: [] for count in _COUNTS}
    floors: _Costs = {count: [] for count in _COUNTS}
    with Floor(scene.host) as floor, networks(scene, (PYNET, FLOOR)):
        for number in scene.rounds(_WARM_UP + 5, _WARM_UP + 1):
            for count in _COUNTS:
                run = _timed(scene, _run(PYNET, count))
                removal = _timed(scene, _REMOVE)
                floor.refill()
                beside = _timed(scene, _run(FLOOR, count))
                _timed(scene, _REMOVE)
                if number >= _WARM_UP:
                    runs[count].append(run)
                    removals[count].append(removal)
                    floors[count].append(beside)
    yield from _rows(runs, floors)
    yield Row(what=f"`docker rm -f`, {MANY:,} ports", sample=_whole(removals[MANY]))
    yield Row(what="of it pynet's calls", sample=_calls(removals[MANY]))


def _rows(runs: _Costs, floors: _Costs) -> Iterator[Row]:
    what = f"`docker run`, {MANY:,} ports"
    yield Row(what=what, sample=_whole(runs[MANY]), reach=Reach(20_000))
    yield Row(what="of it pynet's calls", sample=_calls(runs[MANY]))
    yield Row(what=f"{what}: the floor", sample=_whole(floors[MANY]))
    for name, costs in (("", runs), (": the floor", floors)):
        few, many = (
            Sample.of(
                (cost.whole - without.whole) / count
                for cost, without in zip(costs[count], costs[0], strict=True)
            )
            for count in (FEW, MANY)
        )
        yield Row(what=f"a port of {FEW:,}{name}", sample=few, unit=Unit.MICROSECONDS)
        yield Row(
            what=f"a port of {MANY:,}{name}",
            sample=many,
            unit=Unit.MICROSECONDS,
            beside=few,
            reach=None if name else Reach(1.2, Statistic.RATIO),
        )


def _run(contender: Contender, ports: int) -> tuple[str, ...]:
    """The words of a command that publishes so many ports."""
    last = FIRST + ports - 1
    published = ("-p", f"0.0.0.0:{FIRST}-{last}:{FIRST}-{last}/udp") if ports else ()
    network = ("--network", contender.network)
    return ("run", "-d", "--name", _NAME, *network, *published, IMAGE, "sleep", "3600")


def _timed(scene: Scene, words: Sequence[str]) -> _Cost:
    before, started = _answering(scene), time.perf_counter()
    scene.host.docker(*words, timeout=_PATIENCE)
    whole = time.perf_counter() - started
    return _Cost(whole, _answering(scene) - before)


def _answering(scene: Scene) -> float:
    """The seconds that all calls so far took, by pynet's own metrics."""
    return sum(map(float, _SUM.findall(get_bytes(scene.plugin.admin_socket, "/metrics"))))


def _whole(costs: Sequence[_Cost]) -> Sample:
    return Sample.of(each.whole for each in costs)


def _calls(costs: Sequence[_Cost]) -> Sample:
    return Sample.of(each.calls for each in costs)


FIGURE: Final = Figure(
    name="udp-ports",
    title=f"{MANY:,} UDP ports published by one `docker run`",
    method=f"`docker run -d -p 0.0.0.0:{FIRST}-{FIRST + MANY - 1}:{FIRST}-{FIRST + MANY - 1}/udp`, on pynet's "
    "network and on that of a driver that answers at once and publishes nothing (the floor), in turn. pynet's "
    "calls are by its metric `pynet_rpc_seconds`. A port is what the command takes less the same without "
    "ports, divided by their number. One family, because the machine grants a process 20,000 files.",
    measure=_measure,
)
