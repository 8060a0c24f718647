"""DHCP servers of a LAN, on a machine of the lab; what each has leased is the witness."""

import csv
import json
import os
import signal
import subprocess
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path
from typing import Final

from tests.lab.commands import run, wait_until
from tests.lab.namespace import SUBNET6, Peer, enter

RANGE: Final = ("10.99.0.100", "10.99.0.120")
# What a router says of IPv6: hosts make addresses of its prefix, or are given some.
PREFIX: Final = ("--enable-ra", f"--dhcp-range={SUBNET6.network_address},ra-only,64,240")
MANAGED: Final = ("--enable-ra", f"--dhcp-range={SUBNET6[0x1000]},{SUBNET6[0x10FF]},64,240")


@dataclass(frozen=True, slots=True)
class Sandbox:
    """A container that plays a server with programs of this machine."""

    netns: Path

    def run(self, *argv: str) -> str:
        return run(enter(self.netns, *argv))


class _Server:
    """A program that hears its port once it is made; one that does not is ended."""

    def __init__(
        self,
        peer: Peer | Sandbox,
        *argv: str,
        hears: str = "/proc/net/udp :0043 ",
        is_quiet: bool = True,
        settings: Mapping[str, str] | None = None,
    ) -> None:
        output = subprocess.DEVNULL if is_quiet else None
        self._process = subprocess.Popen(
            enter(peer.netns, *argv),
            env={**os.environ, **(settings or {})},
            stdout=output,
            stderr=output,
        )
        file, _, port = hears.partition(" ")
        with ExitStack() as undo:
            undo.callback(self.close)
            wait_until(lambda: port in peer.run("cat", file), f"{argv} listens")
            undo.pop_all()

    def silence(self) -> None:
        """It answers nobody."""
        self._process.send_signal(signal.SIGSTOP)

    def speak(self) -> None:
        """It answers again."""
        self._process.send_signal(signal.SIGCONT)

    def close(self) -> None:
        """End it."""
        self._process.kill()
        self._process.wait()


class Dnsmasq(_Server):
    """It sees only with ``pings`` whether an address is free, which takes it three seconds."""

    def __init__(
        self,
        peer: Peer | Sandbox,
        folder: Path,
        *options: str,
        ifname: str = "eth0",
        first: str = RANGE[0],
        size: int = 21,
        pings: bool = False,
    ) -> None:
        self._leases = folder / "leases"
        self._log = folder / "log"
        last = IPv4Address(first) + size - 1
        if "--enable-ra" in options:
            # Else its kernel says that it is no router, and neighbours forget it (RFC 4861 section 7.2.5).
            peer.run("busybox", "sysctl", "-w", f"net.ipv6.conf.{ifname}.forwarding=1")
        super().__init__(
            peer,
            *("dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null", "--port=0"),
            *(f"--interface={ifname}", "--bind-interfaces", "--user=root"),
            *(() if pings else ("--no-ping",)),
            f"--dhcp-range={first},{last},120",
            *options,
            f"--dhcp-leasefile={self._leases}",
            f"--pid-file={folder / 'pid'}",
            f"--log-facility={self._log}",
            is_quiet=False,
        )

    def leases(self) -> dict[str, IPv4Address]:
        """Addresses by the client's MAC address; of several with one, the latest."""
        return {line[1]: IPv4Address(line[2]) for line in self._lines()}

    def addresses(self) -> set[IPv4Address]:
        """All that are leased."""
        return {IPv4Address(line[2]) for line in self._lines()}

    def ends(self, address: IPv4Address | IPv6Address) -> int:
        """When a lease does, in seconds since 1970."""
        lines = self._lines() if address.version == 4 else self._lines6()
        return max(int(line[0]) for line in lines if line[2] == str(address))

    def names(self) -> set[str]:
        """What clients that said a name are called."""
        return {line[3] for line in self._lines()} - {"*"}

    def log(self) -> str:
        """What it has said."""
        return self._log.read_text()

    def addresses6(self) -> set[IPv6Address]:
        """All of IPv6 that are leased."""
        return {IPv6Address(line[2]) for line in self._lines6()}

    def _lines(self) -> list[list[str]]:
        text, _, _ = self._leases.read_text().partition("duid ")  # and then those of IPv6
        lines = (line.split() for line in text.splitlines())
        return [line for line in lines if len(line) > 2]

    def _lines6(self) -> list[list[str]]:
        _, _, text = self._leases.read_text().partition("duid ")
        return [line.split() for line in text.splitlines()[1:]]


class Udhcpd(_Server):
    """It distinguishes clients by their MAC addresses alone, as many home routers do."""

    def __init__(self, peer: Peer, folder: Path, *, seconds: int = 120) -> None:
        configuration = folder / "udhcpd.conf"
        (folder / "udhcpd.leases").touch()
        configuration.write_text(
            f"start {RANGE[0]}\nend {RANGE[1]}\ninterface eth0\nmin_lease 10\n"
            f"lease_file {folder}/udhcpd.leases\npidfile {folder}/udhcpd.pid\n"
            f"option subnet 255.255.255.0\noption lease {seconds}\n"
        )
        super().__init__(peer, "busybox", "udhcpd", "-f", "-S", str(configuration))


class Kea6(_Server):
    """Of IPv6 alone.  Its leases are as short as is asked, and its log has every message."""

    def __init__(self, peer: Peer, folder: Path, *, t1: int, t2: int, valid: int) -> None:
        self._leases, self._log = folder / "kea.csv", folder / "kea.log"
        output = {"output": str(self._log), "maxsize": 0, "flush": True}
        subnet = {
            "subnet": str(SUBNET6),
            "interface": "eth0",
            "pools": [{"pool": f"{SUBNET6[0x2000]}-{SUBNET6[0x20FF]}"}],
        }
        leases = {"type": "memfile", "persist": True, "lfc-interval": 0, "name": str(self._leases)}
        settings = {
            "interfaces-config": {"interfaces": ["eth0"]},
            "lease-database": leases,
            "renew-timer": t1,
            "rebind-timer": t2,
            "preferred-lifetime": valid,
            "valid-lifetime": valid,
            "subnet6": [subnet],
            "server-id": {"type": "LLT", "persist": False},
            "loggers": [
                {
                    "name": "kea-dhcp6",
                    "severity": "DEBUG",
                    "debuglevel": 50,
                    "output_options": [output],
                }
            ],
        }
        configuration = folder / "kea.json"
        configuration.write_text(json.dumps({"Dhcp6": settings}))
        super().__init__(
            peer,
            *("kea-dhcp6", "-c", str(configuration)),
            hears="/proc/net/udp6 :0223 ",
            settings={"KEA_PIDFILE_DIR": str(folder), "KEA_LOCKFILE_DIR": str(folder)},
        )

    def ends(self) -> dict[IPv6Address, int]:
        """When each address is its client's no more, in seconds since 1970."""
        rows = csv.DictReader(self._leases.read_text().splitlines())
        latest = {IPv6Address(row["address"]): row for row in rows}
        return {
            address: int(row["expire"])
            for address, row in latest.items()
            if int(row["valid_lifetime"])
        }

    def heard(self, kind: str) -> int:
        """How many messages of a kind have come."""
        return self._log.read_text().count(f": {kind} (type ")
