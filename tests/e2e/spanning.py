"""Two hosts of different engines without a swarm, and networks that are on both."""

import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any, Final

from plugin.model.ids import NetworkID, vxlan_name
from tests.e2e.conftest import Place, tidy
from tests.lab.commands import run
from tests.lab.installed import PluginProcess
from tests.lab.lab import Lab
from tests.lab.namespace import enter, ip_json
from tests.lab.netns import inside
from tests.lab.roots import ENGINES
from tests.lab.site import Site

# Containers outlive their engine.
LIVE: Final = "--live-restore"
PORT: Final = 7000
EVERYBODY: Final = "00:00:00:00:00:00"
_IP_MTU_DISCOVER: Final = 10  # linux/in.h
_IP_PMTUDISC_PROBE: Final = 3


class Two:
    """The hosts, and how the same network is made on both."""

    def __init__(self, sites: list[Site], processes: list[PluginProcess]) -> None:
        self.sites = sites
        self.processes = processes
        self.peers = ",".join(str(each.host.address) for each in sites)

    def network(self, third: int, *options: str) -> list[str]:
        """``docker network create`` on each, with a range of its own of 10.50.`third`.0/24."""
        made = []
        for number, site in enumerate(self.sites):
            words = (
                *("-o", "mode=overlay", "-o", f"peers={self.peers}", "--ipv6"),
                *(f"--subnet=10.50.{third}.0/24", f"--gateway=10.50.{third}.1"),
                f"--ip-range=10.50.{third}.{64 * (number + 1)}/26",
                *(f"--subnet=fd00:50:{third}::/64", f"--gateway=fd00:50:{third}::1"),
                f"--ip-range=fd00:50:{third}:0:{number + 1}::/80",
            )
            made.append(site.network(*words, *options))
        return made

    def tunnel(self, host: int, network: str) -> str:
        """Return the name of the network's device there."""
        found: dict[str, Any] = self.sites[host].inspect("network", network)
        return vxlan_name(NetworkID(found["Id"]))

    def held(self, host: int, device: str) -> tuple[object, ...]:
        """What of a device must be as it was: its state, its place, and whom it floods."""
        netns = self.sites[host].host.netns
        links = [each for each in ip_json(netns, "link") if each["ifname"] == device]
        state = [(each.get("master"), each["mtu"], "UP" in each["flags"]) for each in links]
        table = run(enter(netns, "bridge", "fdb", "show"))
        lasting = sorted(
            line
            for line in table.splitlines()
            if f"dev {device} " in line and "dst" in line and "permanent" in line
        )
        return state, lasting


@contextmanager
def two_hosts(lab: Lab) -> Iterator[Two]:
    """Boot them; what is made there must leave no trace."""
    with ExitStack() as stack:
        sites, processes = [], []
        for version in reversed(ENGINES):
            host = lab.host(version, LIVE)
            stack.callback(host.halt)
            process = PluginProcess(host)
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


def _address(netns: Path) -> IPv4Address:
    (link,) = ip_json(netns, "-4", "address", "show", "dev", "eth0")
    return IPv4Address(link["addr_info"][0]["local"])
