"""Facts of networks that are on several hosts: whom this host hears, and by which port."""

from dataclasses import dataclass
from typing import ClassVar

from plugin.model.facts import Fact
from plugin.model.ids import IfName
from plugin.model.network import IPAddress


@dataclass(frozen=True, slots=True, kw_only=True)
class SpannedNetwork(Fact):
    """A network's frames come from other hosts in datagrams to a port, with its number."""

    words: ClassVar[str] = "UDP port {0.port} with VNI {0.vni} belongs to a network"

    port: int
    vni: int


@dataclass(frozen=True, slots=True, kw_only=True)
class EncryptedNetwork(Fact):
    """Such datagrams of a network come and go by an encrypting link only."""

    words: ClassVar[str] = "UDP port {0.port} with VNI {0.vni} is sent and heard encrypted only"

    port: int
    vni: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PeerHost(Fact):
    """A host may send such datagrams, and no other host may."""

    words: ClassVar[str] = "{0.address} may send to UDP port {0.port} with VNI {0.vni}"

    address: IPAddress
    port: int
    vni: int


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnGateway(Fact):
    """Who has an address is asked on this host only: every other has it, too."""

    words: ClassVar[str] = "{0.link} carries no question for {0.address}"

    link: IfName
    address: IPAddress
