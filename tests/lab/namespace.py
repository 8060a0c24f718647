"""A bare network namespace, and the fabric and peers made of it.

A namespace is held by a sleeping process rather than by a name under
/run/netns: when the run dies and is swept, nothing else has to be undone.
"""

import json
import signal
from ipaddress import (
    IPv4Address,
    IPv4Interface,
    IPv4Network,
    IPv6Interface,
    IPv6Network,
)
from pathlib import Path
from typing import Any, Final

from tests.lab.commands import run, wait_until
from tests.lab.process import Process
from tests.lab.runs import Run

SUBNET4: Final = IPv4Network("10.99.0.0/24")
SUBNET6: Final = IPv6Network("fd00:99::/64")
ROUTER: Final = 254


class Namespace:
    """A network namespace and the process that holds it."""

    def __init__(self, lab: Run, name: str) -> None:
        self.name = name
        self.holder = Process(
            ["unshare", "--net", "sleep", "infinity"],
            log=lab.directory / f"{name}.log",
            lab=lab,
        )
        own = Path("/proc/self/ns/net").readlink()
        wait_until(lambda: self.netns.readlink() != own, f"namespace {name}")
        self.ip("link set lo up")

    @property
    def pid(self) -> int:
        return self.holder.pid

    @property
    def netns(self) -> Path:
        return Path(f"/proc/{self.pid}/ns/net")

    def run(self, *argv: str, timeout: float = 30) -> str:
        """Run one of this machine's programs in the namespace."""
        return run(enter(self.netns, *argv), timeout=timeout)

    def ip(self, *commands: str) -> None:
        """Run several `ip` commands in one process."""
        ip(self.netns, *commands)

    def close(self) -> None:
        self.holder.end(signal.SIGKILL)


class Fabric(Namespace):
    """The wire between hosts: a bridge that is also their default gateway."""

    def __init__(self, lab: Run) -> None:
        super().__init__(lab, "fabric")
        self.ip(
            "link add br0 type bridge",
        )
        refuse_routers(self.netns, "br0")
        self.ip(
            f"address add {address4(ROUTER)} dev br0",
            f"address add {address6(ROUTER)} dev br0 nodad",
            "link set br0 up",
        )

    def connect(self, name: str, pid: int, number: int) -> None:
        """Give the namespace of a process an eth0 on the fabric."""
        self.ip(
            f"link add {name} type veth peer name eth0 address {mac(number)} netns {pid}",
            f"link set {name} master br0 up",
        )
        netns = Path(f"/proc/{pid}/ns/net")
        refuse_routers(netns, "eth0")
        ip(
            netns,
            f"address add {address4(number)} dev eth0",
            f"address add {address6(number)} dev eth0 nodad",
            "link set eth0 up",
            f"route add default via {address4(ROUTER).ip}",
            f"route add default via {address6(ROUTER).ip}",
        )

    def disconnect(self, name: str) -> None:
        """Unplug an eth0 now: the kernel does so only some time after its namespace's end."""
        self.ip(f"link delete {name}")


class Peer(Namespace):
    """Another machine on the fabric, without Docker and without routes to us."""

    def __init__(self, lab: Run, fabric: Fabric, name: str, number: int) -> None:
        super().__init__(lab, name)
        fabric.connect(name, self.pid, number)
        self.address: IPv4Address = address4(number).ip
        self.address6 = address6(number).ip


def refuse_routers(netns: Path, ifname: str) -> None:
    """A machine of the lab has its addresses and routes of nobody; a test's router would give it more."""
    run(enter(netns, "busybox", "sysctl", "-w", f"net.ipv6.conf.{ifname}.accept_ra=0"))


def address4(number: int) -> IPv4Interface:
    return IPv4Interface((SUBNET4[number], SUBNET4.prefixlen))


def address6(number: int) -> IPv6Interface:
    return IPv6Interface((SUBNET6[number], SUBNET6.prefixlen))


def mac(number: int) -> str:
    """A machine keeps its MAC address over a reboot: others have it in their neighbour tables."""
    return f"02:00:00:00:00:{number:02x}"


def enter(netns: Path, *argv: str) -> list[str]:
    """Return the command line that runs a program in a network namespace."""
    return ["nsenter", f"--net={netns}", "--", *argv]


def ip(netns: Path, *commands: str) -> None:
    run(enter(netns, "ip", "-batch", "-"), stdin="\n".join(commands))


def ip_json(netns: Path, *arguments: str) -> list[dict[str, Any]]:
    """Return what `ip -json` says, one mapping per object."""
    text = run(enter(netns, "ip", "-json", *arguments))
    return [entry for entry in json.loads(text or "[]") if entry]
