"""Two hosts of different engines without a swarm, and networks that are on both."""

import os
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any, Final

from plugin.model.ids import NetworkID, vxlan_name
from tests.e2e.conftest import Place, tidy
from tests.kernel.datagrams import encapsulated
from tests.kernel.frames import IP4, Ether, udp4
from tests.lab.commands import run
from tests.lab.installed import PluginProcess
from tests.lab.lab import Lab
from tests.lab.namespace import Peer, enter, ip_json
from tests.lab.netns import inside
from tests.lab.roots import ENGINES
from tests.lab.site import Site

# Containers outlive their engine.
LIVE: Final = "--live-restore"
PORT: Final = 7000
SOON: Final = 15.0
HEADERS: Final = 28  # of IPv4 and UDP
# Control sockets of links that encrypt are in one directory of the machine, by names made of it.
WIREGUARD_PORT: Final = 20000 + os.getpid() % 20000
VXLAN_PORT: Final = 4791  # of the network that is encrypted, and of no other
SECRET: Final = "a secret that these hosts have in common"
EVERYBODY: Final = "00:00:00:00:00:00"
WORD: Final = b"a word in clear"
_ETH_P_ALL: Final = 0x0003  # linux/if_ether.h
_IP_MTU_DISCOVER: Final = 10  # linux/in.h
_IP_PMTUDISC_PROBE: Final = 3


class Two:
    """The hosts, and how the same network is made on both."""

    def __init__(self, sites: list[Site], processes: list[PluginProcess]) -> None:
        self.sites = sites
        self.processes = processes
        self.peers = ",".join(str(each.host.address) for each in sites)

    def network(self, third: int, *options: str) -> list[str]:
        """``docker network create`` on each, with a range of its own of 10.52.`third`.0/24."""
        made = []
        for number, site in enumerate(self.sites):
            words = (
                *("-o", "mode=overlay", "-o", f"peers={self.peers}", "--ipv6"),
                *(f"--subnet=10.52.{third}.0/24", f"--gateway=10.52.{third}.1"),
                f"--ip-range=10.52.{third}.{64 * (number + 1)}/26",
                *(f"--subnet=fd00:50:{third}::/64", f"--gateway=fd00:50:{third}::1"),
                f"--ip-range=fd00:50:{third}:0:{number + 1}::/80",
            )
            made.append(site.network(*words, *options))
        return made

    def tunnel(self, host: int, network: str) -> str:
        """Return the name of the network's device there."""
        found: dict[str, Any] = self.sites[host].inspect("network", network)
        return vxlan_name(NetworkID(found["Id"]))

    def vxlan(self, host: int, device: str) -> dict[str, Any]:
        """What tells its datagrams from others."""
        links = ip_json(self.sites[host].host.netns, "-d", "link")
        (found,) = [each["linkinfo"]["info_data"] for each in links if each["ifname"] == device]
        data: dict[str, Any] = found
        return data

    def held(self, host: int, device: str) -> tuple[object, ...]:
        """What of a device must be as it was: its state, its place, and whom it floods."""
        netns = self.sites[host].host.netns
        links = [each for each in ip_json(netns, "-d", "link") if each["ifname"] == device]
        state = [
            (each.get("master"), each["mtu"], "UP" in each["flags"], each["linkinfo"]["info_data"])
            for each in links
        ]
        table = run(enter(netns, "bridge", "fdb", "show"))
        lasting = sorted(
            line
            for line in table.splitlines()
            if f"dev {device} " in line
            and "dst" in line
            and ("permanent" in line or "static" in line)
        )
        return state, lasting


def _flood(device: str, peer: str) -> list[str]:
    return ["bridge", "fdb", "del", EVERYBODY, "dev", device, "dst", peer]


HARMS: Final[dict[str, Callable[[str, str], list[str]]]] = {
    "device deleted": lambda device, _: ["ip", "link", "delete", device],
    "device down": lambda device, _: ["ip", "link", "set", device, "down"],
    "device out of its bridge": lambda device, _: ["ip", "link", "set", device, "nomaster"],
    "device smaller": lambda device, _: ["ip", "link", "set", device, "mtu", "1000"],
    "device elsewhere": lambda device, _: [
        *("ip", "link", "set", device, "type", "vxlan", "local", "10.99.0.77")
    ],
    "peer's entry deleted": _flood,
    "lasting entry for a container": lambda device, peer: [
        *("bridge", "fdb", "replace", "02:00:00:00:00:77", "dev", device, "dst", peer)
    ],
    "static entry for a container": lambda device, peer: [
        *("bridge", "fdb", "replace", "02:00:00:00:00:78", "dev", device, "dst", peer, "static")
    ],
    "frames for everybody to a stranger": lambda device, _: [
        *("bridge", "fdb", "append", EVERYBODY, "dev", device, "dst", "10.99.0.77")
    ],
    "rules": lambda *_: ["nft", "delete", "table", "inet", "pynet"],
}


class App:
    """A network with a web server on each host."""

    def __init__(self, two: Two, third: int, *options: str, ports: tuple[str, ...] = ()) -> None:
        self.two = two
        self.networks = two.network(third, *options)
        self.webs = [
            site.web("--network", network, *ports)
            for site, network in zip(two.sites, self.networks, strict=True)
        ]
        self.addresses = [
            site.address(web, network)
            for site, web, network in zip(two.sites, self.webs, self.networks, strict=True)
        ]
        self.netns = [site.netns(web) for site, web in zip(two.sites, self.webs, strict=True)]

    def pings(self) -> list[bool]:
        """Whether each reaches the other, by both families."""
        found = []
        for host, site in enumerate(self.two.sites):
            other = self.two.sites[1 - host]
            web, network = self.webs[1 - host], self.networks[1 - host]
            found.append(site.pings(self.webs[host], self.addresses[1 - host]))
            found.append(site.pings(self.webs[host], other.address6(web, network)))
        return found


@contextmanager
def two_hosts(lab: Lab) -> Iterator[Two]:
    """Boot them; what is made there must leave no trace."""
    with ExitStack() as stack:
        sites, processes = [], []
        for version in reversed(ENGINES):
            host = lab.host(version, LIVE)
            stack.callback(host.halt)
            process = PluginProcess(host, PYNET_SECRET=SECRET)
            stack.callback(process.end)
            process.start()
            processes.append(process)
            sites.append(stack.enter_context(tidy(Place(host, process))))
        yield Two(sites, processes)


def hears(receiver: Path, address: str, size: int, sender: Path, *, group: bool = False) -> int:
    """Return the length of a datagram that arrives whole; Raises OSError if it cannot be sent."""
    own = str(_address(receiver))
    with inside(receiver):
        server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    with inside(sender):
        client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    with server, client:
        server.settimeout(10)
        server.bind(("0.0.0.0", PORT))
        client.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        client.setsockopt(socket.IPPROTO_IP, _IP_MTU_DISCOVER, _IP_PMTUDISC_PROBE)
        if group:
            member = socket.inet_aton(address) + socket.inet_aton(own)
            server.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, member)
            by = socket.inet_aton(str(_address(sender)))
            client.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, by)
        client.sendto(bytes(size), (address, PORT))
        return len(server.recv(2048))


@contextmanager
def overheard(netns: Path) -> Iterator[list[bytes]]:
    """All frames that pass a namespace while the block runs."""
    frames: list[bytes] = []
    with inside(netns):
        sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(_ETH_P_ALL))
    with sock:
        yield frames
        with suppress(BlockingIOError):
            while True:
                frames.append(sock.recv(1 << 16, socket.MSG_DONTWAIT))


def is_udp(frame: bytes, port: int) -> bool:
    """Whether it is an IPv4 datagram to that port."""
    return (
        frame[12:14] == b"\x08\x00"
        and frame[23] == socket.IPPROTO_UDP
        and (frame[36:38] == port.to_bytes(2))
    )


def forgery_heard(app: App, stranger: Peer) -> bool:
    """Whether a container hears VXLAN in clear that seems to come from the other host."""
    here, there = app.two.sites
    device = app.two.tunnel(0, app.networks[0])
    data = app.two.vxlan(0, device)
    source, target = (_link(netns)["address"] for netns in reversed(app.netns))
    one, other = map(str, app.addresses)
    frame = Ether(source=source, target=target).frame(IP4, udp4(other, one, (PORT, PORT), WORD))
    outside = udp4(
        *(str(there.host.address), str(here.host.address)),
        (PORT, data["port"]),
        encapsulated(data["id"], frame),
    )
    ether = Ether(source=_link(stranger.netns)["address"], target=_link(here.host.netns)["address"])
    with inside(app.netns[0]):
        server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    with inside(stranger.netns):
        client = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
    with server, client:
        server.bind((one, PORT))
        server.settimeout(1)
        client.bind(("eth0", 0))
        client.send(ether.frame(IP4, outside))
        with suppress(TimeoutError):
            return server.recv(64) == WORD
    return False


def _link(netns: Path) -> Any:
    (link,) = ip_json(netns, "link", "show", "dev", "eth0")
    return link


def _address(netns: Path) -> IPv4Address:
    (link,) = ip_json(netns, "-4", "address", "show", "dev", "eth0")
    return IPv4Address(link["addr_info"][0]["local"])
