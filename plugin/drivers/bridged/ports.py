"""Published ports of a bridge network: their host addresses, and the resources they need.

A routed family publishes nothing on the host: the port of the container is opened, and its
PublishedPort has no host address.  The proxy does what address translation cannot: [::1], which
has no route_localnet, and IPv6 addresses of the host for a container with IPv4 only.
"""

from plugin.drivers.bridged.options import (
    HOST_BINDING,
    ISOLATION,
    PROXY,
    GatewayMode,
    Isolation,
)
from plugin.drivers.bridged.parsed import BridgeOptions
from plugin.drivers.publishing import (
    PUBLISH,
    Publisher,
    any_address,
    barred,
    held_port,
    is_carried,
    meets_loopback4,
    not_carried,
    translation,
)
from plugin.model.ids import port_name
from plugin.model.links import Hairpin
from plugin.model.network import (
    Endpoint,
    IPAddress,
    Network,
    PortBinding,
    PortTarget,
    PublishedPort,
)
from plugin.model.ports import ProxiedPort
from plugin.model.resources import Resource
from plugin.model.sysctls import RouteLocalnet
from plugin.model.traffic import OpenPort


def port_targets(
    network: Network, options: BridgeOptions, endpoint: Endpoint, binding: PortBinding
) -> tuple[PortTarget, ...]:
    """0.0.0.0 by default means any address of each family, as it does to Docker; [::] that family's.

    IPv6 of the host does not lead to a container whose only family is routed: several
    containers could not have the same port then.  An address of a family that the endpoint lacks is
    left to the other gateway of its sandbox, as Docker does: who that is comes out later.
    """
    if network.internal or options[PUBLISH] is Publisher.DOCKER:
        return ()
    own = endpoint.answering
    host_ip = binding.host_ip or options[HOST_BINDING]
    if binding.host_ip is not None or host_ip != any_address(4):
        target = _target(options, endpoint, host_ip, binding)
        return () if target is None else (target,)
    families = sorted(own)
    routed = options.modes[4] is GatewayMode.ROUTED
    proxied = options[PROXY] and is_carried(binding.protocol) and not routed
    if families == [4] and network.host_ipv6 and proxied and not endpoint.no_proxy_6to4:
        families.append(6)
    targets = [_target(options, endpoint, any_address(version), binding) for version in families]
    return tuple(target for target in targets if target is not None)


def port_resources(options: BridgeOptions, endpoint: Endpoint) -> frozenset[Resource]:
    """What the ports of an endpoint need while they are published.

    127.0.0.0/8 crosses the bridge only then: without rules, a container would reach what listens
    at 127.0.0.1 on the host.
    """
    if not endpoint.published:
        return frozenset()
    resources: set[Resource] = {Hairpin(ifname=port_name(endpoint.id))}
    for port in endpoint.published:
        resources |= _resources(options, port)
    if any(map(meets_loopback4, endpoint.published)):
        resources.add(RouteLocalnet(ifname=options.bridge))
    return frozenset(resources)


def _target(
    options: BridgeOptions, endpoint: Endpoint, host_ip: IPAddress, binding: PortBinding
) -> PortTarget | None:
    own, version = endpoint.answering, host_ip.version
    if version == 6 and 6 not in own and endpoint.no_proxy_6to4:
        return None
    if version == 6 and 6 not in own and (options[PROXY] or options.modes[4] is GatewayMode.ROUTED):
        version = 4
    if version in own:
        if options.modes[version] is GatewayMode.ROUTED:
            return PortTarget(host_ip=None, container_ip=own[version])
        if version != host_ip.version and not is_carried(binding.protocol):
            raise not_carried(binding, host_ip)
        return PortTarget(host_ip=host_ip, container_ip=own[version])
    return None


def _resources(options: BridgeOptions, port: PublishedPort) -> set[Resource]:
    if port.host_ip is None:
        open_port = OpenPort(
            protocol=port.protocol, address=port.container_ip, port=port.container_port
        )
        return {open_port}
    held = held_port(port, port.host_ip)
    resources: set[Resource] = {held}
    crosses = port.host_ip.version != port.container_ip.version
    if not crosses:
        resources.add(translation(port))
    carried = options[PROXY] and is_carried(port.protocol)
    if carried and (crosses or _includes_loopback6(port.host_ip)):
        resources.update(barred(held, strict=options[ISOLATION] is Isolation.STRICT))
        resources.add(ProxiedPort(held=held, address=port.container_ip, port=port.container_port))
    return resources


def _includes_loopback6(address: IPAddress) -> bool:
    return address.version == 6 and (address.is_unspecified or address.is_loopback)
