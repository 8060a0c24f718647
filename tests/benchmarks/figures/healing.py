"""How long a published port is out of reach after another program removes the rules."""

import socket
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Final

from tests.benchmarks.crowd import PORTS, crowd
from tests.benchmarks.engine import Engine
from tests.benchmarks.figure import Figure, Reach, Row
from tests.benchmarks.figures.drivers import PYNET
from tests.benchmarks.figures.throughput import OURS, address, published
from tests.benchmarks.plugin_client import PluginClient
from tests.benchmarks.sample import Sample
from tests.benchmarks.scene import Scene
from tests.lab.commands import wait_until
from tests.lab.host import Host
from tests.lab.netns import inside

WITHIN: Final = Reach(1000)  # milliseconds
_PATIENCE: Final = 0.05
_COUNT: Final = (20, 5)


def _measure(scene: Scene) -> Iterator[Row]:
    host, plugin = scene.host, scene.plugin
    with published(host, Engine.of(host), PYNET), closing(PluginClient(plugin.socket)) as client:
        where = address(host, OURS)
        yield _row(scene, "1 port", where)
        with crowd(client):
            yield _row(scene, f"{PORTS + 1:,} ports", where)


def _row(scene: Scene, what: str, where: tuple[object, int]) -> Row:
    seconds = [_outage(scene.host, scene.peer.netns, where) for _ in scene.rounds(*_COUNT)]
    return Row(what=what, sample=Sample.of(seconds), reach=WITHIN)


def _outage(host: Host, peer: Path, where: tuple[object, int]) -> float:
    """Take everything away, and return the seconds until a new connection comes through."""
    wait_until(lambda: _answers(peer, where), "the port")
    host.run("nft", "delete table inet pynet; delete table bridge pynet")
    started = time.perf_counter()
    wait_until(lambda: _answers(peer, where), "the port without its rules")
    return time.perf_counter() - started


def _answers(peer: Path, where: tuple[object, int]) -> bool:
    with inside(peer):
        sock = socket.socket()
    with sock:
        sock.settimeout(_PATIENCE)
        return sock.connect_ex((str(where[0]), where[1])) == 0


FIGURE: Final = Figure(
    name="healing",
    title="Rules removed and restored",
    method="`nft delete table` of both of pynet's tables on a host that publishes so many ports; "
    "from its end until another machine's new connection through one of them succeeds. It tries "
    "again and again.",
    measure=_measure,
)
