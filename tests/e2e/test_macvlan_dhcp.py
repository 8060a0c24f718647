"""Mode macvlan with addresses of the LAN's own DHCP server, whose file of leases is the witness."""

import subprocess
from collections.abc import Iterator
from ipaddress import IPv4Address
from pathlib import Path
from typing import Final

import pytest

from tests.e2e.parents import MAC, ON_ETH0
from tests.lab.commands import wait_until
from tests.lab.namespace import Peer, enter
from tests.lab.site import Site

OPTIONS: Final = (*ON_ETH0, "-o", "dhcp=true", "--ipam-driver", "null")


class Dnsmasq:
    """On the peer; it sees not whether an address is free, which takes it three seconds."""

    def __init__(self, peer: Peer, folder: Path) -> None:
        self._leases = folder / "leases"
        self._process = subprocess.Popen(
            enter(
                peer.netns,
                *("dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null", "--port=0"),
                *("--interface=eth0", "--bind-interfaces", "--user=root", "--no-ping"),
                *("--dhcp-range=10.99.0.100,10.99.0.120,120", "--dhcp-option=26,1400"),
                f"--dhcp-option=121,10.9.0.0/16,{peer.address},0.0.0.0/0,10.99.0.254",
                f"--dhcp-leasefile={self._leases}",
                f"--pid-file={folder / 'pid'}",
                f"--log-facility={folder / 'log'}",
            )
        )
        wait_until(lambda: ":0043 " in peer.run("cat", "/proc/net/udp"), "dnsmasq")

    def leases(self) -> dict[str, IPv4Address]:
        lines = [line.split() for line in self._leases.read_text().splitlines()]
        return {line[1]: IPv4Address(line[2]) for line in lines if len(line) > 2}

    def close(self) -> None:
        self._process.kill()
        self._process.wait()


@pytest.fixture
def server(peer: Peer, tmp_path: Path) -> Iterator[Dnsmasq]:
    """A router of the LAN, so to say."""
    made = Dnsmasq(peer, tmp_path)
    yield made
    made.close()


def test_addresses_of_the_lans_own_server(site: Site, peer: Peer, server: Dnsmasq) -> None:
    """Docker, container and server agree; they come back at a restart, and go with the network."""
    network = site.network(*OPTIONS, ipam=False)
    one = site.run("--network", network)
    other = site.run("--network", network, "--mac-address", MAC)
    addresses = [site.address(each, network) for each in (one, other)]

    assert set(server.leases().values()) == set(addresses)
    assert server.leases()[MAC] == addresses[1]
    assert f"inet {addresses[0]}/24" in site.exec(one, "ip", "address", "show", "eth0")
    routes = site.exec(one, "ip", "route")
    assert "default via 10.99.0.254" in routes
    assert f"10.9.0.0/16 via {peer.address}" in routes
    assert site.exec(one, "cat", "/sys/class/net/eth0/mtu") == "1400"
    assert site.pings(one, peer.address)
    assert site.pings(one, addresses[1])

    site.docker("restart", "-t", "0", one)
    assert site.address(one, network) == addresses[0]
    assert site.pings(one, peer.address)
    assert set(server.leases().values()) == set(addresses)

    site.remove(one, other)
    assert set(server.leases().values()) == set(addresses)
    site.remove_network(network)
    wait_until(lambda: not server.leases(), "the end of all leases")
