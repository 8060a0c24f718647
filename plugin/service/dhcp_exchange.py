"""Ask a LAN's DHCP servers, with no lock held: they may be silent for as long as a call can wait."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from plugin.deadline import remaining
from plugin.dhcp.base import AddressInUseError, Clients, NoLeaseError
from plugin.dhcp.local_server import listens_here
from plugin.dhcp.values import Wish
from plugin.drivers.base import BoundNetwork
from plugin.drivers.dhcp_terms import Conflict
from plugin.errors import RefusedError
from plugin.log import Log
from plugin.model.ids import IfName, is_of_swarm, short
from plugin.model.leases import Lease
from plugin.service.claims import Claim, wish4_of
from plugin.service.lease_seats import first_identity
from plugin.telemetry import DHCP_SECONDS

_log: Final = Log("leases")
_ACQUIRE_SECONDS: Final = {4: 14.0, 6: 6.0}  # by IP version, of the 16 that a call has
_LOOK_SECONDS: Final = 4.0  # servers that see whether an address is free take three
_SLOW_SECONDS: Final = 1.0


class Exchange:
    """``silent`` has the parents where nobody was given an address, and since when."""

    def __init__(self, clients: Clients) -> None:
        self._clients = clients
        self.silent: dict[IfName, float] = {}

    def ask(self, claim: Claim, remembered: Lease | None) -> Lease:
        """An address for a container.  Raises NoLeaseError, AddressInUseError."""
        end = time.monotonic() + remaining(_ACQUIRE_SECONDS[claim.wish.identity.version])
        with self._noting_silence(claim):
            lease = self._acquire(claim, remembered, end)
        self.silent.pop(claim.use.parent, None)
        seconds = time.monotonic() - claim.began
        DHCP_SECONDS.labels(path="remembered" if remembered else "new").observe(seconds)
        if seconds > _SLOW_SECONDS:
            _log.warning("lease.slow", server=lease.server, seconds=f"{seconds:.1f}")
        _log.info("lease.acquired", network=short(claim.network_id), address=lease.address)
        return lease

    def offer(self, claim: Claim) -> Lease:
        """What ``ask`` will ask for, if nothing is remembered.  Raises NoLeaseError."""
        wish = claim.wish
        seconds = remaining(_ACQUIRE_SECONDS[wish.identity.version])
        with self._noting_silence(claim):
            return self._clients.offer(claim.use.parent, wish, seconds=seconds)

    def look_for_server(self, bound: BoundNetwork) -> None:
        """See whether a server answers, before the first container asks; none gives an address for that.

        The health has a hint if none does.  Raises RefusedError if the network requires one.
        """
        use = bound.dhcp_use()
        if use is None or (is_of_swarm(bound.network.id) and not use.terms.required):
            return  # a swarm makes networks for each first container, which waits
        wish = wish4_of(use, first_identity(use))
        try:
            self._clients.look(use.parent, wish, seconds=remaining(_LOOK_SECONDS))
        except NoLeaseError as error:
            _log.warning("lease.no_server", parent=use.parent, reason=error)
            if use.terms.required:
                here = (
                    "; one listens on this host, which no client on its own parent reaches"
                    if listens_here()
                    else ""
                )
                raise RefusedError(
                    f"option require is true, and {error}{here}; see that a server is on that LAN, or leave "
                    "out require"
                ) from error
            self.silent.setdefault(use.parent, time.time())
        else:
            self.silent.pop(use.parent, None)

    @contextmanager
    def _noting_silence(self, claim: Claim) -> Iterator[None]:
        try:
            yield
        except NoLeaseError:
            if isinstance(claim.wish, Wish):
                self.silent.setdefault(claim.use.parent, time.time())
            raise

    def _acquire(self, claim: Claim, remembered: Lease | None, end: float) -> Lease:
        """With ``conflict=wait``, one that no other machine has, if servers have another in time."""
        parent, wish = claim.use.parent, claim.wish
        while True:
            left = end - time.monotonic()
            lease = self._clients.acquire(parent, wish, remembered, seconds=left)
            if claim.use.terms.conflict is not Conflict.WAIT:
                return lease
            try:
                client = wish.identity.client_id
                self._clients.confirm(parent, client, seconds=end - time.monotonic())
            except AddressInUseError as error:
                if wish.is_only:
                    raise
                _log.warning("lease.in_use", network=short(claim.network_id), reason=error)
                remembered = None
            else:
                return lease
