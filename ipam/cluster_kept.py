"""Reservations in pools that hosts share: the cluster has them, and each host a copy that it can use without asking."""

from collections.abc import Callable, Collection, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from ipam.blocks.base import UnknownOutcomeError
from ipam.cluster_pools import ClusterPools
from ipam.errors import InvalidReservationError, IpamError
from ipam.lease import Owner
from ipam.pool import LOCAL, NO_TENANT
from ipam.prefixes import Address, Prefix
from ipam.reservation import Reservation, parse_container, parse_mac

_KINDS: Final = ("name", "mac", "tag")


@dataclass(frozen=True, slots=True, kw_only=True)
class Copy:
    """What this host has in its store, of its own pools as well."""

    all: Callable[[], Iterable[Reservation]]
    reserve: Callable[..., None]
    unreserve: Callable[[Reservation], bool]


class ClusterReservations:
    """The cluster's reservations, and this host's copy.

    Methods raise NotAdmittedError, UnavailableError, UnknownOutcomeError, StoreError besides what they name.
    """

    def __init__(self, cluster: ClusterPools, copy: Copy) -> None:
        self._cluster = cluster
        self._copy = copy
        self._alike: set[Prefix] = (
            set()
        )  # pools of which this host had what the cluster keeps, and no more

    def reserve(
        self, wanted: Sequence[Reservation], held: Collection[Prefix], ranges: Collection[Prefix]
    ) -> None:
        """Keep addresses, all or none; those of no such pool are this host's alone.

        Raises InvalidReservationError for one in the cluster's ``ranges`` of which this host has no pool; as an
        allocator does; and UnknownOutcomeError if what was kept before a failure cannot be given up.
        """
        shared = [(pool, each) for each in wanted if (pool := _pool_of(each, held)) is not None]
        for each in wanted:
            _check_known(each, held, ranges)
        self.copy({pool for pool, _ in shared})
        before = set(self._copy.all())
        self._copy.reserve(*wanted)
        tried = 0
        try:
            for pool, each in shared:
                self._cluster.keep(pool, each.address, _written(each.owner))
                tried += 1
        except IpamError as error:
            if isinstance(error, UnknownOutcomeError):
                tried += 1
            new = [each for each in wanted if each not in before]
            self._undo(new, [pair for pair in shared[:tried] if pair[1] in new], error)
            raise

    def unreserve(self, reservation: Reservation, held: Collection[Prefix]) -> bool:
        """Keep an address no longer; answer whether it was kept."""
        pool = _pool_of(reservation, held)
        given_up = pool is not None and self._cluster.give_up(pool, reservation.address)
        return self._copy.unreserve(reservation) or given_up

    def adopt(self, pool: Prefix) -> None:
        """Have all hosts keep what was reserved here before the pool was there.

        Raises AddressReservedError, InvalidAddressError.
        """
        for each in self._copies(pool):
            self._cluster.keep(pool, each.address, _written(each.owner))

    def copy(self, pools: Collection[Prefix]) -> None:
        """Have here what the cluster keeps of these pools, and nothing else."""
        if not pools:
            return
        everywhere = self._cluster.kept()
        for pool in pools:
            kept = everywhere.get(pool, {})
            for each in self._copies(pool):
                if kept.get(each.address) != _written(each.owner):
                    self._copy.unreserve(each)
            self._alike.add(pool)
            there = {each.address for each in self._copies(pool)}
            for address in kept.keys() - there:
                with suppress(IpamError):  # of another version, or what this host cannot keep
                    self._copy.reserve(_read(pool, address, kept[address]))

    def drop(self, held: Collection[Prefix]) -> None:
        """Forget the copies of pools that this host has left.

        What was reserved here before stays if the pool was refused, unless the cluster keeps it.
        """
        left = [pool for pool in self._cluster.pools() if pool not in held]
        everywhere = self._cluster.kept() if left else {}
        for pool in left:
            kept = everywhere.get(pool, {})
            for each in self._copies(pool):
                if pool in self._alike or kept.get(each.address) == _written(each.owner):
                    self._copy.unreserve(each)
            self._alike.discard(pool)

    def address_of(self, pool: Prefix, owner: Owner) -> Address | None:
        """What is kept for one who asks for any address of the pool."""
        if not owner:
            return None
        return next(
            (each.address for each in self._copies(pool) if each.owner in owner.marks), None
        )

    def _undo(
        self,
        copies: Iterable[Reservation],
        shared: Iterable[tuple[Prefix, Reservation]],
        error: IpamError,
    ) -> None:
        """Give up what was reserved before the error.

        One that cannot be given up keeps no other from being so.  Raises UnknownOutcomeError then.
        """
        left: dict[Address, IpamError] = {}
        for each in copies:
            try:
                self._copy.unreserve(each)
            except IpamError as failure:
                left[each.address] = failure
        for pool, each in shared:
            try:
                if self._cluster.kept().get(pool, {}).get(each.address) == _written(each.owner):
                    self._cluster.give_up(pool, each.address)
            except IpamError as failure:
                left[each.address] = failure
        if left:
            raise UnknownOutcomeError(
                f"{error}; and {', '.join(map(str, left))} may stay reserved ({next(iter(left.values()))}): "
                f"unreserve what you do not want"
            ) from error

    def _copies(self, pool: Prefix) -> list[Reservation]:
        return [each for each in self._copy.all() if _pool_of(each, (pool,)) is not None]


def _pool_of(reservation: Reservation, pools: Iterable[Prefix]) -> Prefix | None:
    if reservation.space != LOCAL or reservation.tenant != NO_TENANT:
        return None
    return next((pool for pool in pools if reservation.address in pool), None)


def _check_known(
    reservation: Reservation, held: Collection[Prefix], ranges: Collection[Prefix]
) -> None:
    around = _pool_of(reservation, ranges)
    if around is not None and _pool_of(reservation, held) is None:
        raise InvalidReservationError(
            f"address {reservation.address} is in {around}, which hosts share, and this host has no network with it; "
            f"create the network first, or reserve it on a host that has it"
        )


def _written(owner: Owner) -> str:
    kind = next(kind for kind in _KINDS if getattr(owner, kind))
    return f"{kind}={getattr(owner, kind)}"


def _read(pool: Prefix, address: Address, text: str) -> Reservation:
    """Raises InvalidReservationError for what no host would have kept."""
    kind, _, value = text.partition("=")
    if kind not in _KINDS or address not in pool:
        raise InvalidReservationError(
            f"reservation of {address} in {pool} is for {text!r}, which is not known"
        )
    if kind == "name":
        value = parse_container(value)
    elif kind == "mac":
        value = parse_mac(value)
    return Reservation(address=address, owner=Owner(**{kind: value}))
