"""What the network side tells the address side, if both are ours.

An address that was requested and never used goes back to its pool; this is how its use is
known.  With another IPAM there is nobody to tell.
"""

from typing import Protocol

from plugin.model.ids import NetworkID
from plugin.model.network import Endpoint, IPInterface, Network, PoolData


class AddressUse(Protocol):
    """Who wants to know which addresses are in use.

    Every method may be repeated, and passes over pools and addresses that are another's.
    """

    def described(self, network: Network) -> Network:
        """The network, with what its pools could be had again by."""

    def group(self, network: Network) -> None:
        """The network's pools belong together."""

    def ungroup(self, network_id: NetworkID, *, deleted: bool) -> None:
        """The network is gone; ``deleted`` if the engine has said so."""

    def free(self, network_id: NetworkID) -> None:
        """The swarm has the network no more; only its managers are told."""

    def bind(self, pool: PoolData, interface: IPInterface, endpoint: Endpoint) -> None:
        """The endpoint has the address."""

    def unbind(self, pool: PoolData, interface: IPInterface, endpoint: Endpoint) -> None:
        """The endpoint has it no more; its release should follow."""

    def release(self, pool: PoolData, interface: IPInterface, endpoint: Endpoint) -> None:
        """The endpoint has it no more, and no release will follow."""

    def is_released(self, pool: PoolData, interface: IPInterface) -> bool:
        """Whether the address is theirs, and the engine has given it back."""

    def released(self) -> frozenset[NetworkID]:
        """Networks all of whose pools the engine has given back, of those that are theirs."""


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
    """Whether the engine has given back whatever addresses the endpoint had, all of them theirs."""
    held = _held(network, endpoint)
    return bool(held) and all(addresses.is_released(*each) for each in held)


def _held(network: Network, endpoint: Endpoint) -> list[tuple[PoolData, IPInterface]]:
    return [
        (pool, interface)
        for interface in endpoint.interfaces
        for pool in network.pools
        if interface.ip in pool.prefix
    ]
