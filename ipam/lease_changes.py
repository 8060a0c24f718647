"""How leases of a pool change: held, free, or at rest for a while; what is remembered follows."""

from dataclasses import replace
from functools import partial

from ipam.attempt import Attempt
from ipam.lease import Kind, Lease, State
from ipam.remembered import RememberedAddresses
from ipam.settings import Settings


class LeaseChanges:
    """Writes each change in the attempt ``at``, and remembers it once that is kept."""

    def __init__(self, settings: Settings, memory: RememberedAddresses) -> None:
        self._settings = settings
        self._memory = memory

    def hold(self, lease: Lease, at: Attempt) -> Lease:
        """Write the lease, in place of the one that its address has."""
        at.leases.put(lease)
        at.once_kept(partial(self._memory.is_held, lease.address))
        return lease

    def free(self, held: Lease, at: Attempt) -> None:
        """End the lease: its address is free for any request."""
        at.leases.remove(held.pool, held.address)
        at.once_kept(partial(self._memory.is_free, held.address))

    def rest(self, held: Lease, at: Attempt) -> None:
        """Keep the address for its owner for a while, and from all others; free it if it need not rest."""
        sticky = self._settings.sticky if held.owner else 0.0
        rest = max(sticky, self._settings.quarantine)
        if not rest or held.kind is not Kind.ENDPOINT or held.address in self._memory.reserved:
            self.free(held, at)
            return
        at.once_kept(partial(self._memory.named.discard, held.address))
        until = at.now + rest
        self.hold(replace(held, state=State.RESTING, since=at.now, until=until, endpoint=None), at)
