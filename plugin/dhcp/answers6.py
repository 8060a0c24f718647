"""What a DHCPv6 server's answer grants, and which of it can be true; a server is a stranger."""

from enum import Enum
from ipaddress import IPv6Interface
from typing import Final

from plugin.dhcp.errors import UnacceptableError
from plugin.dhcp.frames6 import Datagram6
from plugin.dhcp.messages6 import Association, Granted, Kind, Message6
from plugin.dhcp.requests6 import iaid_and_duid
from plugin.dhcp.states import State
from plugin.dhcp.timing import SHORTEST_LEASE
from plugin.dhcp.values import Wish6
from plugin.model.leases import Facts, Lease

NO_BINDING: Final = 3
NOT_ON_LINK: Final = 4
_STATUS: Final = {  # RFC 8415 section 21.13
    1: "UnspecFail",
    2: "NoAddrsAvail",
    NO_BINDING: "NoBinding",
    NOT_ON_LINK: "NotOnLink",
    5: "UseMulticast",
}
_INFINITE: Final = 0xFFFFFFFF
_HOST: Final = 128  # which prefix is on the link, routers say


def status_of(message: Message6) -> int:
    """What the server says of the message, or of the address."""
    return message.status or (message.association.status if message.association else 0)


def status_text(message: Message6) -> str:
    """The status by its name."""
    status = status_of(message)
    return _STATUS.get(status, f"status {status}")


class Said(Enum):
    """What an answer comes to, in the state that its client is in."""

    NOTHING = "nothing"
    OFFERED = "offered"
    GRANTED = "granted"
    CONFIRMED = "confirmed"
    DENIED = "denied"


def meaning(message: Message6, state: State, *, offer: Lease | None, lease: Lease | None) -> Said:
    """Sections 18.2.9 and 18.2.10; whether a lease can be made of it, ``lease_of6`` says."""
    selects = state in (State.SELECTING, State.EXPIRED)
    if message.kind is Kind.ADVERTISE:
        return Said.OFFERED if selects else Said.NOTHING
    if message.kind is not Kind.REPLY or selects:
        return Said.NOTHING
    status = status_of(message)
    known = offer if state is State.REQUESTING else lease
    of_server = known is not None and message.server == known.server_id
    if state is State.REQUESTING:
        denied, granted = status != 0, of_server
    else:
        empty = message.association is not None and not message.association.addresses
        denied, granted = status in (NO_BINDING, NOT_ON_LINK) or (not status and empty), True
    if denied:
        return Said.DENIED if of_server else Said.NOTHING
    if state is State.REBOOTING:
        return Said.NOTHING if status else Said.CONFIRMED
    return Said.GRANTED if granted else Said.NOTHING


def lease_of6(
    message: Message6, heard: Datagram6, wish: Wish6, before: Lease | None, *, asked: float
) -> Lease:
    """What is offered or granted, the address of ``before`` if it is among that.  Raises UnacceptableError."""
    if status_of(message):
        raise UnacceptableError(f"the server says {status_text(message)}")
    if message.server is None:
        raise UnacceptableError("it names no server (option 2)")
    iaid, _ = iaid_and_duid(wish.identity)
    association = message.association
    if association is None or association.iaid != iaid or not association.addresses:
        raise UnacceptableError("it has no address that a container can have (option 3)")
    same = [each for each in association.addresses if before and each.address == before.address.ip]
    granted = (same or association.addresses)[0]
    if granted.address in wish.avoid:
        raise UnacceptableError(f"{granted.address} is this host's own address")
    t1, t2 = _times(association, granted)
    return Lease(
        identity=wish.identity,
        address=IPv6Interface((granted.address, _HOST)),
        server=heard.source,
        server_id=message.server,
        next_hop=heard.mac,
        facts=Facts(dns=message.dns, search=message.search),
        obtained=asked,
        seconds=None if granted.valid == _INFINITE else max(granted.valid, SHORTEST_LEASE),
        t1=t1,
        t2=t2,
    )


def _times(association: Association, granted: Granted) -> tuple[int, int]:
    """T1 and T2, the server's if they are in order (RFC 8415 section 21.4)."""
    whole = max(granted.valid, SHORTEST_LEASE)
    if 0 < association.t1 <= association.t2 <= whole:
        return association.t1, association.t2
    half = max(granted.preferred or granted.valid, SHORTEST_LEASE)
    return half // 2, half * 4 // 5
