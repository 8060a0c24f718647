"""The contract of a WireGuard device, implemented by this kernel or by a process."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from plugin.model.ids import IfName
from plugin.model.network import IPAddress, IPNetwork


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    """A peer that a device has; ``allowed`` is what it may speak from.

    The endpoint changes with what arrives from the peer, if that is genuine.
    """

    allowed: frozenset[IPNetwork] = frozenset()
    endpoint: IPAddress | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceState:
    """What a device has: its key and port, and its peers by their public keys."""

    private_key: bytes = field(default=b"", repr=False)
    port: int = 0
    peers: Mapping[bytes, Peer] = field(default_factory=dict)


class Device(Protocol):
    """Devices of one maker, by the names of their links.  Methods raise KernelError."""

    def read(self, ifname: IfName) -> DeviceState | None:
        """What the device has; None if it does not answer."""

    def set_key(self, ifname: IfName, private_key: bytes, port: int) -> None:
        """Give the device its key, and the UDP port it listens on."""

    def set_peer(
        self, ifname: IfName, public_key: bytes, endpoint: tuple[IPAddress, int], inner: IPAddress
    ) -> None:
        """Let the device have a peer, which may speak from ``inner`` and nothing else."""

    def remove_peer(self, ifname: IfName, public_key: bytes) -> None:
        """Remove a peer; one that is not there is no failure."""
