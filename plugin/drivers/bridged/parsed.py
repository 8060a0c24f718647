"""The options of one network as a whole: values that follow from several options."""

from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar

from plugin.drivers.bridged.options import (
    BRIDGE_NAME,
    GATEWAY_MODE_IPV4,
    GATEWAY_MODE_IPV6,
    HOST_IPV4,
    HOST_IPV6,
    MTU,
    GatewayMode,
)
from plugin.drivers.options import MIN_MTU_IPV6, Option, Values
from plugin.errors import InvalidOptionError
from plugin.model.ids import IfName, MacAddress, bridge_name, derived_mac
from plugin.model.network import IPAddress, Network

T = TypeVar("T")


@dataclass(frozen=True)
class BridgeOptions:
    """Each option by itself (``options[ICC]``), and what they come to on this network."""

    network: Network
    values: Values

    def __getitem__(self, option: Option[T]) -> T:
        """The value of one option."""
        return self.values[option]

    @property
    def named_bridge(self) -> IfName | None:
        """A bridge that the user named, which may be there before the network, and others on it."""
        return self[BRIDGE_NAME]

    @property
    def identity(self) -> str:
        """What hardware addresses are made from: what they are to be the same for."""
        return self.network.id

    @cached_property
    def bridge_mac(self) -> MacAddress:
        """The bridge's hardware address, which is the gateway's."""
        return derived_mac(self.identity)

    @cached_property
    def bridge(self) -> IfName:
        """The name of the network's bridge."""
        return self[BRIDGE_NAME] or bridge_name(self.network.id)

    @cached_property
    def mtu(self) -> int:
        """That of all links; the host's link may have one that is too small.

        Raises InvalidOptionError.
        """
        size = self[MTU] or self.network.uplink_mtu
        if self.network.ipv6 and size < MIN_MTU_IPV6:
            raise InvalidOptionError(
                MTU.name, size, f"at least {MIN_MTU_IPV6} bytes on a network with IPv6"
            )
        return size

    @cached_property
    def modes(self) -> dict[int, GatewayMode]:
        """How each family reaches the world outside."""
        return {4: self[GATEWAY_MODE_IPV4], 6: self[GATEWAY_MODE_IPV6]}

    @cached_property
    def sources(self) -> dict[int, IPAddress]:
        """The addresses that containers have outside, of families for which one is chosen."""
        chosen = {4: self[HOST_IPV4], 6: self[HOST_IPV6]}
        return {version: each for version, each in chosen.items() if each is not None}
