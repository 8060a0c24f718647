"""Ports of a kernel in memory: held by the plugin, and refused where another program has them."""

from collections.abc import Sequence
from typing import Final

from plugin.errors import KernelError, PortTakenError, RefusedError
from plugin.model.network import IPAddress, Protocol
from plugin.model.ports import HostPort, ProxiedPort
from tests.fakes.host import FakeHost

_EPHEMERAL: Final = range(32768, 61000)


class FakePorts:
    """Ports that the plugin holds; they end with its kernel."""

    def __init__(self, host: FakeHost) -> None:
        self.held: set[HostPort] = set()
        self.proxied: set[ProxiedPort] = set()
        self._host = host

    def reserve(
        self, protocol: Protocol, addresses: Sequence[IPAddress], ports: range | None
    ) -> int:
        """Hold one number on all addresses.  Raises PortTakenError or RefusedError."""
        for number in ports or _EPHEMERAL:
            wanted = {HostPort(protocol=protocol, address=a, port=number) for a in addresses}
            for port in wanted:
                self._check_address(port)
            if not any(self._is_taken(port) for port in wanted):
                self.held |= wanted
                return number
        raise PortTakenError(addresses[0], (ports or _EPHEMERAL)[0])

    def ensure(self, resource: HostPort | ProxiedPort) -> None:
        if isinstance(resource, ProxiedPort):
            if resource.held not in self.held:
                raise KernelError(f"port {resource.held.port} is not held")
            self.proxied.add(resource)
        elif resource not in self.held:
            self._check_address(resource)
            if self._is_taken(resource):
                raise PortTakenError(resource.address, resource.port)
            self.held.add(resource)

    def remove(self, resource: HostPort | ProxiedPort) -> None:
        if isinstance(resource, ProxiedPort):
            self.proxied.discard(resource)
        else:
            self.held.discard(resource)

    def read(self, resource: HostPort | ProxiedPort) -> HostPort | ProxiedPort | None:
        there = self.proxied if isinstance(resource, ProxiedPort) else self.held
        return resource if resource in there else None

    def _check_address(self, port: HostPort) -> None:
        if port.protocol in self._host.lacks:
            raise RefusedError(
                f"cannot publish a port of {port.protocol.text}: this host's kernel does not have "
                "it (Protocol not supported); load its module, or publish another protocol"
            )
        if not port.address.is_unspecified and port.address not in self._host.all_addresses():
            raise RefusedError(
                f"cannot publish on {port.address}:{port.port}: this host has no such address"
            )

    def _is_taken(self, port: HostPort) -> bool:
        return any(_overlap(port, other) for other in self.held | self._host.listeners)


def _overlap(one: HostPort, other: HostPort) -> bool:
    if (one.protocol, one.port) != (other.protocol, other.port):
        return False
    if one.address.version != other.address.version:
        return False
    either = (one.address, other.address)
    return one.address == other.address or any(address.is_unspecified for address in either)
