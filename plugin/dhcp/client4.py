"""One DHCPv4 client: the state machine of RFC 2131."""

from random import Random

from plugin.dhcp import timing
from plugin.dhcp.answers4 import check_alone, check_grant, check_refusal, is_answer
from plugin.dhcp.client import Client, Taken
from plugin.dhcp.conflict import Probe
from plugin.dhcp.errors import UnacceptableError
from plugin.dhcp.frames import Arp
from plugin.dhcp.messages4 import Kind, Message
from plugin.dhcp.options4 import lease_of
from plugin.dhcp.requests4 import Requests
from plugin.dhcp.states import (
    ASKING,
    Action,
    Conflicted,
    Leased,
    Refused,
    Send,
    State,
)
from plugin.dhcp.tally import Tally
from plugin.dhcp.values import Wish
from plugin.model.ids import MacAddress
from plugin.model.leases import Lease


class Client4(Client):
    """In INIT, ``due`` is when it wants its turn."""

    wish: Wish
    tally: Tally
    _probe: Probe | None

    def __init__(self, wish: Wish, chance: Random, taken: Taken = lambda _: False) -> None:
        super().__init__(chance, taken)
        self.wish = wish
        self.tally = Tally()
        self.hears = frozenset({wish.identity.mac})
        self._requests = Requests(wish)
        self._xid = 0

    def start(self, now: float, remembered: Lease | None = None) -> list[Action]:
        """Ask for an address: for one that is remembered at once, else when it is our turn."""
        self._since = now
        if remembered is None:
            return self._begin(now)
        self.lease = self._offer = remembered
        return self._exchange(State.REBOOTING, now)

    def turn(self, now: float) -> list[Action]:
        """No other client of this parent is at the server now."""
        return self._exchange(State.SELECTING, now) if self.state is State.INIT else []

    def hear(self, message: Message, source: MacAddress, now: float) -> list[Action]:
        """Take an answer of a server; ignore it if this client did not ask."""
        if not is_answer(message, self.wish, self._xid):
            return []
        try:
            match message.kind:
                case Kind.OFFER if self.state in (State.SELECTING, State.EXPIRED):
                    return self._take_offer(message, source, now)
                case Kind.ACK if self.state in ASKING:
                    return self._take_ack(message, source, now)
                case Kind.NAK if self.state in ASKING:
                    return self._take_nak(message, now)
        except UnacceptableError as error:
            self.tally.unacceptable(str(error))
        return []

    def hear_arp(self, arp: Arp, now: float) -> list[Action]:
        """Take an ARP message, while the address is probed."""
        other = self._probe.other(arp) if self._probe else None
        if other is None or self.lease is None:
            return []
        lease, self.lease, self._probe = self.lease, None, None
        actions: list[Action] = [
            Send(frame=self._requests.decline(self._new_xid(), lease), what="decline"),
            Conflicted(address=lease.address.ip, server=lease.server, mac=other),
        ]
        return actions + self._begin(now, setback=True)

    def _begin(self, now: float, *, setback: bool = False) -> list[Action]:
        """Wait for a turn; after a second setback for longer, whatever a server does to us."""
        if not self._in_use and now >= self._since + timing.PATIENCE:
            return self._give_up()
        self._setbacks += setback
        self.state, self._offer, self.listen_until = State.INIT, None, 0.0
        self.due = now + timing.SETBACK_AGAIN if setback and self._setbacks > 1 else now
        return []

    def _exchange(self, state: State, now: float) -> list[Action]:
        """Begin to ask; an exchange has one transaction id."""
        self.state, self._began, self._sent, self.due = state, now, 0, now
        self._new_xid()
        return self.wake(now)

    def _ask(self, now: float) -> list[Action]:
        match self.state:
            case State.SELECTING | State.EXPIRED:
                return self._discover(now)
            case State.REQUESTING | State.REBOOTING:
                return self._request(now)
            case _:
                return []  # its turn has not come

    def _discover(self, now: float) -> list[Action]:
        if self.state is State.SELECTING and now >= self._began + timing.PATIENCE:
            if not self._in_use:
                return self._give_up()
            self.state = State.EXPIRED
        expired = self.state is State.EXPIRED
        if expired:
            self._new_xid()
            self._began = now
        wanted = self.lease.ipv4.ip if self.lease else self.wish.address
        wanted = None if self._setbacks and not self.wish.exact else wanted  # declined or refused
        frame = self._requests.discover(self._xid, int(now - self._began), wanted)
        self.tally.discovers += 1
        self._sent += 1
        later = now + timing.wait_when_expired(self._chance)
        self.due = later if expired else self._next(timing.DISCOVERS, timing.PATIENCE)
        return self._send(frame, "discover", now)

    def _request(self, now: float) -> list[Action]:
        """REQUESTING takes an offer, REBOOTING asks for what it had."""
        rebooting = self.state is State.REBOOTING
        patience = timing.REBOOT_PATIENCE if rebooting else timing.REQUEST_PATIENCE
        if self._offer is None or now >= self._began + patience:
            return self._silent(now)
        server = None if rebooting else self._offer.server4
        address = self._offer.ipv4.ip
        if self._sent == 0:
            self._asked = now
        self._sent += 1
        self.due = self._next(timing.REBOOTS if rebooting else timing.REQUESTS, patience)
        frame = self._requests.request(self._xid, int(now - self._began), address, server)
        return self._send(frame, "request", now)

    def _silent(self, now: float) -> list[Action]:
        """No server answered a request."""
        if self.state is State.REBOOTING and self.lease and not self.lease.has_ended(now):
            # RFC 2131 section 3.2: it may be used as long as it lasts.
            return [Leased(lease=self.lease, before=self.lease), *self._check(now)]
        return self._begin(now)

    def _take_offer(self, message: Message, source: MacAddress, now: float) -> list[Action]:
        offer = lease_of(message, self.wish, next_hop=source, asked=now)
        check_alone(offer, self._taken)
        self.tally.offers += 1
        return self._choose(offer, now)

    def _accept(self, offer: Lease, now: float) -> list[Action]:
        """In the same exchange."""
        self._offer = offer
        self.state, self._sent, self._began, self.due = State.REQUESTING, 0, now, now
        return self.wake(now)

    def _take_ack(self, message: Message, source: MacAddress, now: float) -> list[Action]:
        lease = lease_of(message, self.wish, next_hop=source, asked=self._asked)
        of_offer = self.state is State.REQUESTING
        check_grant(lease, self._offer if of_offer else self.lease, of_offer=of_offer)
        check_alone(lease, self._taken)
        before, self.lease = self.lease, lease
        lives = self.state in (State.RENEWING, State.REBINDING)
        had = before if before and (lives or not before.has_ended(now)) else None
        known = had is not None and had.address.ip == lease.address.ip
        actions: list[Action] = [Leased(lease=lease, before=before)]
        return actions + (self._bound(now) if known else self._check(now))

    def _take_nak(self, message: Message, now: float) -> list[Action]:
        """The server refuses: another network, or another client has it (section 3.1, step 4)."""
        requesting = self.state is State.REQUESTING
        check_refusal(message, self.wish, self._offer if requesting else None)
        self.tally.refusals += 1
        told: list[Action] = []
        if self.lease and not requesting:
            told = [Refused(address=self.lease.address.ip)]
            self.lease = None
        return told + self._begin(now, setback=True)

    def _expire(self, now: float) -> list[Action]:
        return self._discover(now)

    def _ask_again(self, lease: Lease, now: float) -> list[Action]:
        self._new_xid()
        self._asked = now
        everybody = self.state is State.REBINDING
        frame = self._requests.renew(self._xid, int(now - self._began), lease, everybody=everybody)
        return self._send(frame, "renew", now)

    def _probe_of(self, lease: Lease, now: float) -> Probe:
        return Probe(lease.ipv4.ip, self.wish.identity.mac, now)

    def _next(self, schedule: tuple[float, ...], patience: float) -> float:
        """When to send again, or to give up."""
        wait = timing.wait_for_try(schedule, self._sent, self._chance)
        return self._began + (patience if wait is None else min(wait, patience))

    def _new_xid(self) -> int:
        self._xid = self._chance.getrandbits(32)
        return self._xid
