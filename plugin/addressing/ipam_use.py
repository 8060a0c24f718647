"""Report uses of addresses to pynet's IPAM, for networks whose pools are from it."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace

from ipam.allocator import Allocator
from ipam.errors import InvalidRequestError, IpamError
from ipam.errors import RefusedError as IpamRefusedError
from ipam.lease import ANONYMOUS, Kind, Owner, State
from ipam.pool import GLOBAL, LOCAL, AddressSpaceName, Pool, is_of_swarm
from plugin.errors import RefusedError, StoreError
from plugin.model.ids import EndpointID, NetworkID
from plugin.model.network import Endpoint, IPInterface, Network, NetworkState, PoolData


class IpamAddressUse:
    """The allocator ignores pools of other IPAMs, so that callers need not filter."""

    def __init__(self, allocator: Allocator) -> None:
        self._allocator = allocator

    def described(self, network: Network) -> Network:
        return replace(network, pools=tuple(self._described(network, p) for p in network.pools))

    def group(self, network: Network, *, again: bool = False) -> None:
        for space in {space_of(pool) for pool in network.pools}:
            prefixes = [pool.prefix for pool in network.pools if space_of(pool) == space]
            with as_pynet_errors():
                self._allocator.group(network.id, space, prefixes, again=again)

    def ungroup(self, network_id: NetworkID, *, deleted: bool) -> None:
        with as_pynet_errors():
            self._allocator.ungroup(network_id, deleted=deleted)

    def free(self, network_id: NetworkID) -> None:
        with as_pynet_errors():
            self._allocator.free(network_id)

    def unbind_gone(self, endpoint: Callable[[EndpointID], Endpoint | None]) -> None:
        """Unbind the addresses of endpoints without a record: a killed process may not have done it."""
        for pool in self._allocator.pools():
            if pool.space != LOCAL or pool.network is None:
                continue
            # The record comes before its binding: who has one and is not known is gone.
            for lease in list(self._allocator.leases(pool.id)):
                owner = lease.endpoint
                if owner is not None and endpoint(EndpointID(owner)) is None:
                    self._allocator.unbind(LOCAL, pool.prefix, lease.address, endpoint=owner)

    def recall(self, networks: Callable[[], Iterable[Network]]) -> None:
        """Make the pools of each network siblings, and of no others.

        After a start, and after an engine has filled a store that was lost.
        """
        pools = self._allocator.pools()
        # Asked for later than the pools, so that none is taken for gone that has just come.
        there = {network.id: network for network in networks()}
        for pool in pools:
            # Swarm's networks need not be on this host, though it may have allocated them.
            is_local = pool.space == LOCAL or not is_of_swarm(pool.network)
            if is_local and pool.network is not None and pool.network not in there:
                self._allocator.ungroup(pool.network)
        alone = {(pool.space, pool.prefix) for pool in pools if pool.network is None}
        for network in there.values():
            if network.state is NetworkState.ACTIVE and any(
                (space_of(pool), pool.prefix) in alone for pool in network.pools
            ):
                self.group(network)

    def bind(self, pool: PoolData, interface: IPInterface, endpoint: Endpoint) -> None:
        with as_pynet_errors():
            self._allocator.bind(
                space_of(pool),
                pool.prefix,
                interface.ip,
                owner_of(endpoint),
                endpoint=endpoint.id,
                mac_made=not endpoint.mac_chosen,
            )

    def unbind(self, pool: PoolData, interface: IPInterface, endpoint: Endpoint) -> None:
        with as_pynet_errors():
            self._allocator.unbind(space_of(pool), pool.prefix, interface.ip, endpoint=endpoint.id)

    def release(self, pool: PoolData, interface: IPInterface, endpoint: Endpoint) -> None:
        self.unbind(pool, interface, endpoint)
        with as_pynet_errors():
            for each in self._pools_of(pool):
                self._allocator.release_address(each.id, interface.ip)

    def is_released(self, pool: PoolData, interface: IPInterface) -> bool:
        with as_pynet_errors():
            pools = self._pools_of(pool)
            found = [
                lease
                for each in pools
                for lease in self._allocator.leases(each.id)
                if lease.address == interface.ip and lease.kind is Kind.ENDPOINT
            ]
        return bool(pools) and all(lease.state is State.RESTING for lease in found)

    def holds(self, pool: PoolData) -> bool:
        with as_pynet_errors():
            return bool(self._pools_of(pool))

    def released(self) -> frozenset[NetworkID]:
        with as_pynet_errors():
            pools = [each for each in self._allocator.pools() if each.network is not None]
        kept = {each.network for each in pools if not each.released}
        return frozenset(
            NetworkID(each.network) for each in pools if each.network and each.network not in kept
        )

    def _pools_of(self, pool: PoolData) -> list[Pool]:
        """The pool of pynet's IPAM with this prefix, if the network's pool is one."""
        space = space_of(pool)
        return [
            each
            for each in self._allocator.pools()
            if each.prefix == pool.prefix and each.space == space
        ]

    def _described(self, network: Network, pool: PoolData) -> PoolData:
        """With the options of the allocator's pool; one that it does not have is as it was described."""
        with as_pynet_errors():
            options = self._allocator.options(network.id, space_of(pool), pool.prefix)
        return pool if options is None else replace(pool, options=options)


@contextmanager
def as_pynet_errors() -> Iterator[None]:
    """Turn errors of the IPAM into pynet's.  Raises RefusedError, StoreError."""
    try:
        yield
    except (InvalidRequestError, IpamRefusedError) as error:
        raise RefusedError(str(error)) from error
    except IpamError as error:
        raise StoreError(str(error)) from error


def owner_of(endpoint: Endpoint) -> Owner:
    """The owner of an endpoint's addresses: a generated MAC address never comes back."""
    return Owner(mac=endpoint.mac_address) if endpoint.mac_chosen else ANONYMOUS


def space_of(pool: PoolData) -> AddressSpaceName:
    """Swarm names no space when it allocates a network, and has but one."""
    return AddressSpaceName(pool.space) if pool.space else GLOBAL
