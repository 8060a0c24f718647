"""Whether the engine names the owner of an address it asks for: reservations by name need that."""

from collections.abc import Iterable

from ipam.lease import AddressRequest, Kind, Lease


class Naming:
    """Learns from every request; ``known`` is unset until one has shown it.

    Only a request for any address shows it: auxiliary addresses have no owner.  One name is enough
    until the engine was started again, which may be another version then.
    """

    def __init__(self) -> None:
        self.known: bool | None = None
        self._restarted = False

    def note(self, request: AddressRequest) -> None:
        """Record what a request shows."""
        if request.address is not None or request.kind is not Kind.ENDPOINT:
            return
        if request.owner.name:
            self.known = True
            self._restarted = False
        elif self.known is not True or self._restarted:
            self.known = False

    def restart(self) -> None:
        """Record that the engine was started again."""
        self._restarted = True


def named_before(leases: Iterable[Lease]) -> bool | None:
    """What leases show that were stored before: whether one has a name; None if none was asked for."""
    named: bool | None = None
    for lease in leases:
        if lease.owner.name:
            return True
        if lease.kind is Kind.ENDPOINT:
            named = False
    return named
