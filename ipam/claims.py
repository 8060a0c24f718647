"""Who may take an address, and which lease a request gets: rules without any state."""

from dataclasses import replace

from ipam.attempt import Times
from ipam.election import is_unconfirmed
from ipam.errors import AddressInUseError, InvalidAddressError
from ipam.lease import AddressRequest, Kind, Lease, State
from ipam.pool import GLOBAL, Pool
from ipam.prefixes import Address, usable


def new_lease(
    pool: Pool, address: Address, request: AddressRequest, now: float, *, timeout: float
) -> Lease:
    """The lease that a request gives; one that waits for an endpoint ends in ``timeout`` seconds."""
    awaited = is_awaited(pool, request.kind, timeout)
    return Lease(
        pool=pool.id,
        address=address,
        kind=request.kind,
        state=State.RESERVED if awaited else State.BOUND,
        owner=request.owner,
        since=now,
        until=now + timeout if awaited else None,
    )


def is_awaited(pool: Pool, kind: Kind, timeout: float) -> bool:
    """Whether an endpoint will be bound to an address that is given now, or the lease ends.

    Only pynet's network driver reports that an endpoint has its address, and only on the host of
    the endpoint.
    """
    is_reported = pool.network is not None and pool.space != GLOBAL
    return timeout > 0 and kind is Kind.ENDPOINT and is_reported


def check_usable(pool: Pool, address: Address, kind: Kind) -> None:
    """Refuse an address that the pool never gives.  Raises InvalidAddressError."""
    allowed = usable(pool.prefix)
    if address not in allowed:
        raise InvalidAddressError(
            f"requested address is out of range: {address} stands for all of "
            f"{pool.prefix}; choose one of {allowed}"
        )
    if kind is Kind.ENDPOINT and pool.is_excluded(address):
        raise InvalidAddressError(
            f"address {address} is excluded from pool {pool.id}; choose one "
            f"outside exclude={','.join(map(str, pool.exclusions))}"
        )


def is_replayed(pool: Pool, held: Lease, request: AddressRequest, *, replayed: float) -> bool:
    """Whether an engine that starts asks for what it has; it replayed the pool then (Unix seconds)."""
    return (
        held.state is State.BOUND
        and held.kind is request.kind
        and held.since < replayed
        and pool.space != GLOBAL
    )


def may_take(pool: Pool, held: Lease, request: AddressRequest, times: Times) -> bool:
    """Whether a request for the address takes it over from its present holder."""
    if held.state is State.RESTING:
        return True
    if held.kind is not request.kind:
        return False
    if held.kind is Kind.GATEWAY:
        return True
    if pool.space == GLOBAL:
        return is_unconfirmed(pool, held, times.now)
    if held.state is State.BOUND:
        return False
    return held.since < times.began or held.owner.matches(request.owner)


def bound_lease(held: Lease, endpoint: str | None, now: float) -> Lease:
    """The lease, bound to the endpoint.  Raises AddressInUseError if another one has the address."""
    if endpoint and held.endpoint not in (None, endpoint):
        raise AddressInUseError(
            f"Address already in use: endpoint {held.endpoint} has {held.address} of "
            f"pool {held.pool}, so {endpoint} cannot; ask for another"
        )
    return replace(
        held, state=State.BOUND, since=now, until=None, endpoint=endpoint or held.endpoint
    )
