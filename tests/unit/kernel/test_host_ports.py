"""Ports on several addresses are held on all of them or on none."""

import errno
import socket
from ipaddress import ip_address

import pytest

from plugin.errors import KernelError
from plugin.kernel.host_ports import HostPorts
from plugin.model.network import Protocol
from plugin.model.ports import HostPort

BOTH = (ip_address("127.0.0.1"), ip_address("::1"))


def test_what_was_held_is_released_when_the_kernel_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else nobody could have the port until the plugin is restarted."""
    bind = socket.socket.bind
    numbers = []

    def without_memory(sock: socket.socket, address: tuple[str, int]) -> None:
        if sock.family is socket.AF_INET6:
            raise OSError(errno.ENOMEM, "out of memory")
        bind(sock, address)
        numbers.append(sock.getsockname()[1])

    monkeypatch.setattr(socket.socket, "bind", without_memory)
    ports = HostPorts()

    with pytest.raises(KernelError):
        ports.reserve(Protocol.TCP, BOTH, None)

    assert numbers
    tried = [HostPort(protocol=Protocol.TCP, address=BOTH[0], port=each) for each in numbers]
    assert ports.held(tried) == frozenset()
