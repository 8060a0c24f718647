"""The address side of a network whose addresses are another IPAM's: nobody is told."""

from plugin.model.ids import NetworkID
from plugin.model.network import Endpoint, IPInterface, Network, PoolData


class NobodyAsks:
    """The addresses are another IPAM's."""

    def described(self, network: Network) -> Network:
        """Their owner remembers them."""
        return network

    def group(self, network: Network, *, again: bool = False) -> None:
        """They have no common owner here."""

    def ungroup(self, network_id: NetworkID, *, deleted: bool) -> None:
        """They never had one."""

    def free(self, network_id: NetworkID) -> None:
        """They never had one."""

    def bind(self, pool: PoolData, interface: IPInterface, endpoint: Endpoint) -> None:
        """Their owner knows already."""

    def unbind(self, pool: PoolData, interface: IPInterface, endpoint: Endpoint) -> None:
        """Their owner will be told."""

    def release(self, pool: PoolData, interface: IPInterface, endpoint: Endpoint) -> None:
        """Their owner cannot be told."""

    def holds(self, pool: PoolData) -> bool:
        return False

    def is_released(self, pool: PoolData, interface: IPInterface) -> bool:
        """Their owner knows."""
        return False

    def released(self) -> frozenset[NetworkID]:
        """Their owner knows."""
        return frozenset()
