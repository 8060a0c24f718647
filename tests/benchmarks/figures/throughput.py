"""How fast TCP is through a published port, by address translation and by proxies."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from enum import Enum, auto
from ipaddress import IPv4Address
from typing import Final

from tests.benchmarks.engine import Engine
from tests.benchmarks.figure import Figure, Reach, Row, Statistic
from tests.benchmarks.figures.drivers import DOCKER, PYNET, Contender
from tests.benchmarks.figures.rates import ROUNDS, SENDS, SINK, Way, compare
from tests.benchmarks.scene import Scene
from tests.benchmarks.traffic import Sink
from tests.lab.host import Host

_PORTS: Final = {DOCKER: 8080, PYNET: 8081}
_STREAMS: Final = 8


class Door(Enum):
    """Whom a client asks for the port, and from where."""

    IPV4 = auto()
    IPV6 = auto()
    LOOPBACK = auto()


@dataclass(frozen=True, slots=True)
class Path:
    """A way into a container of one of them."""

    contender: Contender
    door: Door
    title: str
    streams: int = 1


NAT: Final = Path(DOCKER, Door.IPV4, "Docker's bridge, by translation")
OURS: Final = Path(PYNET, Door.IPV4, "pynet, by translation")
LOCAL: Final = Path(DOCKER, Door.LOOPBACK, "Docker's bridge from 127.0.0.1, by docker-proxy")
OURS_LOCAL: Final = Path(PYNET, Door.LOOPBACK, "pynet from 127.0.0.1, by translation")
LOCALS: Final = Path(
    DOCKER, Door.LOOPBACK, f"docker-proxy, {_STREAMS} connections at once", _STREAMS
)
OUR_LOCALS: Final = Path(PYNET, Door.LOOPBACK, f"pynet, {_STREAMS} connections at once", _STREAMS)
PROXY: Final = Path(DOCKER, Door.IPV6, "Docker's bridge from IPv6, by docker-proxy")
OUR_PROXY: Final = Path(PYNET, Door.IPV6, "pynet from IPv6, by its proxy")
# Two at a time: with more in turn, one always has the same neighbour before it, whose
# connection is still being closed.
PAIRS: Final = (
    ((NAT, OURS), Reach(1.0, Statistic.RATIO, at_least=True)),
    ((LOCAL, OURS_LOCAL), Reach(1.5, Statistic.RATIO, at_least=True)),
    ((LOCALS, OUR_LOCALS), Reach(1.5, Statistic.RATIO, at_least=True)),
    ((PROXY, OUR_PROXY), None),
)


@contextmanager
def published(host: Host, engine: Engine, contender: Contender) -> Iterator[None]:
    """Have a network, and a container on it with a server and a published port, for the block."""
    port = str(_PORTS[contender])
    engine.create_network(contender.network, contender.driver, contender.ipam)
    with ExitStack() as undo:
        undo.callback(engine.remove_network, contender.network)
        container = engine.create(
            contender.network, SINK, command=("sleep", "3600"), host_port=port
        )
        undo.callback(engine.remove, container)
        engine.start(container)
        undo.enter_context(Sink(host.path(str(engine.sandbox(container))), SINK))
        yield


def address(host: Host, path: Path) -> tuple[object, int]:
    """Return whom a client asks to go this way."""
    addresses = {
        Door.IPV4: host.address,
        Door.IPV6: host.address6,
        Door.LOOPBACK: IPv4Address("127.0.0.1"),
    }
    return addresses[path.door], _PORTS[path.contender]


def _measure(scene: Scene) -> Iterator[Row]:
    host, engine = scene.host, scene.engine
    assert scene.plugin.running
    with published(host, engine, DOCKER), published(host, engine, PYNET):
        for pair, reach in PAIRS:
            yield from compare(scene, {each: _way(scene, each) for each in pair}, reach)


def _way(scene: Scene, path: Path) -> Way:
    machine = scene.host if path.door is Door.LOOPBACK else scene.peer
    return Way(machine.netns, *address(scene.host, path), path.streams)


FIGURE: Final = Figure(
    name="tcp",
    title="TCP through a published port",
    method=f"A client {SENDS} to a container with one port published, over a "
    "new connection each time; from the first byte until the container has said that it has all. "
    "Plain sockets: sendall here and recv_into there, a process each, on the same two processors "
    "as all the host does. Both networks have only IPv4. Asked for the host's IPv4 address by "
    "another machine on its wire, both translate. Asked for 127.0.0.1 on the host, Docker's bridge "
    "has docker-proxy carry what pynet translates: one connection, which the processors then share "
    f"as links of a chain, and {_STREAMS} at once with a part of it each, where what a byte costs "
    "decides. What comes to the host's IPv6 address no "
    "translation can take to an IPv4 container, so that docker-proxy, or pynet's proxy, carries "
    f"it. Each is measured beside the other of its pair, {ROUNDS}",
    measure=_measure,
)
