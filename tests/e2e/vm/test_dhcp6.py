"""IPv6 of the LAN in mode ipvlan: containers that share a MAC address have each an address of their own."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from tests.lab.clients import reaches
from tests.lab.commands import wait_until
from tests.lab.dhcp import MANAGED, PREFIX, Dnsmasq
from tests.lab.namespace import SUBNET6, Peer, ip_json
from tests.lab.site import Site

pytestmark = pytest.mark.vm

LEASED: Final = ("-o", "dhcp=true", "--ipam-driver", "null")
ON_ETH0: Final = ("-o", "mode=ipvlan", "-o", "parent=eth0")


@pytest.fixture
def router(peer: Peer, tmp_path: Path) -> Iterator[Dnsmasq]:
    """It has a prefix, and addresses of IPv4."""
    made = Dnsmasq(peer, tmp_path, *PREFIX)
    yield made
    made.close()


def global_addresses(site: Site, container: str) -> set[str]:
    """Those that the container's kernel has."""
    shown = site.exec(container, "ip", "-6", "address", "show", "eth0", "scope", "global")
    return set(re.findall(r"inet6 (\S+)/", shown))


def only_own(site: Site) -> tuple[str, str]:
    """What keeps a container's kernel from making an address of the prefix, too."""
    links = "eth0" if site.host.engine.version == "20.10" else "default"
    return "--sysctl", f"net.ipv6.conf.{links}.autoconf=0"


@pytest.mark.parametrize("ipv6", ["slaac", "auto"])
def test_addresses_of_a_routers_prefix(site: Site, peer: Peer, router: Dnsmasq, ipv6: str) -> None:
    """Each has one of its identity, which is there again after a restart; routers say the way."""
    network = site.network(*ON_ETH0, *LEASED, "-o", f"ipv6={ipv6}", ipam=False)
    plain = site.run("--network", network)
    own = site.run("--network", network, *only_own(site))
    addresses = [site.address6(each, network) for each in (plain, own)]

    assert len({*addresses} & {each for each in addresses if each in SUBNET6}) == 2
    for each in (plain, own):
        way = "default via fe80"
        wait_until(lambda: way in site.exec(each, "ip", "-6", "route"), "a router")  # noqa: B023
        wait_until(lambda: site.pings(each, peer.address6), "the LAN")  # noqa: B023
    for address in addresses:
        peer.run("busybox", "ping", "-6", "-c", "1", "-W", "4", str(address))
    wait_until(lambda: site.pings(own, addresses[0]), "each other")
    if site.host.engine.version != "20.10":  # there advertisements may be faster than the setting
        assert global_addresses(site, own) == {str(addresses[1])}
    made = global_addresses(site, plain) - {str(addresses[0])}  # of the number that the link has
    assert len(made) == 1
    site.docker("restart", "-t", "0", own)
    assert site.address6(own, network) == addresses[1]
    wait_until(lambda: site.pings(own, peer.address6), "the LAN")
    site.remove(own)
    again = site.run("--network", network, *only_own(site))
    assert site.address6(again, network) == addresses[1]


def test_the_host_among_its_containers(site: Site, peer: Peer, tmp_path: Path) -> None:
    """They reach each other over IPv6, by an address that the LAN does not know."""
    server = Dnsmasq(peer, tmp_path, *MANAGED)
    access = ("-o", "ipv6=auto", "-o", "host_access=true")
    network = site.network(*ON_ETH0, *LEASED, *access, ipam=False)
    web = site.web("--network", network)
    address = site.address6(web, network)
    assert server.addresses6() == {address}
    (shim,) = ip_json(site.host.netns, "-6", "route", "show", "to", f"{address}")

    wait_until(lambda: reaches(site.host.netns, str(address), 80), "the container from the host")
    assert site.pings(web, shim["prefsrc"])
    wait_until(lambda: site.pings(web, peer.address6), "the LAN")
    server.close()
