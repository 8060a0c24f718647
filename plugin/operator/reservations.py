"""The IPAM for people: what the admin socket shows and takes, as plain data."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

from ipam.allocator import Allocator
from ipam.errors import IpamError
from ipam.lease import Kind
from ipam.reservation import Reservation, dump_reservations, load_reservations
from plugin.errors import RefusedError

T = TypeVar("T")


class IpamReservations:
    """Pools and reservations of one allocator."""

    def __init__(self, allocator: Allocator, *, requires_mac: bool = False) -> None:
        self._allocator = allocator
        self._requires_mac = requires_mac

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

    def reserve(self, text: str) -> tuple[int, str]:
        """Take reservations from YAML, all or none.  Raises RefusedError.

        Answers how many, and in a sentence which of them do nothing on this engine; or nothing.
        """

        def take(reservations: Sequence[Reservation]) -> tuple[int, str]:
            self._allocator.reserve(*reservations)
            return len(reservations), self._note(reservations)

        return _act_on(text, take)

    def _note(self, reservations: Iterable[Reservation]) -> str:
        unknown = {
            "name" if each.owner.name else "MAC address"
            for each in reservations
            if each.owner.name or (each.owner.mac and not self._requires_mac)
        }
        named = self._names_containers()
        if not unknown or named:
            return ""
        who = "Docker before 29 (it may be this host's)" if named is None else "this host's Docker"
        what = " and ".join(sorted(unknown))
        return (
            f"{who} does not say the {what} of a container when it asks for an address: nobody else is "
            f"given the address, but its owner must ask for it with --ip"
        )

    def _names_containers(self) -> bool | None:
        """Whether the engine says who an address is for, by its last request; None if it had none."""
        held = [
            lease
            for pool in self._allocator.pools()
            for lease in self._allocator.leases(pool.id)
            if lease.kind is Kind.ENDPOINT
        ]
        if not held:
            return None
        return bool(max(held, key=lambda lease: lease.since).owner.name)

    def unreserve(self, text: str) -> int:
        """Give up reservations from YAML; answers how many there were.  Raises RefusedError."""
        return _act_on(text, lambda given: sum(map(self._allocator.unreserve, given)))


def _act_on(text: str, act: Callable[[Sequence[Reservation]], T]) -> T:
    try:
        return act(load_reservations(text))
    except IpamError as error:
        raise RefusedError(str(error)) from error
