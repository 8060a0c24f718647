"""Mode macvlan: containers that are machines of the LAN."""

from collections.abc import Iterator

import pytest

from tests.e2e.conftest import PEER_NAME
from tests.lab.clients import reaches
from tests.lab.commands import CommandError
from tests.lab.lab import Lab
from tests.lab.namespace import SUBNET4, Peer, ip
from tests.lab.site import Site

LAN = (
    *("-o", "mode=macvlan", "-o", "parent=eth0"),
    *("--subnet", str(SUBNET4), "--gateway", "10.99.0.254"),
)
RANGE = ("--ip-range", "10.99.0.128/26")
OTHER_RANGE = ("--ip-range", "10.99.0.64/26")
MAC = "02:11:22:33:44:55"


@pytest.fixture
def second(site: Site, lab: Lab) -> Iterator[str]:
    """Another link of the host into the fabric."""
    name = f"{site.host.name}x"
    lab.fabric.ip(
        f"link add {name} type veth peer name eth9 netns {site.host.leader}",
        f"link set {name} master br0 up",
    )
    ip(site.host.netns, "link set eth9 up")
    yield "eth9"
    lab.fabric.ip(f"link delete {name}")


def test_neighbours_of_the_lan(site: Site, peer: Peer) -> None:
    """Containers reach each other and machines of the LAN with addresses of their own."""
    network = site.network(*LAN, *RANGE)
    one, other = (site.web("--network", network) for _ in range(2))
    address = site.address(one, network)

    assert address in SUBNET4
    assert site.pings(one, other)
    assert reaches(peer.netns, address, 80)
    assert site.exec(one, "wget", "-qO-", f"http://{PEER_NAME}/") == str(address)
    assert "default via 10.99.0.254" in site.exec(one, "ip", "route")
    assert "eth1" not in site.exec(one, "ip", "link")


def test_without_a_gateway(site: Site, peer: Peer) -> None:
    """Where the engine leaves the gateway to the user there may be none; names are still found."""
    network = site.network(*LAN[:-2], *RANGE)
    one = site.run("--network", network)

    if not site.host.engine.version.startswith("20"):
        assert "via" not in site.exec(one, "ip", "route")
        assert site.pings(one, PEER_NAME)
    assert site.pings(one, peer.address)
    assert "eth1" not in site.exec(one, "ip", "link")


def test_the_same_mac_again(site: Site) -> None:
    """A restart waits for the link that dies, whether the engine ends in peace or not."""
    network = site.network(*LAN, *RANGE)
    one = site.run("--network", network, "--mac-address", MAC, "--stop-signal=KILL")

    for _ in range(3):
        site.docker("restart", "-t", "1", one)
        assert site.exec(one, "cat", "/sys/class/net/eth0/address") == MAC
    with pytest.raises(CommandError, match=f"MAC address {MAC} is in use on eth0"):
        site.run("--network", network, "--mac-address", MAC)
