"""Which modes there are, and which options each has."""

import difflib
from dataclasses import replace
from typing import Final

from plugin.drivers.base import BoundNetwork, Driver
from plugin.drivers.bridge import BRIDGE
from plugin.drivers.ipvlan import IPVLAN
from plugin.drivers.macvlan import MACVLAN
from plugin.drivers.null import NULL
from plugin.drivers.options import MODE, Values, container_values
from plugin.drivers.overlay import OVERLAY
from plugin.drivers.parent_choice import PARENT, is_for_host
from plugin.errors import InvalidOptionError, UnknownOptionError
from plugin.model.network import Endpoint, Network

DEFAULT_MODE: Final = BRIDGE.mode
SWARM_MODE: Final = OVERLAY.mode  # of a network that a manager allocates
DRIVERS: Final[dict[str, Driver]] = {
    driver.mode: driver for driver in (BRIDGE, OVERLAY, MACVLAN, IPVLAN, NULL)
}


def modes() -> tuple[str, ...]:
    """Every mode, in the order in which users read them."""
    return tuple(DRIVERS)


def driver_for(mode: str) -> Driver:
    """The driver of a mode, which the user named with ``-o mode=``.  Raises InvalidOptionError."""
    try:
        return DRIVERS[mode]
    except KeyError:
        near = difflib.get_close_matches(mode, modes(), n=1)
        meant = f"; did you mean {near[0]}?" if near else ""
        raise InvalidOptionError(MODE, mode, f"one of {', '.join(modes())}{meant}") from None


def bind(network: Network) -> BoundNetwork:
    """The network with its options read.  Raises InvalidOptionError for an unknown mode alone."""
    driver = driver_for(network.mode)
    return driver.bind(network, Values(driver.options, network.options))


def bind_nothing(network: Network) -> BoundNetwork:
    """A network of an unknown mode, as one that has nothing on the host."""
    return NULL.bind(replace(network, mode=NULL.mode), Values(NULL.options, {}))


def as_far_as_readable(bound: BoundNetwork, endpoint: Endpoint) -> Endpoint:
    """The endpoint without those options that cannot be read."""
    driver = driver_for(bound.network.mode)
    values = container_values(driver.endpoint_options, endpoint.options)
    readable = values.readable()
    return endpoint if readable is values else replace(endpoint, options=dict(readable.texts))


def check_network(network: Network) -> BoundNetwork:
    """The network, whose options its mode has and takes.

    Raises RefusedError: InvalidOptionError, UnknownOptionError and others.
    """
    driver = driver_for(network.mode)
    known = [MODE, *(option.name for option in driver.options)]
    has_parent = PARENT.name in known
    for name in network.options:
        if has_parent and is_for_host(name):
            continue
        if name not in known:
            elsewhere = _mode_that_has(name) or _is_a_containers(name)
            raise UnknownOptionError(name, f"in mode {driver.mode}", known, elsewhere)
    bound = bind(network)
    bound.check_options()
    return bound


def check_endpoint(bound: BoundNetwork, endpoint: Endpoint) -> None:
    """Refuse an endpoint that its network does not take, or an option that it does not have.

    Raises RefusedError: InvalidOptionError, UnknownOptionError and others.
    """
    driver = driver_for(bound.network.mode)
    bound.check_endpoint(endpoint)
    known = [option.name for option in driver.endpoint_options]
    for name in endpoint.options:
        if name not in known:
            where = f"for a container in mode {driver.mode}"
            raise UnknownOptionError(name, where, known, _is_a_networks(name, driver))


def option_names() -> frozenset[str]:
    """Every option of every mode, of networks and of containers."""
    options = (each for driver in DRIVERS.values() for each in driver.options)
    own = (each for driver in DRIVERS.values() for each in driver.endpoint_options)
    return frozenset({MODE, *(each.name for each in (*options, *own))})


def _is_a_containers(name: str) -> str | None:
    if not any(name == each.name for has in DRIVERS.values() for each in has.endpoint_options):
        return None
    return f"it is an option of a container: --network name=NETWORK,driver-opt={name}=..."


def _mode_that_has(name: str) -> str | None:
    name = PARENT.name if is_for_host(name) else name
    having = [each.mode for each in DRIVERS.values() if name in _names(each)]
    if not having:
        return None
    return f"it belongs to mode {' or '.join(having)}: add -o {MODE}={having[0]}, or leave it out"


def _is_a_networks(name: str, driver: Driver) -> str | None:
    if name not in _names(driver):
        return None
    return f"it belongs to a network: docker network create -o {name}=..."


def _names(driver: Driver) -> list[str]:
    return [option.name for option in driver.options]
