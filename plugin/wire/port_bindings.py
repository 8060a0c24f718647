"""Published ports in messages of NetworkDriver (moby, libnetwork/types.PortBinding)."""

from msgspec import Struct

from plugin.model.network import PortBinding, Protocol
from plugin.wire.decoding import parse_address
from plugin.wire.errors import WireError


class PortBindingMessage(Struct, frozen=True, kw_only=True):
    """libnetwork/types.PortBinding; ``IP`` is the container's and not known yet."""

    Proto: int
    Port: int
    IP: str = ""
    HostIP: str = ""
    HostPort: int = 0
    HostPortEnd: int = 0

    def binding(self, path: str) -> PortBinding:
        """The request as a checked value.  Raises WireError."""
        try:
            protocol = Protocol(self.Proto)
        except ValueError:
            known = ", ".join(f"{each.value} ({each.text})" for each in Protocol)
            raise WireError(f"{path}.Proto", f"{self.Proto} is not one of {known}") from None
        for name, port in (("HostPort", self.HostPort), ("HostPortEnd", self.HostPortEnd)):
            if not 0 <= port <= 65535:
                raise WireError(f"{path}.{name}", f"{port} is not a port from 0 to 65535")
        if not 1 <= self.Port <= 65535:
            raise WireError(f"{path}.Port", f"{self.Port} is not a port from 1 to 65535")
        host_ip = parse_address(self.HostIP, f"{path}.HostIP") if self.HostIP else None
        return PortBinding(
            protocol=protocol,
            container_port=self.Port,
            host_ip=host_ip,
            host_port=self.HostPort,
            host_port_end=max(self.HostPortEnd, self.HostPort),
        )


def rank(binding: PortBinding) -> tuple[bool, int, int, int, int, int, str]:
    """Where in the line the binding comes: those that name one port are served first."""
    return (
        not binding.host_port or binding.host_port != binding.host_port_end,
        binding.container_port,
        binding.protocol.value,
        binding.host_port,
        binding.host_port_end,
        binding.host_ip.version if binding.host_ip else 0,
        str(binding.host_ip or ""),
    )
