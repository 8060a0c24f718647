"""A service whose tasks have addresses of the nodes' LAN: its DHCP server's file of leases is the witness."""

import signal
from collections.abc import Iterator
from contextlib import closing
from ipaddress import IPv4Address, ip_address
from pathlib import Path

import pytest

from tests.e2e.swarming import PATIENCE, Swarm, raised, restart
from tests.lab.commands import wait_until
from tests.lab.dhcp import MANAGED, PREFIX, Dnsmasq
from tests.lab.namespace import SUBNET6

pytestmark = pytest.mark.nightly
LAN = ("-o=mode=macvlan", "-o=parent=eth0", "-o=dhcp=true", "--ipam-opt=dhcp=eth0")


@pytest.fixture
def server(swarm: Swarm, tmp_path: Path) -> Iterator[Dnsmasq]:
    """A router of the LAN, so to say."""
    made = Dnsmasq(swarm.lab.peer(), tmp_path)
    yield made
    made.close()


def agree(swarm: Swarm, server: Dnsmasq) -> bool:
    """Whether tasks have what the server has leased, each its own, and it has leased no more."""
    found = swarm.addresses("lan")
    leased = {IPv4Address(address) for address in found}
    return set(found.values()) == {1} and leased == server.addresses()


def test_a_service(swarm: Swarm, server: Dnsmasq) -> None:
    """It grows, shrinks and loses an engine; when it goes, nothing is left at the server."""
    swarm.network("lan", *LAN)
    swarm.service("web", "lan", "--replicas", "4")
    swarm.running("web", 4)
    assert agree(swarm, server)
    wait_until(lambda: swarm.unreached("lan") == [], "all to be reached")

    swarm.docker("service", "update", "--detach", "--replicas", "6", "web")
    swarm.running("web", 6)
    assert len(swarm.addresses("lan")) == 6
    wait_until(lambda: agree(swarm, server), "six leases")

    restart(swarm.nodes[-1], signal.SIGKILL)
    swarm.ready()
    swarm.running("web", 6)
    wait_until(lambda: len(swarm.addresses("lan")) == 6, "six tasks", deadline=PATIENCE)
    wait_until(lambda: swarm.unreached("lan") == [], "all to be reached again", deadline=PATIENCE)
    assert set(swarm.addresses("lan").values()) == {1}

    swarm.remove("lan", "web")
    wait_until(lambda: not server.addresses(), "the end of all leases", deadline=PATIENCE)


def in_both_families(swarm: Swarm, server: Dnsmasq) -> None:
    """Four tasks have what the server leased, and addresses of its prefix; it loses an engine, and goes."""

    def agree6() -> bool:
        found = {ip_address(each): number for each, number in swarm.addresses("lan").items()}
        of_prefix = {each for each in found if each in SUBNET6}
        leased = server.addresses() | server.addresses6()
        own = {*found} if server.addresses6() else {*found} - of_prefix
        return len(of_prefix) == 4 and set(found.values()) == {1} and leased == own

    swarm.network("lan", *LAN, "-o=ipv6=auto")
    swarm.service("web", "lan", "--replicas", "4")
    swarm.running("web", 4)
    wait_until(agree6, "four leases", deadline=PATIENCE)
    wait_until(lambda: swarm.unreached("lan") == [], "all to be reached", deadline=PATIENCE)

    restart(swarm.nodes[-1], signal.SIGKILL)
    swarm.ready()
    swarm.running("web", 4)
    wait_until(agree6, "four leases again", deadline=PATIENCE)
    wait_until(lambda: swarm.unreached("lan") == [], "all to be reached again", deadline=PATIENCE)

    swarm.remove("lan", "web")
    wait_until(
        lambda: not server.addresses() | server.addresses6(),
        "the end of all leases",
        deadline=PATIENCE,
    )


@pytest.mark.parametrize("ipv6", [PREFIX, MANAGED], ids=["slaac", "dhcp"])
def test_both_families(swarm: Swarm, tmp_path: Path, ipv6: tuple[str, ...]) -> None:
    """Each node asks its router, or its server, for the tasks that it starts."""
    with closing(Dnsmasq(swarm.lab.peer(), tmp_path, *ipv6)) as server:
        in_both_families(swarm, server)


def test_both_families_on_an_older_engine(tmp_path: Path) -> None:
    """The same."""
    with (
        raised("20.10", "manager", "worker") as swarm,
        closing(Dnsmasq(swarm.lab.peer(), tmp_path, *MANAGED)) as server,
    ):
        in_both_families(swarm, server)
