"""The addresses of one pool: choosing one, holding it, giving it back.

The store decides who holds an address; the set in memory only remembers where to
look.  It may be behind when another process uses the same file, which costs a
second try and never a second holder: the store refuses an address that has a
lease.  What is remembered changes when the store has kept an attempt, and not before.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import partial

from ipam import election, mirror
from ipam.address_set import AddressSet
from ipam.attempt import Attempt
from ipam.claims import bound_lease, check_usable, is_replayed, may_take, new_lease
from ipam.errors import AddressInUseError, AddressReservedError
from ipam.lease import AddressRequest, Kind, Lease, Owner, State
from ipam.lease_changes import LeaseChanges
from ipam.pool import Pool
from ipam.prefixes import Address, AddressRange, usable
from ipam.remembered import RememberedAddresses
from ipam.replay import UsedAddress
from ipam.settings import Settings
from ipam.shared import check_given, chosen_here, may_give
from ipam.store.host_facts import HostFacts


class PoolAddresses:
    """The addresses of a pool that is held.

    Everything but ``keep`` and what ``Attempt.once_kept`` calls takes the attempt ``at``.
    """

    def __init__(
        self,
        pool: Pool,
        settings: Settings,
        reserved: Mapping[Address, Owner],
        facts: HostFacts,
    ) -> None:
        self.pool = pool
        self._replayed = 0.0
        self._twice = False
        self._elected = False
        self._knows_macs = False
        self._settings = settings
        self._facts = facts
        self._memory = RememberedAddresses(reserved)
        self._leases = LeaseChanges(settings, self._memory)

    def change(self, pool: Pool) -> None:
        """Remember what is new about the pool."""
        if mirror.is_mirror(pool) != mirror.is_mirror(self.pool):
            self._memory.forget_taken()  # addresses are chosen elsewhere
        self.pool = pool

    def was_asked_again(self, now: float) -> None:
        """Remember when: what was leased before may be asked for again too, once."""
        self._replayed = now
        self._twice = mirror.is_mirror(self.pool)

    def awaits_second_release(self) -> bool:
        """Whether the pool was asked for twice, so that one release is not the network's own."""
        return self._twice

    def was_released_once(self) -> None:
        """Remember that the next release is the network's own."""
        self._twice = False

    def was_allocated_again(self) -> None:
        """Remember that there is a new leader, which will ask for all that it has."""
        self._elected = True

    def rest_unconfirmed(self, at: Attempt) -> None:
        """Let addresses rest that a new leader did not ask for, when it asks for any other."""
        if not self._elected:
            return
        for address in list(at.leases.addresses(self.pool.id)):
            held = at.leases.get(self.pool.id, address)
            if held and election.is_unconfirmed(self.pool, held, at.now):
                self._leases.rest(held, at)
        at.once_kept(self._is_settled)

    def _is_settled(self) -> None:
        self._elected = False

    def learn_macs(self) -> None:
        """Remember that requests carry MAC addresses: without, no container comes back with one."""
        self._knows_macs = True

    def take(self, address: Address, request: AddressRequest, at: Attempt) -> Lease:
        """Take this address, at any place in the pool.

        Raises InvalidAddressError, AddressInUseError, AddressReservedError.
        """
        check_given(self.pool, address, request.kind, self._facts)
        held = at.leases.get(self.pool.id, address)
        if held and is_replayed(self.pool, held, request, replayed=self._replayed):
            # An endpoint may have it all the time, and binds it only once.
            return self._leases.hold(replace(held, since=at.now), at)
        if held and request.kind is Kind.GATEWAY and election.keeps_gateway(self.pool, held):
            return held
        if held and not may_take(self.pool, held, request, at.times):
            raise AddressInUseError(
                f"Address already in use: {address} of pool {self.pool.id} is "
                f"{held.state} as {held.kind} for {held.owner}; choose another, or "
                f"release it first"
            )
        kept_for = self._memory.reserved.get(address)
        # Engines before 29 name no owner: an address typed by hand is trusted then.
        if kept_for and request.owner and kept_for not in request.owner.marks:
            raise AddressReservedError(
                f"address {address} of pool {self.pool.id} is reserved for {kept_for}, "
                f"not for {request.owner}; choose another, or unreserve it first"
            )
        at.once_kept(partial(self._memory.named.add, address))
        return self._leases.hold(self._lease(address, request, at), at)

    def take_gateway(self, request: AddressRequest, at: Attempt) -> Lease | None:
        """Take the first usable address, which people expect a gateway to have; None if it is taken."""
        address = usable(self.pool.prefix).first
        if address in self._memory.reserved or self.pool.is_excluded(address):
            return None
        held = at.leases.get(self.pool.id, address)
        if held and held.state is not State.RESTING and held.kind is not Kind.GATEWAY:
            return None
        if held and election.keeps_gateway(self.pool, held):
            return held
        return self._leases.hold(self._lease(address, request, at), at)

    def take_known(self, request: AddressRequest, at: Attempt) -> Lease | None:
        """Take the address that is reserved for this owner, or that it had last; None without."""
        if not request.owner:
            return None
        lease = self.take_reserved(request, at)
        held = None if lease else at.leases.of_owner(self.pool.id, request.owner)
        if held and may_give(self.pool, held.address, self._facts):
            return self._leases.hold(self._lease(held.address, request, at), at)
        return lease

    def take_reserved(self, request: AddressRequest, at: Attempt) -> Lease | None:
        """Take the address that is reserved for this owner; None unless it is free."""
        for address in self._memory.kept_for(request.owner):
            held = at.leases.get(self.pool.id, address)
            own = held and held.state is State.RESERVED and held.owner.matches(request.owner)
            free = own or held is None or held.state is State.RESTING
            if free and may_give(self.pool, address, self._facts):
                return self._leases.hold(self._lease(address, request, at), at)
        return None

    def returned(self, at: Attempt) -> Iterator[Address]:
        """Addresses that came back in the last seconds, and that are still free."""
        return self._memory.returned.recent(at.now)

    def take_returned(self, address: Address, request: AddressRequest, at: Attempt) -> Lease | None:
        """Take one of those that came back; None if another owner has a claim on it."""
        held = at.leases.get(self.pool.id, address)
        if (
            self._memory.returned.is_claimed(address)
            or address in self._memory.reserved
            or self.pool.is_excluded(address)
            or not any(address in part for part in self._automatic())
            or (held and held.state is not State.RESTING)
        ):
            return None
        return self._leases.hold(self._lease(address, request, at), at)

    def take_next(self, request: AddressRequest, at: Attempt) -> Lease | None:
        """Take the next address that is free; None if there is none."""
        lease = self._add_next(request, at)
        if lease is None and self._memory.is_behind(self._facts.changes_by_others()):
            # Another process may have given some back that look taken from here.
            self._memory.forget_taken()
            lease = self._add_next(request, at)
        return lease

    def take_resting(self, request: AddressRequest, at: Attempt) -> Lease | None:
        """Take the address whose rest ends first: better than none at all; None if none rests."""
        held = at.leases.first_resting(self.pool.id)
        if held is None or not may_give(self.pool, held.address, self._facts):
            return None
        return self._leases.hold(self._lease(held.address, request, at), at)

    def give_back(self, address: Address, in_use: Callable[[str], bool], at: Attempt) -> None:
        """Release the address: it rests for a while, or is free at once.

        It stays held if it is bound to an endpoint that is ``in_use``.
        """
        held = at.leases.get(self.pool.id, address)
        if held is None or held.state is State.RESTING or self._keeps_gateway(held):
            return
        if held.state is State.BOUND and held.endpoint is not None and in_use(held.endpoint):
            return
        claimed = address in self._memory.named or self._returns_by_itself(held.owner)
        self._leases.rest(held, at)
        if held.kind is Kind.ENDPOINT:
            came_back = partial(self._memory.returned.add, address, at.now, claimed=claimed)
            at.once_kept(came_back)

    def expects(self, address: Address, endpoint: str | None, at: Attempt) -> bool:
        """Whether the address is this endpoint's, or still waits to be bound to an endpoint."""
        held = at.leases.get(self.pool.id, address)
        if held is None or held.kind is not Kind.ENDPOINT:
            return False
        return held.state is State.RESERVED or (endpoint is not None and held.endpoint == endpoint)

    def bind(
        self,
        address: Address,
        endpoint: str | None,
        owner: Owner,
        at: Attempt,
        *,
        mac_made: bool = False,
    ) -> None:
        """Record that the endpoint has the address.

        Raises AddressInUseError if another endpoint has it.
        """
        held = at.leases.get(self.pool.id, address)
        if held is None:
            held = self._lease(address, AddressRequest(), at)
        known = held.owner.without_mac() if mac_made else held.owner
        held = replace(held, owner=known.known_as(owner))
        self._leases.hold(bound_lease(held, endpoint, at.now), at)

    def unbind(self, address: Address, endpoint: str | None, at: Attempt) -> None:
        """Record that the endpoint has lost the address; a release should follow."""
        held = at.leases.get(self.pool.id, address)
        if (
            held
            and endpoint in (None, held.endpoint)
            and held.state is State.BOUND
            and held.kind is Kind.ENDPOINT
        ):
            request = AddressRequest(kind=held.kind, owner=held.owner)
            self._leases.hold(self._lease(address, request, at), at)

    def restore(self, used: UsedAddress, at: Attempt) -> None:
        """Record that an address is in use, in a pool that was just restored."""
        request = AddressRequest(kind=used.kind, owner=used.owner)
        lease = self._lease(used.address, request, at)
        self._leases.hold(replace(lease, state=State.BOUND, until=None, endpoint=used.endpoint), at)

    def lapse(self, held: Lease, at: Attempt) -> None:
        """End a lease whose time is over."""
        if held.state is State.RESERVED and held.owner:
            self._leases.rest(held, at)
        else:
            self._leases.free(held, at)

    def keep(self, reserved: Mapping[Address, Owner]) -> None:
        """Keep these addresses for their owners from now on."""
        self._memory.keep(reserved)

    def check_reservable(self, address: Address) -> None:
        """Refuse to keep an address that no host may have.  Raises InvalidAddressError."""
        check_usable(self.pool, address, Kind.AUXILIARY)

    def clear_for(self, address: Address, at: Attempt) -> None:
        """End the rest of an address that is reserved from now on."""
        held = at.leases.get(self.pool.id, address)
        if held and held.state is State.RESTING:
            self._leases.free(held, at)

    def _add_next(self, request: AddressRequest, at: Attempt) -> Lease | None:
        taken = self._taken(at)
        while address := taken.next_free():
            lease = self._lease(address, request, at)
            if at.leases.add(lease):
                at.once_kept(partial(self._memory.is_next, address))
                return lease
            # Another process has it, as the set knows from now on.
            taken.pass_over(address)
            taken.add(address)
        return None

    def _taken(self, at: Attempt) -> AddressSet:
        return self._memory.taken(
            self.pool.prefix,
            self._facts.blocks(self.pool.prefix),
            self._automatic,
            lambda: at.leases.addresses(self.pool.id),
            self._facts.changes_by_others,
        )

    def _automatic(self) -> tuple[AddressRange, ...]:
        return chosen_here(self.pool, self._settings.host_id, self._facts)

    def _lease(self, address: Address, request: AddressRequest, at: Attempt) -> Lease:
        return new_lease(
            self.pool, address, request, at.now, timeout=self._settings.reserve_timeout
        )

    def _keeps_gateway(self, held: Lease) -> bool:
        return election.keeps_gateway(self.pool, held) or mirror.keeps_gateway(self.pool, held)

    def _returns_by_itself(self, owner: Owner) -> bool:
        return bool(owner.name or owner.tag or (owner.mac and self._knows_macs))
