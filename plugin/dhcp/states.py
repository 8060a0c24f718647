"""The states of RFC 2131 figure 5, and what a client tells of its passage through them."""

from dataclasses import dataclass
from enum import Enum
from ipaddress import IPv4Address

from plugin.model.ids import MacAddress
from plugin.model.leases import Lease


class State(Enum):
    """Where a client is; PROBING and EXPIRED are not in the figure, and stand beside BOUND."""

    INIT = "init"
    SELECTING = "selecting"
    REQUESTING = "requesting"
    REBOOTING = "rebooting"
    PROBING = "probing"
    BOUND = "bound"
    RENEWING = "renewing"
    REBINDING = "rebinding"
    EXPIRED = "expired"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True, kw_only=True)
class Send:
    """A frame that is to go out."""

    frame: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Offered:
    """A server would grant this, and was not asked to."""

    offer: Lease


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
    """Somebody else has the address, and the server was told so."""

    address: IPv4Address
    server: IPv4Address
    mac: MacAddress


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """The server said no to an address that it had granted."""

    address: IPv4Address


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
