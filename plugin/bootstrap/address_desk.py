"""The IPAM for people: what the admin socket shows and takes, as plain data."""

from collections.abc import Callable, Sequence
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

        def take(reservations: Sequence[Reservation]) -> int:
            self._allocator.reserve(*reservations)
            return len(reservations)

        return _act_on(text, take)

    def unreserve(self, text: str) -> int:
        """Give up reservations from YAML; answers how many there were.  Raises RefusedError."""
        return _act_on(text, lambda given: sum(map(self._allocator.unreserve, given)))


def _act_on(text: str, act: Callable[[Sequence[Reservation]], int]) -> int:
    try:
        return act(load_reservations(text))
    except IpamError as error:
        raise RefusedError(str(error)) from error
