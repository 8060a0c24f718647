"""One container's client for IPv6: it asks routers and servers, and probes and keeps what comes of it.

The state machine of RFC 8415 section 18.2 under the names of DHCPv4's; what a router's prefix gives is
kept in the same states.  The questions are the parent's own, because the container has no link yet and
nobody could answer it.
"""

from collections.abc import Callable
from random import Random
from typing import Final

from plugin.dhcp import timing
from plugin.dhcp.answers6 import Said, lease_of6, meaning, status_text
from plugin.dhcp.client import Client, Taken
from plugin.dhcp.conflict import Probe6
from plugin.dhcp.errors import UnacceptableError
from plugin.dhcp.frames6 import (
    ALL_NODES,
    Advertised,
    Datagram6,
    Heard6,
    Neighbour,
    Speaker,
    multicast_mac,
    solicited_node,
)
from plugin.dhcp.messages6 import Kind, Message6
from plugin.dhcp.requests6 import KIND_IN, Questions6
from plugin.dhcp.slaac import autonomous_lease
from plugin.dhcp.states import (
    ASKING,
    Action,
    Conflicted,
    Leased,
    Refused,
    State,
)
from plugin.dhcp.tally import Tally6
from plugin.dhcp.values import Method, Wish6
from plugin.model.ids import MacAddress
from plugin.model.leases import Lease

_LISTENS: Final = ASKING | {State.SELECTING, State.EXPIRED}
_TRIES: Final = {
    State.REQUESTING: (timing.REQUESTS, timing.REQUEST_PATIENCE),
    State.REBOOTING: (timing.REBOOTS, timing.REBOOT_PATIENCE),
}


class Client6(Client):
    """A server's address, or one of a router's prefix."""

    wish: Wish6
    tally: Tally6
    _probe: Probe6 | None

    def __init__(
        self,
        wish: Wish6,
        chance: Random,
        speaker: Callable[[], Speaker | None],
        taken: Taken = lambda _: False,
    ) -> None:
        super().__init__(chance, taken)
        self.wish = wish
        self.tally = Tally6()
        self._questions = Questions6(wish, chance, speaker, self.tally)
        self._stateful = wish.method is Method.DHCP  # a server is asked, and not a router
        self._hint: Lease | None = None

    @property
    def hears(self) -> frozenset[MacAddress]:
        """Groups that answers are sent to."""
        probed = [solicited_node(self._probe.address)] if self._probe else []
        return frozenset(multicast_mac(each) for each in (ALL_NODES, *probed))

    def start(self, now: float, remembered: Lease | None = None) -> list[Action]:
        """Ask for an address, or whether one that is remembered still is one."""
        self._since, self._hint = now, remembered
        if remembered is None or (remembered.server_id and remembered.has_ended(now)):
            return self._exchange(State.SELECTING, now)
        self.lease, self._stateful = remembered, bool(remembered.server_id)
        return self._exchange(State.REBOOTING, now)

    def adopt(self, now: float, lease: Lease) -> list[Action]:
        """Go on with an address that was obtained before; nothing is sent unless it is late."""
        self._stateful = bool(lease.server_id)
        return super().adopt(now, lease)

    def hear(self, heard: Heard6, now: float) -> list[Action]:
        """Take an answer; ignore what this client did not ask."""
        try:
            match heard:
                case Neighbour():
                    return self._take_neighbour(heard, now)
                case Advertised() if self.state in _LISTENS and not self._stateful:
                    return self._take_advertised(heard, now)
                case Datagram6() if self.state in _LISTENS and self._stateful:
                    return self._take_answer(heard, now)
        except UnacceptableError as error:
            self.tally.unacceptable(str(error))
        return []

    def _exchange(self, state: State, now: float, wait: float = 0.0) -> list[Action]:
        """Begin to ask; an exchange has one transaction id."""
        self.state, self._began, self._sent, self.due = state, now + wait, 0, now + wait
        self._questions.begin()
        return self.wake(now)

    def _begin(self, now: float, *, setback: bool = False) -> list[Action]:
        """Ask from the start; after a second setback later, whatever a server does to us."""
        if not self._in_use and now >= self._since + timing.PATIENCE:
            return self._give_up()
        self._setbacks += setback
        self._offer, self._stateful = None, self.wish.method is Method.DHCP
        self.listen_until = 0.0  # else each advertisement would end the wait
        wait = timing.SETBACK_AGAIN if setback and self._setbacks > 1 else 0.0
        return self._exchange(State.SELECTING, now, wait)

    def _ask(self, now: float) -> list[Action]:
        schedule, patience = _TRIES.get(self.state, (timing.DISCOVERS, timing.PATIENCE))
        if self.state is State.EXPIRED:
            self.due = now + timing.wait_when_expired(self._chance)
            self._began = now
            self._questions.begin()
        elif now >= self._began + patience:
            return self._silent(now)
        else:
            self._sent += 1
            wait = timing.wait_for_try(schedule, self._sent, self._chance)
            self.due = self._began + (patience if wait is None else min(wait, patience))
        return self._question(now)

    def _silent(self, now: float) -> list[Action]:
        """An address that is remembered may be used while it lasts."""
        if self.state is State.REBOOTING and self.lease and not self.lease.has_ended(now):
            return [Leased(lease=self.lease, before=self.lease), *self._check(now)]
        if self.state is not State.SELECTING:
            return self._begin(now)
        return self._exchange(State.EXPIRED, now) if self._in_use else self._give_up()

    def _take_advertised(self, heard: Advertised, now: float) -> list[Action]:
        self.tally.advertisements += 1
        begins = self.wish.method is Method.AUTO and self.state in (State.SELECTING, State.EXPIRED)
        if begins and heard.advertisement.managed:
            self._stateful = True
            return self._exchange(State.SELECTING, now)
        return self._take(autonomous_lease(heard, self.wish, self.lease, now=now), now)

    def _take_answer(self, heard: Datagram6, now: float) -> list[Action]:
        """An answer to what was asked last."""
        message = self._questions.answer(heard.payload)
        if message is None:
            return []
        self.tally.replies += 1
        match meaning(message, self.state, offer=self._offer, lease=self.lease):
            case Said.OFFERED:
                return self._choose(self._lease(message, heard), now)
            case Said.GRANTED:
                return self._take(self._lease(message, heard), now)
            case Said.CONFIRMED if self.lease:
                return [Leased(lease=self.lease, before=self.lease), *self._bound(now)]
            case Said.DENIED:
                self.tally.unacceptable(f"the server says {status_text(message)}")
                return self._refused(now)
        return []

    def _accept(self, offer: Lease, now: float) -> list[Action]:
        self._offer = offer
        return self._exchange(State.REQUESTING, now)

    def _lease(self, message: Message6, heard: Datagram6) -> Lease:
        before = self._offer if self.state is State.REQUESTING else self.lease or self._hint
        return lease_of6(message, heard, self.wish, before, asked=self._asked)

    def _refused(self, now: float) -> list[Action]:
        """The server has no such lease any more, or the LAN is another one."""
        lease, self.lease = self.lease, None
        told: list[Action] = [Refused(address=lease.address.ip)] if lease else []
        return told + self._begin(now, setback=True)

    def _take(self, lease: Lease, now: float) -> list[Action]:
        if self._taken(lease.address.ip):
            raise UnacceptableError(f"{lease.address.ip} is another container's")
        before, self.lease, self._hint = self.lease, lease, lease
        told: list[Action] = [Leased(lease=lease, before=before)]
        has_it = self._in_use and before is not None and before.address == lease.address
        return told + (self._bound(now) if has_it else self._check(now))

    def _take_neighbour(self, heard: Neighbour, now: float) -> list[Action]:
        """A server has other addresses; of a router's prefix there is this one for the hardware address."""
        other = self._probe.other(heard) if self._probe else None
        lease = self.lease
        if other is None or lease is None:
            return []
        self.lease = self._hint = self._probe = None
        server = lease.server if lease.server_id else None
        told: list[Action] = [Conflicted(address=lease.address.ip, server=server, mac=other)]
        if server is None:
            self.stop()
            return told
        self._questions.begin()
        frame = self._questions.server(Kind.DECLINE, lease, 0)
        return [*self._send(frame, "decline", now), *told, *self._begin(now, setback=True)]

    def _expire(self, now: float) -> list[Action]:
        return self._exchange(State.EXPIRED, now)

    def _ask_again(self, lease: Lease, now: float) -> list[Action]:
        """A router's question is the same in all states, which say how long none has answered."""
        self._sent = 0
        self._questions.begin()
        return self._question(now)

    def _probe_of(self, lease: Lease, now: float) -> Probe6:
        return Probe6(lease.ipv6.ip, self.wish.identity.mac, now)

    def _question(self, now: float) -> list[Action]:
        if self._sent <= 1:
            self._asked = now
        if not self._stateful:
            return self._send(self._questions.router(), "router solicitation", now)
        lease = self._offer if self.state is State.REQUESTING else self.lease or self._hint
        frame = self._questions.server(KIND_IN[self.state], lease, now - self._began)
        return self._send(frame, KIND_IN[self.state].name.lower(), now)
