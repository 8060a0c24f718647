"""A manager and a worker, on each engine."""

import signal
from collections.abc import Iterator

import pytest

from tests.conftest import LOGS
from tests.e2e.swarming import SLEEP, Node, Swarm, join, managed, raised, restart, without_registry
from tests.lab.commands import wait_until
from tests.lab.host import IMAGE
from tests.lab.lab import Lab

ENGINES = ["28", pytest.param("20.10", marks=pytest.mark.nightly)]


@pytest.mark.parametrize("version", ENGINES)
def test_containers_of_two_nodes(version: str, request: pytest.FixtureRequest) -> None:
    """Tasks, and a container of each node, reach each other by both families and by name; so after a restart."""
    with raised(version, "manager", "worker") as swarm:
        request.config.stash[LOGS].update({node.host.name: node.said for node in swarm.nodes})
        both = ("--subnet", "10.60.0.0/24", "--ipv6", "--subnet", "fd00:60::/64")
        swarm.network("app", "--attachable", *both)
        swarm.service("web", "app", "--mode", "global")
        swarm.running("web", 2)
        for number, node in enumerate(swarm.nodes):
            node.docker("run", "-d", f"--name=own{number}", "--network=app", IMAGE, *SLEEP)

        assert len(swarm.addresses("app")) == 8
        wait_until(lambda: swarm.unreached("app") == [], "all to be reached")
        worker = swarm.nodes[1]
        assert "0% packet loss" in worker.docker("exec", "own1", "ping", "-c1", "-W3", "own0")
        worker.plugin.restart()
        assert swarm.unreached("app") == []
        for node in swarm.nodes:
            request.config.stash[LOGS].pop(node.host.name)


@pytest.fixture(params=["28", "20.10"])
def late(request: pytest.FixtureRequest) -> Iterator[Swarm]:
    """A swarm of one whose plugin came later."""
    with Lab() as lab:
        host = lab.host(request.param)
        without_registry(host)
        swarm = Swarm(lab)
        join(swarm, host, "manager")
        swarm.nodes.append(Node(host, managed(host)))
        yield swarm


@pytest.mark.nightly
def test_a_plugin_that_was_enabled_later(late: Swarm) -> None:
    """It does not know the nodes; a restart of the engine is the remedy, as it says."""
    (node,) = late.nodes
    late.network("app", "--subnet", "10.60.0.0/24")
    late.service("web", "app", "--replicas", "1")
    said = "restart Docker on this node, once"
    asked = ("service", "ps", "--no-trunc", "--format", "{{.Error}}", "web")
    wait_until(lambda: said in late.docker(*asked), "the refusal", deadline=60)
    assert node.conditions()["swarm nodes"] == said
    restart(node, signal.SIGTERM)
    late.running("web", 1)

    assert "swarm nodes" not in node.conditions()
