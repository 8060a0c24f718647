"""How fast TCP is through a published port, by address translation and by proxies."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Final

from tests.benchmarks.engine import Engine
from tests.benchmarks.figure import Figure, Reach, Row, Statistic, Unit
from tests.benchmarks.figures.drivers import DOCKER, PYNET, Contender, in_turn
from tests.benchmarks.sample import Sample
from tests.benchmarks.scene import Scene
from tests.benchmarks.traffic import MEBIBYTE, Sink, send
from tests.lab.host import Host

SIZE: Final = 32 * MEBIBYTE
_BEFORE: Final = 4 * MEBIBYTE
_PORTS: Final = {DOCKER: 8080, PYNET: 8081}
_SINK: Final = 80
_WARM_UP: Final = 2


@dataclass(frozen=True, slots=True)
class Path:
    """A way into a container of one of them: by the host's IPv4 address, or by its IPv6 one."""

    contender: Contender
    version: int
    title: str


NAT: Final = Path(DOCKER, 4, "Docker's bridge, by translation")
PROXY: Final = Path(DOCKER, 6, "Docker's bridge, by docker-proxy")
OURS: Final = Path(PYNET, 4, "pynet, by translation")
OUR_PROXY: Final = Path(PYNET, 6, "pynet, by its proxy")
# Two at a time: with more in turn, one always has the same neighbour before it, whose
# connection is still being closed.
PAIRS: Final = (
    (NAT, OURS, Reach(1.0, Statistic.RATIO, at_least=True)),
    (PROXY, OURS, Reach(1.5, Statistic.RATIO, at_least=True)),
    (PROXY, OUR_PROXY, None),
)


@contextmanager
def published(host: Host, engine: Engine, contender: Contender) -> Iterator[None]:
    """Have a network, and a container on it with a server and a published port, for the block."""
    port = str(_PORTS[contender])
    engine.create_network(contender.network, contender.driver, contender.ipam)
    with ExitStack() as undo:
        undo.callback(engine.remove_network, contender.network)
        container = engine.create(
            contender.network, _SINK, command=("sleep", "3600"), host_port=port
        )
        undo.callback(engine.remove, container)
        engine.start(container)
        undo.enter_context(Sink(host.path(str(engine.sandbox(container))), _SINK))
        yield


def address(host: Host, path: Path) -> tuple[object, int]:
    """Return whom the peer asks to go this way."""
    return host.address if path.version == 4 else host.address6, _PORTS[path.contender]


def _measure(scene: Scene) -> Iterator[Row]:
    host, engine = scene.host, scene.engine
    assert scene.plugin.running
    with published(host, engine, DOCKER), published(host, engine, PYNET):
        for theirs, ours, reach in PAIRS:
            pair = (theirs, ours)
            rates: dict[Path, list[float]] = {each: [] for each in pair}
            for number in scene.rounds(150, 20):
                for each in in_turn(pair, number):
                    to = address(host, each)
                    send(scene.peer.netns, *to, _BEFORE)
                    rate = send(scene.peer.netns, *to, SIZE)
                    if number >= _WARM_UP:
                        rates[each].append(rate)
            beside = Sample.of(rates[theirs])
            yield Row(what=theirs.title, sample=beside, unit=Unit.GIGABITS)
            yield Row(
                what=ours.title,
                sample=Sample.of(rates[ours]),
                unit=Unit.GIGABITS,
                beside=beside,
                reach=reach,
            )


FIGURE: Final = Figure(
    name="tcp",
    title="TCP through a published port",
    method=f"Another machine on the host's wire sends {SIZE // MEBIBYTE} MiB to a container with "
    "one port published, over a new connection each time; from the first byte until the container "
    "has said that it has all. Plain sockets: sendall here and recv_into there, a process each, on "
    "the same two processors as all the host does. Both networks have only IPv4. The host's IPv4 "
    "address is translated; what comes to its IPv6 address no translation can take to an "
    "IPv4 container, so that docker-proxy, or pynet's proxy, carries it. Each is measured beside "
    "the other of its pair, in turn, each round in the other order, and each time after "
    f"{_BEFORE // MEBIBYTE} MiB the same way that do not count.",
    measure=_measure,
)
