"""A privileged container that pretends to be another is not heard by its neighbours."""

import socket
import struct
from pathlib import Path
from typing import Self

import pytest

from tests.kernel import frames
from tests.kernel.frames import ARP, IP4, IP6, Ether
from tests.lab.clients import reaches
from tests.lab.netns import inside
from tests.lab.site import Site

SUBNET = "10.50.0.0/24"
FOREIGN = "10.50.0.99"
FOREIGN_MAC = "02:00:00:00:00:99"
CASES = [
    ("true", "", False),
    ("false", "", True),
    ("true", "false", True),
    ("false", "true", False),
]
ARGUMENTS = ("on_network", "on_container", "heard")
ALL_PROTOCOLS = 3  # linux/if_ether.h: ETH_P_ALL


class Ear:
    """What comes in by the eth0 of a container, from whom."""

    def __init__(self, netns: Path) -> None:
        with inside(netns):
            self._socket = socket.socket(
                socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ALL_PROTOCOLS)
            )
        self._socket.bind(("eth0", ALL_PROTOCOLS))
        self._socket.settimeout(60)
        self._netns = netns

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def sources(self, site: Site, own: str) -> set[str]:
        """Return all MAC and IPv4 sources until now: the host's question ends them."""
        assert not reaches(site.host.netns, own, 9)
        found: set[str] = set()
        ended = False
        while not ended:
            frame, (_, _, kind, *_) = self._socket.recvfrom(2048)
            if kind == socket.PACKET_OUTGOING:
                continue
            # RFC 791: TCP, from the gateway.
            ended = frame[12:14] == b"\x08\x00" and frame[23] == 6
            found.add(frame[6:12].hex(":"))
            # RFC 791 and RFC 826: the sender's address.
            where = {b"\x08\x00": 26, b"\x08\x06": 28}.get(frame[12:14])
            if where:
                found.add(socket.inet_ntoa(frame[where : where + 4]))
        return found


def _pretender(site: Site, network: str, guard: str) -> str:
    # The runc of older engines wants every capability there is, which a sandbox may lack.
    old = site.host.engine.version == "20.10"
    privilege = "--cap-add=NET_ADMIN" if old else "--privileged"
    name = site.run("--network", "none", privilege)
    site.docker("network", "disconnect", "none", name)
    options = ("--driver-opt", f"spoof_guard={guard}") if guard else ()
    site.docker("network", "connect", *options, network, name)
    return name


@pytest.mark.parametrize(ARGUMENTS, CASES)
def test_foreign_address(site: Site, on_network: str, on_container: str, *, heard: bool) -> None:
    """Another IPv4 address than its own gets a container nowhere, unless the guard is off."""
    network = site.network(f"--subnet={SUBNET}", "-o", f"spoof_guard={on_network}")
    pretender, neighbour = _pretender(site, network, on_container), site.run("--network", network)
    target = str(site.address(neighbour, network))
    honest = str(site.address(pretender, network))
    assert site.pings(pretender, target)

    with Ear(site.netns(neighbour)) as ear:
        site.exec(pretender, "ip", "address", "add", f"{FOREIGN}/24", "dev", "eth0")
        answered = site.succeeds(pretender, "ping", "-c", "1", "-W", "1", "-I", FOREIGN, target)
        assert site.pings(pretender, target)
        sources = ear.sources(site, target)

    assert honest in sources
    assert (answered, FOREIGN in sources) == (heard, heard)


@pytest.mark.parametrize(ARGUMENTS, CASES[:2])
def test_foreign_mac(site: Site, on_network: str, on_container: str, *, heard: bool) -> None:
    """Nor does another MAC address than its own."""
    network = site.network(f"--subnet={SUBNET}", "-o", f"spoof_guard={on_network}")
    pretender, neighbour = _pretender(site, network, on_container), site.run("--network", network)
    target = str(site.address(neighbour, network))
    own = site.exec(pretender, "cat", "/sys/class/net/eth0/address")

    with Ear(site.netns(neighbour)) as ear:
        assert site.pings(pretender, target)
        change = (
            f"ip link set eth0 down; ip link set eth0 address {FOREIGN_MAC}; ip link set eth0 up"
        )
        site.exec(pretender, "sh", "-c", change)
        answered = site.pings(pretender, target)
        sources = ear.sources(site, target)

    assert own in sources
    assert (answered, FOREIGN_MAC in sources) == (heard, heard)


@pytest.mark.parametrize("guard", ["true", "false"])
def test_other_protocols(site: Site, guard: str) -> None:
    """ARP, DHCP of both families, router and neighbour advertisements, foreign IPv6 addresses."""
    subnets = (f"--subnet={SUBNET}", "--ipv6", "--subnet=fd00:50::/64")
    network = site.network(*subnets, "-o", f"spoof_guard={guard}")
    speaker, neighbour = (site.run("--network", network) for _ in range(2))
    own4, own6 = str(site.address(speaker, network)), str(site.address6(speaker, network))
    mac = site.exec(speaker, "cat", "/sys/class/net/eth0/address")
    near, all6 = "fd00:50::1", "ff02::1"
    router = struct.pack("!BBHII", 64, 0, 1800, 0, 0)  # RFC 4861 section 4.2
    claims = {
        "ARP": (ARP, frames.arp(operation=2, mac=mac, ip="10.50.0.1", target=own4)),
        "DHCP": (IP4, frames.udp4(own4, "255.255.255.255", (67, 68))),
        "DHCPv6": (IP6, frames.udp6(own6, all6, (547, 546))),
        "RA": (IP6, frames.icmp6(own6, all6, 134, router)),
        "NA": (IP6, frames.neighbour(136, own6, all6, near)),
        "IPv6": (IP6, frames.udp6(near, all6, (7, 7))),
    }
    honest = Ether(source=mac).frame(IP6, frames.udp6(own6, all6, (7, 7)))

    with _packets(site.netns(speaker)) as mouth, _packets(site.netns(neighbour)) as packets:
        mouth.bind(("eth0", 0))
        ear = frames.Ear(packets)
        heard = {
            name
            for name, (kind, packet) in claims.items()
            if ear.hears(mouth.send, Ether(source=mac).frame(kind, packet), honest)
        }

    assert heard == (set() if guard == "true" else set(claims))


def _packets(netns: Path) -> socket.socket:
    with inside(netns):
        packets = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
    packets.settimeout(60)
    return packets
