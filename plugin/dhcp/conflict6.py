"""Duplicate address detection (RFC 4862 section 5.4), before a container uses an IPv6 address.

As quick as ``conflict``, and for the same reason; the kernel does none for an address that an engine sets.
"""

from ipaddress import IPv6Address

from plugin.dhcp.conflict import Probing
from plugin.dhcp.frames6 import Neighbour, probe_frame
from plugin.model.ids import MacAddress


class Probe6(Probing):
    """Of an address of IPv6."""

    def __init__(self, address: IPv6Address, mac: MacAddress, now: float) -> None:
        super().__init__(probe_frame(mac, address), now)
        self.address = address
        self._mac = mac

    def other(self, heard: Neighbour) -> MacAddress | None:
        """Who has the address or is about to take it, if a frame says so."""
        return heard.mac if heard.target == self.address and heard.mac != self._mac else None
