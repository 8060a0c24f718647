"""Turns wishes for published ports into ports that are held."""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace

from plugin.drivers.base import Driver
from plugin.errors import RefusedError
from plugin.kernel.base import Kernel
from plugin.model.network import (
    Endpoint,
    IPAddress,
    Network,
    PortBinding,
    PortTarget,
    PublishedPort,
)
from plugin.model.resources import HostPort

# A binding, and where it is published.
_Wish = tuple[PortBinding, tuple[PortTarget, ...]]


def publish(
    kernel: Kernel,
    driver: Driver,
    network: Network,
    endpoint: Endpoint,
    bindings: Sequence[PortBinding],
) -> tuple[PublishedPort, ...]:
    """Hold a host port for each binding: all of them, or none.

    Neighbours that differ only in their host address get the same (moby, needSamePort).
    Raises PortTakenError, in Docker's words, for the first that nobody can have.
    """
    wishes = [(each, driver.port_targets(network, endpoint, each)) for each in bindings]
    published: list[PublishedPort] = []
    try:
        for group in _groups(wishes):
            published += _publish(kernel, group)
    except Exception:
        release(kernel, published)
        raise
    return tuple(published)


def opened(
    driver: Driver, network: Network, endpoint: Endpoint, bindings: Sequence[PortBinding]
) -> tuple[PublishedPort, ...]:
    """Ports of the container's own, which need nothing of the host's: those of routed families.

    Docker opens them on whatever network of the container (moby, TestRoutedNonGateway).  What the
    network could not publish is for the gateway to complain about.
    """
    found = []
    for binding in bindings:
        with suppress(RefusedError):
            targets = driver.port_targets(network, endpoint, binding)
            found += [_published(binding, each, 0) for each in targets if each.host_ip is None]
    return tuple(found)


def release(kernel: Kernel, published: Sequence[PublishedPort]) -> None:
    """Let go of ports that no plan holds yet."""
    kernel.release(
        [
            HostPort(protocol=port.protocol, address=port.host_ip, port=port.host_port)
            for port in published
            if port.host_ip is not None
        ]
    )


def _groups(wishes: Sequence[_Wish]) -> Iterator[list[_Wish]]:
    group: list[_Wish] = []
    for wish in wishes:
        if group and not all(_go_together(one, wish) for one in group):
            yield group
            group = []
        group.append(wish)
    if group:
        yield group


def _go_together(one: _Wish, other: _Wish) -> bool:
    """Whether one number is to be chosen, and can be had, for both."""
    ports = _candidates(one[0])
    if ports is not None and len(ports) == 1:
        return False
    bare = [replace(binding, host_ip=None) for binding, _ in (one, other)]
    return bare[0] == bare[1] and not any(
        _overlap(mine, theirs) for mine in _addresses([one]) for theirs in _addresses([other])
    )


def _overlap(one: IPAddress, other: IPAddress) -> bool:
    return one.version == other.version and (
        one == other or one.is_unspecified or other.is_unspecified
    )


def _addresses(group: Sequence[_Wish]) -> list[IPAddress]:
    return [each.host_ip for _, targets in group for each in targets if each.host_ip is not None]


def _publish(kernel: Kernel, group: Sequence[_Wish]) -> list[PublishedPort]:
    first, addresses = group[0][0], _addresses(group)
    number = kernel.reserve(first.protocol, addresses, _candidates(first)) if addresses else 0
    return [_published(binding, target, number) for binding, targets in group for target in targets]


def _published(binding: PortBinding, target: PortTarget, number: int) -> PublishedPort:
    return PublishedPort(
        protocol=binding.protocol,
        host_ip=target.host_ip,
        host_port=number if target.host_ip is not None else 0,
        container_ip=target.container_ip,
        container_port=binding.container_port,
    )


def _candidates(binding: PortBinding) -> range | None:
    """The ports to try; None leaves the choice to the kernel."""
    if not binding.host_port:
        return None
    return range(binding.host_port, max(binding.host_port, binding.host_port_end) + 1)
