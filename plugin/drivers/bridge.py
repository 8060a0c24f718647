"""Bridge mode: a bridge of one host, or one that the user named there."""

from typing import Any, ClassVar, Final

from plugin.drivers import dhcp
from plugin.drivers.base import BoundNetwork, Driver
from plugin.drivers.bridged.bound import BridgedNetwork
from plugin.drivers.bridged.lan import LanBridge
from plugin.drivers.bridged.options import ENDPOINT_OPTIONS as BRIDGE_ENDPOINT
from plugin.drivers.bridged.options import OPTIONS as BRIDGE_OPTIONS
from plugin.drivers.options import Option, Values
from plugin.errors import InvalidOptionError
from plugin.model.ids import IfName
from plugin.model.network import Endpoint, Network

OPTIONS: Final[tuple[Option[Any], ...]] = (*BRIDGE_OPTIONS, *dhcp.OPTIONS)
ENDPOINT_OPTIONS: Final[tuple[Option[Any], ...]] = (*BRIDGE_ENDPOINT, dhcp.NAME)


class BridgeNetwork(BridgedNetwork):
    """A bridge of the network's own, or one that others stand on, too."""

    endpoint_options: ClassVar[tuple[Option[Any], ...]] = ENDPOINT_OPTIONS

    def check_options(self) -> None:
        super().check_options()
        dhcp.check_options(self.network, self.options)

    def check_endpoint(self, endpoint: Endpoint) -> None:
        super().check_endpoint(endpoint)
        dhcp.check_endpoint(self.network, self.options, endpoint)

    def mtu_link(self) -> IfName | None:
        return self.adopted_bridge()

    def adopted_bridge(self) -> IfName | None:
        return self.bridge_options.named_bridge


def _bind(network: Network, options: Values) -> BoundNetwork:
    kind = LanBridge if _is_on_a_lan(options) else BridgeNetwork
    return kind(network=network, options=options)


def _is_on_a_lan(options: Values) -> bool:
    try:
        return options[dhcp.DHCP]
    except InvalidOptionError:
        return False  # it is refused when the options are checked


BRIDGE: Final = Driver(
    mode="bridge", options=OPTIONS, endpoint_options=ENDPOINT_OPTIONS, bind=_bind
)
