"""What the plugin weighs at work."""

from collections.abc import Iterator
from contextlib import closing
from typing import Final

from tests.benchmarks.dockerd import EndpointLife, NetworkLife
from tests.benchmarks.figure import Figure, Reach, Row, Unit
from tests.benchmarks.plugin_client import PluginClient
from tests.benchmarks.processes import Memory, tree_memory
from tests.benchmarks.sample import Sample
from tests.benchmarks.scene import Scene


def _measure(scene: Scene) -> Iterator[Row]:
    plugin = scene.plugin
    plugin.restart()
    with closing(PluginClient(plugin.socket)) as client:
        network = NetworkLife.create(client)
        yield from _rows("with one network", tree_memory(plugin.pid), Reach(75))
        endpoints = []
        for _ in scene.rounds(200, 50):
            endpoint = EndpointLife.create(network)
            endpoint.join()
            endpoint.publish(80)
            endpoints.append(endpoint)
        count = len(endpoints)
        yield from _rows(f"with {count} endpoints, a port each", tree_memory(plugin.pid), Reach(60))
        for endpoint in endpoints:
            endpoint.remove()
        network.remove()
    yield from _rows("after their removal", tree_memory(plugin.pid), Reach(55))
    plugin.reconcile()
    yield from _rows("after a tick", tree_memory(plugin.pid))


def _rows(when: str, memory: Memory, reach: Reach | None = None) -> Iterator[Row]:
    for name, value in (("RSS", memory.rss), ("PSS", memory.pss)):
        yield Row(
            what=f"{name} {when}",
            sample=Sample.of([value]),
            unit=Unit.MEBIBYTES,
            reach=reach if name == "RSS" else None,
        )


FIGURE: Final = Figure(
    name="memory",
    title="Memory",
    method="All processes of the plugin together, after a start, with endpoints, after their "
    "removal, and after the next look at the host (/proc/PID/smaps_rollup).",
    measure=_measure,
)
