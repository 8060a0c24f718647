"""Published ports, as every mode has them: who publishes, what holds a port, where it leads."""

from enum import Enum
from ipaddress import IPv4Address, IPv6Address
from typing import Final

from plugin.drivers.options import Option, choice
from plugin.errors import RefusedError
from plugin.model.network import IPAddress, PortBinding, Protocol, PublishedPort
from plugin.model.ports import HostPort
from plugin.model.rules import Element


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
)


def any_address(version: int) -> IPAddress:
    """What stands for every address of a family."""
    return IPv4Address(0) if version == 4 else IPv6Address(0)


def held_port(port: PublishedPort, host_ip: IPAddress) -> HostPort:
    """The host's port, which nobody else shall take."""
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


def carried_elements(held: HostPort, *, strict: bool = False) -> frozenset[Element]:
    """What keeps containers from a port that the proxy carries, where a rule for what is routed would.

    ``strict`` ones are closed to all other networks, every one to internal and strict networks.
    No container is heard on the loopback address.
    """
    if held.address.is_loopback:
        return frozenset()
    where: tuple[str, ...] = (held.protocol.text, str(held.port))
    stem = "carried"
    if not held.address.is_unspecified:
        where, stem = (str(held.address), *where), "host_carried"
    names = [f"pn_{stem}", *([f"pn_strict_{stem}"] if strict else [])]
    return frozenset(Element(container=name, match=where) for name in names)


def translation(port: PublishedPort) -> Element:
    """What sends a packet for the host's port to the container's."""
    host_ip = port.host_ip or port.container_ip
    where = (port.protocol.text, str(port.host_port))
    target = (str(port.container_ip), str(port.container_port))
    if host_ip.is_unspecified:
        return Element(container=f"pn_ports{host_ip.version}", match=where, data=target)
    match = (str(host_ip), *where)
    return Element(container=f"pn_host_ports{host_ip.version}", match=match, data=target)
