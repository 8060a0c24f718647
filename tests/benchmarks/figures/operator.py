"""What the commands of an operator cost on a host with many networks and containers."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from typing import Final

from tests.benchmarks.dockerd import EndpointLife, NetworkLife
from tests.benchmarks.figure import Figure, Reach, Row
from tests.benchmarks.listed import ListedEngine
from tests.benchmarks.plugin_client import PluginClient
from tests.benchmarks.processes import tree_seconds
from tests.benchmarks.sample import Sample
from tests.benchmarks.sandbox import Sandbox
from tests.benchmarks.scene import Scene
from tests.lab.host import Host
from tests.lab.installed import PluginProcess
from tests.lab.namespace import Namespace, enter

NETWORKS: Final = 300
CONTAINERS: Final = 10  # on each
PORT: Final = 20000  # the first one's on the host; the first container of each network has one
_COMMANDS: Final = {
    "`pynet status`": (("status",), Reach(500)),
    "`pynet networks`": (("networks",), None),
    "`pynet check`": (("check",), Reach(3000)),
    "`pynet trace`, two containers of two networks": (("trace", "c0", "c10:80"), Reach(1000)),
    "`pynet trace`, a published port": (("trace", "internet", f"host:{PORT}"), Reach(1000)),
}


@dataclass(frozen=True, slots=True)
class Cost:
    """Seconds of one command: until it ended, and of the processor, its own and the plugin's."""

    wall: float
    own: float
    plugin: float


def _measure(scene: Scene) -> Iterator[Row]:
    networks = scene.amount(NETWORKS, 30)
    with scene.another_host() as (host, plugin), _crowded(host, plugin, networks) as engine:
        for what, (words, reach) in _COMMANDS.items():
            _run(host, plugin, engine, words)  # what the plugin and the kernel still had to do
            costs = [_run(host, plugin, engine, words) for _ in scene.rounds(20, 5)]
            yield Row(what=what, sample=Sample.of(each.wall for each in costs), reach=reach)
            yield Row(what=f"{what}: its CPU", sample=Sample.of(each.own for each in costs))
            yield Row(
                what=f"{what}: CPU of the plugin", sample=Sample.of(each.plugin for each in costs)
            )


@contextmanager
def _crowded(host: Host, plugin: PluginProcess, networks: int) -> Iterator[ListedEngine]:
    """Networks with their containers, and an engine that lists them."""
    with (
        ExitStack() as stack,
        closing(PluginClient(plugin.socket)) as client,
        Sandbox(host) as sandbox,
    ):
        engine = stack.enter_context(ListedEngine(host.directory / "listed.sock"))
        for number in range(networks):
            network = NetworkLife.create(client)
            engine.add_network(network.id, f"net{number}")
            for place in range(CONTAINERS):
                endpoint = EndpointLife.create(network)
                link = endpoint.join()
                if not place:
                    endpoint.publish(PORT + number)
                near = not place and number < 2
                pid = os.getpid()
                if near:
                    own = Namespace(host.lab, f"c{number}")
                    stack.callback(own.close)
                    _plug(host, own, link, endpoint, network)
                    pid = own.pid
                else:
                    sandbox.take(link)
                engine.add_container(
                    f"c{number * CONTAINERS + place}",
                    pid,
                    network=f"net{number}",
                    endpoint=endpoint.id,
                    address=endpoint.address.partition("/")[0],
                )
        yield engine


def _plug(
    host: Host, own: Namespace, link: str, endpoint: EndpointLife, network: NetworkLife
) -> None:
    """Do what dockerd does after the join."""
    subprocess.run(enter(host.netns, "ip", "link", "set", link, "netns", str(own.pid)), check=True)
    own.ip(
        f"link set {link} name eth0",
        "link set eth0 up",
        f"address add {endpoint.address} dev eth0",
        f"route add default via {network.gateway.partition('/')[0]}",
    )


def _run(host: Host, plugin: PluginProcess, engine: ListedEngine, words: tuple[str, ...]) -> Cost:
    """Run a command of the host's, as a person does whose terminal is a pipe."""
    env = {
        **host.lab.env,
        "PYNET_ADMIN_SOCKET": str(plugin.admin_socket),
        "PYNET_STATE": str(plugin.state),
        "PYNET_PLUGIN_SOCKETS": str(plugin.socket),
        "DOCKER_HOST": f"unix://{engine.path}",
    }
    argv = enter(host.netns, f"{sys.prefix}/bin/pynet", *words)
    before, started = tree_seconds(plugin.pid), time.perf_counter()
    process = subprocess.Popen(argv, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, _, used = os.wait4(process.pid, 0)
    process.returncode = 0
    wall = time.perf_counter() - started
    return Cost(
        wall=wall, own=used.ru_utime + used.ru_stime, plugin=tree_seconds(plugin.pid) - before
    )


FIGURE: Final = Figure(
    name="operator",
    title=f"Commands on a host with {NETWORKS} networks and {NETWORKS * CONTAINERS} containers",
    method=f"A client in dockerd's place has made {NETWORKS} networks with {CONTAINERS} containers "
    "each, of which one publishes a port; their links are in another namespace. A program in the "
    "engine's place lists them, with two kilobytes for each container. The command is started anew "
    "each time, in a pipe; its CPU is that of all its programs (`nft`, `ip`).",
    measure=_measure,
)
