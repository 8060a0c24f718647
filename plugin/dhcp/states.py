"""The states of RFC 2131 figure 5, and what a client tells of its passage through them."""

from dataclasses import dataclass
from enum import Enum
from ipaddress import IPv4Address, IPv6Address
from typing import Final

from plugin.model.ids import MacAddress
from plugin.model.leases import Lease


class State(Enum):
    """Where a client is; OFFERED, PROBING and EXPIRED are not in the figure.

    In OFFERED the client waits to be told to take an offer.
    """

    INIT = "init"
    SELECTING = "selecting"
    OFFERED = "offered"
    REQUESTING = "requesting"
    REBOOTING = "rebooting"
    PROBING = "probing"
    BOUND = "bound"
    RENEWING = "renewing"
    REBINDING = "rebinding"
    EXPIRED = "expired"
    STOPPED = "stopped"


HELD: Final = frozenset({State.BOUND, State.RENEWING, State.REBINDING})
ASKING: Final = frozenset({State.REQUESTING, State.REBOOTING, State.RENEWING, State.REBINDING})


@dataclass(frozen=True, slots=True, kw_only=True)
class Send:
    """A frame that is to go out; ``what`` it is, for who counts."""

    frame: bytes
    what: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Offered:
    """A server would grant this, and was not asked to; ``over`` if it never will be."""

    offer: Lease
    over: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Leased:
    """A server granted an address, or granted it again."""

    lease: Lease
    before: Lease | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Confirmed:
    """Nobody else has the address."""

    lease: Lease


@dataclass(frozen=True, slots=True, kw_only=True)
class Conflicted:
    """Another host has the address, and the server was told so; a router gives no other (None)."""

    address: IPv4Address | IPv6Address
    server: IPv4Address | IPv6Address | None
    mac: MacAddress


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """The server said no to an address that it had granted."""

    address: IPv4Address | IPv6Address


@dataclass(frozen=True, slots=True, kw_only=True)
class Unanswered:
    """No server has answered up to T2, or to the end of the lease."""

    lease: Lease
    ended: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class GaveUp:
    """Nobody answered, and nobody is waited for any more."""

    why: str


Event = Offered | Leased | Confirmed | Conflicted | Refused | Unanswered | GaveUp
Action = Send | Event
