"""Turns wishes for published ports into ports that are held."""

from collections.abc import Sequence

from plugin.drivers.base import Driver
from plugin.kernel.base import Kernel
from plugin.model.network import Endpoint, IPAddress, Network, PortBinding, PublishedPort
from plugin.model.resources import HostPort


def publish(
    kernel: Kernel,
    driver: Driver,
    network: Network,
    endpoint: Endpoint,
    bindings: Sequence[PortBinding],
) -> tuple[PublishedPort, ...]:
    """Hold a host port for each binding: all of them, or none.

    Raises PortTakenError, in Docker's words, for the first that nobody can have.
    """
    published: list[PublishedPort] = []
    try:
        for binding in bindings:
            published += _publish_one(kernel, driver, network, endpoint, binding)
    except Exception:
        release(kernel, published)
        raise
    return tuple(published)


def release(kernel: Kernel, published: Sequence[PublishedPort]) -> None:
    """Let go of ports that no plan holds yet."""
    kernel.remove(
        [
            HostPort(protocol=port.protocol, address=port.host_ip, port=port.host_port)
            for port in published
        ]
    )


def _publish_one(
    kernel: Kernel, driver: Driver, network: Network, endpoint: Endpoint, binding: PortBinding
) -> list[PublishedPort]:
    addresses = driver.host_addresses(network, endpoint, binding)
    if not addresses:
        return []
    number = kernel.reserve(binding.protocol, addresses, _candidates(binding))
    return [
        PublishedPort(
            protocol=binding.protocol,
            host_ip=address,
            host_port=number,
            container_ip=_own_address(endpoint, address),
            container_port=binding.container_port,
        )
        for address in addresses
    ]


def _candidates(binding: PortBinding) -> range | None:
    """The ports to try; None leaves the choice to the kernel."""
    if not binding.host_port:
        return None
    return range(binding.host_port, max(binding.host_port, binding.host_port_end) + 1)


def _own_address(endpoint: Endpoint, host_ip: IPAddress) -> IPAddress:
    own = endpoint.ipv4 if host_ip.version == 4 else endpoint.ipv6
    if own is None:
        raise ValueError(f"the driver published on {host_ip} for an endpoint without its family")
    return own.ip
