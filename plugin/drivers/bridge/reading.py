"""The options of one network, read and seen together: contradictions are refused here."""

from dataclasses import dataclass

from plugin.drivers.bridge.options import (
    BRIDGE_NAME,
    ENDPOINT_OPTIONS,
    GATEWAY_CONTAINER,
    GATEWAY_MODE_IPV4,
    GATEWAY_MODE_IPV6,
    HOST_BINDING,
    HOST_IPV4,
    HOST_IPV6,
    ICC,
    IFACE_PREFIX,
    INHIBIT_IPV4,
    ISOLATION,
    MASQUERADE,
    MTU,
    PROXY,
    RATE_FROM,
    RATE_TO,
    ROUTES,
    SPOOF_GUARD,
    TRUSTED_INTERFACES,
    GatewayMode,
    Isolation,
)
from plugin.drivers.host_services import HOST_SERVICES
from plugin.drivers.options import MIN_MTU_IPV6
from plugin.drivers.publishing import PUBLISH, Publisher
from plugin.errors import InvalidOptionError, RefusedError
from plugin.model.ids import IfName
from plugin.model.network import IPAddress, Network, Protocol, StaticRoute


@dataclass(frozen=True, slots=True, kw_only=True)
class BridgeOptions:
    """The options of one network, complete and free of contradictions."""

    bridge: IfName | None
    mtu: int
    masquerade: bool
    icc: bool
    host_binding: IPAddress
    modes: dict[int, GatewayMode]
    inhibit_ipv4: bool
    trusted: tuple[IfName, ...]
    snat: dict[int, IPAddress]
    iface_prefix: str
    isolation: Isolation
    host_services: frozenset[tuple[Protocol, int]] | None
    spoof_guard: bool
    routes: tuple[StaticRoute, ...]
    gateway_containers: tuple[IPAddress, ...]
    rate_to: int | None
    rate_from: int | None
    publisher: Publisher
    proxy: bool

    @property
    def isolated(self) -> bool:
        """Whether the host has no part in the network at all."""
        return GatewayMode.ISOLATED in self.modes.values()


def read_options(network: Network) -> BridgeOptions:
    """Read all options of a network.  Raises RefusedError."""
    own = network.options
    options = BridgeOptions(
        bridge=BRIDGE_NAME.of(own),
        mtu=MTU.of(own) or network.uplink_mtu,
        masquerade=MASQUERADE.of(own),
        icc=ICC.of(own),
        host_binding=HOST_BINDING.of(own),
        modes={4: GATEWAY_MODE_IPV4.of(own), 6: GATEWAY_MODE_IPV6.of(own)},
        inhibit_ipv4=INHIBIT_IPV4.of(own),
        trusted=TRUSTED_INTERFACES.of(own),
        snat={
            version: address
            for version, address in ((4, HOST_IPV4.of(own)), (6, HOST_IPV6.of(own)))
            if address is not None
        },
        iface_prefix=IFACE_PREFIX.of(own),
        isolation=ISOLATION.of(own),
        host_services=HOST_SERVICES.of(own),
        spoof_guard=SPOOF_GUARD.of(own),
        routes=ROUTES.of(own),
        gateway_containers=GATEWAY_CONTAINER.of(own),
        rate_to=RATE_TO.of(own),
        rate_from=RATE_FROM.of(own),
        publisher=PUBLISH.of(own),
        proxy=PROXY.of(own),
    )
    _check(network, options)
    return options


def check_endpoint_options(options: dict[str, str]) -> None:
    """Refuse options of one container whose values mean nothing."""
    for option in ENDPOINT_OPTIONS:
        option.of(options)


def _check(network: Network, options: BridgeOptions) -> None:
    if network.ipv6 and options.mtu < MIN_MTU_IPV6:
        raise InvalidOptionError(
            MTU.name, options.mtu, f"at least {MIN_MTU_IPV6} bytes on a network with IPv6"
        )
    for version, mode in options.modes.items():
        if mode is GatewayMode.ISOLATED and not network.internal:
            raise RefusedError(
                f"option gateway_mode_ipv{version} is isolated, which a network can be with "
                "--internal only; add --internal or choose another mode"
            )
        if mode is GatewayMode.ROUTED and version in options.snat:
            raise RefusedError(
                f"option host_ipv{version} translates addresses and gateway_mode_ipv{version}="
                "routed does not; leave one of them out"
            )
    if network.internal and options.publisher is Publisher.DOCKER:
        raise RefusedError(
            "option publish is docker, and an internal network publishes nothing; leave out "
            "publish or --internal"
        )
    if options.gateway_containers and (network.internal or options.publisher is Publisher.DOCKER):
        raise RefusedError(
            "option gateway_container names a gateway, and containers have none of this network "
            "with --internal or publish=docker; leave out one of them"
        )
    if network.pools:
        _check_addresses(network, options)


def _check_addresses(network: Network, options: BridgeOptions) -> None:
    """What containers are to reach on the link must lie on it."""

    def on_link(address: IPAddress) -> bool:
        return any(address in pool.prefix for pool in network.pools)

    for address in options.gateway_containers:
        if not on_link(address):
            raise InvalidOptionError(GATEWAY_CONTAINER.name, address, GATEWAY_CONTAINER.expected)
    families = {pool.prefix.version for pool in network.pools}
    for route in options.routes:
        if route.destination.version not in families:
            raise InvalidOptionError(
                ROUTES.name, route.destination, "routes of families that the network has"
            )
        if route.next_hop is not None and not on_link(route.next_hop):
            raise InvalidOptionError(
                ROUTES.name, f"via {route.next_hop}", "a next hop in a subnet of the network"
            )
