"""Bridge mode: containers of a network on a bridge of their own, behind the host.

The bridge has its MAC address from birth: without one the kernel gives it the lowest
of its ports' and changes it as ports come and go, and neighbours keep a stale entry.
Everything the firewall must know of a network is in sets and maps, so that a packet
costs the same with one network as with a thousand.
"""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from plugin.drivers.bridge.contradictions import refuse_contradictions, refuse_for_endpoint
from plugin.drivers.bridge.guards import guard_resources
from plugin.drivers.bridge.network import (
    bridge_of,
    check_pools,
    forwarding,
    network_resources,
    stand_ins,
)
from plugin.drivers.bridge.options import (
    ENDPOINT_OPTIONS,
    OPTIONS,
    RATE_FROM,
    RATE_TO,
    GatewayMode,
)
from plugin.drivers.bridge.ports import port_resources, port_targets
from plugin.drivers.bridge.reading import BridgeOptions, read_options
from plugin.drivers.chosen import made_mac
from plugin.drivers.options import Option
from plugin.drivers.publishing import Publisher
from plugin.drivers.routes import routes_for, with_gateways
from plugin.model.ids import (
    IfName,
    MacAddress,
    detour_name,
    handoff_name,
    port_name,
)
from plugin.model.network import (
    Attachment,
    Endpoint,
    GatewayNeeds,
    IPAddress,
    IPInterface,
    IPNetwork,
    Network,
    PortBinding,
    PortTarget,
)
from plugin.model.parents import HostLink, ParentUse
from plugin.model.plan import Plan
from plugin.model.resources import Detour, Element, Limit, Resource, Veth


class BridgeDriver:
    """``-o mode=bridge``, the default."""

    mode: ClassVar[str] = "bridge"
    options: ClassVar[tuple[Option[Any], ...]] = OPTIONS
    endpoint_options: ClassVar[tuple[Option[Any], ...]] = ENDPOINT_OPTIONS

    def check_options(self, network: Network) -> None:
        refuse_contradictions(network, read_options(network))

    def check_endpoint(self, network: Network, endpoint: Endpoint) -> None:
        for option in ENDPOINT_OPTIONS:
            option.of(endpoint.options)
        refuse_for_endpoint(network, read_options(network), endpoint)

    def gateway_needs(self, network: Network) -> GatewayNeeds:
        """The host needs no address where it has no part, as in Docker's bridge driver."""
        options = read_options(network)
        return GatewayNeeds(
            skip_ipv4=options.modes[4] is GatewayMode.ISOLATED
            or (network.internal and options.inhibit_ipv4),
            skip_ipv6=options.modes[6] is GatewayMode.ISOLATED,
        )

    def parent(self, network: Network) -> IfName | None:
        return read_options(network).bridge

    def parent_use(self, network: Network) -> ParentUse | None:
        """Its bridge is its own, or the user's to share."""
        return None

    def check_parent(self, network: Network, links: Mapping[IfName, HostLink]) -> tuple[str, ...]:
        return ()

    def host_subnets(self, network: Network) -> tuple[IPNetwork, ...]:
        return tuple(pool.prefix for pool in network.pools)

    def shared_plan(self, network: Network, endpoints: Sequence[Endpoint]) -> Plan:
        options = read_options(network)
        if not options.gateway_containers:
            return Plan()  # the cost of a join is not to grow with those who have joined
        joined = frozenset(
            interface.ip
            for endpoint in endpoints
            if endpoint.joined
            for interface in endpoint.interfaces
        )
        return Plan(resources=stand_ins(network, options, joined))

    def network_plan(self, network: Network) -> Plan:
        options = read_options(network)
        check_pools(network)
        return Plan(resources=network_resources(network, options))

    def mac_address(self, network: Network, endpoint: Endpoint) -> MacAddress:
        return made_mac(network, endpoint)

    def endpoint_plan(self, network: Network, endpoint: Endpoint) -> Plan:
        options = read_options(network)
        port = Veth(
            ifname=port_name(endpoint.id),
            peer=handoff_name(endpoint.id),
            peer_mac_address=endpoint.mac_address,
            master=bridge_of(network, options),
            mtu=options.mtu,
            mark=f"{network.id}/{endpoint.id}",
        )
        guards = guard_resources(options, port.master, endpoint)
        bounds = _bounds(options, endpoint, port)
        members = _members(network, endpoint)
        resources = {port, *guards, *members, *bounds, *forwarding(network, options)}
        return Plan(resources=frozenset(resources), handoff=port.peer)

    def port_targets(
        self, network: Network, endpoint: Endpoint, binding: PortBinding
    ) -> tuple[PortTarget, ...]:
        return port_targets(network, read_options(network), endpoint, binding)

    def ports_plan(self, network: Network, endpoint: Endpoint) -> Plan:
        options = read_options(network)
        return Plan(resources=port_resources(bridge_of(network, options), options, endpoint))

    def attachment(self, network: Network, endpoint: Endpoint) -> Attachment:
        """An internal network has no gateway: dockerd would apply one if it were returned.

        Without a gateway and without DisableGatewayService, dockerd adds docker_gwbridge,
        which then is the gateway and publishes ports (``publish=docker``).
        """
        options = read_options(network)
        attachment = Attachment(
            src_name=handoff_name(endpoint.id),
            dst_prefix=options.iface_prefix,
            dst_name=endpoint.ifname,
            routes=routes_for(network, endpoint),
        )
        if network.internal or options.publisher is Publisher.DOCKER:
            return attachment
        found = [
            (each.version, _gateway(network, options, each))
            for each in endpoint.interfaces
            if options.modes[each.version] is not GatewayMode.ISOLATED
        ]
        return with_gateways(attachment, network, endpoint, found)


def _members(network: Network, endpoint: Endpoint) -> list[Element]:
    """Who on a bridge that others stand on, too, is a container."""
    if not network.foreign_parent:
        return []
    return [
        Element(container=f"pn_members{each.version}", match=(str(each.ip),))
        for each in endpoint.interfaces
    ]


def _bounds(options: BridgeOptions, endpoint: Endpoint, port: Veth) -> list[Resource]:
    """What the container sends comes in by the host's end of its link, so it takes a detour."""
    rate_to = RATE_TO.of(endpoint.options) or options.rate_to
    rate_from = RATE_FROM.of(endpoint.options) or options.rate_from
    bounds: list[Resource] = []
    if rate_to is not None:
        bounds.append(Limit(ifname=port.ifname, rate=rate_to))
    if rate_from is not None:
        detour = Detour(ifname=detour_name(endpoint.id), source=port.ifname, mark=port.mark)
        bounds += [detour, Limit(ifname=detour.ifname, rate=rate_from)]
    return bounds


def _gateway(network: Network, options: BridgeOptions, interface: IPInterface) -> IPAddress | None:
    """The gateway of the subnet the address lies in, unless an auxiliary address replaces it.

    ``DefaultGatewayIPv4`` and ``DefaultGatewayIPv6`` are Docker's names for it
    (moby, drivers/bridge: the container's gateway may be other than the bridge's address).
    """
    for address in options.gateway_containers:
        if address.version == interface.version and address != interface.ip:
            return address
    for pool in network.pools:
        if interface.ip in pool.prefix:
            other = pool.auxiliary.get(f"DefaultGatewayIPv{pool.prefix.version}")
            chosen = other or pool.gateway
            return chosen.ip if chosen else None
    return None
