"""IPv6 beside DHCP: the LAN's router says what containers have, and their kernels go by it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from plugin.model.ids import MacAddress, link_local
from tests.e2e.parents import MAC, ON_ETH0
from tests.lab.commands import wait_until
from tests.lab.dhcp import MANAGED, PREFIX, Dnsmasq
from tests.lab.namespace import SUBNET6, Peer
from tests.lab.site import Site

LEASED: Final = ("-o", "dhcp=true", "--ipam-driver", "null")
SLAAC: Final = (*LEASED, "-o", "ipv6=slaac")
IDENTIFIER: Final = (1 << 64) - 1


@pytest.fixture
def router(peer: Peer, tmp_path: Path) -> Iterator[Dnsmasq]:
    """It has a prefix, and addresses of IPv4."""
    made = Dnsmasq(peer, tmp_path, *PREFIX)
    yield made
    made.close()


def test_addresses_of_a_routers_prefix(site: Site, peer: Peer, router: Dnsmasq) -> None:
    """Docker shows the address that the container's kernel has, which has the router as default route."""
    network = site.network(*ON_ETH0, *SLAAC, ipam=False)
    one = site.run("--network", network, "--mac-address", MAC)
    address = site.address6(one, network)

    assert address in SUBNET6
    assert int(address) & IDENTIFIER == int(link_local(MacAddress(MAC))) & IDENTIFIER
    wait_until(lambda: "default via fe80" in site.exec(one, "ip", "-6", "route"), "a router")
    wait_until(lambda: site.pings(one, peer.address6), "the LAN")
    there = site.exec(one, "ip", "-6", "address", "show", "eth0", "scope", "global")
    assert there.count("inet6") == 1
    assert f"inet6 {address}/64" in there

    site.docker("restart", "-t", "0", one)
    assert site.address6(one, network) == address
    wait_until(lambda: site.pings(one, peer.address6), "the LAN")


@pytest.fixture
def server(peer: Peer, tmp_path: Path) -> Iterator[Dnsmasq]:
    """It gives addresses of both families, and its advertisements say so."""
    made = Dnsmasq(peer, tmp_path, *MANAGED)
    yield made
    made.close()


@pytest.mark.parametrize("ipv6", ["auto", pytest.param("dhcp", marks=pytest.mark.nightly)])
def test_addresses_of_a_dhcpv6_server(site: Site, peer: Peer, server: Dnsmasq, ipv6: str) -> None:
    """Docker, container and server agree; they come back at a restart, and go with the network."""
    network = site.network(*ON_ETH0, *LEASED, "-o", f"ipv6={ipv6}", ipam=False)
    names = [site.run("--network", network) for _ in range(2)]
    addresses = {site.address6(each, network) for each in names}

    assert server.addresses6() == addresses
    for each in names:
        wait_until(lambda: site.pings(each, peer.address6), "the LAN")  # noqa: B023
    there = site.exec(names[0], "ip", "-6", "address", "show", "eth0", "scope", "global")
    assert f"inet6 {site.address6(names[0], network)}/128" in there

    site.docker("restart", "-t", "0", *names)
    site.installed.command("leases", "renew", str(site.address6(names[0], network)))  # type: ignore[attr-defined]
    assert {site.address6(each, network) for each in names} == addresses
    assert server.addresses6() == addresses
    wait_until(lambda: site.pings(names[0], peer.address6), "the LAN")

    site.remove(*names)
    assert server.addresses6() == addresses
    site.remove_network(network)
    wait_until(lambda: not server.addresses6(), "the end of all leases")


@pytest.mark.nightly
def test_by_pynets_own_ipam(site: Site, peer: Peer, router: Dnsmasq) -> None:
    """Each container has an address of its own; they come back when pynet and the engine do."""
    pool = ("--ipam-driver", site.driver, "--ipam-opt", "dhcp=eth0")
    network = site.network(*ON_ETH0, "-o", "dhcp=true", "-o", "ipv6=slaac", *pool, ipam=False)
    names = [site.run("--network", network) for _ in range(2)]
    addresses = [site.address6(each, network) for each in names]

    assert len({*addresses} & {each for each in addresses if each in SUBNET6}) == 2
    for each in names:
        wait_until(lambda: site.pings(each, peer.address6), "the LAN")  # noqa: B023
    wait_until(lambda: site.pings(names[0], addresses[1]), "each other")
    site.installed.restart()
    site.docker("restart", "-t", "0", names[0])
    assert site.address6(names[0], network) == addresses[0]


@pytest.mark.nightly
def test_a_bridge_on_the_lan(site: Site, peer: Peer, router: Dnsmasq, br_lan: str) -> None:
    """A guarded container uses its address, and routers of the LAN reach it."""
    network = site.network("-o", f"bridge_name={br_lan}", *SLAAC, ipam=False)
    one = site.run("--network", network)
    address = site.address6(one, network)

    wait_until(lambda: "default via fe80" in site.exec(one, "ip", "-6", "route"), "a router")
    wait_until(lambda: site.pings(one, peer.address6), "the LAN")
    peer.run("busybox", "ping", "-6", "-c", "1", "-W", "2", str(address))


@pytest.fixture
def mixed(peer: Peer, tmp_path: Path) -> Iterator[Dnsmasq]:
    """It gives addresses, and its prefix is for hosts to make addresses of, too."""
    both = f"--dhcp-range={SUBNET6[0x1000]},{SUBNET6[0x10FF]},slaac,64,240"
    made = Dnsmasq(peer, tmp_path, "--enable-ra", both)
    yield made
    made.close()


@pytest.mark.nightly
def test_a_guarded_container_with_an_address_of_a_server(
    site: Site, peer: Peer, mixed: Dnsmasq, br_lan: str
) -> None:
    """The container's kernel is told to make no address of the prefix."""
    network = site.network("-o", f"bridge_name={br_lan}", *LEASED, "-o", "ipv6=auto", ipam=False)
    links = "eth0" if site.host.engine.version == "20.10" else "default"
    one = site.run("--network", network, "--sysctl", f"net.ipv6.conf.{links}.autoconf=0")
    address = site.address6(one, network)

    assert mixed.addresses6() == {address}
    wait_until(lambda: site.pings(one, peer.address6), "the LAN")
    there = site.exec(one, "ip", "-6", "address", "show", "eth0", "scope", "global")
    assert there.count("inet6") == 1


@pytest.mark.nightly
def test_pynet_is_killed_and_a_server_is_silent(site: Site, peer: Peer, server: Dnsmasq) -> None:
    """The address stays, is asked for again, and the container is the server's as before."""
    network = site.network(*ON_ETH0, *LEASED, "-o", "ipv6=dhcp", ipam=False)
    one = site.run("--network", network)
    address = site.address6(one, network)
    wait_until(lambda: site.pings(one, peer.address6), "the LAN")
    server.silence()
    site.installed.restart()
    site.docker("restart", "-t", "0", one)

    assert site.address6(one, network) == address
    server.speak()
    site.installed.restart()
    assert server.addresses6() == {address}
    assert site.pings(one, peer.address6)
