"""Asking servers from any network namespace."""

import http.client
import socket
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path

from tests.lab.netns import inside

Address = IPv4Address | IPv6Address | str


def http_get(
    netns: Path, address: Address, port: int, path: str = "/", *, timeout: float = 3
) -> str:
    """Return the body of http://address:port and the path as asked from a namespace.

    Raises:
        OSError: nobody answers there.

    """
    connection = http.client.HTTPConnection(str(address), port, timeout=timeout)
    try:
        with inside(netns):
            connection.connect()
        connection.request("GET", path)
        return connection.getresponse().read().decode().strip()
    except http.client.HTTPException as error:
        raise OSError(f"http://{address}:{port}/: {error!r}") from error
    finally:
        connection.close()


def reaches(netns: Path, address: Address, port: int, *, timeout: float = 1) -> bool:
    """Tell whether a TCP connection can be made."""
    try:
        with inside(netns):
            socket.create_connection((str(address), port), timeout).close()
    except OSError:
        return False
    return True


def udp_ask(netns: Path, address: Address, port: int, data: bytes) -> bytes:
    """Send a datagram and return the answer.

    Raises:
        OSError: none came in time.

    """
    family = socket.AF_INET6 if ":" in str(address) else socket.AF_INET
    with inside(netns):
        asker = socket.socket(family, socket.SOCK_DGRAM)
    with asker:
        asker.settimeout(2)
        asker.connect((str(address), port))
        asker.send(data)
        return asker.recv(2048)
