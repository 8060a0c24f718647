"""The addresses of one pool: choosing one, holding it, giving it back.

The store decides who holds an address; the set in memory only remembers where to
look.  It may be behind when another process uses the same file, which costs a
second try and never a second holder: the store refuses an address that has a
lease.  What is remembered changes when the store has kept an attempt, and not before.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial

from ipam import election, mirror
from ipam.address_set import AddressSet
from ipam.attempt import Attempt
from ipam.claims import check_usable, is_replayed, may_take, new_lease
from ipam.errors import AddressInUseError, AddressReservedError
from ipam.lease import AddressRequest, Kind, Lease, Owner, State
from ipam.pool import Pool
from ipam.prefixes import Address, AddressRange, usable
from ipam.replay import UsedAddress
from ipam.returned import Returned
from ipam.settings import Settings
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
        self._reserved: Mapping[Address, Owner] = {}
        self._kept: dict[Owner, list[Address]] = {}
        self._set: AddressSet | None = None
        self._others = 0
        self._named: set[Address] = set()
        self._returned = Returned()
        self.keep(reserved)

    def change(self, pool: Pool) -> None:
        """Remember what is new about the pool."""
        if mirror.is_mirror(pool) != mirror.is_mirror(self.pool):
            self._set = None  # addresses are chosen elsewhere
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
                self._rest(held, at)
        at.once_kept(self._is_settled)

    def _is_settled(self) -> None:
        self._elected = False

    def learn_macs(self) -> None:
        """Remember that MAC addresses are asked with: elsewhere nobody comes back with one."""
        self._knows_macs = True

    def take(self, address: Address, request: AddressRequest, at: Attempt) -> Lease:
        """Take this address, wherever in the pool it lies.

        Raises InvalidAddressError, AddressInUseError, AddressReservedError.
        """
        check_usable(self.pool, address, request.kind)
        held = at.leases.get(self.pool.id, address)
        if held and is_replayed(self.pool, held, request, replayed=self._replayed):
            # An endpoint may have it all the while, and says so only once.
            return self._hold(replace(held, since=at.now), at)
        if held and request.kind is Kind.GATEWAY and election.keeps_gateway(self.pool, held):
            return held
        if held and not may_take(self.pool, held, request, at.times):
            raise AddressInUseError(
                f"Address already in use: {address} of pool {self.pool.id} is "
                f"{held.state} as {held.kind} for {held.owner}; choose another, or "
                f"release it first"
            )
        kept_for = self._reserved.get(address)
        # Engines before 29 name nobody: an address typed by hand is then trusted.
        if kept_for and request.owner and kept_for not in request.owner.marks:
            raise AddressReservedError(
                f"address {address} of pool {self.pool.id} is reserved for {kept_for}, "
                f"not for {request.owner}; choose another, or unreserve it first"
            )
        at.once_kept(partial(self._named.add, address))
        return self._hold(self._lease(address, request, at), at)

    def take_gateway(self, request: AddressRequest, at: Attempt) -> Lease | None:
        """Take the first usable address, which people expect a gateway to have; None if it is taken."""
        address = usable(self.pool.prefix).first
        if address in self._reserved or self.pool.is_excluded(address):
            return None
        held = at.leases.get(self.pool.id, address)
        if held and held.state is not State.RESTING and held.kind is not Kind.GATEWAY:
            return None
        if held and election.keeps_gateway(self.pool, held):
            return held
        return self._hold(self._lease(address, request, at), at)

    def take_known(self, request: AddressRequest, at: Attempt) -> Lease | None:
        """Take the address that is reserved for this owner, or that it had last; None without."""
        if not request.owner:
            return None
        address = self._reserved_for(request.owner, at)
        if address is None:
            held = at.leases.of_owner(self.pool.id, request.owner)
            if held is None:
                return None
            address = held.address
        return self._hold(self._lease(address, request, at), at)

    def returned(self, at: Attempt) -> Iterator[Address]:
        """Addresses that came back in the last seconds, and that nobody has again."""
        return self._returned.recent(at.now)

    def take_returned(self, address: Address, request: AddressRequest, at: Attempt) -> Lease | None:
        """Take one of those that came back; None if somebody else has a claim on it."""
        held = at.leases.get(self.pool.id, address)
        if (
            self._returned.is_claimed(address)
            or address in self._reserved
            or self.pool.is_excluded(address)
            or not any(address in part for part in self._automatic())
            or (held and held.state is not State.RESTING)
        ):
            return None
        return self._hold(self._lease(address, request, at), at)

    def take_next(self, request: AddressRequest, at: Attempt) -> Lease | None:
        """Take the next address that is free; None if there is none."""
        lease = self._add_next(request, at)
        if lease is None and self._others != self._facts.changes_by_others():
            # Another process may have given some back that look taken from here.
            self._set = None
            lease = self._add_next(request, at)
        return lease

    def take_resting(self, request: AddressRequest, at: Attempt) -> Lease | None:
        """Take the address whose rest ends first: better than none at all; None if none rests."""
        held = at.leases.first_resting(self.pool.id)
        return held and self._hold(self._lease(held.address, request, at), at)

    def give_back(self, address: Address, at: Attempt) -> None:
        """Release the address: it rests for a while, or is free at once."""
        held = at.leases.get(self.pool.id, address)
        if held is None or held.state is State.RESTING or self._keeps_gateway(held):
            return
        claimed = address in self._named or self._returns_by_itself(held.owner)
        self._rest(held, at)
        if held.kind is Kind.ENDPOINT:
            came_back = partial(self._returned.add, address, at.now, claimed=claimed)
            at.once_kept(came_back)

    def expects(self, address: Address, endpoint: str | None, at: Attempt) -> bool:
        """Whether the address is this endpoint's, or waits to be somebody's."""
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
        if endpoint and held.endpoint not in (None, endpoint):
            raise AddressInUseError(
                f"Address already in use: endpoint {held.endpoint} has {address} of "
                f"pool {self.pool.id}, so {endpoint} cannot; ask for another"
            )
        known = held.owner.without_mac() if mac_made else held.owner
        self._hold(
            replace(
                held,
                state=State.BOUND,
                owner=known.known_as(owner),
                since=at.now,
                until=None,
                endpoint=endpoint or held.endpoint,
            ),
            at,
        )

    def bound_to(self, address: Address, at: Attempt) -> str | None:
        """The endpoint that is bound to the address; None if none is, or it is not known."""
        held = at.leases.get(self.pool.id, address)
        return held.endpoint if held is not None and held.state is State.BOUND else None

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
            self._hold(self._lease(address, request, at), at)

    def restore(self, used: UsedAddress, at: Attempt) -> None:
        """Record that somebody has an address, in a pool that was just restored."""
        request = AddressRequest(kind=used.kind, owner=used.owner)
        lease = self._lease(used.address, request, at)
        self._hold(replace(lease, state=State.BOUND, until=None, endpoint=used.endpoint), at)

    def lapse(self, held: Lease, at: Attempt) -> None:
        """End a lease whose time is over."""
        if held.state is State.RESERVED and held.owner:
            self._rest(held, at)
        else:
            self._free(held.address, at)

    def keep(self, reserved: Mapping[Address, Owner]) -> None:
        """Keep these addresses for their owners from now on."""
        if reserved == self._reserved:
            return
        self._reserved = reserved
        self._kept = {}
        for address, owner in reserved.items():
            self._kept.setdefault(owner, []).append(address)
        self._set = None

    def check_reservable(self, address: Address) -> None:
        """Refuse to keep an address that no host may have.  Raises InvalidAddressError."""
        check_usable(self.pool, address, Kind.AUXILIARY)

    def clear_for(self, address: Address, at: Attempt) -> None:
        """End the rest of an address that is reserved from now on."""
        held = at.leases.get(self.pool.id, address)
        if held and held.state is State.RESTING:
            self._free(address, at)

    def _add_next(self, request: AddressRequest, at: Attempt) -> Lease | None:
        taken = self._taken(at)
        while address := taken.next_free():
            lease = self._lease(address, request, at)
            if at.leases.add(lease):
                at.once_kept(partial(self._remember_next, address))
                return lease
            # Another process has it, as the set knows from now on.
            taken.pass_over(address)
            taken.add(address)
        return None

    def _taken(self, at: Attempt) -> AddressSet:
        if self._set is None:
            self._others = self._facts.changes_by_others()
            self._set = AddressSet(self.pool.prefix, self._automatic())
            for address in at.leases.addresses(self.pool.id):
                self._set.add(address)
                self._set.pass_over(address)
            for address in self._reserved:
                self._set.add(address)
        return self._set

    def _automatic(self) -> tuple[AddressRange, ...]:
        return mirror.chosen_here(self.pool, self._settings.host_id)

    def _rest(self, held: Lease, at: Attempt) -> None:
        sticky = self._settings.sticky if held.owner else 0.0
        rest = max(sticky, self._settings.quarantine)
        if not rest or held.kind is not Kind.ENDPOINT or held.address in self._reserved:
            self._free(held.address, at)
            return
        at.once_kept(partial(self._named.discard, held.address))
        self._hold(
            replace(
                held,
                state=State.RESTING,
                since=at.now,
                until=at.now + rest,
                endpoint=None,
            ),
            at,
        )

    def _hold(self, lease: Lease, at: Attempt) -> Lease:
        at.leases.put(lease)
        at.once_kept(partial(self._remember_held, lease.address))
        return lease

    def _free(self, address: Address, at: Attempt) -> None:
        at.leases.remove(self.pool.id, address)
        at.once_kept(partial(self._remember_free, address))

    def _remember_next(self, address: Address) -> None:
        self._remember_held(address)
        if self._set is not None:
            self._set.pass_over(address)

    def _remember_held(self, address: Address) -> None:
        self._returned.discard(address)
        if self._set is not None:
            self._set.add(address)

    def _remember_free(self, address: Address) -> None:
        self._named.discard(address)
        if self._set is not None and address not in self._reserved:
            self._set.discard(address)

    def _lease(self, address: Address, request: AddressRequest, at: Attempt) -> Lease:
        return new_lease(
            self.pool, address, request, at.now, timeout=self._settings.reserve_timeout
        )

    def _keeps_gateway(self, held: Lease) -> bool:
        return election.keeps_gateway(self.pool, held) or mirror.keeps_gateway(self.pool, held)

    def _returns_by_itself(self, owner: Owner) -> bool:
        return bool(owner.name or owner.tag or (owner.mac and self._knows_macs))

    def _reserved_for(self, owner: Owner, at: Attempt) -> Address | None:
        for mark in owner.marks:
            for address in self._kept.get(mark, ()):
                held = at.leases.get(self.pool.id, address)
                if held is None or held.state is State.RESTING:
                    return address
                if held.state is State.RESERVED and held.owner.matches(owner):
                    return address
        return None
