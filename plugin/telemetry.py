"""What Prometheus can ask for.  Counters are declared here and moved where things happen."""

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Final

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

_LATELY_SECONDS: Final = 3600.0
_TOGETHER_SECONDS: Final = 2.0
_MOST_TIMES: Final = 1000

disable_created_metrics()  # type: ignore[no-untyped-call]  # a second series for each counter, which no board reads
REGISTRY: Final = CollectorRegistry()
# What is gathered when it is asked for: from the kernel, the state and the process.
STATE: Final = CollectorRegistry()

RPC_SECONDS: Final = Histogram(
    "pynet_rpc_seconds",
    "Time from a request of the engine to its answer.",
    ["method", "result"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1, 3, 5, 20),
    registry=REGISTRY,
)
ABANDONED: Final = Counter(
    "pynet_abandoned_total",
    "Calls that were answered with an error because they did not end.",
    registry=REGISTRY,
)
DRIFT: Final = Counter(
    "pynet_drift_total",
    "Differences between the host and its plan that were fixed.",
    ["kind"],
    registry=REGISTRY,
)
LAST_CALL: Final = Gauge(
    "pynet_last_call_timestamp_seconds",
    "When the engine was last answered, as Unix time; 0 if it has not called yet.",
    registry=REGISTRY,
)
LAST_DRIFT: Final = Gauge(
    "pynet_last_drift_timestamp_seconds",
    "When a difference was last fixed, as Unix time; 0 if there was none yet.",
    registry=REGISTRY,
)
DHCP_SENT: Final = Counter(
    "pynet_dhcp_sent_total",
    "Messages to DHCP servers and routers, and probes and announcements of addresses, by type.",
    ["type"],
    registry=REGISTRY,
)
DHCP_EVENTS: Final = Counter(
    "pynet_dhcp_events_total",
    "What happened to leases: leased, confirmed, conflicted, refused, unanswered, gaveup.",
    ["event"],
    registry=REGISTRY,
)
DHCP_MALFORMED: Final = Counter(
    "pynet_dhcp_malformed_total",
    "Messages on a parent's LAN that could not be read.",
    registry=REGISTRY,
)
DHCP_SECONDS: Final = Histogram(
    "pynet_dhcp_seconds",
    "Time until a DHCP server granted an address, one that was remembered or a new one.",
    ["path"],
    buckets=(0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 2, 4, 8, 16),
    registry=REGISTRY,
)


REFUSED: Final = Counter(
    "pynet_refused_total",
    "Calls of the engine that were refused, by what was wrong.",
    ["reason"],
    registry=REGISTRY,
)
RECONCILE_SECONDS: Final = Histogram(
    "pynet_reconcile_duration_seconds",
    "Time of a look at the whole host.",
    buckets=(0.01, 0.05, 0.1, 0.5, 1, 5, 30),
    registry=REGISTRY,
)
LAST_RECONCILE: Final = Gauge(
    "pynet_last_reconcile_timestamp_seconds",
    "When the whole host was last looked at, as Unix time; 0 if it was not yet.",
    registry=REGISTRY,
)
LOCK_SECONDS: Final = Histogram(
    "pynet_lock_wait_seconds",
    "Time that a change waited for the lock of its network.",
    buckets=(0.001, 0.01, 0.1, 1, 5, 15),
    registry=REGISTRY,
)


class _Leases(Collector):
    """Leases of DHCP servers; ``read`` answers how many are in each state."""

    def __init__(self) -> None:
        self.read: Callable[[], Mapping[str, int]] = dict

    def collect(self) -> Iterator[GaugeMetricFamily]:
        found = GaugeMetricFamily(
            "pynet_dhcp_leases", "Leases of DHCP servers, by state.", labels=["state"]
        )
        for state, count in self.read().items():
            found.add_metric([state], count)
        yield found


class _Dropped(Collector):
    """Counted by the kernel, and read when it is asked for; ``read`` answers by reason."""

    def __init__(self) -> None:
        self.read: Callable[[], Mapping[str, int]] = dict

    def collect(self) -> Iterator[CounterMetricFamily]:
        found = CounterMetricFamily(
            "pynet_dropped_packets",
            "Packets that the firewall dropped, by reason.",
            labels=["reason"],
        )
        for reason, packets in self.read().items():
            found.add_metric([reason], packets)
        yield found


class _Gathered(Collector):
    """What the plugin has; ``read`` answers with metrics."""

    def __init__(self) -> None:
        self.read: Callable[[], Iterable[Metric]] = tuple

    def collect(self) -> Iterable[Metric]:
        return self.read()


class Lately:
    """How often something happened within an hour; what comes within two seconds counts once."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._times: deque[float] = deque(maxlen=_MOST_TIMES)

    def note(self) -> None:
        """It happens now."""
        now = self._clock()
        if not self._times or now - self._times[-1] > _TOGETHER_SECONDS:
            self._times.append(now)

    @property
    def count(self) -> int:
        """How often."""
        since = self._clock() - _LATELY_SECONDS
        return sum(each >= since for each in tuple(self._times))


RULES_REPAIRED: Final = Lately()
DROPPED: Final = _Dropped()
STATE.register(DROPPED)
LEASES: Final = _Leases()
STATE.register(LEASES)
GATHERED: Final = _Gathered()
STATE.register(GATHERED)
ProcessCollector(registry=STATE)


def exposition() -> bytes:
    """Every metric, as Prometheus reads it."""
    return generate_latest(REGISTRY) + generate_latest(STATE)


def total(metric: str, **labels: str) -> int:
    """The sum of a metric of REGISTRY over all samples that have these labels."""
    return round(
        sum(
            sample.value
            for family in REGISTRY.collect()
            for sample in family.samples
            if sample.name == metric and labels.items() <= sample.labels.items()
        )
    )
