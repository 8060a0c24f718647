"""Published ports of the host as values."""

from dataclasses import dataclass

from plugin.model.ids import Key
from plugin.model.network import IPAddress, Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class HostPort:
    """A port of the host held by a bound socket, so that no other program can take it."""

    protocol: Protocol
    address: IPAddress
    port: int

    @property
    def key(self) -> Key:
        return ("port", self.protocol, self.address, self.port)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProxiedPort:
    """A held port whose traffic a process carries to ``address`` and ``port``."""

    held: HostPort
    address: IPAddress
    port: int

    @property
    def key(self) -> Key:
        return ("proxy", *self.held.key)
