"""The clients of one parent link and the wire they share.  Called by one thread only."""

from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future
from ipaddress import IPv4Address, IPv6Address
from random import Random
from typing import Final

from plugin import log
from plugin.dhcp.base import NoLeaseError, Told, Wire, WireError, Wires
from plugin.dhcp.client4 import Client4
from plugin.dhcp.client6 import Client6
from plugin.dhcp.frames import Datagram, read_frame
from plugin.dhcp.frames6 import Speaker, read_frame6
from plugin.dhcp.messages4 import decode
from plugin.dhcp.offers import LookingClient4, client_for
from plugin.dhcp.statements import release_frames
from plugin.dhcp.states import Action, Event, GaveUp, Leased, Offered, Send, State
from plugin.dhcp.values import AnyWish, Wish
from plugin.dhcp.waiting import Entry, answer, fail
from plugin.model.ids import IfName
from plugin.model.leases import Lease
from plugin.telemetry import DHCP_EVENTS, DHCP_MALFORMED, DHCP_SENT

_TURN: Final = 4.0  # seconds; servers that see whether an address is free take three
_UNCLAIMED: Final = 60.0  # seconds that a lease waits whose caller had left
_LINGER: Final = 1.0  # who sends something that is not answered leaves the wire open for so long
_MOST_AT_ONCE: Final = 256  # frames, before timers are looked at again
_AT_THE_SERVER: Final = frozenset({State.SELECTING, State.OFFERED, State.REQUESTING})
_HAS_A_LEASE: Final = frozenset({State.PROBING, State.BOUND, State.RENEWING, State.REBINDING})

_log: Final = log.Log("dhcp")


class Parent:
    """One parent's clients, each under its client identifier."""

    def __init__(self, ifname: IfName, wires: Wires, told: Told, chance: Random) -> None:
        self.wire: Wire | None = None
        self._ifname = ifname
        self._wires = wires
        self._told = told
        self._chance = chance
        self._entries: dict[bytes, Entry] = {}
        self._queue: deque[bytes] = deque()
        self._turn: tuple[bytes, float] | None = None
        self._trouble: str | None = None
        self._open_until = 0.0
        self._woken = 0.0

    @property
    def due(self) -> float | None:
        """When something is to be done that no frame brings."""
        return min(self._times(), default=None)

    def acquire(
        self, wish: AnyWish, remembered: Lease | None, waiting: Future[Lease], now: float
    ) -> None:
        """Answer with the lease, or let the caller wait for it."""
        key, entry = wish.identity.client_id, self._asking(wish)
        if entry is None:
            entry = self._entries[key] = Entry(parent=self._ifname, client=self._client(wish))
            entry.acquiring.append(waiting)
            self._do(key, entry, entry.client.start(now, remembered))
            return
        entry.conflict = None
        lease = entry.client.lease
        if lease and entry.client.state in _HAS_A_LEASE:
            entry.claim(waiting, lease)
        else:
            entry.acquiring.append(waiting)
            self._do(key, entry, entry.client.take(now))

    def offer(self, wish: AnyWish, waiting: Future[Lease], now: float) -> None:
        """Answer with what may be acquired next: an offer, or a lease that no caller has waited for."""
        key, entry = wish.identity.client_id, self._asking(wish)
        if entry is None:
            client = self._client(wish, holds=True)
            entry = self._entries[key] = Entry(parent=self._ifname, client=client)
            entry.offering.append(waiting)
            self._do(key, entry, client.start(now))
            return
        client, has_lease = entry.client, entry.client.state in _HAS_A_LEASE
        held = client.lease if has_lease else client.held if client.state is State.OFFERED else None
        if held:
            answer(waiting, held)
        else:
            entry.offering.append(waiting)

    def look(self, wish: Wish, waiting: Future[Lease], now: float) -> None:
        """Let the caller wait for an offer."""
        key = wish.identity.client_id
        self.forget(key)
        client = LookingClient4(wish, self._chance)
        entry = self._entries[key] = Entry(parent=self._ifname, client=client)
        entry.offering.append(waiting)
        self._do(key, entry, client.start(now))

    def confirm(self, key: bytes, waiting: Future[None]) -> None:
        """Answer when it is known whether another machine has the address."""
        entry = self._entries.get(key)
        if entry is None:
            fail(waiting, NoLeaseError(f"no lease is held on {self._ifname} for that container"))
        elif entry.conflict:
            fail(waiting, entry.conflict)
        elif entry.client.state is State.PROBING:
            entry.confirming.append(waiting)
        else:
            answer(waiting, None)

    def adopt(self, wish: AnyWish, lease: Lease, now: float) -> None:
        """Keep a lease, unless its client is there already."""
        key = wish.identity.client_id
        if key in self._entries:
            return
        client = self._client(wish)
        entry = self._entries[key] = Entry(parent=self._ifname, client=client, claimed=True)
        self._do(key, entry, client.adopt(now, lease))

    def renew(self, key: bytes, now: float) -> None:
        """Ask for a lease again before it is due, if it is held."""
        entry = self._entries.get(key)
        if entry:
            self._do(key, entry, entry.client.renew(now))

    def forget(self, key: bytes) -> None:
        """A client asks for nothing more."""
        entry = self._entries.pop(key, None)
        if entry is None:
            return
        entry.fail_all(f"a DHCP client on {self._ifname} was stopped while it asked")

    def release(self, lease: Lease, now: float) -> None:
        """Give a lease back."""
        self.forget(lease.identity.client_id)
        xid = self._chance.getrandbits(32)
        self.say(release_frames(xid, lease, self._speaker), "release", now)

    def say(self, frames: Iterable[bytes], what: str, now: float) -> None:
        """Send what nothing answers."""
        self._open_until = now + _LINGER
        for frame in frames:
            self._send(frame, what)

    def why(self, key: bytes) -> str:
        """What came of asking so far."""
        entry = self._entries.get(key)
        told = [entry.client.tally.text] if entry else []
        return "; ".join([*told, *([self._trouble] if self._trouble else [])])

    def hear(self, now: float) -> None:
        """Read what the wire has heard."""
        for _ in range(_MOST_AT_ONCE):
            try:
                frame = self.wire.receive() if self.wire else None
            except WireError as error:
                self._lose_wire(error)
                return
            if frame is None:
                return
            self._hear_frame(frame, now)

    def wake(self, now: float) -> None:
        """Do what is due, and close the wire if nobody listens any more."""
        self._woken = now
        for key, entry in list(self._entries.items()):
            due = entry.client.due
            if due is None or due > now:
                continue
            if entry.client.state is not State.INIT:
                self._do(key, entry, entry.client.wake(now))
            elif not entry.queued:
                entry.queued = True
                self._queue.append(key)
        self._give_turns(now)
        self._give_back_unclaimed(now)
        listening = {
            mac
            for each in self._entries.values()
            if each.client.listen_until > now
            for mac in each.client.hears
        }
        if self.wire and not listening and self._open_until <= now:
            self.close()
        elif self.wire:
            try:
                self.wire.hear_for(listening)
            except WireError as error:
                self._lose_wire(error)

    def close(self) -> None:
        """Hear nothing more."""
        wire, self.wire = self.wire, None
        if wire:
            wire.close()

    def _times(self) -> Iterator[float]:
        for entry in self._entries.values():
            if entry.client.due is not None and not entry.queued:
                yield entry.client.due
            if self.wire and entry.client.listen_until > self._woken:
                yield entry.client.listen_until
            if entry.unclaimed_until is not None:
                yield entry.unclaimed_until
        if self.wire and self._open_until > self._woken:
            yield self._open_until
        if self._queue and self._turn:
            yield self._turn[1]

    def _asking(self, wish: AnyWish) -> Entry | None:
        """Who asks for the same already; one that asks for other things, or has stopped, is forgotten."""
        entry = self._entries.get(wish.identity.client_id)
        if entry and entry.client.wish == wish and entry.client.state is not State.STOPPED:
            return entry
        self.forget(wish.identity.client_id)
        return None

    def _client(self, wish: AnyWish, *, holds: bool = False) -> Client4 | Client6:
        def taken(address: IPv4Address | IPv6Address) -> bool:
            own = wish.identity.client_id
            others = (each.client for key, each in self._entries.items() if key != own)
            return any(each.lease and each.lease.address.ip == address for each in others)

        return client_for(wish, self._chance, taken, self._speaker, holds=holds)

    def _hear_frame(self, frame: bytes, now: float) -> None:
        heard = read_frame(frame) or read_frame6(frame)
        message = decode(heard.payload) if isinstance(heard, Datagram) else None
        if message is None and isinstance(heard, Datagram):
            DHCP_MALFORMED.inc()
        for key, entry in list(self._entries.items()):
            self._do(key, entry, entry.hear(heard, message, now))

    def _give_turns(self, now: float) -> None:
        """Who has been at the server for long enough goes on there, beside the next."""
        while self._queue:
            if self._turn:
                key, end = self._turn
                holder = self._entries.get(key)
                if holder and holder.client.state in _AT_THE_SERVER and now < end:
                    return
            key = self._queue.popleft()
            entry = self._entries.get(key)
            if entry and entry.queued and isinstance(entry.client, Client4):
                entry.queued = False
                self._turn = key, now + _TURN
                self._do(key, entry, entry.client.turn(now))

    def _give_back_unclaimed(self, now: float) -> None:
        """A lease that nobody came for is nobody's, and no record says that it is there."""
        for key, entry in list(self._entries.items()):
            if entry.unclaimed_until is not None and entry.unclaimed_until <= now:
                lease = entry.client.lease
                self.forget(key)
                if lease:
                    self.release(lease, now)

    def _do(self, key: bytes, entry: Entry, actions: list[Action]) -> None:
        for action in actions:
            if isinstance(action, Send):
                self._send(action.frame, action.what)
            else:
                self._tell(key, entry, action)

    def _tell(self, key: bytes, entry: Entry, event: Event) -> None:
        DHCP_EVENTS.labels(event=type(event).__name__.lower()).inc()
        entry.tell(event)
        if isinstance(event, Leased) and not entry.claimed and entry.unclaimed_until is None:
            entry.unclaimed_until = self._woken + _UNCLAIMED
        if isinstance(event, GaveUp):
            entry.fail_all(f"no address by DHCP on {self._ifname}: {self.why(key)}")
        if isinstance(event, GaveUp) or (isinstance(event, Offered) and event.over):
            self._entries.pop(key, None)
        self._told(self._ifname, key, event)

    def _send(self, frame: bytes, what: str) -> None:
        DHCP_SENT.labels(type=what).inc()
        try:
            self.wire = self.wire or self._wires(self._ifname)
            self.wire.send(frame)
        except WireError as error:
            self._lose_wire(error)
        else:
            self._trouble = None

    def _speaker(self) -> Speaker | None:
        try:
            self.wire = self.wire or self._wires(self._ifname)
            return self.wire.speaker()
        except WireError as error:
            self._lose_wire(error)
            return None

    def _lose_wire(self, error: WireError) -> None:
        """What is sent later opens it again."""
        self.close()
        if self._trouble != str(error):
            _log.warning("dhcp.wire_lost", parent=self._ifname, why=error)
        self._trouble = str(error)
