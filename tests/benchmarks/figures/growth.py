"""Whether the five hundredth endpoint costs more than the first."""

from collections.abc import Iterator, Sequence
from contextlib import closing
from typing import Final

from tests.benchmarks.dockerd import EndpointLife, NetworkLife
from tests.benchmarks.figure import Figure, Reach, Row, Statistic
from tests.benchmarks.figures.drivers import in_turn
from tests.benchmarks.plugin_client import PluginClient
from tests.benchmarks.sample import Sample
from tests.benchmarks.scene import Scene

ENDPOINTS: Final = 500
SUBNET: Final = "10.77.0.0/20"
REACH: Final = Reach(1.1, Statistic.RATIO)
_WARM_UP: Final = 25
_DRIVER: Final = "NetworkDriver."
_METHODS: Final = {
    "CreateEndpoint and Join": ("CreateEndpoint", "Join"),
    "ProgramExternalConnectivity, one port": ("ProgramExternalConnectivity",),
    "all calls of the endpoint's removal": (
        "RevokeExternalConnectivity",
        "Leave",
        "DeleteEndpoint",
    ),
}


def _measure(scene: Scene) -> Iterator[Row]:
    with (
        closing(PluginClient(scene.plugin.socket)) as empty,
        scene.another_plugin() as other,
        closing(PluginClient(other.socket)) as full,
    ):
        networks = [NetworkLife.create(client, SUBNET) for client in (empty, full)]
        _live(networks[0], _WARM_UP)
        for _ in range(ENDPOINTS - 1):
            _start(networks[1])
        for client in (empty, full):
            client.seconds.clear()
        for number in scene.rounds(200, 50):
            for network in in_turn(networks, number):
                _live(network, 1)
        networks[0].remove()
    for what, methods in _METHODS.items():
        first = _sums(empty, methods)
        yield Row(what=f"{what}: the only one", sample=first)
        yield Row(
            what=f"{what}: the {ENDPOINTS}th",
            sample=_sums(full, methods),
            beside=first,
            reach=REACH,
        )


def _live(network: NetworkLife, count: int) -> None:
    """Let endpoints come and go."""
    for _ in range(count):
        _start(network).remove()


def _start(network: NetworkLife) -> EndpointLife:
    endpoint = EndpointLife.create(network)
    endpoint.join()
    endpoint.publish(80)
    return endpoint


def _sums(client: PluginClient, methods: Sequence[str]) -> Sample:
    """Return what the methods took together, for each endpoint."""
    calls = zip(*(client.seconds[_DRIVER + method] for method in methods), strict=True)
    return Sample.of(sum(each) for each in calls)


FIGURE: Final = Figure(
    name="growth",
    title=f"The {ENDPOINTS}th endpoint and port beside the first",
    method=f"Two hosts with a plugin each, and one network {SUBNET} on each; on the second "
    f"{ENDPOINTS - 1} endpoints are alive, each with one published port and both ends of its "
    "link on the host. A client in dockerd's place makes and removes one endpoint with a port "
    "on either host in turn.",
    measure=_measure,
)
