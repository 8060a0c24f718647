"""Gives the address side back what it has lost, as the network side remembers it."""

from collections.abc import Iterable
from typing import Final

from ipam.allocator import Allocator
from ipam.lease import Kind, State
from ipam.pool import LOCAL, PoolRequest
from ipam.replay import LostPool, UsedAddress
from plugin.addressing.ipam_use import as_pynet_errors, owner_of, space_of
from plugin.errors import RefusedError
from plugin.log import Log
from plugin.model.ids import short
from plugin.model.network import Endpoint, IPAddress, Network, NetworkState, PoolData

_log: Final = Log("addresses")


def restore(allocator: Allocator, known: Iterable[tuple[Network, tuple[Endpoint, ...]]]) -> None:
    """Hold again what the known networks and their endpoints use and the allocator has lost.

    Only before anything is asked: later on, what is not held may just have been given up.
    """
    with as_pynet_errors():
        held = {(pool.network, pool.prefix) for pool in allocator.pools()}
    for network, endpoints in known:
        if network.state is NetworkState.ACTIVE:
            for pool in network.pools:
                if _is_ours(pool) and (network.id, pool.prefix) not in held:
                    _restore(allocator, network, pool, endpoints)


def hold(allocator: Allocator, networks: Iterable[Network], addresses: Iterable[IPAddress]) -> None:
    """Hold addresses that containers have and the allocator may have free.

    A state that was restored is older than containers that were started since.  Their engine
    gives their addresses back when they stop, as it does all others.
    """
    found = list(addresses)
    known = list(networks)
    with as_pynet_errors():
        bound = {
            (pool.prefix, lease.address)
            for pool in allocator.pools()
            for lease in allocator.leases(pool.id)
            if lease.state is State.BOUND
        }
        for network in known:
            for pool in filter(_is_ours, network.pools):
                unlisted = {each for each in found if each in pool.prefix}
                for address in sorted(unlisted, key=int):
                    if (pool.prefix, address) not in bound:
                        allocator.bind(space_of(pool), pool.prefix, address)
                        _log.warning("address.held", network=short(network.id), address=address)


def _restore(
    allocator: Allocator, network: Network, pool: PoolData, endpoints: Iterable[Endpoint]
) -> None:
    lost = LostPool(
        network=network.id,
        request=PoolRequest(space=LOCAL, prefix=pool.prefix, options=pool.options or {}),
        used=tuple(_used(pool, endpoints)),
    )
    fields = {"network": short(network.id), "pool": pool.prefix}
    try:
        with as_pynet_errors():
            restored = allocator.restore_pool(lost)
    except RefusedError as error:
        _log.error("pool.lost", **fields, reason=error)
        return
    if restored:
        _log.warning("pool.restored", **fields, addresses=len(lost.used))


def _is_ours(pool: PoolData) -> bool:
    """Whether the pool can be rebuilt here: swarm's pools belong to its managers, and a pool
    without options is another IPAM's or cannot be told from one."""
    return pool.options is not None and space_of(pool) == LOCAL


def _used(pool: PoolData, endpoints: Iterable[Endpoint]) -> Iterable[UsedAddress]:
    if pool.gateway is not None:
        yield UsedAddress(address=pool.gateway.ip, kind=Kind.GATEWAY)
    # An engine requests these as it does those of endpoints: the pool learns no kind.
    yield from (UsedAddress(address=auxiliary.ip) for auxiliary in pool.auxiliary.values())
    for endpoint in endpoints:
        for interface in endpoint.interfaces:
            if interface.ip in pool.prefix and not endpoint.deleting:
                yield UsedAddress(
                    address=interface.ip, owner=owner_of(endpoint), endpoint=endpoint.id
                )
