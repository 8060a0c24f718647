"""An allocator for hosts that share pools: their addresses come from blocks that this host owns.

What is held already, and addresses within blocks, are given without the registry.  It is asked for a pool
that is new here, for an address outside the blocks, and for one more block when they are full.
"""

import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import Final

from ipam.allocator import Allocator
from ipam.blocks.membership import Agreed, PoolDiffersError
from ipam.cluster_kept import ClusterReservations, Copy
from ipam.cluster_pools import ClusterPools
from ipam.errors import InvalidOptionError, InvalidPrefixError, NotOwnedError, PoolFullError
from ipam.lease import AddressRequest, Kind, State
from ipam.pool import (
    GLOBAL,
    NO_TENANT,
    AddressSpaceName,
    Pool,
    PoolID,
    PoolRequest,
    pool_id,
)
from ipam.pool_request import WantedPool, read_request
from ipam.prefixes import Address, Interface, Prefix, intersect, span
from ipam.reservation import Reservation
from ipam.settings import Settings
from ipam.shared import check_gateway
from ipam.store.base import Store

_BLOCKS: Final = 2  # that one request claims: the engine waits
DEFAULT_NAME: Final = "default"  # of pools that lie in the cluster's ranges
ENOUGH_FREE: Final = 0.25  # of a pool's blocks; below, one more is claimed before it is needed


class ClusterAllocator(Allocator):
    """Gives out pools of this host, and those that it has in common with others.

    Pools within the ranges of the settings are the cluster's, and those with the option ``cluster``.  Besides what an
    allocator raises, requests for them raise NotAdmittedError, UnavailableError, UnknownOutcomeError,
    PoolDiffersError; nothing is given then.
    """

    def __init__(
        self,
        store: Store,
        settings: Settings,
        cluster: ClusterPools,
        *,
        occupied: Callable[[], Iterable[Prefix]] = tuple,
        in_use: Callable[[str], bool] = lambda _: False,
        clock: Callable[[], float] = time.time,
    ) -> None:
        super().__init__(
            store, settings, facts=cluster, occupied=occupied, in_use=in_use, clock=clock
        )
        self._cluster = cluster
        self._kept = ClusterReservations(
            cluster,
            Copy(all=super().reservations, reserve=super().reserve, unreserve=super().unreserve),
        )
        self._tell: Callable[[], None] = lambda: None
        self._looked_at_used = False
        self._ranges = settings.cluster

    def report_to(self, changed: Callable[[], None]) -> None:
        """Call ``changed`` when ``attend`` has something to do before its time."""
        self._tell = changed

    def request_pool(self, request: PoolRequest) -> Pool:
        wanted = read_request(request)
        prefix = wanted.prefix
        name = self._name(wanted)
        if name is None:
            return super().request_pool(request)
        if prefix is None:
            raise InvalidOptionError(
                f"cluster is {name!r}, and hosts know a pool by its subnet; give a subnet as well"
            )
        held = self._shared(pool_id(request.space, NO_TENANT, prefix))
        if held is not None:
            return super().request_pool(request)
        _check(wanted, name)
        named = replace(request, options={**request.options, "cluster": name})
        placed = read_request(named).placed(prefix, 0.0)
        try:
            with self._cluster.joined(prefix, _agreed(placed), placed.never_given):
                self._kept.adopt(prefix)
                return super().request_pool(named)
        except Exception:  # also what the caller's ``occupied`` raises, of which ipam has no names
            self._tell()  # what was claimed before that is given back at once
            raise

    def release_pool(self, pool: PoolID) -> None:
        super().release_pool(pool)
        self._tell()

    def ungroup(self, network: str, *, deleted: bool = False) -> None:
        super().ungroup(network, deleted=deleted)
        self._tell()

    def request_address(self, pool: PoolID, request: AddressRequest | None = None) -> Interface:
        wanted = request or AddressRequest()
        if wanted.kind is Kind.GATEWAY:
            return super().request_address(pool, self._with_gateway(pool, wanted))
        self._claim_kept(pool, wanted)
        try:
            return super().request_address(pool, wanted)
        except NotOwnedError:
            for held in self._held():
                if wanted.address is not None and wanted.address in held.prefix:
                    self._cluster.claim(held.prefix, wanted.address)
        except PoolFullError:
            full = self._shared(pool)
            if full is None:
                raise
            return self._from_another_block(full, wanted)
        return super().request_address(pool, wanted)

    def _from_another_block(self, pool: Pool, wanted: AddressRequest) -> Interface:
        """A block may have no address for a container: the network's own, the gateway, what is excluded."""
        for _ in range(_BLOCKS):
            self._cluster.claim(pool.prefix, without=pool.never_given)
            with suppress(PoolFullError):
                return super().request_address(pool.id, wanted)
        return super().request_address(pool.id, wanted)

    def group(
        self,
        network: str,
        space: AddressSpaceName,
        prefixes: Sequence[Prefix],
        *,
        again: bool = False,
    ) -> None:
        """Record that this network uses these pools.

        Raises PoolDiffersError besides if the cluster has some of them and not the others, whose addresses other
        hosts would give as well.
        """
        used = [pool for pool in self.pools() if pool.space == space and pool.prefix in prefixes]
        own = [pool for pool in used if pool.cluster is None]
        if own and len(own) < len(used):
            raise PoolDiffersError(
                f"subnet {own[0].prefix} is this host's own, and others of its network are the cluster's; give the "
                f"network the option cluster=NAME, or choose a subnet in the cluster's ranges"
            )
        super().group(network, space, prefixes, again=again)

    def release_address(self, pool: PoolID, address: Address) -> None:
        super().release_address(pool, address)
        held = self._known(pool)
        if held is not None and self._cluster.is_alone(held.prefix, address):
            self._tell()  # the host that its owner is on next waits for it

    def reserve(self, *reservations: Reservation) -> None:
        self._kept.reserve(reservations, self._prefixes(), self._ranges)

    def unreserve(self, reservation: Reservation) -> bool:
        return self._kept.unreserve(reservation, self._prefixes())

    def attend(self) -> None:
        """Show that this host runs, claim blocks before they are needed, and leave what is not held."""
        self._cluster.attend(self._prefixes)
        if self._cluster.is_new() and not self._looked_at_used:
            for pool in self._held():
                self._rejoin(pool)
            self._looked_at_used = True
        self._cluster.find_again(self._prefixes())
        for pool in self._held():
            blocks = self._cluster.blocks(pool.prefix)
            size = pool.count_in(blocks)
            if size - sum(self.use(pool.id).values()) < size * ENOUGH_FREE or not blocks:
                with suppress(PoolFullError):  # a request for an address reports it
                    self._cluster.claim(pool.prefix, without=pool.never_given)
            self._cluster.give_back_unused(pool.prefix, partial(self._is_used, pool.id))
        self._kept.copy(self._prefixes())
        self._kept.drop(self._prefixes())
        self._cluster.leave_all_but(self._prefixes)

    def _claim_kept(self, pool: PoolID, wanted: AddressRequest) -> None:
        """Have here what is kept for the owner, if it is free; else it gets another address."""
        held = self._known(pool)
        if held is None or wanted.address is not None:
            return
        address = self._kept.address_of(held.prefix, wanted.owner)
        if address is not None and not any(
            address in block for block in self._cluster.blocks(held.prefix)
        ):
            with suppress(PoolFullError):
                self._cluster.claim(held.prefix, address)

    def _is_used(self, pool: PoolID, address: Address) -> bool:
        return any(
            each.address == address and each.state is not State.RESTING
            for each in self.leases(pool)
        )

    def _rejoin(self, pool: Pool) -> None:
        """Have the blocks again that addresses in use here are of: this host's state was lost."""
        blocks = self._cluster.blocks(pool.prefix)
        lost = [
            lease.address
            for lease in self.leases(pool.id)
            if lease.kind is Kind.ENDPOINT
            and lease.state is not State.RESTING
            and not any(lease.address in block for block in blocks)
        ]
        if blocks and not lost:
            return
        with self._cluster.joined(pool.prefix, _agreed(pool), pool.never_given):
            for address in lost:
                self._cluster.claim(pool.prefix, address)

    def _prefixes(self) -> set[Prefix]:
        return {pool.prefix for pool in self._held()}

    def _with_gateway(self, pool: PoolID, wanted: AddressRequest) -> AddressRequest:
        held = self._shared(pool)
        if held is None:
            return wanted
        known = [each.address for each in self.leases(pool) if each.kind is Kind.GATEWAY]
        if known and wanted.address in (None, known[0]):
            return replace(wanted, address=known[0])
        if wanted.address is not None:
            check_gateway(held, wanted.address)
        return replace(wanted, address=self._cluster.agree_on_gateway(held.prefix, wanted.address))

    def _held(self) -> list[Pool]:
        return [pool for pool in self.pools() if pool.cluster is not None]

    def _shared(self, pool: PoolID) -> Pool | None:
        return next((each for each in self._held() if each.id == pool), None)

    def _known(self, pool: PoolID) -> Pool | None:
        """The same as it was read last: a look at the store costs as much as an address."""
        known = self._spaces.known(pool) or self._shared(pool)
        return known if known and known.cluster is not None else None

    def _name(self, wanted: WantedPool) -> str | None:
        """The cluster's name for the pool; None if it is this host's own."""
        if wanted.options.cluster is not None or wanted.prefix is None:
            return wanted.options.cluster
        for part in self._ranges:
            common = intersect(span(part), span(wanted.prefix))
            if common == span(wanted.prefix):
                return DEFAULT_NAME
            if common is not None:
                raise InvalidPrefixError(
                    f"invalid address pool: {wanted.prefix} reaches over the edge of the cluster's {part}; choose "
                    f"a subnet inside or outside of it"
                )
        return None


def _agreed(pool: Pool) -> Agreed:
    """What the pool must be on every host."""
    exclusions = ",".join(map(str, pool.exclusions))
    return Agreed(cluster=pool.cluster or DEFAULT_NAME, exclusions=exclusions)


def _check(wanted: WantedPool, name: str) -> None:
    """Refuse what would differ from host to host.  Raises InvalidOptionError."""
    for option, is_given in (
        ("tenant", wanted.options.tenant != NO_TENANT),
        ("group", wanted.options.group is not None),
        ("range", bool(wanted.options.ranges)),
        ("--ip-range", wanted.request.subpool is not None),
        ("swarm's scope", wanted.request.space == GLOBAL),
    ):
        if is_given:
            raise InvalidOptionError(
                f"pool {wanted.prefix} is of cluster {name!r}, which gives each host its part, and cannot have "
                f"{option}; leave that out, or choose a subnet that is not the cluster's"
            )
