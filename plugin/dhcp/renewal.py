"""When a lease that is held is asked for again (RFC 2131 section 4.4.5, and RFC 8415 section 14.2 alike)."""

from plugin.dhcp import timing
from plugin.dhcp.states import State
from plugin.model.leases import Lease


def next_question(lease: Lease, seconds: int, now: float) -> tuple[State, float]:
    """The state of a lease of so many seconds as it is asked for now, and when it is to be asked for after that.

    What would come after the end of the state comes at its end, in the next one.
    """
    whole = max(seconds, timing.SHORTEST_LEASE)
    t2, end = lease.obtained + lease.t2, lease.obtained + whole
    if now >= end:
        return State.EXPIRED, now
    state, limit = (State.REBINDING, end) if now >= t2 else (State.RENEWING, t2)
    return state, min(limit, now + timing.wait_for_renewal(limit - now, whole))
