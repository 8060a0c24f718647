"""A LAN with a DHCP server: one of memory, and those of namespaces where dnsmasq or Kea is."""

import csv
import json
import os
import subprocess
from abc import ABC, abstractmethod
from contextlib import ExitStack
from ipaddress import IPv4Address
from pathlib import Path
from typing import Final, Protocol

from plugin.dhcp.base import Wire, Wires
from plugin.dhcp.packet_socket import PacketSocket
from plugin.model.ids import IfName, MacAddress
from plugin.model.leases import Lease
from tests.fakes.dhcp import LAN, SERVER, FakeLan
from tests.kernel.netns import Netns, wait_until

PARENT: Final = IfName("eth0")
STRANGER: Final = MacAddress("02:00:00:00:00:99")
STATIC: Final = f"172.20.0.0,{SERVER}"  # option 33, for clients of the class "old"
KEA_LEASED: Final = "0"  # of the states in its file: not declined, not reclaimed


class Lan(Protocol):
    """What a test may do to it."""

    @property
    def wires(self) -> Wires:
        """How a client listens at it."""

    def live(self, lease: Lease) -> None:
        """Have a container use the address, as the server gave it."""

    def squat(self, address: IPv4Address) -> None:
        """A stranger has the address."""

    def leased(self) -> dict[MacAddress, IPv4Address]:
        """Whom the server knows."""

    def listeners(self) -> int:
        """Sockets that hear the parent."""

    def silence(self) -> None:
        """The server is not there."""

    def speak(self) -> None:
        """The server is there."""

    def close(self) -> None:
        """Nothing is left."""


class MemoryLan:
    """The fake."""

    def __init__(self) -> None:
        self._lan = FakeLan()
        said = b"".join(IPv4Address(each).packed for each in STATIC.split(","))
        self._lan.server.options += ((33, said),)

    @property
    def wires(self) -> Wires:
        return self._open

    def live(self, lease: Lease) -> None:
        pass

    def squat(self, address: IPv4Address) -> None:
        self._lan.hosts[address] = STRANGER

    def leased(self) -> dict[MacAddress, IPv4Address]:
        leases = self._lan.server.leases.items()
        return {MacAddress(client[1:].hex(":")): address for client, address in leases}

    def listeners(self) -> int:
        return self._lan.open_wires

    def silence(self) -> None:
        self._lan.server.silent = True

    def speak(self) -> None:
        self._lan.server.silent = False

    def close(self) -> None:
        pass

    def _open(self, parent: IfName) -> Wire:
        self._lan.trouble = None if parent == PARENT else f"{parent} is down or gone"
        return self._lan(parent)


class ServerLan(ABC):
    """The test's thread is on the host; the server and each container have namespaces."""

    def __init__(self, host: Netns, folder: Path) -> None:
        self.host = host
        self.folder = folder
        self.server = Netns()
        self._containers: list[Netns] = []
        self._process: subprocess.Popen[bytes] | None = None
        host.ip(f"link add eth0 type veth peer name eth1 netns {self.server.path}")
        host.ip("link set eth0 up")
        self.server.ip(f"address add {SERVER}/24 dev eth1", "link set eth1 up")
        host.wait_for_carrier("eth0")
        self.server.wait_for_carrier("eth1")  # Kea looks once
        self.speak()

    @property
    def wires(self) -> Wires:
        return PacketSocket

    def live(self, lease: Lease) -> None:
        container = Netns()
        self._containers.append(container)
        mac = lease.identity.mac
        self.host.ip(f"link add mv0 link eth0 address {mac} type macvlan mode bridge")
        self.host.ip(f"link set mv0 netns {container.path}")
        container.ip(f"address add {lease.address} dev mv0", "link set mv0 up")
        container.wait_for_carrier("mv0")

    def squat(self, address: IPv4Address) -> None:
        stranger = Netns()
        self._containers.append(stranger)
        self.server.ip(f"link add mv0 link eth1 address {STRANGER} type macvlan mode bridge")
        self.server.ip(f"link set mv0 netns {stranger.path}")
        stranger.ip(f"address add {address}/24 dev mv0", "link set mv0 up")
        stranger.wait_for_carrier("mv0")

    @abstractmethod
    def leased(self) -> dict[MacAddress, IPv4Address]:
        """What the server's own file says."""

    def listeners(self) -> int:
        return len(self.host.run("cat", "/proc/net/packet").splitlines()) - 1

    def silence(self) -> None:
        if self._process:
            self._process.kill()
            self._process.wait()
            self._process = None

    def speak(self) -> None:
        own = {"KEA_PIDFILE_DIR": str(self.folder), "KEA_LOCKFILE_DIR": str(self.folder)}
        with self.server.entered():
            self._process = subprocess.Popen(self.command(), env={**os.environ, **own})
        with ExitStack() as undo:
            undo.callback(self.silence)
            wait_until(self._is_ready, "the server does not listen")
            undo.pop_all()

    @abstractmethod
    def command(self) -> list[str]:
        """What the server is started with."""

    def close(self) -> None:
        self.silence()
        for each in (*self._containers, self.server):
            each.close()

    def _is_ready(self) -> bool:
        return ":0043 " in self.server.run("cat", "/proc/net/udp")


class DnsmasqLan(ServerLan):
    """It refuses at once whatever it does not know."""

    def leased(self) -> dict[MacAddress, IPv4Address]:
        lines = [line.split() for line in (self.folder / "leases").read_text().splitlines()]
        return {MacAddress(line[1]): IPv4Address(line[2]) for line in lines if len(line) > 2}

    def command(self) -> list[str]:
        return [
            *("dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null", "--port=0"),
            *("--interface=eth1", "--bind-interfaces", "--no-ping", "--user=root"),
            *("--dhcp-range=192.168.50.100,192.168.50.199,120", "--dhcp-authoritative"),
            "--dhcp-option=tag:!old,121,10.9.0.0/16,192.168.50.1,0.0.0.0/0,192.168.50.1",
            *("--dhcp-userclass=set:old,old", f"--dhcp-option=tag:old,33,{STATIC}"),
            f"--dhcp-leasefile={self.folder / 'leases'}",
            f"--pid-file={self.folder / 'pid'}",
            f"--log-facility={self.folder / 'log'}",
        ]


class KeaLan(ServerLan):
    """It says nothing to one who remembers an address, and whom it does not know."""

    def leased(self) -> dict[MacAddress, IPv4Address]:
        rows = csv.DictReader((self.folder / "leases.csv").read_text().splitlines())
        latest = {row["address"]: row for row in rows}
        return {
            MacAddress(row["hwaddr"]): IPv4Address(address)
            for address, row in latest.items()
            if int(row["valid_lifetime"]) and row["state"] == KEA_LEASED
        }

    def command(self) -> list[str]:
        file = {"type": "memfile", "persist": True, "lfc-interval": 0}
        log = {"output": str(self.folder / "log")}
        settings = {
            "interfaces-config": {"interfaces": ["eth1"], "dhcp-socket-type": "raw"},
            "lease-database": {**file, "name": str(self.folder / "leases.csv")},
            "valid-lifetime": 120,
            "client-classes": [
                {
                    "name": "old",
                    "test": "substring(option[77].hex, 1, 3) == 'old'",
                    "option-data": [{"name": "static-routes", "data": STATIC}],
                }
            ],
            "subnet4": [
                {
                    "subnet": str(LAN),
                    "pools": [{"pool": "192.168.50.100 - 192.168.50.199"}],
                    "option-data": [{"name": "routers", "data": str(SERVER)}],
                }
            ],
            "loggers": [{"name": "kea-dhcp4", "severity": "INFO", "output_options": [log]}],
        }
        (self.folder / "kea.json").write_text(json.dumps({"Dhcp4": settings}))
        return ["kea-dhcp4", "-c", str(self.folder / "kea.json")]
