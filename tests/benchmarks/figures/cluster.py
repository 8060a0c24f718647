"""Subnets that hosts share by etcd, beside this host's own."""

import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing, contextmanager
from functools import partial
from ipaddress import ip_network
from multiprocessing import get_context
from pathlib import Path
from typing import Final
from uuid import uuid4

from etcdgw import Client, Settings, parse_members
from ipam.cluster_allocator import ClusterAllocator
from ipam.cluster_pools import ClusterPools, ThisHost
from ipam.pool import PoolRequest
from ipam.settings import Settings as IpamSettings
from ipam.store.sqlite import SqliteStore
from plugin.addressing.etcd_registry import EtcdRegistry
from tests.benchmarks.dockerd import NetworkLife
from tests.benchmarks.engine import Engine
from tests.benchmarks.figure import Figure, Reach, Row, Statistic, Unit
from tests.benchmarks.figures.drivers import Contender, in_turn
from tests.benchmarks.figures.run import METHOD, NONE
from tests.benchmarks.plugin_client import PluginClient
from tests.benchmarks.processes import tree_memory
from tests.benchmarks.sample import Sample, excess
from tests.benchmarks.scene import TMPFS, Scene
from tests.lab.commands import wait_until
from tests.lab.etcd import Etcd
from tests.lab.host import Host
from tests.lab.installed import PluginProcess
from tests.lab.netns import inside

RANGE: Final = "10.48.0.0/12"
OWN: Final = Contender("a subnet of the host's own", "pynet", "pynet", "bench-own")
SHARED: Final = Contender("a subnet that hosts share", "pynet", "pynet", "bench-shared")
WRITERS: Final = 3
_BATCH: Final = 1000
_RUNS: Final = 20
_CALL: Final = 10.0


@contextmanager
def _etcd(scene: Scene) -> Iterator[Etcd]:
    etcd = Etcd(scene.host.lab, scene.peer)
    try:
        yield etcd
    finally:
        etcd.end()


def _measure(scene: Scene) -> Iterator[Row]:
    with _etcd(scene) as etcd, scene.another_host() as (host, plugin):
        alone = _taken(host, plugin)
        plugin.restart_with(PYNET_ETCD=etcd.setting, PYNET_CLUSTER=RANGE)
        wait_until(lambda: etcd.keys("nodes/"), "the session of the host")
        taken = _taken(host, plugin) - alone
        for each, subnet in ((OWN, "10.47.0.0/16"), (SHARED, "10.50.0.0/16")):
            host.docker(
                *("network", "create", "-d", each.driver, "--ipam-driver", each.ipam),
                *(f"--subnet={subnet}", each.network),
            )
        engine = Engine.of(host)
        seconds: dict[Contender, list[float]] = {each: [] for each in (NONE, OWN, SHARED)}
        for number in scene.rounds(50, 5):
            for each in in_turn((NONE, OWN, SHARED), number):
                value = engine.run(each.network)
                if number:
                    seconds[each].append(value)
        whole = Sample.of(seconds[OWN])
        yield Row(what=f"`docker run`, {OWN.title}", sample=whole)
        yield Row(
            what=f"`docker run`, {SHARED.title}",
            sample=Sample.of(seconds[SHARED]),
            beside=whole,
            reach=Reach(1.05, Statistic.RATIO),
        )
        own = excess(seconds[OWN], seconds[NONE])
        yield Row(what=f"the same less none, {OWN.title}", sample=own)
        shared = excess(seconds[SHARED], seconds[NONE])
        yield Row(what=f"the same less none, {SHARED.title}", sample=shared, beside=own)
        yield from _joins(scene, plugin.socket)
        yield Row(
            what="memory that a cluster takes",
            sample=Sample.of([taken]),
            unit=Unit.MEBIBYTES,
            reach=Reach(4),
        )


def _taken(host: Host, plugin: PluginProcess) -> int:
    """The memory of a plugin that has done something: a network, and a container on it now and then."""
    network = ("network", "create", "-d", OWN.driver, "--ipam-driver", OWN.ipam)
    host.docker(*network, "--subnet=10.50.0.0/16", "bench-memory")
    engine = Engine.of(host)
    for _ in range(_RUNS):
        engine.run("bench-memory")
    taken = tree_memory(plugin.pid).rss
    host.docker("network", "rm", "bench-memory")
    return taken


def _joins(scene: Scene, socket: Path) -> Iterator[Row]:
    """What a network of a subnet takes from the request for the subnet to its creation."""
    seconds: dict[str, list[float]] = {"10.46.0.0/24": [], "10.51.0.0/24": []}
    with closing(PluginClient(socket)) as client:
        for _ in scene.rounds(30, 5):
            for subnet, each in seconds.items():
                started = time.perf_counter()
                network = NetworkLife.create(client, subnet)
                each.append(time.perf_counter() - started)
                network.remove()
                time.sleep(0.5)  # the host leaves it behind the scenes
    own, shared = map(Sample.of, seconds.values())
    yield Row(what="a network of a subnet of its own", sample=own)
    yield Row(what="a network of a shared subnet", sample=shared, beside=own, reach=Reach(50))


def _measure_rate(scene: Scene) -> Iterator[Row]:
    with _etcd(scene) as etcd, inside(scene.peer.netns):
        rates = []
        for number in scene.rounds(10, 3):
            take = partial(_take, etcd.setting, f"10.{48 + number}.0.0/16")
            with ProcessPoolExecutor(WRITERS, get_context("fork")) as pool:
                times = list(pool.map(take, [scene.directory(TMPFS) for _ in range(WRITERS)]))
            began, ended = zip(*times, strict=True)
            rates.append(WRITERS * _BATCH / (max(ended) - min(began)))
    yield Row(
        what=f"addresses, {WRITERS} hosts together",
        sample=Sample.of(rates),
        unit=Unit.PER_SECOND,
        reach=Reach(5000, at_least=True),
    )


def _take(members: str, subnet: str, directory: Path) -> tuple[float, float]:
    """One host, in a process of its own; when it began and when it ended."""
    name = uuid4().hex
    settings = Settings(members=parse_members(members), timeout=_CALL)
    with closing(Client(settings)) as client, closing(SqliteStore(directory / "ipam.db")) as store:
        registry = EtcdRegistry(client)
        this = ThisHost(name=name, boot="boot", instance=lambda: f"of-{name}")
        pools = ClusterPools(lambda: registry.within(_CALL), store.ledger, store, this)
        host = ClusterAllocator(store, IpamSettings(cluster=(ip_network(RANGE),)), pools)
        began = time.monotonic()
        pool = host.request_pool(PoolRequest(prefix=ip_network(subnet)))
        for _ in range(_BATCH):
            host.request_address(pool.id)
        return began, time.monotonic()


FIGURE: Final = Figure(
    name="cluster",
    title="Subnets that hosts share",
    method=METHOD
    + "Then a network, from the request for its subnet to its creation; and what the plugin's processes take more "
    "than without a cluster, each after as many runs. Three members of etcd are on the same machine.",
    measure=_measure,
)
FIGURE_RATE: Final = Figure(
    name="cluster-rate",
    title="Library: addresses per second of hosts that share a subnet",
    method=f"Three hosts at a time, each a process with a SQLite store on a tmpfs: they join a subnet and take {_BATCH} "
    "addresses each, with the blocks that those need.",
    measure=_measure_rate,
)
