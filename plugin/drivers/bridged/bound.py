"""A network whose containers are on one bridge, behind the host.

The bridge gets a fixed MAC address when it is made.  Otherwise the kernel takes the lowest of its
ports' and changes it as ports come and go, and neighbours keep a stale entry.  All that the
firewall must know of a network is in sets and maps: a packet costs the same with one network
as with a thousand.
"""

from collections.abc import Sequence
from functools import cached_property
from typing import Any, ClassVar

from plugin.drivers.base import BoundNetwork
from plugin.drivers.bridged.conflicts import refuse_conflicts, refuse_for_endpoint
from plugin.drivers.bridged.network import (
    check_pools,
    forwarding,
    network_resources,
    stand_ins,
)
from plugin.drivers.bridged.options import (
    ENDPOINT_OPTIONS,
    GATEWAY_CONTAINER,
    INHIBIT_IPV4,
    RATE_FROM,
    RATE_TO,
    GatewayMode,
)
from plugin.drivers.bridged.parsed import BridgeOptions
from plugin.drivers.bridged.port_security import guard_resources
from plugin.drivers.bridged.ports import port_resources, port_targets
from plugin.drivers.endpoint_mac import made_mac
from plugin.drivers.link_options import IFACE_PREFIX
from plugin.drivers.options import Option, Values, container_values
from plugin.drivers.publishing import PUBLISH, Publisher
from plugin.drivers.routes import routes_for, with_gateways
from plugin.model.ids import (
    MacAddress,
    handoff_name,
    port_name,
    redirect_name,
)
from plugin.model.links import Veth
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
from plugin.model.plan import Plan
from plugin.model.resources import Resource
from plugin.model.shaping import IngressRedirect, RateLimit
from plugin.model.speakers import ContainerAddress


class BridgedNetwork(BoundNetwork):
    """A network on a bridge; a mode says what else the bridge is there for."""

    endpoint_options: ClassVar[tuple[Option[Any], ...]] = ENDPOINT_OPTIONS

    @cached_property
    def bridge_options(self) -> BridgeOptions:
        """Its options, and what they come to together."""
        return BridgeOptions(self.network, self.options)

    def check_options(self) -> None:
        self.options.check()
        _ = self.bridge_options.mtu
        refuse_conflicts(self.network, self.bridge_options)

    def check_endpoint(self, endpoint: Endpoint) -> None:
        own = self._own(endpoint)
        own.check()
        refuse_for_endpoint(self.network, self.bridge_options, endpoint, own)

    def gateway_needs(self) -> GatewayNeeds:
        """The host needs no address where it has no part, as in Docker's bridge driver."""
        options = self.bridge_options
        return GatewayNeeds(
            skip_ipv4=options.modes[4] is GatewayMode.ISOLATED
            or (self.network.internal and options[INHIBIT_IPV4]),
            skip_ipv6=options.modes[6] is GatewayMode.ISOLATED,
        )

    def host_subnets(self) -> tuple[IPNetwork, ...]:
        return tuple(pool.prefix for pool in self.network.pools)

    def shared_plan(self, endpoints: Sequence[Endpoint]) -> Plan:
        if not self.options[GATEWAY_CONTAINER]:
            return Plan()  # the cost of a join is not to grow with those who have joined
        joined = frozenset(
            interface.ip
            for endpoint in endpoints
            if endpoint.joined
            for interface in endpoint.interfaces
        )
        return Plan(resources=stand_ins(self.bridge_options, joined))

    def network_plan(self) -> Plan:
        check_pools(self.network)
        return Plan(resources=network_resources(self.network, self.bridge_options))

    def mac_address(self, endpoint: Endpoint) -> MacAddress:
        return made_mac(self.network, endpoint)

    def endpoint_plan(self, endpoint: Endpoint) -> Plan:
        network, options, own = self.network, self.bridge_options, self._own(endpoint)
        port = Veth(
            ifname=port_name(endpoint.id),
            peer=handoff_name(endpoint.id),
            peer_mac_address=endpoint.mac_address,
            master=options.bridge,
            mtu=options.mtu,
            owner=f"{network.id}/{endpoint.id}",
        )
        guards = guard_resources(options, endpoint, own)
        bounds = _bounds(options, endpoint, own, port)
        members = _members(network, endpoint)
        resources = {port, *guards, *members, *bounds, *forwarding(network, options)}
        return Plan(resources=frozenset(resources), handoff=port.peer)

    def port_targets(self, endpoint: Endpoint, binding: PortBinding) -> tuple[PortTarget, ...]:
        return port_targets(self.network, self.bridge_options, endpoint, binding)

    def ports_plan(self, endpoint: Endpoint) -> Plan:
        return Plan(resources=port_resources(self.bridge_options, endpoint))

    def attachment(self, endpoint: Endpoint) -> Attachment:
        """An internal network has no gateway: dockerd would apply one if it were returned.

        Without a gateway and without DisableGatewayService, dockerd adds docker_gwbridge,
        which then is the gateway and publishes ports (``publish=docker``).
        """
        options = self.bridge_options
        attachment = Attachment(
            src_name=handoff_name(endpoint.id),
            dst_prefix=options[IFACE_PREFIX],
            dst_name=endpoint.ifname,
            routes=routes_for(self.options, endpoint),
        )
        if self.network.internal or options[PUBLISH] is Publisher.DOCKER:
            return attachment
        found = [
            (each.version, _gateway(self.network, options, each))
            for each in endpoint.interfaces
            if options.modes[each.version] is not GatewayMode.ISOLATED
        ]
        return with_gateways(attachment, self.options, endpoint, found)

    def _own(self, endpoint: Endpoint) -> Values:
        return container_values(self.endpoint_options, endpoint.options)


def _members(network: Network, endpoint: Endpoint) -> list[ContainerAddress]:
    """Who on a bridge that others stand on, too, is a container."""
    if not network.foreign_parent:
        return []
    return [ContainerAddress(address=each.ip) for each in endpoint.interfaces]


def _bounds(options: BridgeOptions, endpoint: Endpoint, own: Values, port: Veth) -> list[Resource]:
    """What the container sends comes in by the host's end of its link, and is redirected first."""
    rate_to = own[RATE_TO] or options[RATE_TO]
    rate_from = own[RATE_FROM] or options[RATE_FROM]
    bounds: list[Resource] = []
    if rate_to is not None:
        bounds.append(RateLimit(ifname=port.ifname, rate=rate_to))
    if rate_from is not None:
        redirect = IngressRedirect(
            ifname=redirect_name(endpoint.id), source=port.ifname, owner=port.owner
        )
        bounds += [redirect, RateLimit(ifname=redirect.ifname, rate=rate_from)]
    return bounds


def _gateway(network: Network, options: BridgeOptions, interface: IPInterface) -> IPAddress | None:
    """The gateway of the subnet the address lies in, unless an auxiliary address replaces it.

    ``DefaultGatewayIPv4`` and ``DefaultGatewayIPv6`` are Docker's names for it
    (moby, drivers/bridge: the container's gateway may be other than the bridge's address).
    """
    for address in options[GATEWAY_CONTAINER]:
        if address.version == interface.version and address != interface.ip:
            return address
    for pool in network.pools:
        if interface.ip in pool.prefix:
            other = pool.auxiliary.get(f"DefaultGatewayIPv{pool.prefix.version}")
            chosen = other or pool.gateway
            return chosen.ip if chosen else None
    return None
