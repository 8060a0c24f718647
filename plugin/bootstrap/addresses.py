"""Tells our own IPAM what the network side knows, where the addresses are its."""

from ipam.allocator import Allocator
from ipam.lease import ANONYMOUS, Owner
from ipam.pool import AddressSpaceName
from plugin.model.network import Endpoint, IPInterface, Network, PoolData


class IpamAddressUse:
    """The allocator passes over pools it does not hold, so none need be told apart here."""

    def __init__(self, allocator: Allocator) -> None:
        self._allocator = allocator

    def group(self, network: Network) -> None:
        for space in {pool.space for pool in network.pools}:
            prefixes = [pool.prefix for pool in network.pools if pool.space == space]
            self._allocator.group(network.id, AddressSpaceName(space), prefixes)

    def ungroup(self, network: Network) -> None:
        self._allocator.ungroup(network.id)

    def bind(self, pool: PoolData, interface: IPInterface, endpoint: Endpoint) -> None:
        self._allocator.bind(
            AddressSpaceName(pool.space),
            pool.prefix,
            interface.ip,
            Owner(mac=endpoint.mac_address) if endpoint.mac_chosen else ANONYMOUS,
            endpoint=endpoint.id,
        )

    def unbind(self, pool: PoolData, interface: IPInterface, endpoint: Endpoint) -> None:
        self._allocator.unbind(
            AddressSpaceName(pool.space), pool.prefix, interface.ip, endpoint=endpoint.id
        )
