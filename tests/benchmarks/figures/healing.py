"""How long published ports are out of reach after another program removes the rules."""

import re
import socket
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from tests.benchmarks.crowd import PORTS, crowd
from tests.benchmarks.dockerd import EndpointLife, NetworkLife
from tests.benchmarks.engine import Engine
from tests.benchmarks.figure import Figure, Reach, Row
from tests.benchmarks.figures.drivers import PYNET
from tests.benchmarks.figures.throughput import OURS, address, published
from tests.benchmarks.plugin_client import PluginClient
from tests.benchmarks.sample import Sample
from tests.benchmarks.sandbox import Sandbox
from tests.benchmarks.scene import Scene
from tests.lab.commands import wait_until
from tests.lab.host import Host
from tests.lab.installed import PluginProcess
from tests.lab.netns import inside
from tests.lab.unix_http import get_bytes

WITHIN: Final = Reach(1000)  # milliseconds
NETWORKS: Final = 100
EACH: Final = 10  # ports
FLUSHED: Final = Reach(300)  # milliseconds
_DELETE: Final = "delete table inet pynet; delete table bridge pynet"
_FLUSH: Final = "flush ruleset"
_LOOKS: Final = re.compile(rb"^pynet_reconcile_duration_seconds_(count|sum) (\S+)$", re.MULTILINE)
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
    peer = scene.peer.netns
    seconds = [_outage(scene.host, peer, where, _DELETE) for _ in scene.rounds(*_COUNT)]
    return Row(what=what, sample=Sample.of(seconds), reach=WITHIN)


def _measure_flushed(scene: Scene) -> Iterator[Row]:
    """What is healed last is the network that was made last: the engine's."""
    what = f"{NETWORKS} networks, {(NETWORKS - 1) * EACH + 1:,} ports"
    with (
        scene.another_host() as (host, plugin),
        closing(PluginClient(plugin.socket)) as client,
        Sandbox(host) as sandbox,
    ):
        for _ in range(NETWORKS - 1):
            endpoint = EndpointLife.create(NetworkLife.create(client))
            sandbox.take(endpoint.join())
            endpoint.publish(*range(1, EACH + 1))
        with published(host, Engine.of(host), PYNET):
            where, peer = address(host, OURS), scene.peer.netns
            outages, looks = [], []
            for _ in scene.rounds(*_COUNT):
                wait_until(lambda: _answers(peer, where), "the port")
                plugin.reconcile()  # a look that is under way ends before
                before = _Looks.so_far(plugin)
                outages.append(_outage(host, peer, where, _FLUSH))
                looks.append(before.since(plugin))
    yield Row(what=f"{what}, the last of them", sample=Sample.of(outages), reach=FLUSHED)
    yield Row(what="the look that heals", sample=Sample.of(looks))


@dataclass(frozen=True, slots=True)
class _Looks:
    """How many looks there were at the host, and their seconds, by pynet's metric."""

    count: int
    seconds: float

    @classmethod
    def so_far(cls, plugin: PluginProcess) -> Self:
        found = dict(_LOOKS.findall(get_bytes(plugin.admin_socket, "/metrics")))
        return cls(int(float(found[b"count"])), float(found[b"sum"]))

    def since(self, plugin: PluginProcess) -> float:
        """The seconds of looks that have ended since, once there is one."""
        wait_until(lambda: self.so_far(plugin).count > self.count, "the end of a look")
        return self.so_far(plugin).seconds - self.seconds


def _outage(host: Host, peer: Path, where: tuple[object, int], harm: str) -> float:
    """Take everything away, and return the seconds until a new connection comes through."""
    wait_until(lambda: _answers(peer, where), "the port")
    host.run("nft", harm)
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
FIGURE_FLUSHED: Final = Figure(
    name="flushed",
    title="All rules of the host removed and restored",
    method=f"`nft flush ruleset` on a host with {NETWORKS} networks; from its end until another machine's new "
    "connection through a port of the network that is healed last succeeds. It tries again and again. "
    "pynet waits 0.1 s for more changes before it looks; the look itself is by its metric "
    "`pynet_reconcile_duration_seconds`.",
    measure=_measure_flushed,
)
