"""Bridge mode: a bridge of one host, or one that the user named there."""

from typing import Final

from plugin.drivers.base import Driver
from plugin.drivers.bridged.bound import BridgedNetwork
from plugin.drivers.bridged.options import ENDPOINT_OPTIONS, OPTIONS
from plugin.model.ids import IfName


class BridgeNetwork(BridgedNetwork):
    """A bridge of the network's own, or one that others stand on, too."""

    def mtu_link(self) -> IfName | None:
        return self.adopted_bridge()

    def adopted_bridge(self) -> IfName | None:
        return self.bridge_options.named_bridge


BRIDGE: Final = Driver(
    mode="bridge", options=OPTIONS, endpoint_options=ENDPOINT_OPTIONS, bind=BridgeNetwork
)
