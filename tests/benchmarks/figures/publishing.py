"""Whether publishing the thousandth port costs more than publishing the first."""

from collections.abc import Iterator
from contextlib import closing
from typing import Final

from tests.benchmarks.crowd import HALVES, METHOD, PORTS, crowd
from tests.benchmarks.dockerd import EndpointLife, NetworkLife
from tests.benchmarks.figure import Figure, Reach, Row, Statistic
from tests.benchmarks.figures.drivers import in_turn
from tests.benchmarks.plugin_client import PluginClient
from tests.benchmarks.sample import Sample
from tests.benchmarks.scene import Scene

_METHODS: Final = {
    "ProgramExternalConnectivity": Reach(1.1, Statistic.RATIO),
    "RevokeExternalConnectivity": None,
}
_WARM_UP: Final = 20


def _measure(scene: Scene) -> Iterator[Row]:
    seconds: dict[str, dict[bool, list[float]]] = {
        method: {False: [], True: []} for method in _METHODS
    }
    with (
        closing(PluginClient(scene.plugin.socket)) as here,
        scene.another_plugin() as other,
        closing(PluginClient(other.socket)) as there,
    ):
        clients = (here, there)
        networks = [NetworkLife.create(client) for client in clients]
        endpoints = [EndpointLife.create(network) for network in networks]
        for endpoint in endpoints:
            endpoint.join()
        for crowded in HALVES:
            with crowd(clients[crowded]):
                for number in scene.rounds(_WARM_UP + 200, _WARM_UP + 40):
                    for each in in_turn(HALVES, number):
                        endpoints[each].publish(80)
                        endpoints[each].withdraw()
                        for method, sides in seconds.items():
                            if number >= _WARM_UP:
                                value = clients[each].last(f"NetworkDriver.{method}")
                                sides[each == crowded].append(value)
        endpoints[0].remove()
        networks[0].remove()
    for method, sides in seconds.items():
        first, last = Sample.of(sides[False]), Sample.of(sides[True])
        yield Row(what=f"{method}: the only port", sample=first)
        yield Row(
            what=f"{method}: the {PORTS + 1:,}th",
            sample=last,
            beside=first,
            reach=_METHODS[method],
        )


FIGURE: Final = Figure(
    name="publish",
    title=f"Publishing the {PORTS + 1:,}th port beside the first",
    method=METHOD + "One port of one endpoint is published and withdrawn again and again.",
    measure=_measure,
)
