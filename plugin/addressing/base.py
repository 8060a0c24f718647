"""The contract by which the network driver reports to pynet's IPAM which addresses are used.

An address that was requested and never used goes back to its pool, so the IPAM must know of
uses.  With another IPAM there is nothing to report.
"""

from typing import Protocol

from plugin.model.ids import NetworkID
from plugin.model.network import Endpoint, IPInterface, Network, PoolData


class AddressUse(Protocol):
    """The receiver of reports about addresses in use.

    Every method may be repeated, and ignores pools and addresses of other IPAMs.
    """

    def described(self, network: Network) -> Network:
        """Record the network, with what is needed to request its pools again."""

    def group(self, network: Network, *, again: bool = False) -> None:
        """The network's pools belong together; ``again`` if a swarm has allocated it before."""

    def ungroup(self, network_id: NetworkID, *, deleted: bool) -> None:
        """The network is gone; ``deleted`` if the engine has deleted it."""

    def free(self, network_id: NetworkID) -> None:
        """The swarm has the network no more; only its managers are told."""

    def bind(self, pool: PoolData, interface: IPInterface, endpoint: Endpoint) -> None:
        """The endpoint has the address."""

    def unbind(self, pool: PoolData, interface: IPInterface, endpoint: Endpoint) -> None:
        """The endpoint has given the address up; the engine should release it next."""

    def release(self, pool: PoolData, interface: IPInterface, endpoint: Endpoint) -> None:
        """The endpoint has given the address up, and the engine will not release it."""

    def is_released(self, pool: PoolData, interface: IPInterface) -> bool:
        """Whether the address is of this IPAM, and the engine has released it."""

    def holds(self, pool: PoolData) -> bool:
        """Whether this IPAM gives out addresses of the pool."""

    def released(self) -> frozenset[NetworkID]:
        """Networks with pools of this IPAM only, all of which the engine has released."""


def bind_all(addresses: AddressUse, network: Network, endpoint: Endpoint) -> None:
    """Bind both addresses of an endpoint."""
    for pool, interface in _held(network, endpoint):
        addresses.bind(pool, interface, endpoint)


def unbind_all(addresses: AddressUse, network: Network, endpoint: Endpoint) -> None:
    """Unbind both addresses of an endpoint."""
    for pool, interface in _held(network, endpoint):
        addresses.unbind(pool, interface, endpoint)


def release_all(addresses: AddressUse, network: Network, endpoint: Endpoint) -> None:
    """Give both addresses of an endpoint back."""
    for pool, interface in _held(network, endpoint):
        addresses.release(pool, interface, endpoint)


def all_released(addresses: AddressUse, network: Network, endpoint: Endpoint) -> bool:
    """Whether the endpoint has addresses of this IPAM only, and the engine has released all."""
    held = _held(network, endpoint)
    return bool(held) and all(addresses.is_released(*each) for each in held)


def _held(network: Network, endpoint: Endpoint) -> list[tuple[PoolData, IPInterface]]:
    return [
        (pool, interface)
        for interface in endpoint.interfaces
        for pool in network.pools
        if interface.ip in pool.prefix
    ]
