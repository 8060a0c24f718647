"""A swarm whose nodes have an etcd: who has a network is flooded, and nobody is lost where that is not known."""

from collections.abc import Iterator
from functools import partial

import pytest

from tests.conftest import LOGS
from tests.e2e.swarming import SLEEP, Node, Swarm, others, peers, raised, tunnel
from tests.lab.commands import wait_until
from tests.lab.etcd import Etcd
from tests.lab.host import IMAGE

pytestmark = pytest.mark.nightly

NETWORK = "app"


@pytest.fixture(scope="module")
def etcd_swarm(request: pytest.FixtureRequest) -> Iterator[Swarm]:
    """A manager and two workers."""
    with raised("28", "manager", "worker", "worker", etcd=True) as swarm:
        logs = {f"of {node.host.name}": node.said for node in swarm.nodes}
        request.config.stash[LOGS].update(logs)
        swarm.network(NETWORK, "--attachable", "--subnet", "10.60.0.0/24")
        yield swarm
        for title in logs:
            del request.config.stash[LOGS][title]


@pytest.fixture
def swarm(etcd_swarm: Swarm) -> Swarm:
    """The network is on the first two nodes, by a container each."""
    run(etcd_swarm.nodes[0], "own0")
    run(etcd_swarm.nodes[1], "own1")
    etcd_swarm.nodes[2].docker("rm", "-f", "own2", "own3")
    wait_until(lambda: narrowed(etcd_swarm), "the lists")
    return etcd_swarm


def run(node: Node, name: str, network: str = NETWORK) -> None:
    if name not in node.docker("ps", "-a", "--format", "{{.Names}}").split():
        node.docker("run", "-d", "--name", name, "--network", network, IMAGE, *SLEEP)


def etcd_of(swarm: Swarm) -> Etcd:
    assert swarm.etcd is not None
    return swarm.etcd


def address(swarm: Swarm, number: int) -> str:
    return str(swarm.nodes[number].host.address)


def narrowed(swarm: Swarm) -> bool:
    """Whether the two that have the network flood each other, and not the third."""
    one, two, _ = swarm.nodes
    device = tunnel(swarm, NETWORK)
    return peers(one, device) == {address(swarm, 1)} and peers(two, device) == {address(swarm, 0)}


def test_who_has_the_network_is_flooded(swarm: Swarm) -> None:
    """One that gets it is reached as soon as its container runs, and one that gave it up is flooded no more."""
    third, device = swarm.nodes[2], tunnel(swarm, NETWORK)
    run(third, "own2")

    assert swarm.unreached(NETWORK) == []
    for node in swarm.nodes:
        assert peers(node, device) == others(swarm, node)
    third.docker("rm", "-f", "own2")
    wait_until(lambda: narrowed(swarm), "the lists")


def test_peers_are_known_without_the_engines_list(swarm: Swarm) -> None:
    """The engine names no other node to a plugin that starts again, whose list is lost."""
    node, device = swarm.nodes[1], tunnel(swarm, NETWORK)
    kept = node.plugin.state / "swarm-nodes"
    node.plugin.disable()
    before = kept.read_text()
    kept.unlink()
    node.plugin.enable()
    wait_until(lambda: peers(node, device) == {address(swarm, 0)}, "the other node")
    assert swarm.unreached(NETWORK) == []
    run(swarm.nodes[2], "own2")
    wait_until(lambda: peers(node, device) == others(swarm, node), "the third node")

    assert swarm.unreached(NETWORK) == []
    node.plugin.disable()
    kept.write_text(before)
    node.plugin.enable()


def test_etcd_is_away(swarm: Swarm) -> None:
    """All nodes are flooded until it is back; networks come and go as without it."""
    etcd, device, third = etcd_of(swarm), tunnel(swarm, NETWORK), swarm.nodes[2]
    etcd.stop(0, 1, 2)
    for node in swarm.nodes[:2]:
        wait_until(partial(_floods_all, swarm, node, device), "the lists")
    run(third, "own2")
    assert swarm.unreached(NETWORK) == []
    swarm.network("meanwhile", "--attachable", "--subnet", "10.61.0.0/24")
    for number, node in enumerate(swarm.nodes):
        run(node, f"meanwhile{number}", "meanwhile")
        node.plugin.restart()
    assert swarm.unreached("meanwhile") == []
    for number, node in enumerate(swarm.nodes):
        node.docker("rm", "-f", f"meanwhile{number}")
    third.docker("rm", "-f", "own2")
    etcd.go_on()
    wait_until(lambda: narrowed(swarm), "the lists")

    swarm.remove("meanwhile")


def test_a_node_that_tells_nothing(swarm: Swarm) -> None:
    """It has no etcd, or an older pynet: every node floods it, with the network or without."""
    third, device = swarm.nodes[2], tunnel(swarm, NETWORK)
    setting = etcd_of(swarm).setting
    third.plugin.disable()
    third.plugin.set("PYNET_ETCD=")
    third.plugin.enable()
    for node in swarm.nodes[:2]:
        wait_until(partial(_floods_all, swarm, node, device), "the lists")
    run(third, "own3")
    assert swarm.unreached(NETWORK) == []
    third.docker("rm", "-f", "own3")
    third.plugin.disable()
    third.plugin.set(f"PYNET_ETCD={setting}")
    third.plugin.enable()

    wait_until(lambda: narrowed(swarm), "the lists")


def _floods_all(swarm: Swarm, node: Node, device: str) -> bool:
    return peers(node, device) == others(swarm, node)
