"""What a look at the host costs when there is nothing to do."""

from collections.abc import Iterator
from contextlib import closing
from typing import Final

from tests.benchmarks.dockerd import EndpointLife, NetworkLife
from tests.benchmarks.figure import Figure, Reach, Row
from tests.benchmarks.plugin_client import PluginClient
from tests.benchmarks.processes import tree_seconds
from tests.benchmarks.sample import Sample
from tests.benchmarks.sandbox import Sandbox
from tests.benchmarks.scene import Scene
from tests.lab.installed import PluginProcess

NETWORKS: Final = 10
ENDPOINTS: Final = 50  # on each
REACH: Final = Reach(30)
_ROUNDS: Final = (60, 10)
_WARM_UP: Final = 3  # what is planned once, and what the kernel still had to do


def _measure(scene: Scene) -> Iterator[Row]:
    with (
        scene.another_host() as (host, plugin),
        closing(PluginClient(plugin.socket)) as client,
        Sandbox(host) as sandbox,
    ):
        yield Row(what="no network", sample=_ticks(scene, plugin))
        for _ in range(NETWORKS):
            network = NetworkLife.create(client)
            for _ in range(ENDPOINTS):
                endpoint = EndpointLife.create(network)
                sandbox.take(endpoint.join())
                endpoint.publish(80)
        what = f"{NETWORKS * ENDPOINTS} endpoints"
        yield Row(what=what, sample=_ticks(scene, plugin), reach=REACH)


def _ticks(scene: Scene, plugin: PluginProcess) -> Sample:
    """Seconds of the processor that each of some ticks takes."""
    found = []
    for number in scene.rounds(*_ROUNDS):
        before = tree_seconds(plugin.pid)
        plugin.reconcile()
        if number >= _WARM_UP:
            found.append(tree_seconds(plugin.pid) - before)
    return Sample.of(found)


FIGURE: Final = Figure(
    name="tick",
    title=f"CPU of a tick with {NETWORKS * ENDPOINTS} endpoints and nothing to do",
    method=f"A client in dockerd's place has made {NETWORKS} networks with {ENDPOINTS} endpoints each, with one "
    "published port each and the container's end of the link in another namespace. The admin socket is "
    "asked for a tick; the CPU is that of all threads and processes of the plugin, with the request.",
    measure=_measure,
)
