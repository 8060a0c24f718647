"""Which modes there are."""

from typing import Final

from plugin.drivers.base import Driver
from plugin.drivers.bridge import BridgeDriver
from plugin.drivers.ipvlan import IpvlanDriver
from plugin.drivers.macvlan import MacvlanDriver
from plugin.drivers.null import NullDriver
from plugin.errors import InvalidOptionError

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
        raise InvalidOptionError("mode", mode, f"one of {', '.join(_DRIVERS)}") from None
