"""The messages of a DHCPv6 client (RFC 8415 section 18.2), for one address, and a router's question."""

from collections.abc import Callable
from random import Random
from typing import Final

from plugin.dhcp.frames6 import Speaker, datagram_frame6, solicitation_frame
from plugin.dhcp.messages6 import Association, Granted, Kind, Message6, Option, decode6, encode6
from plugin.dhcp.states import State
from plugin.dhcp.tally import Tally6
from plugin.dhcp.values import Wish6
from plugin.model.leases import Identity, Lease

KIND_IN: Final = {
    State.SELECTING: Kind.SOLICIT,
    State.EXPIRED: Kind.SOLICIT,
    State.REQUESTING: Kind.REQUEST,
    State.REBOOTING: Kind.CONFIRM,
    State.RENEWING: Kind.RENEW,
    State.REBINDING: Kind.REBIND,
}

_IAID: Final = 4
_WISHED_FOR: Final = (int(Option.DNS), int(Option.DOMAIN_SEARCH))
_TO_ITS_SERVER: Final = frozenset({Kind.REQUEST, Kind.RENEW, Kind.RELEASE, Kind.DECLINE})
_GIVES_UP: Final = frozenset({Kind.RELEASE, Kind.DECLINE})


def iaid_and_duid(identity: Identity) -> tuple[bytes, bytes]:
    """As whom a container is known by DHCPv6 servers."""
    return identity.client_id[:_IAID], identity.client_id[_IAID:]


def request6(kind: Kind, xid: int, seconds: float, wish: Wish6, lease: Lease | None) -> bytes:
    """A message about an address, which of a SOLICIT is a hint; times are the server's to choose.

    No server is asked for a rapid commit: it would grant what is not saved yet.
    """
    iaid, duid = iaid_and_duid(wish.identity)
    about = (Granted(address=lease.ipv6.ip, preferred=0, valid=0),) if lease else ()
    message = Message6(
        kind=kind,
        xid=xid,
        client=duid,
        server=lease.server_id if lease and kind in _TO_ITS_SERVER else None,
        association=Association(iaid=iaid, addresses=about),
        elapsed=round(seconds * 100),
        wished_for=() if kind in _GIVES_UP else _WISHED_FOR,
        user_classes=() if kind in _GIVES_UP else wish.user_classes,
    )
    return encode6(message)


class Questions6:
    """What one client asks, counted, by way of the parent; None where the parent cannot speak."""

    def __init__(
        self,
        wish: Wish6,
        chance: Random,
        speaker: Callable[[], Speaker | None],
        tally: Tally6,
    ) -> None:
        self._wish = wish
        self._chance = chance
        self._speaker = speaker
        self._tally = tally
        self._xid = 0

    def begin(self) -> None:
        """Another exchange, with a transaction id of its own."""
        self._xid = self._chance.getrandbits(24)

    def router(self) -> bytes | None:
        """A router solicitation."""
        speaker = self._speaker()
        if speaker is None:
            return None
        self._tally.solicitations += 1
        return solicitation_frame(speaker)

    def server(self, kind: Kind, lease: Lease | None, seconds: float) -> bytes | None:
        """A message to servers, so many seconds after the first of its exchange."""
        speaker = self._speaker()
        if speaker is None:
            return None
        if speaker.address is None:
            self._tally.unacceptable(
                "the parent has no address fe80::... that servers could answer to"
            )
            return None
        self._tally.requests += 1
        message = request6(kind, self._xid, seconds, self._wish, lease)
        return datagram_frame6(speaker, message)

    def answer(self, payload: bytes) -> Message6 | None:
        """The message, if it is one to what was asked last."""
        message = decode6(payload)
        _, duid = iaid_and_duid(self._wish.identity)
        is_own = message is not None and (message.xid, message.client) == (self._xid, duid)
        return message if is_own else None
