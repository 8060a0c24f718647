"""Ports on several addresses are held on all of them or on none."""

import socket
from ipaddress import ip_address

import pytest

from plugin.errors import KernelError
from plugin.kernel import host_ports
from plugin.kernel.host_ports import HostPorts
from plugin.model.network import Protocol
from plugin.model.ports import HostPort

BOTH = (ip_address("127.0.0.1"), ip_address("::1"))


def test_what_was_held_is_let_go_when_the_kernel_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else nobody could have the port until the plugin is restarted."""
    bound = host_ports._bound

    def without_memory(port: HostPort) -> socket.socket:
        if port.address.version == 6:
            raise KernelError("out of memory")
        return bound(port)

    monkeypatch.setattr(host_ports, "_bound", without_memory)
    ports = HostPorts()

    with pytest.raises(KernelError):
        ports.reserve(Protocol.TCP, BOTH, None)

    assert ports._sockets == {}
