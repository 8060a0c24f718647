"""Metrics of what the plugin has now: its health, networks, containers, ports and addresses.

They are gathered when they are asked for, once a second at most: any user may ask by TCP.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import Final

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from ipam.errors import IpamError
from plugin import __version__, log
from plugin.errors import HostError
from plugin.health import Health, Status
from plugin.operator.base import Reservations
from plugin.store.base import Store

_FRESH_SECONDS: Final = 1.0
_STATES: Final = ("bound", "reserved", "resting")


class HostMetrics:
    """``seen`` answers with the state and the pools, or with nothing while the plugin starts."""

    def __init__(
        self,
        health: Health,
        seen: Callable[[], tuple[Store, Reservations] | None],
        under_way: Callable[[], int],
    ) -> None:
        self._health = health
        self._seen = seen
        self._under_way = under_way
        self._started = time.time()
        self._at = float("-inf")
        self._last: list[Metric] = []

    def collect(self) -> list[Metric]:
        """All of them, from within the last second."""
        now = time.monotonic()
        if now - self._at >= _FRESH_SECONDS:
            self._last = list(self._gathered())
            self._at = now
        return self._last

    def _gathered(self) -> Iterator[Metric]:
        yield from self._of_the_process()
        yield from self._of_the_health()
        seen = self._seen()
        if seen is not None:
            store, reservations = seen
            yield from _of_the_state(store)
            yield from _of_pools(reservations)

    def _of_the_process(self) -> Iterator[Metric]:
        yield _gauge(
            "pynet_build_info", "The version that runs.", ["version"], [((__version__,), 1)]
        )
        yield _gauge(
            "pynet_start_time_seconds", "When it started, as Unix time.", [], [((), self._started)]
        )
        count = self._under_way()
        yield _gauge(
            "pynet_rpc_inflight",
            "Calls, and looks at the host, that are under way.",
            [],
            [((), count)],
        )
        lost = CounterMetricFamily(
            "pynet_log_lines_lost", "Lines of the log that were not read in time."
        )
        lost.add_metric([], log.lost())
        yield lost
        collected = CounterMetricFamily(
            "pynet_collected", "What Docker left and pynet removed, by kind.", labels=["kind"]
        )
        for kind in ("network", "endpoint", "pool"):
            collected.add_metric([kind], log.RECENT.counts[f"{kind}.collected"])
        yield collected

    def _of_the_health(self) -> Iterator[Metric]:
        status = self._health.status
        yield _gauge("pynet_healthy", "1 while the status is ok.", [], [((), status is Status.OK)])
        what = Counter(each.what for each in self._health.conditions)
        rows = [((each,), 1) for each in what]
        yield _gauge("pynet_condition", "What is degraded: 1 each.", ["what"], rows)
        yield _gauge(
            "pynet_hints", "How many hints there are.", [], [((), len(self._health.hints))]
        )


def _of_the_state(store: Store) -> Iterator[Metric]:
    networks = store.networks()
    modes = Counter(each.mode for each in networks)
    joined: Counter[str] = Counter()
    ports: Counter[str] = Counter({"tcp": 0, "udp": 0, "sctp": 0})
    for network in networks:
        for endpoint in store.endpoints(network.id):
            joined[network.mode] += endpoint.joined
            # One port of both families counts once.
            ports.update(
                text
                for text, _, _ in {
                    (each.protocol.text, each.host_port, each.container_port)
                    for each in endpoint.published
                }
            )
    yield _counted("pynet_networks", "Networks, by mode.", "mode", modes)
    yield _counted("pynet_endpoints", "Containers on networks, by mode.", "mode", joined)
    yield _counted("pynet_published_ports", "Published ports, by protocol.", "protocol", ports)


def _of_pools(reservations: Reservations) -> Iterator[Metric]:
    """None if they cannot be read: etcd is away, or another operation takes long."""
    try:
        rows = reservations.pools()
    except (IpamError, HostError):
        return
    labels = ["pool", "space", "tenant"]
    used = GaugeMetricFamily(
        "pynet_pool_addresses", "Addresses of a pool, by state.", labels=[*labels, "state"]
    )
    size = GaugeMetricFamily(
        "pynet_pool_size", "Addresses that containers get by themselves.", labels=labels
    )
    for row in rows:
        pool = [row["prefix"], row["space"], row["tenant"]]
        for state in _STATES:
            used.add_metric([*pool, state], row["addresses"].get(state, 0))
        if row["size"] is not None:
            used.add_metric([*pool, "free"], row["free"])
            size.add_metric(pool, row["size"])
    yield used
    yield size


def _gauge(
    name: str, about: str, labels: list[str], rows: Iterable[tuple[tuple[str, ...], float]]
) -> GaugeMetricFamily:
    found = GaugeMetricFamily(name, about, labels=labels)
    for values, number in rows:
        found.add_metric(values, float(number))
    return found


def _counted(name: str, about: str, label: str, numbers: Counter[str]) -> GaugeMetricFamily:
    return _gauge(
        name, about, [label], [((key,), number) for key, number in sorted(numbers.items())]
    )
