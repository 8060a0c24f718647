"""Tells our own IPAM what the network side knows, where the addresses are its."""

from collections.abc import Callable, Iterable

from ipam.allocator import Allocator
from ipam.lease import ANONYMOUS, Owner
from ipam.pool import GLOBAL, LOCAL, AddressSpaceName
from plugin.model.ids import NetworkID
from plugin.model.network import Endpoint, IPInterface, Network, NetworkState, PoolData


class IpamAddressUse:
    """The allocator passes over pools it does not hold, so none need be told apart here."""

    def __init__(self, allocator: Allocator) -> None:
        self._allocator = allocator

    def group(self, network: Network) -> None:
        for space in {_space(pool) for pool in network.pools}:
            prefixes = [pool.prefix for pool in network.pools if _space(pool) == space]
            self._allocator.group(network.id, space, prefixes)

    def ungroup(self, network_id: NetworkID) -> None:
        self._allocator.ungroup(network_id)

    def recall(self, networks: Callable[[], Iterable[Network]]) -> None:
        """Make the pools of each network siblings, and of no others.

        After a start, and after an engine has filled a store that was lost.
        """
        pools = self._allocator.pools()
        # Asked for later than the pools, so that none is taken for gone that has just come.
        there = {network.id: network for network in networks()}
        for pool in pools:
            # Swarm's networks need not be on this host, though it may have allocated them.
            if pool.space == LOCAL and pool.network is not None and pool.network not in there:
                self._allocator.ungroup(pool.network)
        alone = {(pool.space, pool.prefix) for pool in pools if pool.network is None}
        for network in there.values():
            if network.state is NetworkState.ACTIVE and any(
                (_space(pool), pool.prefix) in alone for pool in network.pools
            ):
                self.group(network)

    def bind(self, pool: PoolData, interface: IPInterface, endpoint: Endpoint) -> None:
        self._allocator.bind(
            _space(pool),
            pool.prefix,
            interface.ip,
            Owner(mac=endpoint.mac_address) if endpoint.mac_chosen else ANONYMOUS,
            endpoint=endpoint.id,
        )

    def unbind(self, pool: PoolData, interface: IPInterface, endpoint: Endpoint) -> None:
        self._allocator.unbind(_space(pool), pool.prefix, interface.ip, endpoint=endpoint.id)


def _space(pool: PoolData) -> AddressSpaceName:
    """Swarm names no space when it allocates a network, and has but one."""
    return AddressSpaceName(pool.space) if pool.space else GLOBAL
