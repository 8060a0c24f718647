"""Published ports of a bridge network: where they are, and what they need there.

A routed family publishes nothing on the host: the container's own port is opened, and a
PublishedPort without a host address says so.  What address translation cannot do is left to
the proxy: [::1], which has no route_localnet, and an IPv6 address of the host for a
container without one.
"""

from plugin.drivers.bridge.options import GatewayMode, Isolation
from plugin.drivers.bridge.reading import BridgeOptions
from plugin.drivers.publishing import (
    Publisher,
    any_address,
    carried_elements,
    held_port,
    is_carried,
    not_carried,
    translation,
)
from plugin.errors import RefusedError
from plugin.model.ids import port_name
from plugin.model.network import (
    Endpoint,
    IPAddress,
    Network,
    PortBinding,
    PortTarget,
    PublishedPort,
)
from plugin.model.resources import Element, Hairpin, ProxiedPort, Resource


def port_targets(
    network: Network, options: BridgeOptions, endpoint: Endpoint, binding: PortBinding
) -> tuple[PortTarget, ...]:
    """0.0.0.0 by default means any address of each family, as it does to Docker; [::] that family's.

    IPv6 of the host does not lead to a container whose only family is routed: several
    containers could not have the same port then.
    """
    if network.internal or options.publisher is Publisher.DOCKER:
        return ()
    own: dict[int, IPAddress] = {
        interface.version: interface.ip for interface in endpoint.interfaces
    }
    host_ip = binding.host_ip or options.host_binding
    if binding.host_ip is not None or host_ip != any_address(4):
        return (_target(options, own, host_ip, binding),)
    families = sorted(own)
    routed = options.modes[4] is GatewayMode.ROUTED
    proxied = options.proxy and is_carried(binding.protocol) and not routed
    if families == [4] and network.host_ipv6 and proxied:
        families.append(6)
    return tuple(_target(options, own, any_address(version), binding) for version in families)


def port_resources(options: BridgeOptions, endpoint: Endpoint) -> frozenset[Resource]:
    """What the ports of an endpoint need while they are published."""
    if not endpoint.published:
        return frozenset()
    resources: set[Resource] = {Hairpin(ifname=port_name(endpoint.id))}
    for port in endpoint.published:
        resources |= _resources(options, port)
    return frozenset(resources)


def _target(
    options: BridgeOptions,
    own: dict[int, IPAddress],
    host_ip: IPAddress,
    binding: PortBinding,
) -> PortTarget:
    version = host_ip.version
    if version == 6 and 6 not in own and (options.proxy or options.modes[4] is GatewayMode.ROUTED):
        version = 4
    if version in own:
        if options.modes[version] is GatewayMode.ROUTED:
            return PortTarget(host_ip=None, container_ip=own[version])
        if version != host_ip.version and not is_carried(binding.protocol):
            raise not_carried(binding, host_ip)
        return PortTarget(host_ip=host_ip, container_ip=own[version])
    raise RefusedError(
        f"cannot publish port {binding.container_port} on {host_ip}: "
        f"the container has no IPv{host_ip.version} address on this network"
    )


def _resources(options: BridgeOptions, port: PublishedPort) -> set[Resource]:
    family = str(port.container_ip.version)
    number = str(port.container_port)
    if port.host_ip is None:
        match = (str(port.container_ip), port.protocol.text, number)
        return {Element(container=f"pn_routed_ports{family}", match=match)}
    held = held_port(port, port.host_ip)
    resources: set[Resource] = {held}
    crosses = port.host_ip.version != port.container_ip.version
    if not crosses:
        resources.add(translation(port))
    carried = options.proxy and is_carried(port.protocol)
    if carried and (crosses or _includes_loopback6(port.host_ip)):
        resources |= carried_elements(held, strict=options.isolation is Isolation.STRICT)
        resources.add(ProxiedPort(held=held, address=port.container_ip, port=port.container_port))
    return resources


def _includes_loopback6(address: IPAddress) -> bool:
    return address.version == 6 and (address.is_unspecified or address.is_loopback)
