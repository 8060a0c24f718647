"""A task of a service has a reserved address, on whichever node it runs; engines from 29 on say whose it is."""

import pytest

from tests.e2e.swarming import PATIENCE, Swarm
from tests.lab.commands import wait_until
from tests.lab.unix_http import post_json

pytestmark = pytest.mark.nightly
STATIC = "10.74.0.200"
NAMES_TASKS = 29  # the first version of the engine that does


def _first_task(swarm: Swarm) -> str:
    """The node that runs the first task of the service."""
    only = ("-f", "name=web.1", "-f", "desired-state=running")
    return swarm.docker("service", "ps", *only, "--format", "{{.Node}}", "web").strip()


def test_a_task_has_its_address(swarm: Swarm) -> None:
    """Also on the next node, when the first is drained; names lead to it on all nodes."""
    if int(swarm.docker("version", "--format", "{{.Server.Version}}").split(".")[0]) < NAMES_TASKS:
        pytest.skip("this engine does not say which container asks for an address")
    swarm.network("static", "--subnet=10.74.0.0/24")
    wanted = {"reservations": [{"address": STATIC, "name": "web.1"}]}
    for node in swarm.nodes:
        post_json(node.plugin.admin_socket, "/v1/reservations", wanted)
    swarm.service("web", "static", "--replicas", "3")
    swarm.running("web", 3)
    assert swarm.addresses("static")[STATIC] == 1
    wait_until(lambda: swarm.unreached("static") == [], "all to be reached", deadline=PATIENCE)

    first = _first_task(swarm)
    swarm.docker("node", "update", "--availability", "drain", first)
    try:
        wait_until(lambda: _first_task(swarm) != first, "another node", deadline=PATIENCE)
        swarm.running("web", 3)
        wait_until(lambda: len(swarm.addresses("static")) == 3, "three", deadline=PATIENCE)
        assert swarm.addresses("static")[STATIC] == 1
        wait_until(lambda: swarm.unreached("static") == [], "all again", deadline=PATIENCE)
        for node in swarm.nodes:
            for container in node.containers("static"):
                assert STATIC in node.docker("exec", container, "nslookup", "tasks.web")
    finally:
        swarm.docker("node", "update", "--availability", "active", first)
    swarm.remove("static", "web")
