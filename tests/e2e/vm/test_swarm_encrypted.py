"""An encrypted network of a swarm: its nodes have the managed plugin, which uses the kernel's WireGuard."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from ipaddress import ip_address

import pytest

from plugin.drivers.encryption import WIREGUARD_PORT_DEFAULT
from plugin.drivers.overlay import VXLAN_PORT
from tests.conftest import LOGS
from tests.e2e.spanning import SECRET, is_udp, overheard
from tests.e2e.swarming import Node, Swarm, join, managed
from tests.lab.commands import wait_until
from tests.lab.lab import Lab

pytestmark = pytest.mark.vm


@pytest.fixture
def lab() -> Iterator[Lab]:
    with Lab() as lab:
        yield lab


def test_two_nodes(lab: Lab, request: pytest.FixtureRequest) -> None:
    """Tasks reach each other by both families, and nothing of it is on the wire in clear."""
    hosts = [lab.host("28") for _ in range(2)]
    with ThreadPoolExecutor() as pool:
        plugins = list(pool.map(partial(managed, PYNET_SECRET=SECRET), hosts))
    swarm = Swarm(lab)
    for host, plugin, role in zip(hosts, plugins, ("manager", "worker"), strict=True):
        join(swarm, host, role)
        swarm.nodes.append(Node(host, plugin))
        request.config.stash[LOGS][host.name] = swarm.nodes[-1].said
    both = ("--subnet", "10.60.0.0/24", "--ipv6", "--subnet", "fd00:60::/64")
    swarm.network("hidden", "-o", "encrypted", *both)
    swarm.service("web", "hidden", "--mode", "global")
    swarm.running("web", 2)
    assert len(swarm.addresses("hidden")) == 4

    with overheard(lab.fabric.netns) as frames:
        wait_until(lambda: swarm.unreached("hidden") == [], "all to be reached")
    told = [ip_address(each).packed for each in swarm.addresses("hidden")]
    assert [each for each in frames if is_udp(each, WIREGUARD_PORT_DEFAULT)]
    assert not [each for each in frames if is_udp(each, VXLAN_PORT)]
    assert not [each for each in frames if any(word in each for word in told)]
