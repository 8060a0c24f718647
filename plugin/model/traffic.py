"""Facts of who reaches whom: networks, their containers and the host."""

from dataclasses import dataclass
from enum import Enum
from typing import ClassVar

from plugin.model.facts import Fact
from plugin.model.ids import IfName
from plugin.model.network import IPAddress, IPNetwork, Protocol


class Role(Enum):
    """What a link is to the firewall."""

    NETWORK = "leads to containers of a network"
    CONNECTED = "lets its containers reach each other"
    APART = "keeps its containers apart"
    ADOPTED = "was there before its network"
    INTERNAL = "belongs to an internal network"
    STRICT = "is closed to other networks"
    OPEN = "is open to other open networks"
    HOST_CLOSED = "reaches only named services of the host"
    SHIM = "is the host's link among containers on a parent"
    GUARDED = "carries only what its container may send"
    SEPARATE = "exchanges no frames with other containers"
    TUNNEL = "leads to other hosts"


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkRole(Fact):
    """A link has a role; it may have several."""

    words: ClassVar[str] = "{0.link} {0.role.value}"

    link: IfName
    role: Role


class Exposure(Enum):
    """What of containers is open to every host with a route to them."""

    PING = "answer ping from outside"
    EVERYTHING = "are open to every host with a route"


@dataclass(frozen=True, slots=True, kw_only=True)
class ExposedBridge(Fact):
    """Containers on a bridge are exposed in one family."""

    words: ClassVar[str] = "IPv{0.version} containers on {0.bridge} {0.exposure.value}"

    bridge: IfName
    version: int
    exposure: Exposure


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustedLink(Fact):
    """What comes in by a link of the host reaches every container on a bridge."""

    words: ClassVar[str] = "{0.bridge} is open to what comes in by {0.link}"

    link: IfName
    bridge: IfName


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach(Fact):
    """A container reaches another of a network that keeps containers apart."""

    words: ClassVar[str] = "{0.source} reaches {0.destination}"
    mutual: ClassVar[bool] = True  # each of the two may have named the other

    source: IPAddress
    destination: IPAddress


@dataclass(frozen=True, slots=True, kw_only=True)
class Subnet(Fact):
    """A network has the subnet."""

    words: ClassVar[str] = "{0.prefix} belongs to a network"

    prefix: IPNetwork


@dataclass(frozen=True, slots=True, kw_only=True)
class AdoptedSubnet(Fact):
    """Others than containers may be in the subnet: its bridge was there before."""

    words: ClassVar[str] = "{0.prefix} has others than containers in it"

    prefix: IPNetwork


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenPort(Fact):
    """A port of a container is open to every host with a route."""

    words: ClassVar[str] = "{0.where} is open to every host with a route"

    protocol: Protocol
    address: IPAddress
    port: int

    @property
    def where(self) -> str:
        """The port."""
        return port_text(self.address, self.port, self.protocol)


class Barred(Enum):
    """Whose containers must not reach a port that the proxy carries."""

    CLOSED_NETWORKS = "internal and strict networks"
    EVERY_NETWORK = "every network"


@dataclass(frozen=True, slots=True, kw_only=True)
class BarredPort(Fact):
    """A port of the host that the proxy carries, on one address or on any, is barred."""

    words: ClassVar[str] = "{0.where} is closed to containers of {0.barred.value}"

    protocol: Protocol
    address: IPAddress
    port: int
    barred: Barred

    @property
    def where(self) -> str:
        """The port."""
        return port_text(self.address, self.port, self.protocol)


@dataclass(frozen=True, slots=True, kw_only=True)
class HostService(Fact):
    """Behind a link that reaches only named services, this one is reached."""

    words: ClassVar[str] = "{0.link} reaches port {0.port}/{0.protocol.text} of the host"

    link: IfName
    protocol: Protocol
    port: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DockerBridge(Fact):
    """A bridge of Docker's own."""

    words: ClassVar[str] = "{0.bridge} is a bridge of Docker"
    surrounding: ClassVar[bool] = True

    bridge: IfName


@dataclass(frozen=True, slots=True, kw_only=True)
class OtherBridge(Fact):
    """A bridge that is known to belong neither to pynet nor to Docker."""

    words: ClassVar[str] = "{0.bridge} is a bridge of others"
    surrounding: ClassVar[bool] = True

    bridge: IfName


def port_text(address: IPAddress, port: int, protocol: Protocol) -> str:
    """A port as it is told people."""
    host = f"[{address}]" if address.version == 6 else address
    return f"{host}:{port}/{protocol.text}"
