"""The host's own addresses and routes as values."""

from dataclasses import dataclass

from plugin.model.ids import IfName, Key, MacAddress
from plugin.model.network import IPAddress, IPInterface


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """An address of the host's on one of our links."""

    ifname: IfName
    interface: IPInterface

    @property
    def key(self) -> Key:
        return ("address", self.ifname, self.interface)


@dataclass(frozen=True, slots=True, kw_only=True)
class HostRoute:
    """The host's route by a shim to one container, and the container's hardware address.

    ``source`` is the host's address on the route; if the host has lost it, unspecified is read.  The
    host never asks for the hardware address: the LAN would see the request, and use the shim's
    MAC address for the host.
    """

    ifname: IfName
    address: IPAddress
    mac_address: MacAddress
    source: IPAddress

    @property
    def key(self) -> Key:
        return ("route", self.ifname, self.address)
