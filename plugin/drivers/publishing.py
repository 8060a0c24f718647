"""Published ports, as every mode has them: who publishes, what holds a port, where it leads."""

from enum import Enum
from ipaddress import IPv4Address, IPv6Address
from typing import Final

from plugin.drivers.options import Option, choice
from plugin.errors import RefusedError
from plugin.model.nat import Published
from plugin.model.network import IPAddress, PortBinding, Protocol, PublishedPort
from plugin.model.ports import HostPort
from plugin.model.traffic import Barred, BarredPort


class Publisher(Enum):
    """Who publishes ports."""

    PYNET = "pynet"
    DOCKER = "docker"


PUBLISH: Final = Option(
    name="publish",
    parse=choice(Publisher),
    default=Publisher.PYNET,
    expected="pynet or docker",
    meaning="Who publishes ports. With `docker` containers get a second link on docker_gwbridge, "
    "which is their gateway, and `docker ps` shows the ports.",
    of_host=True,
)


def any_address(version: int) -> IPAddress:
    """What stands for every address of a family."""
    return IPv4Address(0) if version == 4 else IPv6Address(0)


def held_port(port: PublishedPort, host_ip: IPAddress) -> HostPort:
    """The port of the host, which no other program may take."""
    return HostPort(protocol=port.protocol, address=host_ip, port=port.host_port)


def meets_loopback4(port: PublishedPort) -> bool:
    """Whether the host reaches the port at 127.0.0.1, or at another address of 127.0.0.0/8."""
    host_ip = port.host_ip
    if host_ip is None or host_ip.version != 4:
        return False
    return host_ip.is_unspecified or host_ip.is_loopback


def is_carried(protocol: Protocol) -> bool:
    """Whether the proxy knows the protocol: SCTP has messages in streams, not bytes."""
    return protocol is not Protocol.SCTP


def not_carried(binding: PortBinding, host_ip: IPAddress) -> RefusedError:
    """What to answer where the proxy would be the only way to a port that it cannot carry."""
    protocol = binding.protocol.text
    return RefusedError(
        f"cannot publish port {binding.container_port}/{protocol} on {host_ip}: that would need the "
        f"proxy, which does not know {protocol}; publish on an IPv4 address of the host"
    )


def barred(held: HostPort, *, strict: bool = False) -> list[BarredPort]:
    """The facts that close a port of the proxy to containers which a routed port is closed to.

    A ``strict`` port is closed to all other networks; every port is closed to internal and strict
    networks.  No container reaches a port on the loopback address.
    """
    if held.address.is_loopback:
        return []
    return [
        BarredPort(protocol=held.protocol, address=held.address, port=held.port, barred=each)
        for each in Barred
        if strict or each is Barred.CLOSED_NETWORKS
    ]


def translation(port: PublishedPort) -> Published:
    """What sends a packet for the host's port to the container's."""
    return Published(
        protocol=port.protocol,
        host_ip=port.host_ip or port.container_ip,
        host_port=port.host_port,
        container_ip=port.container_ip,
        container_port=port.container_port,
    )
