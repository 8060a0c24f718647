"""Where the time of a container's nine calls goes."""

import json
import sys
from collections import defaultdict
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Final

from tests.benchmarks.dockerd import EndpointLife, NetworkLife
from tests.benchmarks.figure import Figure, Row
from tests.benchmarks.layers.served import LAYERS
from tests.benchmarks.plugin_client import PluginClient
from tests.benchmarks.sample import Sample
from tests.benchmarks.sandbox import CONNECTIONS, Sandbox, busy
from tests.benchmarks.scene import DISK, Scene

_WARM_UP: Final = 10
_SHOWN: Final = 50e-6  # seconds; what takes less is in the sums only
_ACTIVATE: Final = "Plugin.Activate"

Seconds = dict[str, float]  # of each layer


def _measure(scene: Scene) -> Iterator[Row]:
    records = scene.directory(DISK) / "records"
    program = (sys.executable, "-m", "tests.benchmarks.layers.served", str(records))
    with scene.host_with(program) as (host, socket):
        with closing(PluginClient(socket)) as client, Sandbox(host) as sandbox, busy(host):
            network = NetworkLife.create(client)
            for _ in range(_WARM_UP):
                _live(network, sandbox)
            records.write_text("")
            for _ in scene.rounds(300, 50):
                _live(network, sandbox)
            for _ in range(scene.amount(300, 50)):
                client.call(_ACTIVATE)
        calls = _read(records)
    yield from _rows(calls)


def _live(network: NetworkLife, sandbox: Sandbox) -> None:
    endpoint = EndpointLife.create(network)
    link = endpoint.join()
    endpoint.publish(80)
    sandbox.take(link)
    sandbox.give_back(link)
    endpoint.remove()


def _read(records: Path) -> dict[str, list[Seconds]]:
    found: defaultdict[str, list[Seconds]] = defaultdict(list)
    for line in records.read_text().splitlines():
        record = json.loads(line)
        found[record["method"]].append(record["seconds"])
    return found


def _rows(calls: dict[str, list[Seconds]]) -> Iterator[Row]:
    """Each call with what takes long in it, then all nine of a life by layer."""
    lives: defaultdict[str, list[float]] = defaultdict(list)
    for method, found in calls.items():
        name = method.partition(".")[2]
        yield Row(what=name, sample=Sample.of(sum(each.values()) for each in found))
        for layer in LAYERS:
            sample = Sample.of(each.get(layer, 0.0) for each in found)
            if sample.median >= _SHOWN:
                yield Row(what=f"{name}: {layer}", sample=sample)
    own = [found for method, found in calls.items() if method != _ACTIVATE]
    for layer in LAYERS:
        lives[layer] = [
            sum(each.get(layer, 0.0) for each in life) for life in zip(*own, strict=False)
        ]
        yield Row(what=f"nine calls: {layer}", sample=Sample.of(lives[layer]))
    yield Row(what="nine calls", sample=Sample.of(map(sum, zip(*lives.values(), strict=True))))


FIGURE: Final = Figure(
    name="layers",
    title="Where the time of the calls goes",
    method="The nine calls of the life of a container with a port, one life after the other, "
    f"on a host with {CONNECTIONS} connections of its own, against a plugin with timers at the doors of its layers, whose own time is in the rows. "
    "Each layer without those below it; from the moment that a connection was accepted until it "
    "is closed, so that the caller's own time and the way to the plugin are not in it. A layer "
    "with less than 0.05 ms of a call is only in the sums.",
    measure=_measure,
)
