"""Turns wishes for published ports into ports that are held."""

from collections.abc import Sequence

from plugin.drivers.base import Driver
from plugin.kernel.base import Kernel
from plugin.model.network import Endpoint, Network, PortBinding, PublishedPort
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
    kernel.release(
        [
            HostPort(protocol=port.protocol, address=port.host_ip, port=port.host_port)
            for port in published
            if port.host_ip is not None
        ]
    )


def _publish_one(
    kernel: Kernel, driver: Driver, network: Network, endpoint: Endpoint, binding: PortBinding
) -> list[PublishedPort]:
    targets = driver.port_targets(network, endpoint, binding)
    addresses = [target.host_ip for target in targets if target.host_ip is not None]
    number = kernel.reserve(binding.protocol, addresses, _candidates(binding)) if addresses else 0
    return [
        PublishedPort(
            protocol=binding.protocol,
            host_ip=target.host_ip,
            host_port=number if target.host_ip is not None else 0,
            container_ip=target.container_ip,
            container_port=binding.container_port,
        )
        for target in targets
    ]


def _candidates(binding: PortBinding) -> range | None:
    """The ports to try; None leaves the choice to the kernel."""
    if not binding.host_port:
        return None
    return range(binding.host_port, max(binding.host_port, binding.host_port_end) + 1)
