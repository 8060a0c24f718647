"""Pools of pynet's IPAM whose addresses a DHCP server gives: RequestPool to ReleaseAddress.

The engine asks for a pool before it tells of the network, and for an address before it tells of the
endpoint.  A pool's id is made of the request alone, and nothing is stored of it, so that it can be asked for
again at any time.
"""

import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from ipaddress import IPv4Address, IPv4Interface
from threading import Lock
from typing import Final

from plugin.addressing.base import AddressUse
from plugin.drivers.base import BoundNetwork
from plugin.drivers.dhcp import DHCP, DhcpUse, is_asked_for
from plugin.drivers.parent_choice import AUTO, FOR_HOST, is_open
from plugin.errors import RefusedError
from plugin.log import Log
from plugin.model.ids import EndpointID, MacAddress, NetworkID, is_of_swarm, short
from plugin.model.network import LEASED_SPACE, IPAddress, IPNetwork, Network, NetworkState, PoolData
from plugin.service.bound_networks import BoundNetworks
from plugin.service.lease_seats import Asker
from plugin.service.leased_pool import LeasedPool, asked_pool, no_network, pool_of
from plugin.service.leases import Leases
from plugin.service.locks import Locks
from plugin.service.placeholders import is_placeholder
from plugin.store.base import Store

_log: Final = Log("pools")
_NO_GATEWAY: Final = IPv4Interface("0.0.0.0/0")
# An engine replays what it has before it serves clients; a refusal ends it with a panic.
_REPLAY_SECONDS: Final = 120.0


class LeasedPools:
    """``space`` is the address space of pynet's IPAM."""

    def __init__(
        self,
        store: Store,
        bound: BoundNetworks,
        locks: Locks,
        leases: Leases,
        addresses: AddressUse,
        space: str,
    ) -> None:
        self._store = store
        self._bound = bound
        self._locks = locks
        self._leases = leases
        self._addresses = addresses
        self._space = space
        self._asked: frozenset[LeasedPool] = frozenset()  # looked through while others ask
        self._asking = Lock()
        self._replay_ends = 0.0
        self._replayed: frozenset[NetworkID] = frozenset()

    def replay(self) -> None:
        """An engine was told to ask for all that it has, and does so now."""
        self._replay_ends = time.monotonic() + _REPLAY_SECONDS
        self._replayed = frozenset(each.id for each in self._store.networks())

    def request(
        self,
        options: Mapping[str, str],
        *,
        prefix: IPNetwork | None,
        subpool: IPNetwork | None,
        v6: bool,
    ) -> LeasedPool:
        """The pool that is asked for.  Raises RefusedError."""
        pool = asked_pool(options, prefix=prefix, subpool=subpool, v6=v6)
        if time.monotonic() < self._replay_ends:
            self._mark(pool.id, released=False)
        with self._asking:
            self._asked |= {pool}
        return pool

    def release_pool(self, pool_id: str) -> None:
        """The engine has given the pool back: its network is removed, or could not be made."""
        with self._asking:
            self._asked = frozenset(each for each in self._asked if each.id != pool_id)
        self._mark(pool_id, released=True)

    def described(self, network: Network) -> Network:
        """A new network, whose pools are known by their space to be leased.  Raises RefusedError."""
        pools = [each for each in network.pools if each.space == self._space]
        if not pools:
            return network
        has_dhcp = is_asked_for(network)
        if not has_dhcp and all(each.prefix.prefixlen for each in pools):
            return network
        if not has_dhcp:
            raise RefusedError(
                "the network's IPAM has --ipam-opt dhcp, and the network does not say dhcp=true; "
                "say -o dhcp=true, too"
            )
        subnets = [str(each.prefix) for each in pools if each.prefix.prefixlen]
        if len(subnets) > 1:
            raise RefusedError(
                f"--subnet is {' and '.join(subnets)}, and the addresses of a LAN are of one subnet; leave out "
                "the other, or create a network for it"
            )
        by_any = is_open(network.options) and self._is_by_any_parent(network, pools[0])
        options = {DHCP.name: AUTO} if by_any else None
        changed = [
            replace(each, space=LEASED_SPACE, gateway=None, auxiliary={}, options=options)
            if each in pools
            else each
            for each in network.pools
        ]
        for each in pools:
            if each.auxiliary:
                raise RefusedError(
                    f"--aux-address is {next(iter(each.auxiliary))}, and the server of the LAN gives "
                    "addresses; leave it out, and keep the address free there"
                )
        return replace(network, pools=tuple(changed))

    def check(self, bound: BoundNetwork) -> None:
        """Refuse a network on another parent than its pool.  Raises RefusedError."""
        use = bound.dhcp_use()
        if use is None or not use.has_pool:
            return
        if pool_of(use) not in self._asked:
            # A process before this one may have been asked.
            asked = ", ".join(sorted(e.parent for e in self._asked if e.subnet == use.subnet))
            prefix = pool_of(use).prefix
            if self._addresses.holds(PoolData(space=self._space, prefix=prefix)):
                raise RefusedError(
                    f"option dhcp is true, and the network has subnet {use.subnet}, whose addresses its IPAM "
                    "gives out; create it with --ipam-driver null and without --subnet, or with "
                    f"--ipam-opt dhcp={use.parent}"
                )
            if asked:
                raise RefusedError(
                    f"the network stands on {use.parent}, and its IPAM was told --ipam-opt dhcp={asked}; "
                    f"say --ipam-opt dhcp={use.parent}, or dhcp={AUTO} with {FOR_HOST}HOST=LINK for each host"
                )
        for network in self._store.networks():
            other = self._bound.as_readable(network).dhcp_use()
            is_other = network.id != bound.network.id and not network.released
            if is_other and other and _is_alike(other, use):
                raise RefusedError(
                    f"network {short(network.id)} has --ipam-opt dhcp={use.pool_parent} already, and the engine "
                    "does not say for which of two it asks; use that network, or --ipam-driver null"
                )

    def look_for_server(self, bound: BoundNetwork) -> None:
        """See whether a server answers on the LAN of a new network.  Raises RefusedError."""
        self._leases.exchange.look_for_server(bound)

    def address(
        self,
        pool_id: str,
        *,
        wanted: IPAddress | None,
        name: str | None,
        mac: MacAddress | None,
    ) -> IPv4Interface:
        """An address of the LAN's server.  Raises RefusedError, NoLeaseError."""
        network_id = self._network(pool_id, wanted).id
        is_chosen = wanted is not None and not is_placeholder(wanted)
        address = wanted if is_chosen and isinstance(wanted, IPv4Address) else None
        with self._locks.hold(network_id):
            bound = self._bound.of(self._network(pool_id))
            known = self._leases.at(network_id, address)
            use = bound.dhcp_use()
            is_replay = network_id in self._replayed and time.monotonic() < self._replay_ends
            if known and use and not known.is_resting:
                self._refuse_taken(known.endpoint_id, is_replay=is_replay, address=address)
                self._leases.grant(use, known)
                return known.lease.ipv4
            if address and not known and is_replay:
                _log.warning("address.not_leased", address=address)
                return IPv4Interface(address)
            if address and use and use.subnet and address not in use.subnet:
                raise RefusedError(
                    f"address {address} is not of the network's subnet {use.subnet}; choose another --ip"
                )
            asker = Asker(network_id=network_id, mac=mac, name=name, address=address)
            claim = self._leases.claim(bound, asker)
        with self._leases.asked(claim) as lease:
            return lease.ipv4

    def gateway(self, wanted: IPAddress | None) -> IPv4Interface:
        """None that is known yet: the server says a container's router.  Raises RefusedError."""
        if wanted is not None and wanted != _NO_GATEWAY.ip:
            raise RefusedError(
                f"--gateway is {wanted}, and containers take the router that the LAN's server names; leave it "
                f"out, or say -o gateway={wanted} in its place"
            )
        return _NO_GATEWAY

    def release(self, pool_id: str, address: IPAddress) -> None:
        """The engine has given an address back; one that is not known is no failure."""
        try:
            network_id = self._network(pool_id).id
        except RefusedError:
            return
        with self._locks.hold(network_id):
            record = self._leases.at(network_id, address)
            network = self._store.network(network_id)
            use = self._bound.of(network).dhcp_use() if network else None
            if record and use:
                self._leases.ungrant(use, record)

    def _is_by_any_parent(self, network: Network, pool: PoolData) -> bool:
        """Whether the pool was asked for by no parent's name; a process before this one may have been asked.

        A swarm creates a network for a task, and would reject it.  Raises RefusedError.
        """
        asked = [each for each in self._asked if each.prefix == pool.prefix]
        if not (asked or is_of_swarm(network.id) or self._addresses.holds(pool)):
            raise RefusedError(
                "pynet was started anew while the network was created, and does not know what its IPAM was told; "
                "create the network again"
            )
        new = {each.parent for each in asked if not any(self._networks(each.id))}
        return not asked or AUTO in (new or {each.parent for each in asked})

    def _mark(self, pool_id: str, *, released: bool) -> None:
        """Remember of the pool's network whether the engine has the pool."""
        for known in self._networks(pool_id):
            with self._locks.hold(known.id):
                network = self._store.network(known.id)
                if (
                    network
                    and network.state is NetworkState.ACTIVE
                    and network.released != released
                ):
                    self._store.save_network(replace(network, released=released))

    def _networks(self, pool_id: str) -> Iterator[Network]:
        for network in self._store.networks():
            use = self._bound.as_readable(network).dhcp_use()
            is_there = network.state is NetworkState.ACTIVE and use and use.has_pool
            if is_there and use and pool_of(use).id == pool_id:
                yield network

    def _network(self, pool_id: str, wanted: IPAddress | None = None) -> Network:
        for network in self._networks(pool_id):
            if not network.released:
                return network
        raise no_network(pool_id, wanted)

    def _refuse_taken(
        self, endpoint_id: EndpointID | None, *, is_replay: bool, address: IPAddress | None
    ) -> None:
        other = self._store.endpoint(endpoint_id) if endpoint_id else None
        if other and other.joined and not other.deleting and not is_replay:
            raise RefusedError(
                f"address {address} is that of a running container of this network; choose another --ip"
            )


def _is_alike(one: DhcpUse, other: DhcpUse) -> bool:
    return one.has_pool and pool_of(one) == pool_of(other)
