"""How many addresses a second go out and come back over the socket, with eight clients."""

import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing
from multiprocessing import get_context
from pathlib import Path
from typing import Final

from tests.benchmarks.dockerd import NetworkLife
from tests.benchmarks.figure import Figure, Reach, Row, Unit
from tests.benchmarks.plugin_client import PluginClient
from tests.benchmarks.sample import Sample
from tests.benchmarks.scene import Scene

CLIENTS: Final = 8
_PAIRS: Final = 100  # of each client, in a round


def _measure(scene: Scene) -> Iterator[Row]:
    path = scene.plugin.socket
    rates = []
    with (
        closing(PluginClient(path)) as client,
        ProcessPoolExecutor(CLIENTS, mp_context=get_context("spawn")) as pool,
    ):
        network = NetworkLife.create(client, "10.78.0.0/16")
        list(pool.map(_pairs, [path] * CLIENTS, [network.pool_id] * CLIENTS))  # to warm up
        for _ in scene.rounds(15, 4):
            times = list(pool.map(_pairs, [path] * CLIENTS, [network.pool_id] * CLIENTS))
            elapsed = max(end for _, end in times) - min(start for start, _ in times)
            rates.append(CLIENTS * _PAIRS / elapsed)
        network.remove()
    yield Row(
        what=f"pairs with {CLIENTS} clients",
        sample=Sample.of(rates),
        unit=Unit.PER_SECOND,
        reach=Reach(1500, at_least=True),
    )


def _pairs(path: Path, pool_id: str) -> tuple[float, float]:
    """Take and give back addresses; return when this began and ended."""
    started = time.monotonic()
    with closing(PluginClient(path)) as client:
        for _ in range(_PAIRS):
            request = {"PoolID": pool_id, "Address": "", "Options": {}}
            answer = client.call("IpamDriver.RequestAddress", request)
            address, _, _ = answer["Address"].partition("/")
            client.call("IpamDriver.ReleaseAddress", {"PoolID": pool_id, "Address": address})
    return started, time.monotonic()


FIGURE: Final = Figure(
    name="ipam-calls",
    title="RequestAddress and ReleaseAddress over the plugin's socket",
    method=f"{CLIENTS} client processes, each with its calls one after the other, against the "
    "running plugin with its state on disk. The clients are on the same processors.",
    measure=_measure,
)
