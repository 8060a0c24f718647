"""What an engine tells of its swarm's nodes (moby, libnetwork/discoverapi)."""

from typing import Any, Final

from msgspec import Struct, convert
from msgspec import ValidationError as ConversionError

from plugin.model.network import IPAddress
from plugin.wire.decoding import parse_address
from plugin.wire.errors import WireError

_NODES: Final = 1  # NodeDiscovery
_DATA: Final = "$.DiscoveryData"


class NodeData(Struct, frozen=True, kw_only=True):
    """A node of the swarm (moby, libnetwork/discoverapi: NodeDiscoveryData).

    Other nodes know this one by its address for gossip, which is ``BindAddress``; ``Address`` is
    where ``--data-path-addr`` has it.  Of other nodes there is that for gossip only.
    """

    Address: str = ""
    BindAddress: str = ""
    Self: bool = False

    @property
    def address(self) -> IPAddress:
        """Where other nodes reach it.  Raises WireError."""
        if self.Self and self.BindAddress:
            found = parse_address(self.BindAddress, f"{_DATA}.BindAddress")
            if not found.is_unspecified:
                return found
        return parse_address(self.Address, f"{_DATA}.Address")


class DiscoveryNotification(Struct, frozen=True, kw_only=True):
    """DiscoverNew and DiscoverDelete: a node of the swarm came or went."""

    DiscoveryType: int = 0
    DiscoveryData: Any = None

    @property
    def node(self) -> NodeData | None:
        """The node; None if the notification is about something else.  Raises WireError."""
        if self.DiscoveryType != _NODES:
            return None
        try:
            return convert(self.DiscoveryData, NodeData)
        except ConversionError as error:
            raise WireError(_DATA, str(error)) from error
