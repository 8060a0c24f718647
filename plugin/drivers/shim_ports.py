"""Published ports of containers that stand on a parent: the host reaches them by its shim."""

from plugin.drivers.host_access import HostAccess
from plugin.drivers.publishing import (
    any_address,
    barred,
    held_port,
    is_carried,
    meets_loopback4,
    not_carried,
    translation,
)
from plugin.errors import RefusedError
from plugin.model.nat import HostSeenAs
from plugin.model.network import Endpoint, IPAddress, PortBinding, PortTarget, PublishedPort
from plugin.model.ports import ProxiedPort
from plugin.model.resources import Resource
from plugin.model.sysctls import RouteLocalnet, Sysctl


def port_targets(
    host: HostAccess, endpoint: Endpoint, binding: PortBinding
) -> tuple[PortTarget, ...]:
    """Any address means one of each family, as it does to Docker.  Raises RefusedError."""
    if host.network.internal or host.by_docker:
        return ()
    if not host.has_access:
        raise RefusedError(
            f"cannot publish port {binding.container_port}: the host does not reach containers of "
            "this network. Leave out -p, for all ports of the container are open at its own "
            f"address, or make the network with host_access=true or publish=docker"
        )
    own = endpoint.answering
    if binding.host_ip is not None:
        addresses = [binding.host_ip]
    else:
        families = sorted(own)
        if families == [4] and host.network.host_ipv6:
            families.append(6)
        if 4 in own and not is_carried(binding.protocol):
            families = [4]
        addresses = [any_address(version) for version in families]
    if endpoint.no_proxy_6to4 and 6 not in own:
        addresses = [address for address in addresses if address.version == 4]
    targets = [_target(own, address, binding) for address in addresses]
    return tuple(target for target in targets if target is not None)


def port_resources(host: HostAccess, endpoint: Endpoint) -> frozenset[Resource]:
    """What the ports of an endpoint need while they are published.

    IPv4 is translated.  The source is translated to the host's address, or the answer would take
    another route.  IPv6 goes through the proxy: translation needs IPv6 forwarding, and a host
    that forwards ignores router advertisements (kernel doc ip-sysctl).
    """
    resources: set[Resource] = set()
    for port in endpoint.published:
        resources |= _port(host, endpoint, port)
    return frozenset(resources)


def _target(
    own: dict[int, IPAddress], host_ip: IPAddress, binding: PortBinding
) -> PortTarget | None:
    """The proxy crosses from IPv6 to IPv4, too, and is the way to every port of IPv6."""
    if host_ip.version == 6 and not is_carried(binding.protocol):
        raise not_carried(binding, host_ip)
    container_ip = own.get(host_ip.version) or (own.get(4) if host_ip.version == 6 else None)
    if container_ip is None:
        return None  # it is the other gateway's of its sandbox
    return PortTarget(host_ip=host_ip, container_ip=container_ip)


def _port(host: HostAccess, endpoint: Endpoint, port: PublishedPort) -> set[Resource]:
    if port.host_ip is None:
        return set()
    held = held_port(port, port.host_ip)
    if port.host_ip.version == 6:
        proxied = ProxiedPort(held=held, address=port.container_ip, port=port.container_port)
        return {held, proxied, *barred(held)}
    resources: set[Resource] = {
        held,
        translation(port),
        Sysctl(name="net/ipv4/ip_forward", value="1"),
    }
    source = None if endpoint.ipv4 is None else host.address_for(endpoint.ipv4)
    if source is not None:
        resources.add(HostSeenAs(container_ip=port.container_ip, host_ip=source))
    if meets_loopback4(port):
        resources.add(RouteLocalnet(ifname=host.ifname))
    return resources
