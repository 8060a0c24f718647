"""Facts of translation: whose address packets have, and where they are sent instead."""

from dataclasses import dataclass
from typing import ClassVar

from plugin.model.facts import Fact
from plugin.model.ids import Key
from plugin.model.network import IPAddress, IPNetwork, Protocol
from plugin.model.traffic import port_text


@dataclass(frozen=True, slots=True, kw_only=True)
class Masquerade(Fact):
    """What leaves a subnet gets an address of the host, which the kernel chooses."""

    words: ClassVar[str] = "{0.prefix} is hidden behind the host"

    prefix: IPNetwork


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceNat(Fact):
    """What leaves a subnet gets the address ``source``."""

    words: ClassVar[str] = "{0.prefix} has the address {0.source} outside"

    prefix: IPNetwork
    source: IPAddress

    @property
    def key(self) -> Key:
        return ("source", self.prefix)


@dataclass(frozen=True, slots=True, kw_only=True)
class HostSeenAs(Fact):
    """What the host passes on to a container on a parent comes from ``host_ip``."""

    words: ClassVar[str] = "the host is {0.host_ip} to {0.container_ip}"

    container_ip: IPAddress
    host_ip: IPAddress

    @property
    def key(self) -> Key:
        return ("host seen", self.container_ip)


@dataclass(frozen=True, slots=True, kw_only=True)
class UserMasquerades(Fact):
    """In a family, rules of the user decide who is masqueraded."""

    words: ClassVar[str] = "rules of the user decide who is masqueraded in IPv{0.version}"
    surrounding: ClassVar[bool] = True

    version: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Published(Fact):
    """A port of the host, on one address or on any, leads to a port of a container."""

    words: ClassVar[str] = "{0.where} leads to {0.target}"

    protocol: Protocol
    host_ip: IPAddress
    host_port: int
    container_ip: IPAddress
    container_port: int

    @property
    def key(self) -> Key:
        return ("published", self.protocol, self.host_ip, self.host_port)

    @property
    def where(self) -> str:
        """The host's port."""
        return port_text(self.host_ip, self.host_port, self.protocol)

    @property
    def target(self) -> str:
        """The container's port."""
        return port_text(self.container_ip, self.container_port, self.protocol)


@dataclass(frozen=True, slots=True, kw_only=True)
class DockerPublishes(Fact):
    """Docker publishes the ports of containers in a subnet of the LAN."""

    words: ClassVar[str] = "Docker publishes ports of containers in {0.prefix}"

    prefix: IPNetwork
