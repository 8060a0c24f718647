"""Addresses of the LAN's own DHCP server where the parent is one container's, or the host is among them."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from tests.e2e.asking import Question, surprises
from tests.e2e.parents import MAC, ON_ETH0, OTHER_LINK
from tests.lab.commands import CommandError, wait_until
from tests.lab.dhcp import Dnsmasq
from tests.lab.namespace import Peer, ip_json
from tests.lab.servers import serve_address
from tests.lab.site import Site

LEASED: Final = ("-o", "dhcp=true", "--ipam-driver", "null")
PASSTHRU: Final = (
    *("-o", "mode=macvlan", "-o", f"parent={OTHER_LINK}", "-o", "macvlan_mode=passthru"),
)
OPEN: Final = 8093


@pytest.fixture
def server(peer: Peer, tmp_path: Path) -> Iterator[Dnsmasq]:
    """A router of the LAN, so to say."""
    made = Dnsmasq(peer, tmp_path)
    yield made
    made.close()


def test_passthru(site: Site, peer: Peer, server: Dnsmasq, second: str) -> None:
    """The server knows the container by the parent's MAC address, or by one that was chosen."""
    assert second
    (parent,) = ip_json(site.host.netns, "link", "show", "dev", OTHER_LINK)
    network = site.network(*PASSTHRU, *LEASED, ipam=False)
    one = site.run("--network", network)
    address = site.address(one, network)
    assert server.leases() == {parent["address"]: address}
    assert site.pings(one, peer.address)

    with pytest.raises(
        CommandError, match=f"one container has the parent, and that with {address}"
    ):
        site.run("--network", network)

    ends = server.ends(address)
    site.installed.command("leases", "renew", str(address))  # type: ignore[attr-defined]
    wait_until(lambda: server.ends(address) > ends, "the lease to be renewed")
    site.docker("restart", "-t", "0", one)
    assert site.address(one, network) == address
    assert site.pings(one, peer.address)

    site.remove(one)
    chosen = site.run("--network", network, "--mac-address", MAC)
    assert server.leases()[MAC] == site.address(chosen, network)
    assert site.pings(chosen, peer.address)
    site.remove(chosen)
    again = site.run("--network", network)
    assert site.address(again, network) == address
    site.remove(again)
    site.remove_network(network)
    wait_until(lambda: not server.leases(), "the end of all leases")


def test_the_host_among_its_containers(site: Site, peer: Peer, server: Dnsmasq) -> None:
    """They reach each other, a port is published, and the host's address is no container's."""
    network = site.network(*ON_ETH0, *LEASED, "-o", "host_access=true", ipam=False)
    web = site.web("--network", network, "-p", f"{OPEN + 1}:80")
    address = site.address(web, network)
    assert set(server.leases().values()) == {address}
    host = site.host
    ways: dict[str, Question] = {
        "in": (host.netns, address, 80, web),
        "out": (site.netns(web), host.address, OPEN, str(address)),
        "published": (peer.netns, host.address, OPEN + 1, web),
        "LAN": (peer.netns, address, 80, web),
    }
    with serve_address(host.netns, OPEN):
        assert surprises(ways) == {}
        site.docker("restart", "-t", "0", web)
        site.answering(web)
        assert site.address(web, network) == address
    site.remove(web)
    site.remove_network(network)
    wait_until(lambda: not server.leases(), "the end of all leases")
