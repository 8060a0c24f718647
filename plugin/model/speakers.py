"""Facts about the source addresses that links may use."""

from dataclasses import dataclass
from typing import ClassVar

from plugin.model.facts import Fact
from plugin.model.ids import IfName, MacAddress
from plugin.model.network import IPAddress


@dataclass(frozen=True, slots=True, kw_only=True)
class SpeaksAs(Fact):
    """A guarded link carries frames from a MAC address."""

    words: ClassVar[str] = "{0.link} speaks as {0.mac_address}"

    link: IfName
    mac_address: MacAddress


@dataclass(frozen=True, slots=True, kw_only=True)
class SpeaksFrom(Fact):
    """A guarded link carries packets from an address, and ARP and NDP for that address."""

    words: ClassVar[str] = "{0.link} speaks as {0.address}"

    link: IfName
    address: IPAddress


@dataclass(frozen=True, slots=True, kw_only=True)
class HeardOnShim(Fact):
    """The host's link among containers on a parent hears a container."""

    words: ClassVar[str] = "{0.shim} hears {0.address} at {0.mac_address}"

    shim: IfName
    mac_address: MacAddress
    address: IPAddress


@dataclass(frozen=True, slots=True, kw_only=True)
class ForgedSource(Fact):
    """What comes in by a link from its own MAC address is forged."""

    words: ClassVar[str] = "what {0.link} receives from {0.mac_address} is forged"
    shared: ClassVar[bool] = True

    link: IfName
    mac_address: MacAddress


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayContainer(Fact):
    """A container on a bridge passes on what the others send."""

    words: ClassVar[str] = "{0.mac_address} is a gateway on {0.bridge}"

    bridge: IfName
    mac_address: MacAddress


@dataclass(frozen=True, slots=True, kw_only=True)
class ContainerAddress(Fact):
    """In such a subnet, the address is a container's."""

    words: ClassVar[str] = "{0.address} is a container's"

    address: IPAddress
