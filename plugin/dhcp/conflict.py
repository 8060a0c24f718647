"""Probe whether another machine has an address (RFC 5227, RFC 4862 section 5.4), before a container uses it.

RFC 5227 asks for up to 5 seconds; here it is 450 ms, because people wait for a container.  Answers of
siblings and of the host do not arrive at their parent: the caller must compare with those.  The kernel
probes no IPv6 address that an engine sets.
"""

from ipaddress import IPv4Address, IPv6Address
from typing import ClassVar, Final

from plugin.dhcp.frames import ARP_REQUEST, NOBODY, Arp, arp_frame
from plugin.dhcp.frames6 import Neighbour, probe_frame
from plugin.model.ids import MacAddress

PROBE_NUM: Final = 3
PROBE_INTERVAL: Final = 0.15
ANNOUNCE_NUM: Final = 2


class Probing:
    """Three questions, and silence after them; ``what`` they are, for who counts."""

    what: ClassVar[str]

    def __init__(self, question: bytes, mac: MacAddress, now: float) -> None:
        self._question = question
        self._mac = mac
        self._start = now
        self._asked = 0

    @property
    def due(self) -> float:
        """When the next question is to be asked, or the silence is long enough."""
        return self._start + self._asked * PROBE_INTERVAL

    @property
    def over(self) -> bool:
        """Whether all was asked; at `due`, nobody has the address then."""
        return self._asked == PROBE_NUM

    def ask(self) -> bytes:
        """The next question."""
        self._asked += 1
        return self._question


class Probe(Probing):
    """Of an address of IPv4."""

    what = "probe"

    def __init__(self, address: IPv4Address, mac: MacAddress, now: float) -> None:
        super().__init__(arp_frame(mac, NOBODY, address), mac, now)
        self.address = address

    def other(self, arp: Arp) -> MacAddress | None:
        """Who has the address or is about to take it, if a frame says so (section 2.1.1)."""
        if arp.mac == self._mac:
            return None
        has = arp.sender == self.address
        wants = arp.operation == ARP_REQUEST and arp.sender == NOBODY and arp.target == self.address
        return arp.mac if has or wants else None


class Probe6(Probing):
    """Of an address of IPv6."""

    what = "neighbour solicitation"

    def __init__(self, address: IPv6Address, mac: MacAddress, now: float) -> None:
        super().__init__(probe_frame(mac, address), mac, now)
        self.address = address

    def other(self, heard: Neighbour) -> MacAddress | None:
        """Who has the address or is about to take it, if a frame says so."""
        return heard.mac if heard.target == self.address and heard.mac != self._mac else None


def announcements(address: IPv4Address, mac: MacAddress) -> list[bytes]:
    """What tells neighbours of an address that is taken (section 2.3)."""
    return [arp_frame(mac, address, address)] * ANNOUNCE_NUM
