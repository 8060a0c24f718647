"""Networks of a swarm of three managers, whose containers reach each other."""

import signal
from functools import partial

import pytest

from tests.e2e.spanning import HARMS
from tests.e2e.swarming import SLEEP, Node, Swarm, others, peers, restart, tunnel, without_registry
from tests.lab.commands import run, wait_until
from tests.lab.host import IMAGE
from tests.lab.managed import MANAGED_NAME
from tests.lab.namespace import enter, ip_json

pytestmark = pytest.mark.nightly

SOON = 20.0
MOVES = 10
WEB = ("sh", "-c", "mkdir -p /www; hostname >/www/index.html; exec httpd -f -h /www")


@pytest.fixture
def app(swarm: Swarm) -> str:
    """A network of both families with nine tasks, and a container on each node; made once."""
    if "app" not in swarm.docker("network", "ls", "--format", "{{.Name}}").split():
        both = ("--subnet", "10.60.0.0/24", "--ipv6", "--subnet", "fd00:60::/64")
        swarm.network("app", "--attachable", *both)
        swarm.service("web", "app", "--replicas", "9", command=WEB)
        for number, node in enumerate(swarm.nodes):
            node.docker("run", "-d", f"--name=own{number}", "--network=app", IMAGE, *SLEEP)
    swarm.running("web", 9)
    return "app"


def _is_another(node: Node, before: int) -> bool:
    return node.plugin.pid not in (0, before)


def test_everyone_reaches_everyone(swarm: Swarm, app: str) -> None:
    """Tasks and containers of all nodes, by both families; and no other host is flooded."""
    assert swarm.unreached(app) == []
    for node in swarm.nodes:
        assert peers(node, tunnel(swarm, app)) == others(swarm, node)


@pytest.mark.usefixtures("app")
def test_names_resolve_everywhere(swarm: Swarm) -> None:
    """Those of services, of all their tasks, and of containers."""
    for number, node in enumerate(swarm.nodes):
        neighbour = f"own{(number + 1) % 3}"
        for name in ("web", "tasks.web", neighbour):
            assert "1 packets received" in node.docker(
                "exec", f"own{number}", "ping", "-c", "1", "-W", "3", name
            )
        answer = node.docker("exec", f"own{number}", "nslookup", "tasks.web", "127.0.0.11")
        assert sum("10.60.0." in line for line in answer.splitlines()) == 9
        assert node.docker("exec", f"own{number}", "wget", "-qO-", "http://web/")


@pytest.mark.parametrize("way", ["restarted", "killed"])
def test_a_plugin_that_starts_again_knows_its_nodes(swarm: Swarm, app: str, way: str) -> None:
    """The engine names other nodes to it no more; new networks know them, too."""
    for node in swarm.nodes:
        if way == "restarted":
            node.plugin.restart()
        else:
            before = node.plugin.pid
            node.plugin.kill()
            wait_until(partial(_is_another, node, before), "the next plugin")
            node.plugin.wait_ready()
    device = tunnel(swarm, app)
    for node in swarm.nodes:
        assert peers(node, device) == others(swarm, node)
    assert swarm.unreached(app) == []
    swarm.network("after", "--subnet", "10.61.0.0/24")
    swarm.service("after", "after", "--mode", "global")
    swarm.running("after", 3)

    assert swarm.unreached("after") == []
    swarm.remove("after", "after")


@pytest.mark.parametrize("harm", ["device deleted", "peer's entry deleted", "rules"])
def test_what_is_broken_is_repaired(swarm: Swarm, app: str, harm: str) -> None:
    """At once, and it is counted."""
    node, device = swarm.nodes[1], tunnel(swarm, app)

    def counted() -> int:
        return int(node.plugin.ask("/v1/status")["repaired"]["count"])

    before, peer = counted(), str(swarm.nodes[0].host.address)
    run(enter(node.host.netns, *HARMS[harm](device, peer)))
    wait_until(lambda: counted() > before, "the repair", deadline=SOON)
    wait_until(lambda: swarm.unreached(app) == [], "all to be reached", deadline=SOON)

    assert peers(node, device) == others(swarm, node)


def test_a_container_that_moves_is_found_at_once(swarm: Swarm, app: str) -> None:
    """With its address, from node to node."""
    asking, moving = swarm.nodes[0], swarm.nodes[1:]
    asker = asking.docker("inspect", "-f", "{{.Id}}", "own0")
    for number in range(MOVES):
        node = moving[number % 2]
        node.docker(
            "run",
            "-d",
            "--rm",
            "--name=moves",
            f"--network={app}",
            "--ip=10.60.0.200",
            IMAGE,
            *SLEEP,
        )
        wait_until(lambda: asking.reaches(asker, "10.60.0.200"), f"move {number}", deadline=SOON)
        node.docker("rm", "-f", "moves")


def test_a_node_that_is_gone_is_no_peer(swarm: Swarm, app: str) -> None:
    """Until it is back; the others go on meanwhile."""
    device, gone, stays = tunnel(swarm, app), swarm.nodes[2], swarm.nodes[0]
    gone.host.dockerd.end(signal.SIGKILL)
    rest = others(swarm, stays) - {str(gone.host.address)}
    wait_until(lambda: peers(stays, device) == rest, "the node to be no peer", deadline=60)
    gone.host.dockerd.start(gone.host.leader)
    gone.plugin.wait_ready()
    swarm.ready()
    gone.docker("rm", "-f", "own2")
    gone.docker("run", "-d", "--name=own2", f"--network={app}", IMAGE, *SLEEP)
    swarm.running("web", 9)

    wait_until(lambda: peers(stays, device) == others(swarm, stays), "the node", deadline=SOON)
    wait_until(lambda: swarm.unreached(app) == [], "all to be reached", deadline=SOON)


def test_a_node_loses_power(swarm: Swarm) -> None:
    """Each in turn; what ran there runs there again, and nothing is rejected."""
    swarm.network("power", "--subnet", "10.62.0.0/24")
    swarm.service("power", "power", "--mode", "global")
    swarm.running("power", 3)
    for node in swarm.nodes:
        node.host.reboot()
        without_registry(node.host)
        node.plugin.wait_ready()
        swarm.ready()
        swarm.running("power", 3)
        assert swarm.unreached("power") == []

    assert swarm.rejected("power") == []
    assert max(swarm.addresses("power").values()) == 1
    swarm.remove("power", "power")


def test_what_swarm_does_not_show_is_in_the_health(swarm: Swarm) -> None:
    """Of the leader, until the network is removed and made as it should be."""
    swarm.network("typo", "-o", "mtuu=1400")
    identity = swarm.docker("network", "inspect", "-f", "{{.ID}}", "typo")
    leader = swarm.leader()

    assert leader is not None
    assert f"network {identity[:12]} of the swarm" in leader.conditions()
    swarm.docker("network", "rm", "typo")


def test_dockers_own_overlay(swarm: Swarm) -> None:
    """With addresses of pynet's, over a restart of an engine."""
    swarm.network("docker", "--subnet", "10.63.0.0/24", "--attachable", driver="overlay")
    swarm.service("dockers", "docker", "--mode", "global")
    swarm.running("dockers", 3)
    assert swarm.unreached("docker") == []
    restart(swarm.nodes[1], signal.SIGTERM)
    swarm.ready()
    swarm.running("dockers", 3)

    assert swarm.rejected("dockers") == []
    assert max(swarm.addresses("docker").values()) == 1
    swarm.remove("docker", "dockers")


def test_a_bridge_must_be_meant(swarm: Swarm) -> None:
    """It is a network on each node then."""
    swarm.network("bridges", "-o", "mode=bridge", "-o", "nodes=apart", "--subnet", "10.64.0.0/24")
    swarm.service("apart", "bridges", "--mode", "global")
    swarm.running("apart", 3)
    bridges = [
        each
        for each in ip_json(swarm.nodes[0].host.netns, "link")
        if each["ifname"].startswith("pnx-")
    ]

    assert tunnel(swarm, "bridges") not in [each["ifname"] for each in bridges]
    assert MANAGED_NAME in swarm.docker("network", "inspect", "-f", "{{.Driver}}", "bridges")
    swarm.remove("bridges", "apart")
