"""Tells our own IPAM what the network side knows, where the addresses are its."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

from ipam.allocator import Allocator
from ipam.errors import InvalidRequestError, IpamError
from ipam.errors import RefusedError as IpamRefusedError
from ipam.lease import ANONYMOUS, Owner
from ipam.pool import GLOBAL, LOCAL, AddressSpaceName
from plugin.errors import RefusedError, StoreError
from plugin.model.ids import NetworkID
from plugin.model.network import Endpoint, IPInterface, Network, NetworkState, PoolData


class IpamAddressUse:
    """The allocator passes over pools it does not hold, so none need be told apart here."""

    def __init__(self, allocator: Allocator) -> None:
        self._allocator = allocator

    def group(self, network: Network) -> None:
        for space in {_space(pool) for pool in network.pools}:
            prefixes = [pool.prefix for pool in network.pools if _space(pool) == space]
            with _in_our_words():
                self._allocator.group(network.id, space, prefixes)

    def ungroup(self, network_id: NetworkID) -> None:
        with _in_our_words():
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
        owner = Owner(mac=endpoint.mac_address) if endpoint.mac_chosen else ANONYMOUS
        with _in_our_words():
            self._allocator.bind(
                _space(pool), pool.prefix, interface.ip, owner, endpoint=endpoint.id
            )

    def unbind(self, pool: PoolData, interface: IPInterface, endpoint: Endpoint) -> None:
        with _in_our_words():
            self._allocator.unbind(_space(pool), pool.prefix, interface.ip, endpoint=endpoint.id)

    def holds(self, pool: PoolData) -> bool:
        space = _space(pool)
        with _in_our_words():
            pools = self._allocator.pools()
        return any(each.prefix == pool.prefix and each.space == space for each in pools)

    def released(self) -> frozenset[NetworkID]:
        with _in_our_words():
            pools = [each for each in self._allocator.pools() if each.network is not None]
        kept = {each.network for each in pools if not each.released}
        return frozenset(
            NetworkID(each.network) for each in pools if each.network and each.network not in kept
        )


@contextmanager
def _in_our_words() -> Iterator[None]:
    """What the address side refuses, or cannot do, as the network side knows it."""
    try:
        yield
    except (InvalidRequestError, IpamRefusedError) as error:
        raise RefusedError(str(error)) from error
    except IpamError as error:
        raise StoreError(str(error)) from error


def _space(pool: PoolData) -> AddressSpaceName:
    """Swarm names no space when it allocates a network, and has but one."""
    return AddressSpaceName(pool.space) if pool.space else GLOBAL
