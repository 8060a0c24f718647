"""A bridge of the host's that leads to a LAN, whose DHCP server gives containers their addresses.

The host is one neighbour among others there: it is no gateway, translates nothing, publishes nothing,
and the bridge, with its addresses and settings, stays its owner's.
"""

from collections.abc import Mapping
from dataclasses import replace
from functools import cached_property
from typing import Any, ClassVar, Final

from plugin.drivers import dhcp
from plugin.drivers.bridged.bound import BridgedNetwork
from plugin.drivers.bridged.network import membership
from plugin.drivers.bridged.options import (
    BRIDGE_NAME,
    ENDPOINT_OPTIONS,
    MTU,
    OPTIONS,
    RATE_FROM,
    RATE_TO,
    SPOOF_GUARD,
    GatewayMode,
)
from plugin.drivers.bridged.parsed import BridgeOptions
from plugin.drivers.dhcp import DhcpUse
from plugin.drivers.link_options import IFACE_PREFIX
from plugin.drivers.options import Option
from plugin.drivers.routes import (
    NO_DEFAULT_ROUTE,
    ROUTES,
    refuse_conflicts,
    routes_for,
    with_gateways,
)
from plugin.errors import InvalidOptionError, RefusedError
from plugin.model.ids import IfName, handoff_name
from plugin.model.network import (
    Attachment,
    Endpoint,
    GatewayNeeds,
    IPNetwork,
    PortBinding,
    PortTarget,
)
from plugin.model.parents import HostLink, ParentUse
from plugin.model.plan import Plan

KIND: Final = "bridge"
_TAKEN: Final[frozenset[str]] = frozenset(
    option.name
    for option in (
        *(BRIDGE_NAME, MTU, IFACE_PREFIX, SPOOF_GUARD),
        *(RATE_TO, RATE_FROM, ROUTES, NO_DEFAULT_ROUTE),
    )
)


class _LanOptions(BridgeOptions):
    """The host has no part in either family."""

    @cached_property
    def modes(self) -> dict[int, GatewayMode]:
        """How each family reaches the world outside: not by this host."""
        return {4: GatewayMode.ISOLATED, 6: GatewayMode.ISOLATED}


class LanBridge(BridgedNetwork):
    """Containers are neighbours of the LAN."""

    endpoint_options: ClassVar[tuple[Option[Any], ...]] = (*ENDPOINT_OPTIONS, dhcp.NAME)

    @cached_property
    def bridge_options(self) -> BridgeOptions:
        return _LanOptions(self.network, self.options)

    def check_options(self) -> None:
        self.options.check()
        if self.options[BRIDGE_NAME] is None:
            raise RefusedError(
                "option dhcp is true, and a bridge of the network's own leads to no LAN; set bridge_name to "
                "a bridge with the LAN's card in it, or choose mode=macvlan"
            )
        if self.network.internal:
            raise RefusedError(
                "option dhcp is true, and containers are on the LAN itself; leave out --internal"
            )
        for option in OPTIONS:
            if option.name not in _TAKEN and self.options.is_changed(option):
                raise RefusedError(
                    f"option {option.name} is {self.options.texts[option.name]}, and with dhcp=true the host "
                    f"has no part in the network that could do it; leave out {option.name}"
                )
        refuse_conflicts(self.network, self.options)
        dhcp.check_options(self.network, self.options)

    def check_endpoint(self, endpoint: Endpoint) -> None:
        super().check_endpoint(endpoint)
        dhcp.check_endpoint(self.network, self.options, endpoint)

    def gateway_needs(self) -> GatewayNeeds:
        return GatewayNeeds(skip_ipv4=True, skip_ipv6=True)

    def mtu_link(self) -> IfName | None:
        return self._bridge

    def adopted_bridge(self) -> IfName | None:
        return self._bridge

    def parent_use(self) -> ParentUse | None:
        return ParentUse(parent=self._bridge, kind=KIND, addressed=True, shared=True)

    def check_parent(self, links: Mapping[IfName, HostLink]) -> tuple[str, ...]:
        link = links.get(self._bridge)
        if link is None:
            return ()
        if link.kind != KIND or link.ifname != self._bridge:
            raise InvalidOptionError(
                BRIDGE_NAME.name,
                self._bridge,
                "a bridge; mode=macvlan takes a link of another kind",
            )
        if link.ours:
            raise RefusedError(
                f"bridge {link.ifname} is pynet's own, and leads to no LAN; choose a bridge with the LAN's "
                "card in it"
            )
        if not link.carrier:
            hint = f"bridge {link.ifname} has no port that is up; put the LAN's card into it: "
            return (f"{hint}ip link set CARD master {link.ifname}",)
        return ()

    def dhcp_use(self) -> DhcpUse | None:
        return dhcp.dhcp_use(self.network, self._bridge, self.options)

    def host_subnets(self) -> tuple[IPNetwork, ...]:
        return ()

    def network_plan(self) -> Plan:
        facts = membership(self.network, self._bridge, self.bridge_options)
        return Plan(resources=frozenset(facts), requires=frozenset({self._bridge}))

    def endpoint_plan(self, endpoint: Endpoint) -> Plan:
        network = self.network
        size = dhcp.leased_mtu(endpoint, network.uplink_mtu) or network.uplink_mtu
        ports = BridgedNetwork.endpoint_plan
        plain = replace(self, network=replace(network, pools=(), uplink_mtu=size))
        return replace(ports(plain, endpoint), requires=frozenset({self._bridge}))

    def port_targets(self, endpoint: Endpoint, binding: PortBinding) -> tuple[PortTarget, ...]:
        raise RefusedError(
            f"cannot publish port {binding.container_port}: with dhcp=true the host has no part in the "
            "network. Leave out -p, for all ports of the container are open at its own address"
        )

    def ports_plan(self, endpoint: Endpoint) -> Plan:
        return Plan()

    def attachment(self, endpoint: Endpoint) -> Attachment:
        attachment = Attachment(
            src_name=handoff_name(endpoint.id),
            dst_prefix=self.options[IFACE_PREFIX],
            dst_name=endpoint.ifname,
            routes=dhcp.with_leased_routes(routes_for(self.options, endpoint), endpoint),
            disable_gateway_service=True,
        )
        router = endpoint.facts.router if endpoint.facts else None
        return with_gateways(attachment, self.options, endpoint, [(4, router)])

    @property
    def _bridge(self) -> IfName:
        return self.bridge_options.bridge
