"""What the network side tells the address side, if both are ours.

An address that was requested and never used goes back to its pool; this is how its use is
known.  With another IPAM there is nobody to tell.
"""

from collections.abc import Sequence
from typing import Protocol

from plugin.model.network import IPInterface, PoolData


class AddressUse(Protocol):
    """Who wants to know which addresses are in use."""

    def group(self, pools: Sequence[PoolData]) -> None:
        """These are the pools of one network."""

    def bind(self, pool: PoolData, interface: IPInterface) -> None:
        """An endpoint has the address."""


class NobodyAsks:
    """The addresses are another IPAM's."""

    def group(self, pools: Sequence[PoolData]) -> None:
        """They have no common owner here."""

    def bind(self, pool: PoolData, interface: IPInterface) -> None:
        """Their owner knows already."""
