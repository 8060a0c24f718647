"""The IPAM for people: what the admin socket shows and takes, as plain data."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final, TypeVar

from ipam.allocator import Allocator
from ipam.errors import IpamError
from ipam.lease import State
from ipam.pool import Pool
from ipam.reservation import Reservation, dump_reservations, load_reservations
from plugin.errors import RefusedError
from plugin.health import Health
from plugin.operator.address_map import address_map

T = TypeVar("T")
_ABOUT: Final = "reservations"
_ENGINE: Final = "this host's Docker"
_COUNTED: Final = 1 << 32  # addresses; a pool of more is never full


class IpamReservations:
    """Pools and reservations of one allocator."""

    def __init__(self, allocator: Allocator, health: Health, *, requires_mac: bool = False) -> None:
        self._allocator = allocator
        self._health = health
        self._requires_mac = requires_mac

    def pools(self) -> list[dict[str, Any]]:
        """Every pool, how many of its addresses are in each state, and how many are left.

        ``size`` and ``free`` are of the addresses that containers get by themselves; None for
        pools that are never full.
        """
        return [self._pool(pool) for pool in self._allocator.pools()]

    def _pool(self, pool: Pool) -> dict[str, Any]:
        use = self._allocator.use(pool.id)
        size = sum(int(part.last) - int(part.first) + 1 for part in pool.automatic)
        small = size <= _COUNTED
        return {
            "id": pool.id,
            "prefix": str(pool.prefix),
            "space": pool.space,
            "tenant": pool.tenant,
            "network": pool.network,
            "size": size if small else None,
            "free": size - self._taken(pool, use) if small else None,
            "addresses": {state.value: count for state, count in use.items()},
        }

    def addresses(self, pool: str, at: str) -> dict[str, Any]:
        """The addresses of a pool one by one, as ``address_map`` has them.  Raises RefusedError."""
        found = next((each for each in self._allocator.pools() if each.id == pool), None)
        if found is None:
            raise RefusedError(f"pool is {pool!r}, which is none of 'pynet pools --json'")
        leases = self._allocator.leases(found.id)
        return address_map(found, leases, self._allocator.reservations(), at)

    def _taken(self, pool: Pool, use: Mapping[State, int]) -> int:
        """How many of the addresses that containers get by themselves are not free."""
        if not (pool.ranges or pool.exclusions):
            return sum(use.values())
        parts = pool.automatic
        leases = self._allocator.leases(pool.id)
        return sum(any(lease.address in part for part in parts) for lease in leases)

    def reservations(self) -> str:
        """Every reservation, as YAML."""
        return dump_reservations(self._allocator.reservations())

    def reserve(self, text: str) -> tuple[int, str]:
        """Take reservations from YAML, all or none.  Raises RefusedError.

        Answers how many, and in a sentence which of them do nothing on this engine; or nothing.
        """

        def take(reservations: Sequence[Reservation]) -> tuple[int, str]:
            self._allocator.reserve(*reservations)
            self.advise()
            return len(reservations), self._note(reservations)

        return _act_on(text, take)

    def advise(self) -> None:
        """Report in the health which reservations have no effect, if the engine names no container."""
        hints: list[str] = []
        if self._allocator.names_containers() is False:
            idle = [each for each in self._allocator.reservations() if self._is_unknown(each)]
            if idle:
                hints.append(_hint(idle))
        self._health.advise(hints, about=_ABOUT)

    def _note(self, reservations: Iterable[Reservation]) -> str:
        idle = [each for each in reservations if self._is_unknown(each)]
        named = self._allocator.names_containers()
        if not idle or named:
            return ""
        who = "Docker before 29 (it may be this host's)" if named is None else _ENGINE
        return (
            f"{who} does not send the {_marks(idle)} of a container when it asks for an address: "
            "the address is kept from all others, but its owner must ask for it with --ip"
        )

    def _is_unknown(self, each: Reservation) -> bool:
        """Whether an engine that names no container never asks for it."""
        return bool(each.owner.name or (each.owner.mac and not self._requires_mac))

    def unreserve(self, text: str) -> tuple[int, list[str]]:
        """Give up reservations from YAML.  Raises RefusedError.

        Answers how many there were, and which addresses were not reserved.
        """

        def give_up(reservations: Sequence[Reservation]) -> tuple[int, list[str]]:
            wanted = {(each.space, each.tenant, each.address): each for each in reservations}
            missing = [
                str(each.address) for each in wanted.values() if not self._allocator.unreserve(each)
            ]
            self.advise()
            return len(wanted) - len(missing), missing

        return _act_on(text, give_up)


def _hint(idle: Sequence[Reservation]) -> str:
    what = f"the reservation of {idle[0].address} does nothing for its owner"
    if len(idle) > 1:
        what = f"{len(idle)} reservations, as of {idle[0].address}, do nothing for their owners"
    return (
        f"{what}: {_ENGINE} does not send the {_marks(idle)} of a container when it asks for an "
        "address; start the owner with --ip, or use engine 29; the address is kept from all others"
    )


def _marks(idle: Iterable[Reservation]) -> str:
    return " and ".join(sorted({"name" if each.owner.name else "MAC address" for each in idle}))


def _act_on(text: str, act: Callable[[Sequence[Reservation]], T]) -> T:
    try:
        return act(load_reservations(text))
    except IpamError as error:
        raise RefusedError(str(error)) from error
