"""IPv6 beside DHCP where the parent is one container's, or the host is among them."""

import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import pytest

from plugin.model.ids import MacAddress, link_local
from tests.e2e.asking import Question, surprises
from tests.e2e.parents import MAC, ON_ETH0, OTHER_LINK
from tests.lab.commands import wait_until
from tests.lab.dhcp import MANAGED, PREFIX, Dnsmasq
from tests.lab.namespace import SUBNET6, Peer, ip_json
from tests.lab.servers import serve_address
from tests.lab.site import Site

LEASED: Final = ("-o", "dhcp=true", "--ipam-driver", "null")
PASSTHRU: Final = (
    *("-o", "mode=macvlan", "-o", f"parent={OTHER_LINK}", "-o", "macvlan_mode=passthru"),
)
OPTIONS: Final = {"slaac": PREFIX, "dhcp": MANAGED}
IDENTIFIER: Final = (1 << 64) - 1
OPEN: Final = 8095


@pytest.fixture
def serve(peer: Peer, tmp_path: Path) -> Iterator[Callable[[str], Dnsmasq]]:
    """A router of the LAN, so to say, which has a prefix or gives addresses."""
    made: list[Dnsmasq] = []

    def begin(ipv6: str) -> Dnsmasq:
        made.append(Dnsmasq(peer, tmp_path, *OPTIONS[ipv6]))
        return made[-1]

    yield begin
    for each in made:
        each.close()


@pytest.mark.parametrize("ipv6", ["slaac", "dhcp"])
def test_the_host_among_its_containers(
    site: Site, peer: Peer, serve: Callable[[str], Dnsmasq], ipv6: str
) -> None:
    """They reach each other over IPv6, and a port is published."""
    server = serve(ipv6)
    own = ("-o", "dhcp=true", "--ipam-driver", site.driver, "--ipam-opt", "dhcp=eth0")
    leased = LEASED if ipv6 == "slaac" else own  # of either IPAM
    network = site.network(
        *ON_ETH0, *leased, "-o", f"ipv6={ipv6}", "-o", "host_access=true", ipam=False
    )
    web = site.web("--network", network, "-p", f"{OPEN + 1}:80")
    address = site.address6(web, network)
    assert address in SUBNET6
    assert server.addresses6() == ({address} if ipv6 == "dhcp" else set())
    host = site.host

    def ways() -> dict[str, Question]:
        return {
            "in": (host.netns, address, 80, web),
            "out": (site.netns(web), host.address6, OPEN, str(address)),
            "published": (peer.netns, host.address6, OPEN + 1, web),
            "LAN": (peer.netns, address, 80, web),
        }

    with serve_address(host.netns, OPEN, family=socket.AF_INET6):
        assert surprises(ways()) == {}
        site.docker("restart", "-t", "0", web)
        site.answering(web)
        assert site.address6(web, network) == address
        assert surprises(ways()) == {}
    other = site.run("--network", network)
    wait_until(lambda: site.pings(other, address), "each other")


@pytest.mark.parametrize("ipv6", ["slaac", "dhcp"])
def test_passthru(
    site: Site, peer: Peer, serve: Callable[[str], Dnsmasq], second: str, ipv6: str
) -> None:
    """The address is of the parent's MAC address, or of one that was chosen, and is renewed."""
    assert second
    server = serve(ipv6)
    (parent,) = ip_json(site.host.netns, "link", "show", "dev", OTHER_LINK)
    network = site.network(*PASSTHRU, *LEASED, "-o", f"ipv6={ipv6}", ipam=False)
    for mac in (parent["address"], MAC):
        chosen = ("--mac-address", mac) if mac == MAC else ()
        one = site.run("--network", network, *chosen)
        address = site.address6(one, network)
        if ipv6 == "slaac":
            assert int(address) & IDENTIFIER == int(link_local(MacAddress(mac))) & IDENTIFIER
        wait_until(lambda: site.pings(one, peer.address6), "the LAN")  # noqa: B023
        wait_until(lambda: "default via fe80" in site.exec(one, "ip", "-6", "route"), "a router")  # noqa: B023
        if ipv6 == "dhcp":
            assert address in server.addresses6()
            ends = server.ends(address)
            peer.ip("neigh flush dev eth0")  # as when the last question was long ago
            site.installed.command("leases", "renew", str(address))  # type: ignore[attr-defined]
            wait_until(lambda: server.ends(address) > ends, "the lease to be renewed")  # noqa: B023
        site.docker("restart", "-t", "0", one)
        assert site.address6(one, network) == address
        wait_until(lambda: site.pings(one, peer.address6), "the LAN")  # noqa: B023
        site.remove(one)
    site.remove_network(network)
    wait_until(lambda: not server.addresses6(), "the end of all leases")
