"""The options of one network, read."""

from dataclasses import dataclass
from functools import lru_cache

from plugin.drivers.bridge.options import (
    BRIDGE_NAME,
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
    SPOOF_GUARD,
    TRUSTED_INTERFACES,
    GatewayMode,
    Isolation,
)
from plugin.drivers.host_services import HOST_SERVICES
from plugin.drivers.options import MIN_MTU_IPV6
from plugin.drivers.publishing import PUBLISH, Publisher
from plugin.drivers.routes import NO_DEFAULT_ROUTE, ROUTES
from plugin.errors import InvalidOptionError
from plugin.model.ids import IfName
from plugin.model.network import IPAddress, Network, Protocol, StaticRoute


@dataclass(frozen=True, slots=True, kw_only=True)
class BridgeOptions:
    """The options of one network, complete."""

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
    without_default: frozenset[int]
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
    return _read(tuple(network.options.items()), network.uplink_mtu, ipv6=network.ipv6)


@lru_cache(maxsize=256)
def _read(given: tuple[tuple[str, str], ...], uplink_mtu: int, *, ipv6: bool) -> BridgeOptions:
    """They are asked for with each port of a range."""
    own = dict(given)
    options = BridgeOptions(
        bridge=BRIDGE_NAME.of(own),
        mtu=MTU.of(own) or uplink_mtu,
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
        without_default=NO_DEFAULT_ROUTE.of(own),
        gateway_containers=GATEWAY_CONTAINER.of(own),
        rate_to=RATE_TO.of(own),
        rate_from=RATE_FROM.of(own),
        publisher=PUBLISH.of(own),
        proxy=PROXY.of(own),
    )
    if ipv6 and options.mtu < MIN_MTU_IPV6:  # that of the host's link may be smaller
        raise InvalidOptionError(
            MTU.name, options.mtu, f"at least {MIN_MTU_IPV6} bytes on a network with IPv6"
        )
    return options
