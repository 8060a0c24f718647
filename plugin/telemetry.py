"""What Prometheus can ask for.  Counters are declared here and moved where things happen."""

from typing import Final

from prometheus_client import CollectorRegistry, Counter, Histogram

REGISTRY: Final = CollectorRegistry()

RPC_SECONDS: Final = Histogram(
    "pynet_rpc_seconds",
    "Time from a request of the engine to its answer.",
    ["method", "result"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1, 5, 20),
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
