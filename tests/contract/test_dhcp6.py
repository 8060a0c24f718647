"""Clients for IPv6 on a packet socket: dnsmasq, Kea and radvd behind it, and their files are the witness."""

import json
import os
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import replace
from ipaddress import IPv6Address, IPv6Network
from pathlib import Path
from typing import Final

import pytest

from plugin.dhcp.base import AddressInUseError
from plugin.dhcp.identity import identity6_of, identity_of_text
from plugin.dhcp.loop import Loop, boottime
from plugin.dhcp.packet_socket import PacketSocket
from plugin.dhcp.states import Event, Leased
from plugin.dhcp.values import Method, Wish6
from plugin.model.ids import IfName, MacAddress
from plugin.model.leases import Lease
from tests.kernel.netns import Netns, wait_until

PATIENCE: Final = 30.0
PARENT: Final = IfName("eth0")
PREFIX: Final = IPv6Network("fd50::/64")
STRANGER: Final = MacAddress("02:00:00:00:00:99")
WEB: Final = Wish6(identity=identity6_of(identity_of_text("lan", "web")), method=Method.DHCP)
KEA: Final = {
    "Dhcp6": {
        "interfaces-config": {"interfaces": ["eth1"]},
        "lease-database": {"type": "memfile", "persist": False},
        "preferred-lifetime": 60,
        "valid-lifetime": 120,
        "renew-timer": 30,
        "rebind-timer": 48,
        "subnet6": [
            {
                "subnet": str(PREFIX),
                "interface": "eth1",
                "rapid-commit": True,
                "pools": [{"pool": "fd50::1000-fd50::1fff"}],
            }
        ],
        "server-id": {"type": "LLT", "persist": False},
        "loggers": [
            {
                "name": "kea-dhcp6",
                "severity": "INFO",
                "output_options": [{"output": "LOG"}],
            }
        ],
    }
}
RADVD: Final = (
    "interface eth1 { AdvSendAdvert on; AdvManagedFlag on; MinRtrAdvInterval 3;"
    f" MaxRtrAdvInterval 4; prefix {PREFIX} {{ AdvAutonomous on; }}; }};\n"
)


class ServerLan:
    """The test's thread is on the host; the server has a namespace of its own."""

    def __init__(self, host: Netns, folder: Path) -> None:
        self.server = Netns()
        self._folder = folder
        self._running: list[subprocess.Popen[bytes]] = []
        self._strangers: list[Netns] = []
        host.ip(f"link add eth0 type veth peer name eth1 netns {self.server.path}")
        host.ip("link set eth0 up")
        self.server.ip("address add fd50::1/64 dev eth1 nodad", "link set eth1 up")
        host.wait_for_carrier("eth0")
        wait_until(lambda: _has_link_local(host, "eth0"), "no link-local address on the host")
        wait_until(lambda: _has_link_local(self.server, "eth1"), "none at the server")

    def dnsmasq(self, *options: str) -> None:
        self._run(
            *("dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null", "--port=0"),
            *("--interface=eth1", "--bind-interfaces", "--user=root", "--enable-ra", *options),
            *(f"--dhcp-leasefile={self._folder}/leases", f"--pid-file={self._folder}/pid"),
            f"--log-facility={self._folder}/log",
        )
        if "ra-only" not in options[0]:
            wait_until(self._listens, "dnsmasq does not listen")

    def kea(self) -> None:
        """It takes times of seconds."""
        text = json.dumps(KEA).replace("LOG", str(self._folder / "log"))
        (self._folder / "kea.json").write_text(text)
        self._run("kea-dhcp6", "-c", str(self._folder / "kea.json"))
        wait_until(self._listens, "Kea does not listen")

    def radvd(self) -> None:
        configuration = self._folder / "radvd.conf"
        configuration.write_text(RADVD)
        self.server.run("busybox", "sysctl", "-w", "net.ipv6.conf.all.forwarding=1")
        self._run(
            *("radvd", "-n", "-m", "stderr", "-C", str(configuration)),
            *("-p", str(self._folder / "radvd.pid")),
        )

    def log(self) -> str:
        return (self._folder / "log").read_text()

    def squat(self, address: IPv6Address) -> None:
        """A stranger of the LAN has the address."""
        stranger = Netns()
        self._strangers.append(stranger)
        self.server.ip(f"link add mv0 link eth1 address {STRANGER} type macvlan mode bridge")
        self.server.ip(f"link set mv0 netns {stranger.path}")
        stranger.ip(f"address add {address}/64 dev mv0 nodad", "link set mv0 up")
        stranger.wait_for_carrier("mv0")

    def close(self) -> None:
        for each in self._running:
            each.kill()
            each.wait()
        for stranger in (*self._strangers, self.server):
            stranger.close()

    def _listens(self) -> bool:
        return ":0223 " in self.server.run("cat", "/proc/net/udp6")

    def _run(self, *argv: str) -> None:
        own = {"KEA_PIDFILE_DIR": str(self._folder), "KEA_LOCKFILE_DIR": str(self._folder)}
        with self.server.entered():
            self._running.append(
                subprocess.Popen(
                    argv,
                    env={**os.environ, **own},
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                )
            )


def _has_link_local(netns: Netns, ifname: str) -> bool:
    lines = netns.run("cat", "/proc/net/if_inet6").splitlines()
    found = [line.split() for line in lines if line.split()[-1] == ifname]
    return any(each[3] == "20" and not int(each[4], 16) & 0x40 for each in found)


@pytest.fixture
def lan(netns: Netns, tmp_path: Path) -> Iterator[ServerLan]:
    """A LAN where nobody answers yet."""
    made = ServerLan(netns, tmp_path)
    yield made
    made.close()


@pytest.fixture
def told() -> list[Event]:
    """What the clients said."""
    return []


@pytest.fixture
def clients(lan: ServerLan, told: list[Event]) -> Iterator[Loop]:
    """Clients of a plugin that has just started."""
    made = Loop(PacketSocket, lambda _parent, _key, event: told.append(event))
    yield made
    made.close()


def acquire(clients: Loop, wish: Wish6, remembered: Lease | None = None) -> Lease:
    lease = clients.acquire(PARENT, wish, remembered, seconds=PATIENCE)
    clients.confirm(PARENT, wish.identity.client_id, seconds=PATIENCE)
    return lease


def managed(lan: ServerLan) -> None:
    lan.dnsmasq("--dhcp-range=fd50::1000,fd50::1fff,64,120")


SERVERS: Final[dict[str, Callable[[ServerLan], None]]] = {"dnsmasq": managed, "kea": ServerLan.kea}


@pytest.mark.root
@pytest.mark.parametrize("name", ["dnsmasq", pytest.param("kea", marks=pytest.mark.nightly)])
def test_a_life(lan: ServerLan, clients: Loop, told: list[Event], name: str) -> None:
    """Obtained, renewed late by a plugin that restarted, remembered, given back."""
    SERVERS[name](lan)
    lease = acquire(clients, WEB)

    assert lease.address.ip in PREFIX
    assert (lease.seconds, bool(lease.server_id)) == (120, True)
    clients.rest(PARENT, WEB.identity.client_id)
    told.clear()
    clients.adopt(PARENT, WEB, replace(lease, obtained=boottime() - 100))
    wait_until(lambda: any(isinstance(each, Leased) for each in told), "not renewed")
    renewed = next(each.lease for each in told if isinstance(each, Leased))
    assert renewed.address == lease.address
    assert renewed.obtained > lease.obtained

    clients.rest(PARENT, WEB.identity.client_id)
    assert acquire(clients, WEB, renewed) == renewed
    other = replace(WEB, identity=identity6_of(identity_of_text("lan", "db")))
    assert acquire(clients, other).address != lease.address

    clients.release(PARENT, renewed)
    wait_until(lambda: "elease" in lan.log() or "RELEASE" in lan.log(), "not released")


@pytest.mark.root
@pytest.mark.nightly
@pytest.mark.parametrize("name", SERVERS)
def test_an_address_that_a_stranger_has(lan: ServerLan, clients: Loop, name: str) -> None:
    """The server is told, and another address is had."""
    SERVERS[name](lan)
    first = acquire(clients, WEB)
    clients.release(PARENT, first)
    lan.squat(first.ipv6.ip)
    over = replace(first, obtained=boottime() - 500)
    assert clients.acquire(PARENT, WEB, over, seconds=PATIENCE).address == first.address

    with pytest.raises(AddressInUseError, match=f"is in use by {STRANGER}.* was told so"):
        clients.confirm(PARENT, WEB.identity.client_id, seconds=PATIENCE)

    assert acquire(clients, WEB).address != first.address


@pytest.mark.root
@pytest.mark.parametrize("name", ["dnsmasq", pytest.param("radvd", marks=pytest.mark.nightly)])
def test_a_routers_prefix(lan: ServerLan, clients: Loop, name: str) -> None:
    """One who is remembered asks again, and a stranger's address is found."""
    if name == "radvd":
        lan.radvd()
    else:
        lan.dnsmasq("--dhcp-range=fd50::,ra-only,64,240")
    wish = replace(WEB, method=Method.SLAAC)
    lease = acquire(clients, wish)

    assert lease.address.network == PREFIX
    clients.rest(PARENT, wish.identity.client_id)
    assert acquire(clients, wish, lease).address == lease.address
    clients.rest(PARENT, wish.identity.client_id)
    lan.squat(lease.ipv6.ip)
    clients.acquire(PARENT, wish, seconds=PATIENCE)
    with pytest.raises(AddressInUseError, match="a router's prefix gives, is in use by"):
        clients.confirm(PARENT, wish.identity.client_id, seconds=PATIENCE)


@pytest.mark.root
@pytest.mark.nightly
def test_as_the_router_says(lan: ServerLan, clients: Loop) -> None:
    """radvd has the managed flag, and Kea the addresses."""
    lan.radvd()
    lan.kea()
    lease = acquire(clients, replace(WEB, method=Method.AUTO))

    assert lease.server_id
    assert IPv6Address("fd50::1000") <= lease.ipv6.ip <= IPv6Address("fd50::1fff")


@pytest.mark.root
def test_a_class_of_clients(lan: ServerLan, clients: Loop) -> None:
    """A server that chooses by the user class knows it, the second of two too."""
    lan.dnsmasq(
        *("--dhcp-range=fd50::1000,fd50::1fff,64,120", "--dhcp-userclass=set:lab,lab"),
        "--dhcp-option=tag:lab,option6:dns-server,[fd50::53]",
    )

    lease = acquire(clients, replace(WEB, user_classes=("web", "lab")))

    assert lease.facts.dns == (IPv6Address("fd50::53"),)
