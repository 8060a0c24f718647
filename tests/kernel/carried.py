"""Ports that the proxy carries to a server in the same namespace, which is container enough."""

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import ip_address
from pathlib import Path
from typing import Final

from plugin.kernel.linux import LinuxKernel
from plugin.model.network import Protocol
from plugin.model.ports import HostPort, ProxiedPort

ADDRESS: Final = "::1"
SERVER: Final = ("127.0.0.1", 7000)
PORT: Final = 8080
_RELAY: Final = b"plugin.kernel.proxy.relay"


def carried(
    port: int = PORT, protocol: Protocol = Protocol.TCP, server: int = SERVER[1]
) -> ProxiedPort:
    held = HostPort(protocol=protocol, address=ip_address(ADDRESS), port=port)
    return ProxiedPort(held=held, address=ip_address(SERVER[0]), port=server)


def publish(kernel: LinuxKernel, *ports: ProxiedPort) -> None:
    for port in ports:
        kernel.ensure([port.held, port], lambda _: None)


def relays() -> list[int]:
    """The processes that carry ports for this one, and live."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, parent = path.read_text().rpartition(")")[2].split()[:2]
            command = (path.parent / "cmdline").read_bytes()
        except (FileNotFoundError, ProcessLookupError):
            continue  # it has ended
        if int(parent) == os.getpid() and state != "Z" and _RELAY in command:
            found.append(int(path.parent.name))
    return found


def relay() -> int:
    """The one process that carries."""
    (found,) = relays()
    return found


@contextmanager
def server(port: int = SERVER[1]) -> Iterator[socket.socket]:
    """A container's server; here it needs no container."""
    with socket.create_server((SERVER[0], port)) as listener:
        listener.settimeout(60)
        yield listener


@contextmanager
def connection(listener: socket.socket) -> Iterator[tuple[socket.socket, socket.socket]]:
    """Both ends of a connection that is carried."""
    with socket.create_connection((ADDRESS, PORT), timeout=60) as client:
        served, _ = listener.accept()
        served.settimeout(60)
        with served:
            yield client, served


def everything(sock: socket.socket) -> bytes:
    """What comes until the end, which may be a reset."""
    found = b""
    try:
        while data := sock.recv(1 << 16):
            found += data
    except ConnectionResetError:
        pass
    return found


def is_refused(port: int) -> bool:
    try:
        socket.create_connection((ADDRESS, port), timeout=60).close()
    except ConnectionRefusedError:
        return True
    except ConnectionResetError:
        return False  # it was closed under this very call
    return False
