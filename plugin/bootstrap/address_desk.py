"""The IPAM for people: what the admin socket shows and takes, as plain data."""

from collections.abc import Callable
from typing import Any

from ipam.allocator import Allocator
from ipam.errors import IpamError
from ipam.reservation import Reservation, dump_reservations, load_reservations
from plugin.errors import RefusedError


class AddressDesk:
    """Pools and reservations of one allocator."""

    def __init__(self, allocator: Allocator) -> None:
        self._allocator = allocator

    def pools(self) -> list[dict[str, Any]]:
        """Every pool, and how many of its addresses are in each state."""
        return [
            {
                "id": pool.id,
                "prefix": str(pool.prefix),
                "space": pool.space,
                "tenant": pool.tenant,
                "addresses": {
                    state.value: count for state, count in self._allocator.use(pool.id).items()
                },
            }
            for pool in self._allocator.pools()
        ]

    def reservations(self) -> str:
        """Every reservation, as YAML."""
        return dump_reservations(self._allocator.reservations())

    def reserve(self, text: str) -> int:
        """Take reservations from YAML, all or none; answers how many.  Raises RefusedError."""
        return self._each(text, self._allocator.reserve)

    def unreserve(self, text: str) -> int:
        """Give up reservations from YAML; answers how many.  Raises RefusedError."""

        def give_up(*reservations: Reservation) -> None:
            for each in reservations:
                self._allocator.unreserve(each)

        return self._each(text, give_up)

    def _each(self, text: str, act: Callable[..., None]) -> int:
        try:
            reservations = load_reservations(text)
            act(*reservations)
        except IpamError as error:
            raise RefusedError(str(error)) from error
        return len(reservations)
