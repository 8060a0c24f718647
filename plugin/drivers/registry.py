"""Which modes there are, and which options each has."""

from typing import Final

from plugin.drivers.base import Driver
from plugin.drivers.bridge import BridgeDriver
from plugin.drivers.ipvlan import IpvlanDriver
from plugin.drivers.macvlan import MacvlanDriver
from plugin.drivers.null import NullDriver
from plugin.drivers.options import MODE
from plugin.errors import InvalidOptionError, UnknownOptionError
from plugin.model.network import Endpoint, Network

DEFAULT_MODE: Final = BridgeDriver.mode
_DRIVERS: Final[dict[str, Driver]] = {
    driver.mode: driver
    for driver in (BridgeDriver(), MacvlanDriver(), IpvlanDriver(), NullDriver())
}


def modes() -> tuple[str, ...]:
    """Every mode, in the order a user should hear of them."""
    return tuple(_DRIVERS)


def driver_for(mode: str) -> Driver:
    """The driver of a mode, which the user named with ``-o mode=``."""
    try:
        return _DRIVERS[mode]
    except KeyError:
        raise InvalidOptionError(MODE, mode, f"one of {', '.join(_DRIVERS)}") from None


def check_network(network: Network) -> Driver:
    """The driver of a network, whose options it has and takes."""
    driver = driver_for(network.mode)
    known = [MODE, *(option.name for option in driver.options)]
    for name in network.options:
        if name not in known:
            elsewhere = _mode_that_has(name) or _is_a_containers(name)
            raise UnknownOptionError(name, f"in mode {driver.mode}", known, elsewhere)
    driver.check_options(network)
    return driver


def check_endpoint(network: Network, endpoint: Endpoint) -> Driver:
    """The driver of a network, which takes the endpoint and has its options."""
    driver = driver_for(network.mode)
    driver.check_endpoint(network, endpoint)
    known = [option.name for option in driver.endpoint_options]
    for name in endpoint.options:
        if name not in known:
            where = f"for a container in mode {driver.mode}"
            raise UnknownOptionError(name, where, known, _is_a_networks(name, driver))
    return driver


def option_names() -> frozenset[str]:
    """Every option of every mode, of networks and of containers."""
    options = (each for driver in _DRIVERS.values() for each in driver.options)
    own = (each for driver in _DRIVERS.values() for each in driver.endpoint_options)
    return frozenset({MODE, *(each.name for each in (*options, *own))})


def _is_a_containers(name: str) -> str | None:
    if not any(name == each.name for has in _DRIVERS.values() for each in has.endpoint_options):
        return None
    return f"it is an option of a container: --network name=NETWORK,driver-opt={name}=..."


def _mode_that_has(name: str) -> str | None:
    having = [each.mode for each in _DRIVERS.values() if name in _names(each)]
    if not having:
        return None
    return f"it belongs to mode {' or '.join(having)}: say -o {MODE}={having[0]}, or leave it out"


def _is_a_networks(name: str, driver: Driver) -> str | None:
    if name not in _names(driver):
        return None
    return f"it belongs to a network: docker network create -o {name}=..."


def _names(driver: Driver) -> list[str]:
    return [option.name for option in driver.options]
