"""The addresses of one pool: choosing one, holding it, giving it back.

The store decides who holds an address; the set in memory only remembers where to
look.  It may be behind when another process uses the same file, which costs a
second try and never a second holder: the store refuses an address that has a
lease.  Every method is called inside a transaction of the store; when one fails
for another reason than a refusal, ``forget`` throws the set away.
"""

from dataclasses import dataclass, replace

from ipam.address_set import AddressSet
from ipam.errors import AddressInUseError, InvalidAddressError
from ipam.lease import AddressRequest, Kind, Lease, Owner, State
from ipam.pool import GLOBAL, Pool
from ipam.prefixes import Address, usable
from ipam.settings import Settings
from ipam.store.base import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """When something is asked: now, and since when this process has been asked."""

    now: float
    began: float


class PoolAddresses:
    """The addresses of a pool that is held."""

    def __init__(self, pool: Pool, store: Store, settings: Settings) -> None:
        self.pool = pool
        self.replayed = 0.0
        self._store = store
        self._settings = settings
        self._set: AddressSet | None = None
        self._others = 0

    def take(self, address: Address, request: AddressRequest, at: Moment) -> Lease:
        """Take this address, wherever in the pool it lies."""
        self._check_usable(address, request.kind)
        held = self._store.lease(self.pool.id, address)
        if held and not self._may_take(held, request, at):
            raise AddressInUseError(
                f"Address already in use: {address} of pool {self.pool.id} is "
                f"{held.state} as {held.kind} for {held.owner}; choose another, "
                f"or release it first"
            )
        return self._put(address, request, at)

    def take_gateway(self, request: AddressRequest, at: Moment) -> Lease | None:
        """Take the first usable address, the one people expect."""
        address = usable(self.pool.prefix).first
        held = self._store.lease(self.pool.id, address)
        if any(address in part for part in self.pool.exclusions):
            return None
        if held and held.state is not State.RESTING and held.kind is not Kind.GATEWAY:
            return None
        return self._put(address, request, at)

    def take_known(self, request: AddressRequest, at: Moment) -> Lease | None:
        """Take the address that this owner had last, if there is one."""
        if not request.owner:
            return None
        held = self._store.lease_of(self.pool.id, request.owner)
        if held is None:
            return None
        return self._put(held.address, request, at)

    def take_next(self, request: AddressRequest, at: Moment) -> Lease | None:
        """Take the next address that is free."""
        lease = self._add_next(request, at)
        if lease is None and self._others != self._store.others():
            # Another process may have given some back that look taken from here.
            self.forget()
            lease = self._add_next(request, at)
        return lease

    def take_resting(self, request: AddressRequest, at: Moment) -> Lease | None:
        """Take the address whose rest ends first: better than none at all."""
        held = self._store.resting(self.pool.id)
        return held and self._put(held.address, request, at)

    def give_back(self, address: Address, at: Moment) -> None:
        """Let the address rest, or free it."""
        held = self._store.lease(self.pool.id, address)
        if held is None or held.state is State.RESTING:
            return
        rest = self._settings.sticky if held.owner else 0.0
        rest = max(rest, self._settings.quarantine)
        if rest and held.kind is Kind.ENDPOINT:
            self._store.put_lease(
                replace(held, state=State.RESTING, since=at.now, until=at.now + rest)
            )
        else:
            self._free(address)

    def awaits(self, address: Address) -> bool:
        """Whether somebody asked for the address and has not been seen with it."""
        held = self._store.lease(self.pool.id, address)
        return held is not None and held.state is State.RESERVED

    def bind(self, address: Address, owner: Owner, at: Moment) -> None:
        """Record that an endpoint has the address."""
        held = self._store.lease(self.pool.id, address)
        if held is None:
            held = self._lease(address, AddressRequest(owner=owner), at)
        self._hold(
            replace(
                held,
                state=State.BOUND,
                owner=owner or held.owner,
                since=at.now,
                until=None,
            )
        )

    def unbind(self, address: Address, at: Moment) -> None:
        """Record that no endpoint has the address; a release should follow."""
        held = self._store.lease(self.pool.id, address)
        if held and held.state is State.BOUND and held.kind is Kind.ENDPOINT:
            lease = self._lease(address, AddressRequest(kind=held.kind, owner=held.owner), at)
            self._store.put_lease(lease)

    def lapse(self, held: Lease, at: Moment) -> None:
        """End a lease whose time is over."""
        if held.state is State.RESERVED and held.owner:
            self.give_back(held.address, at)
        else:
            self._free(held.address)

    def forget(self) -> None:
        """Forget the set in memory, to be read from the store again."""
        self._set = None

    def _add_next(self, request: AddressRequest, at: Moment) -> Lease | None:
        taken = self._taken()
        while address := taken.next_free():
            taken.pass_over(address)
            taken.add(address)
            lease = self._lease(address, request, at)
            if self._store.add_lease(lease):
                return lease
            # Another process has it, as the set knows from now on.
        return None

    def _taken(self) -> AddressSet:
        if self._set is None:
            self._others = self._store.others()
            self._set = AddressSet(self.pool.prefix, self.pool.automatic)
            for address in self._store.addresses(self.pool.id):
                self._set.add(address)
                self._set.pass_over(address)
        return self._set

    def _put(self, address: Address, request: AddressRequest, at: Moment) -> Lease:
        lease = self._lease(address, request, at)
        self._hold(lease)
        return lease

    def _hold(self, lease: Lease) -> None:
        self._store.put_lease(lease)
        if self._set is not None:
            self._set.add(lease.address)

    def _free(self, address: Address) -> None:
        self._store.remove_lease(self.pool.id, address)
        if self._set is not None:
            self._set.discard(address)

    def _lease(self, address: Address, request: AddressRequest, at: Moment) -> Lease:
        awaited = (
            request.kind is Kind.ENDPOINT
            and self.pool.network is not None
            and self.pool.space != GLOBAL
            and self._settings.reserve_timeout > 0
        )
        return Lease(
            pool=self.pool.id,
            address=address,
            kind=request.kind,
            state=State.RESERVED if awaited else State.BOUND,
            owner=request.owner,
            since=at.now,
            until=at.now + self._settings.reserve_timeout if awaited else None,
        )

    def _check_usable(self, address: Address, kind: Kind) -> None:
        if address not in usable(self.pool.prefix):
            raise InvalidAddressError(
                f"requested address is out of range: {address} is the network or "
                f"broadcast address of {self.pool.prefix}; choose one between"
            )
        if kind is Kind.ENDPOINT and any(address in part for part in self.pool.exclusions):
            raise InvalidAddressError(
                f"address {address} is excluded from pool {self.pool.id}; choose one "
                f"outside exclude={','.join(map(str, self.pool.exclusions))}"
            )

    def _may_take(self, held: Lease, request: AddressRequest, at: Moment) -> bool:
        if held.state is State.RESTING:
            return True
        if held.kind is not request.kind:
            return False
        if held.kind is Kind.GATEWAY:
            return True
        if self.pool.space == GLOBAL:
            return held.since < self.replayed
        if held.state is State.BOUND:
            return False
        return held.since < at.began or held.owner.matches(request.owner)
