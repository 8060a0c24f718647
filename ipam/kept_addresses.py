"""The addresses of a space that are reserved, as the store had them last."""

from collections.abc import Callable, Iterable, Mapping, Sequence

from ipam.addresses import PoolAddresses
from ipam.errors import AddressReservedError, InvalidReservationError
from ipam.lease import Owner
from ipam.pool import Pool, Tenant
from ipam.pool_request import NEVER_POOLS
from ipam.prefixes import Address
from ipam.reservation import Reservation


class KeptAddresses:
    """For whom each address is kept, of all tenants."""

    def __init__(self, reservations: Iterable[Reservation] = ()) -> None:
        self._owners: dict[Tenant, dict[Address, Owner]] = {}
        for each in reservations:
            self._owners.setdefault(each.tenant, {})[each.address] = each.owner

    def has(self, reservation: Reservation) -> bool:
        """Whether the address of the reservation is reserved, for any owner."""
        return reservation.address in self._owners.get(reservation.tenant, {})

    def of_pool(self, pool: Pool) -> Mapping[Address, Owner]:
        """Those in a pool."""
        kept = self._owners.get(pool.tenant)
        if not kept:
            return {}
        return {address: owner for address, owner in kept.items() if address in pool.prefix}

    def check(
        self,
        reservations: Sequence[Reservation],
        pool_around: Callable[[Reservation], PoolAddresses | None],
    ) -> None:
        """Refuse reservations that contradict those there are, or each other.

        Raises AddressReservedError, InvalidAddressError, InvalidReservationError.
        """
        wanted: dict[tuple[Tenant, Address], Owner] = {}
        for each in reservations:
            _check_possible(each.address)
            kept = self._owners.get(each.tenant, {}).get(each.address, each.owner)
            kept_for = wanted.setdefault((each.tenant, each.address), kept)
            if kept_for != each.owner:
                raise AddressReservedError(
                    f"address {each.address} is reserved for {kept_for}, not for "
                    f"{each.owner}; unreserve it first"
                )
            pool = pool_around(each)
            if pool is not None:
                pool.check_reservable(each.address)


def _check_possible(address: Address) -> None:
    never = next((each for each in NEVER_POOLS if address in each), None)
    if never is not None:
        raise InvalidReservationError(
            f"address is {address}, and no container may have one of {never}; choose a unicast address"
        )
