"""`python -m tests.benchmarks.scale`: a thousand hosts of one cluster on a real etcd; writes docs/scale.md.

A host is its allocator, with a store and a ledger in memory; all share three members of Debian's etcd.  Root is needed, for
their network namespace.
"""

import argparse
import os
import platform
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from statistics import median, quantiles
from typing import Final

from etcdgw import Changed, Client, Settings, parse_members
from ipam.blocks.base import UnavailableError
from ipam.cluster_allocator import ClusterAllocator
from ipam.cluster_pools import ClusterPools, ThisHost
from ipam.errors import RefusedError
from ipam.pool import Pool, PoolRequest
from ipam.prefixes import parse_prefix
from ipam.settings import Settings as IpamSettings
from ipam.store.host_facts import MemoryFacts
from ipam.store.memory import MemoryStore
from plugin.addressing.etcd_registry import PREFIX, EtcdRegistry
from tests.benchmarks.scale_page import Figure, page
from tests.fakes.registry import FakeLedger
from tests.lab.etcd import Etcd
from tests.lab.lab import Lab
from tests.lab.netns import inside

PAGE: Final = Path(__file__).parents[2] / "docs/scale.md"
NETWORKS: Final = 10
ENDPOINTS: Final = 10  # of each network on each host
THREADS: Final = 12
WATCHERS: Final = 50
CALL: Final = 30.0  # seconds: this machine is all hosts, and etcd too
ROUNDS: Final = 20  # of one host that meets others at the same record


@dataclass(slots=True)
class Counted:
    """What hosts asked of etcd, how long a claim took, and how often a host had to begin again."""

    calls: int = 0
    busy: int = 0
    seconds: list[float] = field(default_factory=list)


class _Registry(EtcdRegistry):
    """Counts."""

    def __init__(self, etcd: Client, counted: Counted) -> None:
        super().__init__(etcd)
        self._counted = counted

    def read(self, *arguments: object, **named: object) -> dict[str, str]:
        self._counted.calls += 1
        return super().read(*arguments, **named)  # type: ignore[arg-type]

    def commit(self, *arguments: object, **named: object) -> bool:
        self._counted.calls += 1
        return super().commit(*arguments, **named)  # type: ignore[arg-type]


class SimulatedHost:
    """One host with its networks."""

    def __init__(self, number: int, etcd: Client, counted: Counted) -> None:
        name = f"host{number:04}"
        registry = _Registry(etcd, counted)
        this = ThisHost(name=name, boot="boot", instance=lambda: f"of-{name}", about=lambda: name)
        pools = ClusterPools(lambda: registry.within(CALL), FakeLedger(), MemoryFacts(), this)
        settings = IpamSettings(cluster=(parse_prefix("10.0.0.0/10"),), host_id=name)
        self.allocator = ClusterAllocator(MemoryStore(), settings, pools)
        self.pools: list[Pool] = []
        self._number = number
        self._counted = counted

    def join(self) -> None:
        """Have all networks; each host begins with another one."""
        for step in range(NETWORKS):
            network = (self._number + step) % NETWORKS
            prefix = parse_prefix(f"10.{network}.0.0/16")
            started = time.monotonic()
            self.pools.append(self._patiently(prefix))
            self._counted.seconds.append(time.monotonic() - started)

    def _patiently(self, prefix: object) -> Pool:
        for _ in range(ROUNDS):
            try:
                return self.allocator.request_pool(PoolRequest(prefix=prefix))  # type: ignore[arg-type]
            except UnavailableError:
                raise
            except RefusedError:
                self._counted.busy += 1
        raise AssertionError(f"{prefix} is never joined")

    def run(self) -> None:
        """Have an address for each endpoint."""
        for pool in self.pools:
            for _ in range(ENDPOINTS):
                self.allocator.request_address(pool.id)


def _at_once(work: Callable[[SimulatedHost], None], hosts: Iterable[SimulatedHost]) -> float:
    """Have hosts do it, some at a time; the seconds that it took."""
    started = time.monotonic()
    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(work, hosts))
    return time.monotonic() - started


def _lags(client: Client) -> list[float]:
    """Seconds until each of many watches has heard of each of many writes."""
    lags: list[float] = []
    watches = [client.watch(f"{PREFIX}places/".encode()) for _ in range(WATCHERS)]

    def follow(watch: object) -> None:
        for news in watch.news():  # type: ignore[attr-defined]
            if isinstance(news, Changed):
                lags.extend(time.monotonic() - float(each.kv.value) for each in news.events)

    threads = [threading.Thread(target=follow, args=(each,), daemon=True) for each in watches]
    for thread in threads:
        thread.start()
    time.sleep(5)  # all of them have listed
    for number in range(40):
        key = f"{PREFIX}places/lag/{number}".encode()
        client.put(key, f"{time.monotonic()}".encode())
        time.sleep(0.1)
    time.sleep(2)
    for watch in watches:
        watch.close()
    for thread in threads:
        thread.join()
    return lags


def _rate(work: Callable[[], object], seconds: float = 5.0) -> float:
    """How often a second it is done, by several threads."""
    end = time.monotonic() + seconds

    def again(_: int) -> int:
        count = 0
        while time.monotonic() < end:
            work()
            count += 1
        return count

    with ThreadPoolExecutor(THREADS) as pool:
        return sum(pool.map(again, range(THREADS))) / seconds


def measure(count: int, etcd: Etcd) -> Iterator[Figure]:
    """All of it."""
    with closing(Client(Settings(members=parse_members(etcd.setting), timeout=CALL))) as client:
        joining = Counted()
        hosts = [SimulatedHost(number, client, joining) for number in range(count)]
        seconds = _at_once(SimulatedHost.join, hosts)
        joins = count * NETWORKS
        p99 = quantiles(joining.seconds, n=100)[98]
        yield Figure("hosts", count)
        yield Figure("networks, each on all hosts", NETWORKS)
        yield Figure("joins of a network by a host", joins)
        yield Figure("joins a second, of all hosts together", joins / seconds)
        yield Figure("calls of etcd for a join", joining.calls / joins)
        yield Figure("a join, median", median(joining.seconds) * 1000, "ms")
        yield Figure("a join, of 100 all but the slowest one", p99 * 1000, "ms")
        yield Figure(
            "joins that met others at the same record too often, and were tried again", joining.busy
        )
        before = joining.calls
        seconds = _at_once(SimulatedHost.run, hosts)
        endpoints = joins * ENDPOINTS
        yield Figure("endpoints", endpoints)
        yield Figure("addresses a second, of all hosts together", endpoints / seconds)
        yield Figure("calls of etcd for an endpoint", (joining.calls - before) / endpoints)
        keys = etcd.keys()
        yield Figure("keys in etcd", len(keys))
        yield Figure(
            "their bytes", sum(len(key) + len(value) for key, value in keys.items()) / 1e6, "MB"
        )
        yield Figure("size of a member's store in use", etcd.size() / 1e6, "MB")
        _at_once(
            lambda host: host.allocator.attend(), hosts
        )  # the first finds that nothing was lost
        before = joining.calls
        seconds = _at_once(lambda host: host.allocator.attend(), hosts)
        yield Figure("sessions renewed a second; each host needs one in 10 s", count / seconds)
        yield Figure("calls of etcd for that", (joining.calls - before) / count)
        lags = sorted(_lags(client))
        yield Figure("watches", WATCHERS)
        yield Figure("a write is heard by a watch after, median", median(lags) * 1000, "ms")
        yield Figure("of 100 all but the slowest one", quantiles(lags, n=100)[98] * 1000, "ms")
        looks = _rate(partial(client.list, f"{PREFIX}layout".encode()))
        yield Figure(
            "looks a second, one after the other; overlay networks need 200 for all hosts together",
            looks,
        )


@contextmanager
def _members() -> Iterator[Etcd]:
    with Lab() as lab:
        machine = lab.peer()
        etcd = Etcd(lab.run, machine)
        try:
            with inside(machine.netns):
                yield etcd
        finally:
            etcd.end()


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.scale", description=__doc__)
    parser.add_argument("--hosts", type=int, default=1000)
    options = parser.parse_args()
    figures = []
    with _members() as etcd:
        for figure in measure(options.hosts, etcd):
            sys.stderr.write(f"  {figure.line}\n")
            figures.append(figure)
    cpus = len(os.sched_getaffinity(0))
    where = f"Linux {platform.release()}, {cpus} processors, Python {platform.python_version()}"
    when = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime())
    PAGE.write_text(page(figures, f"{when}, {where}, load {os.getloadavg()[1]:.0f}"))
    return 0


if __name__ == "__main__":
    sys.exit(main())
