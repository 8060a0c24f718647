"""What options cannot mean together: one row for each, refused when a network is made.

Not when it is read again: a network of an earlier pynet keeps what it was made with.  An option
that has nothing to do on a network, but does no harm either, is taken: it may be one of the
engine's defaults for all networks (``default-network-opts``).
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from plugin.drivers.bridged.options import (
    ENDPOINT_GATEWAY,
    ENDPOINT_ICC_ALLOW,
    GATEWAY_CONTAINER,
    GATEWAY_MODE_IPV4,
    GATEWAY_MODE_IPV6,
    HOST_BINDING,
    HOST_IPV4,
    HOST_IPV6,
    ICC,
    ISOLATION,
    MASQUERADE,
    PROXY,
    RATE_FROM,
    RATE_TO,
    SPOOF_GUARD,
    TRUSTED_INTERFACES,
    GatewayMode,
)
from plugin.drivers.bridged.parsed import BridgeOptions
from plugin.drivers.host_services import HOST_SERVICES
from plugin.drivers.options import Option, Values
from plugin.drivers.publishing import PUBLISH, Publisher
from plugin.drivers.routes import (
    NO_DEFAULT_ROUTE,
    ROUTES,
    check_next_hops,
    named_gateways,
)
from plugin.drivers.routes import refuse_conflicts as refuse_routes
from plugin.errors import InvalidOptionError, RefusedError
from plugin.model.network import Endpoint, IPAddress, Network, PoolData

_Condition = Callable[[BridgeOptions], bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class Conflict:
    """An option that was given another value than its default, when it cannot have one, and why."""

    option: Option[Any]
    excluded: _Condition
    why: str


def _internal(options: BridgeOptions) -> bool:
    return options.network.internal


def _by_docker(options: BridgeOptions) -> bool:
    return options[PUBLISH] is Publisher.DOCKER


def _isolated(mode: Option[GatewayMode]) -> _Condition:
    return lambda options: not options.network.internal and options[mode] is GatewayMode.ISOLATED


def _routed(mode: Option[GatewayMode]) -> _Condition:
    return lambda options: options[mode] is GatewayMode.ROUTED


_AND_HOST: Final = (
    "and with publish=docker containers reach the host by docker_gwbridge, where nothing of it is "
    "closed; leave out one of them"
)
_AND_PORTS: Final = (
    "and with publish=docker the engine publishes ports, on docker_gwbridge and in its own way; "
    "leave out one of them"
)
_AND_TENANTS: Final = (
    "and with publish=docker containers have a second link on docker_gwbridge, which nothing "
    "guards; leave out one of them, or start containers with --cap-drop NET_RAW"
)
_AND_WAY: Final = (
    "and with publish=docker the containers' way out of the network is docker_gwbridge, which "
    "ignores it; leave out one of them"
)
_DOCKERS_WAY: Final = "publish=docker has docker_gwbridge for its way out"
_BY_DOCKER: Final = {
    _AND_HOST: (HOST_SERVICES,),
    _AND_PORTS: (HOST_BINDING, PROXY, ISOLATION, TRUSTED_INTERFACES),
    _AND_WAY: (
        *(MASQUERADE, HOST_IPV4, HOST_IPV6, GATEWAY_MODE_IPV4, GATEWAY_MODE_IPV6),
        *(GATEWAY_CONTAINER, NO_DEFAULT_ROUTE, RATE_TO, RATE_FROM),
    ),
}
CONFLICTS: Final = (
    *(
        Conflict(
            option=mode,
            excluded=_isolated(mode),
            why="which a network can be with --internal only; add --internal or choose another mode",
        )
        for mode in (GATEWAY_MODE_IPV4, GATEWAY_MODE_IPV6)
    ),
    *(
        Conflict(
            option=source,
            excluded=_routed(mode),
            why=f"and {mode.name}=routed translates no addresses; leave out one of them",
        )
        for source, mode in ((HOST_IPV4, GATEWAY_MODE_IPV4), (HOST_IPV6, GATEWAY_MODE_IPV6))
    ),
    Conflict(
        option=PUBLISH,
        excluded=_internal,
        why="and an internal network publishes nothing; leave out publish or --internal",
    ),
    Conflict(
        option=GATEWAY_CONTAINER,
        excluded=_internal,
        why="and containers have no gateway with --internal; leave out one of them",
    ),
    Conflict(
        option=TRUSTED_INTERFACES,
        excluded=_internal,
        why="and an internal network is closed to every link of the host; leave out "
        "trusted_interfaces or --internal",
    ),
    *(
        Conflict(option=option, excluded=_by_docker, why=why)
        for why, options in _BY_DOCKER.items()
        for option in options
    ),
)


def refuse_conflicts(network: Network, options: BridgeOptions) -> None:
    """Refuse what a network cannot be.  Raises RefusedError."""
    values = options.values
    for each in CONFLICTS:
        if values.is_changed(each.option) and each.excluded(options):
            raise RefusedError(_sentence(each.option, values, each.why))
    # The default stays: it guards the link that is pynet's.
    by_docker = _by_docker(options)
    if SPOOF_GUARD.name in values.texts and options[SPOOF_GUARD] and by_docker:
        raise RefusedError(_sentence(SPOOF_GUARD, values, _AND_TENANTS))
    refuse_routes(network, values, _DOCKERS_WAY if by_docker else "")
    _refuse_two_gateways(options.values)
    if network.pools:  # they are not known yet when an engine asks about gateways
        _check_gateway_containers(network, options)
        check_next_hops(network, values)
        _check_room(network)


def refuse_for_endpoint(
    network: Network, options: BridgeOptions, endpoint: Endpoint, own: Values
) -> None:
    """Refuse what a container cannot be on its network.

    Raises RefusedError, InvalidOptionError.
    """
    if own.is_changed(ENDPOINT_ICC_ALLOW) and options[ICC]:
        why = (
            "and on this network all containers reach each other; leave it out, or make the network "
            "with icc=false"
        )
        raise RefusedError(_sentence(ENDPOINT_ICC_ALLOW, own, why))
    for address in own[ENDPOINT_ICC_ALLOW]:
        if _pool_of(network, address) is None:
            raise InvalidOptionError(ENDPOINT_ICC_ALLOW.name, address, "an address of the network")
    for option in (RATE_TO, RATE_FROM):
        if own.is_changed(option) and options[PUBLISH] is Publisher.DOCKER:
            raise RefusedError(_sentence(option, own, _AND_WAY))
    _check_gateway(options, endpoint, own)
    if options.named_bridge is None and endpoint.mac_address == options.bridge_mac:
        raise RefusedError(
            f"MAC address {endpoint.mac_address} is that of the network's bridge; choose another"
        )


def _check_gateway(options: BridgeOptions, endpoint: Endpoint, own: Values) -> None:
    """Refuse a container that got the gateway's address by chance.

    An IPAM may give the gateway's address to any container, and does not tell whether it was
    requested.  Only a container whose user asks for it may get the packets of all others.
    """
    here = [each.ip for each in endpoint.interfaces if each.ip in options[GATEWAY_CONTAINER]]
    wanted = own[ENDPOINT_GATEWAY]
    if here and not wanted:
        raise RefusedError(
            f"address {here[0]} is that of the network's gateway_container: start that one with "
            f"--driver-opt {ENDPOINT_GATEWAY.name}=true and the address, or any other with another "
            "--ip; a network whose --ip-range leaves the address out never assigns it by chance"
        )
    if wanted and not here:
        raise InvalidOptionError(
            ENDPOINT_GATEWAY.name, "true", "the address that the network's gateway_container names"
        )


def _refuse_two_gateways(options: Values) -> None:
    named = named_gateways(options)
    for address in options[GATEWAY_CONTAINER]:
        if address.version in options[NO_DEFAULT_ROUTE]:
            why = "and no container has a gateway with no_default_route; leave out one of them"
            raise RefusedError(_sentence(GATEWAY_CONTAINER, options, why))
        if address.version in named:
            why = f"and {ROUTES.name} has a default route of its family; leave out one of them"
            raise RefusedError(_sentence(GATEWAY_CONTAINER, options, why))


def _check_gateway_containers(network: Network, options: BridgeOptions) -> None:
    found = options[GATEWAY_CONTAINER]
    if len({address.version for address in found}) < len(found):
        text = network.options[GATEWAY_CONTAINER.name]
        raise InvalidOptionError(GATEWAY_CONTAINER.name, text, GATEWAY_CONTAINER.expected)
    for address in found:
        pool = _pool_of(network, address)
        if pool is None:
            raise InvalidOptionError(GATEWAY_CONTAINER.name, address, GATEWAY_CONTAINER.expected)
        if address in _no_containers(pool):
            raise InvalidOptionError(
                GATEWAY_CONTAINER.name, address, "an address that a container can have"
            )


def _check_room(network: Network) -> None:
    for pool in network.pools:
        if pool.prefix.num_addresses == 1 and pool.gateway is not None:
            raise RefusedError(
                f"subnet {pool.prefix} has one address, which is the bridge's, and none for a "
                "container; give a larger one with --subnet"
            )


def _no_containers(pool: PoolData) -> Iterator[IPAddress]:
    """The bridge's own, and the ends of a subnet that has ends (RFC 3021, RFC 6164)."""
    if pool.gateway is not None:
        yield pool.gateway.ip
    if pool.prefix.max_prefixlen - pool.prefix.prefixlen > 1:
        yield pool.prefix.network_address
        if pool.prefix.version == 4:
            yield pool.prefix.broadcast_address


def _pool_of(network: Network, address: IPAddress) -> PoolData | None:
    return next((pool for pool in network.pools if address in pool.prefix), None)


def _sentence(option: Option[Any], options: Values, why: str) -> str:
    return f"option {option.name} is {options.texts[option.name]}, {why}"
