"""All figures, in the order in which they are measured and shown."""

from typing import Final

from tests.benchmarks.figure import Figure
from tests.benchmarks.figures import (
    calls,
    growth,
    healing,
    ipam_calls,
    ipam_growth,
    ipam_open,
    ipam_placement,
    ipam_rate,
    macvlan,
    memory,
    network,
    overlay,
    parallel,
    ports,
    publishing,
    removal,
    run,
    start,
    throughput,
)

FIGURES: Final[tuple[Figure, ...]] = (
    start.FIGURE,
    memory.FIGURE,
    network.FIGURE,
    run.FIGURE,
    run.FIGURE_PUBLISHED,
    run.FIGURE_COMMAND,
    macvlan.FIGURE_RUN,
    macvlan.FIGURE_TCP,
    overlay.FIGURE_RUN,
    overlay.FIGURE_TCP,
    overlay.FIGURE_FIRST,
    overlay.FIGURE_BROADCAST,
    parallel.FIGURE,
    removal.FIGURE,
    throughput.FIGURE,
    ports.FIGURE,
    healing.FIGURE,
    calls.FIGURE,
    growth.FIGURE,
    publishing.FIGURE,
    ipam_calls.FIGURE,
    ipam_rate.FIGURE,
    ipam_growth.FIGURE,
    ipam_open.FIGURE,
    ipam_placement.FIGURE,
)
