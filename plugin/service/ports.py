"""Hold host ports for the port bindings of an endpoint."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace

from plugin import deadline
from plugin.drivers.base import BoundNetwork
from plugin.errors import PortTakenError, RefusedError
from plugin.kernel.base import Kernel
from plugin.model.ids import short
from plugin.model.network import (
    Endpoint,
    IPAddress,
    PortBinding,
    PortTarget,
    Protocol,
    PublishedPort,
)
from plugin.model.ports import HostPort
from plugin.store.base import Store

# A binding, and where it is published.
_Wish = tuple[PortBinding, tuple[PortTarget, ...]]


def publish(
    kernel: Kernel,
    bound: BoundNetwork,
    endpoint: Endpoint,
    beside: Sequence[PublishedPort] = (),
) -> tuple[PublishedPort, ...]:
    """Hold a host port for each binding that is not published yet: all of them, or none.

    Neighbours that differ only in their host address get the same port (moby, needSamePort).  So
    do the two gateways of a sandbox; ``beside`` is what the other one has published.
    Raises PortTakenError, in Docker's words, for the first port that is taken.
    """
    known = _Numbers(endpoint.published)
    wishes = [
        (binding, tuple(each for each in targets if not known.of(binding, each)))
        for binding, targets in _targets(bound, endpoint)
    ]
    numbers = _Numbers((*endpoint.published, *beside))
    published: list[PublishedPort] = []
    try:
        for group in _groups(wishes):
            deadline.check()
            published += _publish(kernel, group, numbers)
    except Exception:
        release(kernel, published)
        raise
    return tuple(published)


@contextmanager
def naming_holders(store: Store, bindings: Sequence[PortBinding]) -> Iterator[None]:
    """Say in the refusal of a taken port who has it.  Raises PortTakenError."""
    try:
        yield
    except PortTakenError as error:
        protocols = {each.protocol for each in bindings if error.port in (_candidates(each) or ())}
        raise PortTakenError(error.address, error.port, _holder(store, error, protocols)) from error


def _holder(store: Store, error: PortTakenError, protocols: set[Protocol]) -> str:
    for protocol in protocols:
        for endpoint in store.endpoints_publishing(protocol, error.port):
            for port in endpoint.published:
                if (port.protocol, port.host_port) == (protocol, error.port):
                    return (
                        f"pynet publishes it for {port.container_ip}:{port.container_port} (endpoint "
                        f"{short(endpoint.id)}, network {short(endpoint.network_id)}); 'pynet ports' has the name"
                    )
    return f"'ss -tulnp sport = :{error.port}' shows the program that has it"


def kept(bound: BoundNetwork, endpoint: Endpoint) -> tuple[PublishedPort, ...]:
    """What of its published ports the endpoint's bindings still ask for."""
    if not endpoint.published:
        return ()
    wanted = {
        (binding.protocol, binding.container_port, target)
        for binding, targets in _targets(bound, endpoint)
        for target in targets
    }
    return tuple(
        port
        for port in endpoint.published
        if (port.protocol, port.container_port, _target_of(port)) in wanted
    )


def opened(
    bound: BoundNetwork, endpoint: Endpoint, bindings: Sequence[PortBinding]
) -> tuple[PublishedPort, ...]:
    """Ports that are opened at the container itself and take no host port: in routed families.

    Docker opens them on every network of the container (moby, TestRoutedNonGateway).  A binding
    that this network cannot publish is reported when the gateway is programmed.
    """
    found = []
    for binding in bindings:
        with suppress(RefusedError):
            targets = bound.port_targets(endpoint, binding)
            found += [_published(binding, each, 0) for each in targets if each.host_ip is None]
    return tuple(found)


def release(kernel: Kernel, published: Sequence[PublishedPort]) -> None:
    """Release ports that no plan holds yet."""
    kernel.release(
        [
            HostPort(protocol=port.protocol, address=port.host_ip, port=port.host_port)
            for port in published
            if port.host_ip is not None
        ]
    )


def asked(bindings: Iterable[PortBinding]) -> Iterator[tuple[Protocol, int]]:
    """The numbers of the host's ports that may be chosen for bindings that name some."""
    for binding in bindings:
        for number in _candidates(binding) or ():
            yield binding.protocol, number


def collide(one: PublishedPort, other: PublishedPort) -> bool:
    """Whether one socket at most can hold both."""
    if one.host_ip is None or other.host_ip is None:
        return False
    numbers = [(each.protocol, each.host_port) for each in (one, other)]
    return numbers[0] == numbers[1] and _overlap(one.host_ip, other.host_ip)


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


def _publish(kernel: Kernel, group: Sequence[_Wish], numbers: "_Numbers") -> list[PublishedPort]:
    first, addresses = group[0][0], _addresses(group)
    number = _reserve(kernel, first, addresses, numbers) if addresses else 0
    return [_published(binding, target, number) for binding, targets in group for target in targets]


def _reserve(
    kernel: Kernel, binding: PortBinding, addresses: Sequence[IPAddress], numbers: "_Numbers"
) -> int:
    """The number that the container's port has at other addresses, or another if that is taken."""
    ports = _candidates(binding)
    known = numbers.take(binding)
    if known is not None:
        with suppress(PortTakenError):
            return kernel.reserve(binding.protocol, addresses, range(known, known + 1))
    return kernel.reserve(binding.protocol, addresses, ports)


class _Numbers:
    """The host's port numbers of what is published."""

    def __init__(self, published: Iterable[PublishedPort]) -> None:
        self._at: dict[tuple[Protocol, int, PortTarget], list[int]] = {}
        self._any: dict[tuple[Protocol, int], list[int]] = {}
        for port in published:
            key = (port.protocol, port.container_port)
            self._at.setdefault((*key, _target_of(port)), []).append(port.host_port)
            if port.host_ip is not None:
                self._any.setdefault(key, []).append(port.host_port)

    def of(self, binding: PortBinding, target: PortTarget) -> bool:
        """Whether the binding is published at the target."""
        found = self._at.get((binding.protocol, binding.container_port, target), ())
        return any(target.host_ip is None or _may_be(binding, number) for number in found)

    def take(self, binding: PortBinding) -> int | None:
        """A number that the binding may have, given once; None if there is none."""
        known = self._any.get((binding.protocol, binding.container_port), [])
        for number in known:
            if _may_be(binding, number):
                known.remove(number)
                return number
        return None


def _may_be(binding: PortBinding, number: int) -> bool:
    ports = _candidates(binding)
    return ports is None or number in ports


def _targets(bound: BoundNetwork, endpoint: Endpoint) -> list[_Wish]:
    return [(each, bound.port_targets(endpoint, each)) for each in endpoint.bindings]


def _target_of(port: PublishedPort) -> PortTarget:
    return PortTarget(host_ip=port.host_ip, container_ip=port.container_ip)


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
