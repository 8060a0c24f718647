"""Many published ports beside the one that is measured, on one of two hosts."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from tests.benchmarks.dockerd import EndpointLife, NetworkLife
from tests.benchmarks.plugin_client import PluginClient

PORTS: Final = 999
HALVES: Final = (0, 1)  # each host is the crowded one in one of them
METHOD: Final = (
    "Two hosts with a plugin each; on one of them a client in dockerd's place has published "
    f"{PORTS} ports of other endpoints. The hosts are asked in turn, and halfway the {PORTS} "
    "ports move to the other host, so that what the hosts differ by cancels out. "
)
_ENDPOINTS: Final = 27
_EACH: Final = PORTS // _ENDPOINTS


@contextmanager
def crowd(client: PluginClient) -> Iterator[None]:
    """Have so many ports published, on any of the host's, for the block."""
    network = NetworkLife.create(client)
    endpoints = [EndpointLife.create(network) for _ in range(_ENDPOINTS)]
    for endpoint in endpoints:
        endpoint.join()
        endpoint.publish(*range(1, _EACH + 1))
    try:
        yield
    finally:
        for endpoint in endpoints:
            endpoint.remove()
        network.remove()
