"""Which addresses of a pool this host may give: all of its own pools, and its blocks of a cluster's."""

from ipam import mirror
from ipam.claims import check_usable
from ipam.errors import InvalidAddressError, InvalidOptionError, NotOwnedError
from ipam.lease import Kind
from ipam.pool import Pool
from ipam.prefixes import Address, AddressRange, intersect, span, subtract, usable
from ipam.store.host_facts import HostFacts


def chosen_here(pool: Pool, host_id: str, facts: HostFacts) -> tuple[AddressRange, ...]:
    """Where this host may choose addresses of the pool.

    The first address of a cluster's pool is left out: it is the gateway on all hosts.
    """
    if pool.cluster is None:
        return mirror.chosen_here(pool, host_id)
    blocks = facts.blocks(pool.prefix) or ()
    owned = [intersect(part, span(block)) for part in pool.automatic for block in blocks]
    first = usable(pool.prefix).first
    return subtract((part for part in owned if part), (AddressRange(first=first, last=first),))


def may_give(pool: Pool, address: Address, facts: HostFacts) -> bool:
    """Whether no other host may give the address."""
    if pool.cluster is None:
        return True
    return any(address in block for block in facts.blocks(pool.prefix) or ())


def check_given(pool: Pool, address: Address, kind: Kind, facts: HostFacts) -> None:
    """Refuse an address that the pool never gives, or that this host may not give.

    Raises InvalidAddressError, NotOwnedError.
    """
    check_usable(pool, address, kind)
    if pool.cluster is None or kind is Kind.GATEWAY:
        return
    if kind is Kind.AUXILIARY:
        raise InvalidAddressError(
            f"auxiliary address {address} is of pool {pool.id}, which the cluster shares; use the option "
            f"exclude={address}, the same on all hosts"
        )
    if address == usable(pool.prefix).first:
        raise InvalidAddressError(
            f"address {address} is the gateway of pool {pool.id} on all hosts; choose another"
        )
    if not may_give(pool, address, facts):
        raise NotOwnedError(
            f"address {address} of pool {pool.id} is in no block of this host, which the cluster could not be "
            f"asked for; choose one of its blocks, or try again"
        )


def check_shareable(pool: Pool, facts: HostFacts) -> None:
    """Refuse a new pool of a cluster where there is none.  Raises InvalidOptionError."""
    if pool.cluster is not None and facts.blocks(pool.prefix) is None:
        raise InvalidOptionError(
            f"cluster is {pool.cluster!r}, but this host is in no cluster; leave the option out"
        )


def check_gateway(pool: Pool, address: Address) -> None:
    """Refuse one that another host might give to a container.  Raises InvalidAddressError."""
    if address in pool.prefix and address != usable(pool.prefix).first:
        if pool.is_excluded(address):
            return
        raise InvalidAddressError(
            f"gateway {address} of {pool.prefix} could be a container's on another host; give the option "
            f"exclude={address} as well, the same on all hosts"
        )
