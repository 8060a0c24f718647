"""A packet on its way, as rules see it."""

from dataclasses import dataclass
from enum import Enum
from ipaddress import IPv4Address, IPv6Address
from typing import Final

IPAddress = IPv4Address | IPv6Address

TCP: Final = "tcp"
UDP: Final = "udp"
ICMP: Final = {4: "icmp", 6: "ipv6-icmp"}
NEW: Final = "new"
ESTABLISHED: Final = "established"
UNTRACKED: Final = "untracked"
INVALID: Final = "invalid"
EPHEMERAL: Final = 50000  # one of ip_local_port_range, for ports that the sender's kernel chooses


@dataclass(slots=True, kw_only=True)
class Packet:
    """The first packet of a connection, or its answer."""

    source: IPAddress
    destination: IPAddress
    protocol: str
    sport: int | None = None
    dport: int | None = None
    mark: int = 0
    state: str = NEW
    dnat: bool = False  # the connection is translated
    snat: bool = False
    iif: str = ""
    oif: str = ""
    iif_kind: str = ""
    oif_kind: str = ""
    bridge: str = ""  # on a port: its bridge
    physin: str = ""  # bridged packets among rules of routed ones
    physout: str = ""
    source_mac: str | None = None
    destination_mac: str | None = None

    @property
    def version(self) -> int:
        return self.source.version

    @property
    def is_ping(self) -> bool:
        return self.protocol in ICMP.values()

    def __str__(self) -> str:
        return f"{_end(self.source, self.sport)} → {_end(self.destination, self.dport)}"


def _end(address: IPAddress, port: int | None) -> str:
    if port is None:
        return str(address)
    return f"[{address}]:{port}" if address.version == 6 else f"{address}:{port}"


class Verdict(Enum):
    """What becomes of a packet."""

    REACHED = "reached"
    REFUSED = "refused"  # its destination says that nothing is there
    DROPPED = "dropped"  # and its sender hears nothing
    UNREACHABLE = "unreachable"  # its sender has no way there
    LEAVES = "leaves"  # this host, which cannot see what follows
    UNKNOWN = "unknown"  # a rule cannot be read, and decides


@dataclass(frozen=True, slots=True, kw_only=True)
class Hop:
    """One place that the packet came by; ``ok`` is false where it ended."""

    where: str
    what: str
    ok: bool = True
    rule: str = ""
    remedy: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """The whole way, and how it ended."""

    verdict: Verdict
    hops: tuple[Hop, ...]
    # Rules that cannot be read, and might have decided otherwise.
    doubts: tuple[str, ...] = ()
