"""When a client asks again, and when it stops to (RFC 2131 sections 4.1 and 4.4.5).

The first tries come sooner than the RFC's four seconds: people wait for a container.
"""

from random import Random
from typing import Final

DISCOVERS: Final = (0.0, 1.0, 3.0, 7.0, 15.0, 31.0, 47.0)  # seconds from the first
REQUESTS: Final = (0.0, 1.0, 3.0)
REBOOTS: Final = (0.0, 1.0, 2.0)
PATIENCE: Final = 60.0  # of a client that has no address yet
REQUEST_PATIENCE: Final = 5.0
REBOOT_PATIENCE: Final = 3.0
OFFER_PATIENCE: Final = (
    10.0  # section 3.1: a server may keep what it offers for others a little later
)
LISTEN: Final = 16.0  # an answer that takes longer is not heard
SETBACK_AGAIN: Final = 10.0  # section 3.1, step 5
SHORTEST_LEASE: Final = 30  # seconds; what is shorter is renewed as if it were that long
_JITTER: Final = 0.1
_EARLY: Final = 10.0  # clients that started together do not renew together
_AGAIN: Final = 60.0  # at least, between questions of RENEWING and REBINDING
_SHORT_AGAIN: Final = 32  # ... which is a part of a lease of less than half an hour
_EXPIRED_AGAIN: Final = 64.0


def wait_for_try(schedule: tuple[float, ...], sent: int, chance: Random) -> float | None:
    """Seconds from the first try to the next, if there is one."""
    if sent >= len(schedule):
        return None
    spread = _JITTER * (schedule[sent] - schedule[sent - 1])
    return schedule[sent] + chance.uniform(-spread, spread)


def wait_when_expired(chance: Random) -> float:
    """Seconds between questions of a container whose lease is over."""
    return _EXPIRED_AGAIN + chance.uniform(-1, 1)


def renewal_begins(t1: int, chance: Random) -> float:
    """Seconds of a lease until RENEWING."""
    return t1 - chance.uniform(0, min(_EARLY, t1 * _JITTER))


def wait_for_renewal(left: float, whole: float) -> float:
    """Seconds until the same state asks again, ``left`` being what is left of it."""
    return max(min(_AGAIN, whole / _SHORT_AGAIN), left / 2)
