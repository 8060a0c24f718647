"""Every call that dockerd makes, one after the other."""

from collections.abc import Iterator
from contextlib import closing
from typing import Final

from tests.benchmarks.dockerd import EndpointLife, NetworkLife
from tests.benchmarks.figure import Figure, Reach, Row, Statistic
from tests.benchmarks.plugin_client import PluginClient
from tests.benchmarks.sample import Sample
from tests.benchmarks.sandbox import CONNECTIONS, Sandbox, busy
from tests.benchmarks.scene import Scene

JOIN_P99: Final = Reach(5.0, Statistic.P99)
NINE: Final = Reach(10.0, Statistic.RATIO)
_OF_A_LIFE: Final = (
    *("IpamDriver.RequestAddress", "NetworkDriver.CreateEndpoint", "NetworkDriver.Join"),
    *("NetworkDriver.ProgramExternalConnectivity", "NetworkDriver.EndpointOperInfo"),
    *("NetworkDriver.RevokeExternalConnectivity", "NetworkDriver.Leave"),
    *("NetworkDriver.DeleteEndpoint", "IpamDriver.ReleaseAddress"),
)
_WARM_UP: Final = 10


def _measure(scene: Scene) -> Iterator[Row]:
    with (
        closing(PluginClient(scene.plugin.socket)) as client,
        Sandbox(scene.host) as sandbox,
        busy(scene.host),
    ):
        _live(NetworkLife.create(client), range(_WARM_UP), sandbox)
        client.seconds.clear()
        lives = _live(NetworkLife.create(client), scene.rounds(500, 100), sandbox)
        for _ in range(scene.amount(100, 20)):
            client.call("Plugin.Activate")
            client.call("NetworkDriver.GetCapabilities")
            client.call("IpamDriver.GetCapabilities")
            NetworkLife.create(client).remove()
    for method, seconds in client.seconds.items():
        yield Row(
            what=method,
            sample=Sample.of(seconds),
            reach=JOIN_P99 if method == "NetworkDriver.Join" else None,
        )
    yield Row(
        what="the nine of a container's life, to Plugin.Activate",
        sample=Sample.of(lives),
        beside=Sample.of(client.seconds["Plugin.Activate"]),
        reach=NINE,
    )


def _live(network: NetworkLife, rounds: Iterator[int] | range, sandbox: Sandbox) -> list[float]:
    """Let endpoints with a published port come and go; return the seconds of each one's nine calls."""
    lives = []
    for _ in rounds:
        endpoint = EndpointLife.create(network)
        link = endpoint.join()
        endpoint.publish(80)
        sandbox.take(link)
        sandbox.give_back(link)
        endpoint.remove()
        lives.append(sum(map(network.client.last, _OF_A_LIFE)))
    network.remove()
    return lives


FIGURE: Final = Figure(
    name="calls",
    title="Calls of the plugin protocol",
    method="A client in dockerd's place calls the running plugin in the order of a `docker run "
    "-p 80` and its end, again and again, over one connection as long as the plugin keeps it; "
    "netlink and nftables are the kernel's. After the join the link is moved to another "
    f"namespace and back, as dockerd does. The host has {CONNECTIONS} connections of its own. In "
    "milliseconds from the request to the whole answer. An engine takes longer from one container "
    "to the next: here each CreateEndpoint has the address of one deleted a moment ago, and waits "
    "until connections of that one are gone.",
    measure=_measure,
)
