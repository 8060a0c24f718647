"""Macvlan in a swarm: one command for all nodes, whose cards have other names."""

import signal
from collections.abc import Iterator
from contextlib import ExitStack
from ipaddress import IPv4Address
from pathlib import Path

import pytest

from tests.e2e.renamed import named
from tests.e2e.swarming import PATIENCE, Swarm, restart
from tests.lab.commands import wait_until
from tests.lab.dhcp import Dnsmasq
from tests.lab.namespace import SUBNET4

pytestmark = pytest.mark.nightly
LAN = ("-o=mode=macvlan", f"--subnet={SUBNET4}", "--gateway=10.99.0.1", "--ip-range=10.99.0.128/25")
LEASED = ("-o=mode=macvlan", "-o=dhcp=true", "--ipam-opt=dhcp=auto")


@pytest.fixture
def unlike(swarm: Swarm) -> Iterator[Swarm]:
    """Three managers, each with another name for its card."""
    with ExitStack() as stack:
        for number, node in enumerate(swarm.nodes):
            stack.enter_context(named(node.host, f"lan{number}"))
        swarm.ready()
        yield swarm
    swarm.ready()


def test_the_link_on_the_lan(unlike: Swarm) -> None:
    """Each node finds its own, and tasks on all of them reach each other."""
    unlike.network("lan", "-o=parent=auto", *LAN)
    unlike.service("web", "lan", "--mode", "global")
    unlike.running("web", 3)

    assert max(unlike.addresses("lan").values()) == 1
    assert len(unlike.addresses("lan")) == 3
    wait_until(lambda: unlike.unreached("lan") == [], "all to be reached")
    unlike.remove("lan", "web")


def test_a_node_without_a_link(unlike: Swarm) -> None:
    """It says what to add, where a swarm shows it; the others run."""
    one, two, three = (node.host.name for node in unlike.nodes)
    unlike.network("named", f"-o=parent@{one}=lan0", f"-o=parent@{two}=lan1", *LAN)
    unlike.service("web", "named", "--mode", "global")
    asked = ("service", "ps", "--no-trunc", "--format", "{{.Node}} {{.Error}}", "web")
    said = f"this host is {three}, and the network has a parent for {one}, {two} only"
    wait_until(lambda: said in unlike.docker(*asked), "the refusal", deadline=PATIENCE)
    wait_until(lambda: len(unlike.addresses("named")) == 2, "the others", deadline=PATIENCE)

    refused = {line.split()[0] for line in unlike.docker(*asked).splitlines() if said in line}
    assert refused == {three}
    unlike.remove("named", "web")


@pytest.mark.parametrize("by", ["name", "lan"])
def test_addresses_of_the_lans_own_server(unlike: Swarm, tmp_path: Path, by: str) -> None:
    """Each node asks by its own link, also when its engine was killed; then nothing is left at the server."""
    server = Dnsmasq(unlike.lab.peer(), tmp_path)
    names = [node.host.name for node in unlike.nodes]
    parents = [f"-o=parent@{name}=lan{number}" for number, name in enumerate(names)]
    if by == "lan":
        parents = [f"-o=parent={SUBNET4}"]
    try:
        unlike.network("leased", *LEASED, *parents)
        unlike.service("web", "leased", "--mode", "global")
        unlike.running("web", 3)
        assert {IPv4Address(each) for each in unlike.addresses("leased")} == server.addresses()
        wait_until(lambda: unlike.unreached("leased") == [], "all to be reached")

        restart(unlike.nodes[-1], signal.SIGKILL)
        unlike.ready()
        unlike.running("web", 3)
        wait_until(lambda: len(unlike.addresses("leased")) == 3, "three", deadline=PATIENCE)
        wait_until(lambda: unlike.unreached("leased") == [], "all again", deadline=PATIENCE)

        unlike.remove("leased", "web")
        wait_until(lambda: not server.addresses(), "the end of all leases", deadline=PATIENCE)
    finally:
        server.close()


def test_no_lan_to_find_a_link_by(unlike: Swarm) -> None:
    """With DHCP a swarm's network has no subnet, so that the LAN or each node's link has to be named."""
    unlike.network("unfound", *LEASED, "-o=parent=auto")
    unlike.service("web", "unfound", "--mode", "global")
    asked = ("service", "ps", "--no-trunc", "--format", "{{.Error}}", "web")
    said = (
        "has no subnet to find a link by; say the LAN with -o parent=SUBNET, or name the link with"
    )
    wait_until(lambda: said in unlike.docker(*asked), "the refusal", deadline=PATIENCE)

    unlike.remove("unfound", "web")
