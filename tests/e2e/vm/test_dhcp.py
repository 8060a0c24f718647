"""Addresses of a LAN's DHCP server in mode ipvlan and on VLANs."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from tests.lab.clients import reaches
from tests.lab.commands import CommandError, wait_until
from tests.lab.dhcp import Dnsmasq, Udhcpd
from tests.lab.namespace import SUBNET6, Peer, ip_json
from tests.lab.site import Site

pytestmark = pytest.mark.vm

LEASED: Final = ("-o", "dhcp=true", "--ipam-driver", "null")
ON_ETH0: Final = ("-o", "mode=ipvlan", "-o", "parent=eth0")
VLAN: Final = 7


@pytest.fixture
def server(peer: Peer, tmp_path: Path) -> Iterator[Dnsmasq]:
    """A router of the LAN, so to say."""
    made = Dnsmasq(peer, tmp_path)
    yield made
    made.close()


@pytest.fixture
def trunk(peer: Peer, tmp_path: Path) -> Iterator[Dnsmasq]:
    """A LAN behind a VLAN, with a server of its own."""
    peer.ip(
        f"link add eth0.{VLAN} link eth0 type vlan id {VLAN}",
        f"address add 10.30.{VLAN}.1/24 dev eth0.{VLAN}",
        f"link set eth0.{VLAN} up",
    )
    made = Dnsmasq(peer, tmp_path, ifname=f"eth0.{VLAN}", first=f"10.30.{VLAN}.100")
    yield made
    made.close()
    peer.ip(f"link delete eth0.{VLAN}")


def test_ipvlan(site: Site, peer: Peer, server: Dnsmasq) -> None:
    """Two containers with one MAC address have two addresses, and have them again."""
    network = site.network(*ON_ETH0, *LEASED, ipam=False)
    one, other = site.run("--network", network), site.run("--network", network)
    addresses = [site.address(each, network) for each in (one, other)]
    (eth0,) = ip_json(site.host.netns, "link", "show", "dev", "eth0")

    assert len(set(addresses)) == 2
    assert server.addresses() == set(addresses)
    assert set(server.leases()) == {eth0["address"]}
    assert site.pings(one, peer.address)
    assert site.pings(one, addresses[1])
    site.docker("restart", "-t", "0", one)
    assert site.address(one, network) == addresses[0]
    site.remove(one, other)
    site.remove_network(network)
    wait_until(lambda: not server.addresses(), "the end of all leases")


def test_the_host_among_its_containers(site: Site, peer: Peer, server: Dnsmasq) -> None:
    """They reach each other, by an address that the LAN does not know."""
    network = site.network(*ON_ETH0, *LEASED, "-o", "host_access=true", ipam=False)
    web = site.web("--network", network)
    address = site.address(web, network)
    (way,) = ip_json(site.netns(web), "route", "show", "to", "root", "169.254.0.0/16")

    assert server.addresses() == {address}
    wait_until(lambda: reaches(site.host.netns, str(address), 80), "the container from the host")
    assert site.pings(web, way["dst"])
    assert site.pings(web, peer.address)


def test_ipvlan_and_dhcpv6(site: Site, peer: Peer, tmp_path: Path) -> None:
    """Two containers with one MAC address have two addresses of IPv6, and have them again."""
    addresses = f"--dhcp-range={SUBNET6[0x1000]},{SUBNET6[0x10FF]},64,240"
    server = Dnsmasq(peer, tmp_path, "--enable-ra", addresses)
    network = site.network(*ON_ETH0, *LEASED, "-o", "ipv6=dhcp", ipam=False)
    one, other = site.run("--network", network), site.run("--network", network)
    had = [site.address6(each, network) for each in (one, other)]

    assert len(set(had)) == 2
    assert server.addresses6() == set(had)
    wait_until(lambda: site.pings(one, peer.address6), "the LAN")
    assert site.pings(one, had[1])
    site.docker("restart", "-t", "0", one)
    assert site.address6(one, network) == had[0]
    site.remove(one, other)
    site.remove_network(network)
    wait_until(lambda: not server.addresses6(), "the end of all leases")
    server.close()


def test_a_server_that_knows_mac_addresses_alone(site: Site, peer: Peer, tmp_path: Path) -> None:
    """The second container is refused the first one's address, and told why."""
    server = Udhcpd(peer, tmp_path)
    network = site.network(*ON_ETH0, *LEASED, ipam=False)
    one = site.run("--network", network)

    with pytest.raises(CommandError, match=r"MAC address only, choose mode=macvlan"):
        site.run("--network", network)
    assert site.pings(one, peer.address)
    server.close()


@pytest.mark.parametrize("mode", ["macvlan", "ipvlan"])
def test_a_vlan(site: Site, trunk: Dnsmasq, mode: str) -> None:
    """Asked by its own link; a server of the untagged LAN is not heard."""
    on_vlan = ("-o", f"mode={mode}", "-o", f"parent=eth0.{VLAN}")
    network = site.network(*on_vlan, *LEASED, ipam=False)
    one = site.run("--network", network)
    address = site.address(one, network)

    assert trunk.addresses() == {address}
    assert str(address).startswith(f"10.30.{VLAN}.")
    assert site.pings(one, f"10.30.{VLAN}.1")
    site.remove(one)
    site.remove_network(network)
    wait_until(lambda: not trunk.addresses(), "the end of all leases")
