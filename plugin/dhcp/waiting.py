"""Who waits for a client's answers."""

from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import TypeVar

from plugin.dhcp.base import AddressInUseError, NoLeaseError
from plugin.dhcp.client4 import Client4
from plugin.dhcp.client6 import Client6
from plugin.dhcp.frames import Arp, Datagram
from plugin.dhcp.frames6 import Heard6
from plugin.dhcp.messages4 import Message
from plugin.dhcp.states import Action, Confirmed, Conflicted, Event, Leased, Offered
from plugin.dhcp.values import Wish6
from plugin.errors import PynetError
from plugin.model.ids import IfName
from plugin.model.leases import Lease

_T = TypeVar("_T")


@dataclass(slots=True, kw_only=True)
class Entry:
    """A client, and the callers that are kept waiting; ``queued`` for a turn at the server.

    A lease is ``claimed`` when a caller was given it.  One that came too late for its caller waits
    for the next until ``unclaimed_until``.
    """

    parent: IfName
    client: Client4 | Client6
    queued: bool = False
    claimed: bool = False
    unclaimed_until: float | None = None
    conflict: AddressInUseError | None = None
    offering: list[Future[Lease]] = field(default_factory=list)
    acquiring: list[Future[Lease]] = field(default_factory=list)
    confirming: list[Future[None]] = field(default_factory=list)

    def tell(self, event: Event) -> None:
        """Let those go on who waited for this."""
        match event:
            case Leased(lease=lease):
                self._offered(lease)
                self._acquired(lease)
            case Offered(offer=lease):
                self._offered(lease)
            case Confirmed():
                self._confirmed()
            case Conflicted(address=address, server=server, mac=mac):
                whence, remedy = (
                    (
                        f"DHCP server {server} gave",
                        "the server was told so, start the container again",
                    )
                    if server
                    else ("a router's prefix gives", f"choose another {_chosen(self.client)}")
                )
                self.conflict = AddressInUseError(
                    f"{address}, which {whence}, is in use by {mac} on {self.parent}; {remedy}"
                )
                waiting, self.confirming = self.confirming, []
                for each in waiting:
                    fail(each, self.conflict)

    def hear(
        self, heard: Datagram | Arp | Heard6 | None, message: Message | None, now: float
    ) -> list[Action]:
        """What the client does about a frame, with the message in it, if it listens."""
        client = self.client
        if client.listen_until <= now:
            return []
        if isinstance(client, Client6):
            return client.hear(heard, now) if isinstance(heard, Heard6) else []
        if isinstance(heard, Arp):
            return client.hear_arp(heard, now)
        if message is None or not isinstance(heard, Datagram):
            return []
        return client.hear(message, heard.mac, now)

    def fail_all(self, why: str) -> None:
        """Nothing comes of it."""
        for acquiring in (*self.offering, *self.acquiring):
            fail(acquiring, NoLeaseError(why))
        for confirming in self.confirming:
            fail(confirming, NoLeaseError(why))

    def _offered(self, lease: Lease) -> None:
        waiting, self.offering = self.offering, []
        for each in waiting:
            answer(each, lease)

    def _acquired(self, lease: Lease) -> None:
        waiting, self.acquiring = self.acquiring, []
        for each in waiting:
            self.claim(each, lease)

    def claim(self, waiting: Future[Lease], lease: Lease) -> None:
        """Give a caller the lease, unless it waits no more."""
        if answer(waiting, lease):
            self.claimed, self.unclaimed_until = True, None

    def _confirmed(self) -> None:
        waiting, self.confirming = self.confirming, []
        for each in waiting:
            answer(each, None)


def _chosen(client: Client4 | Client6) -> str:
    """Of what the address is made that a router's prefix gives."""
    if isinstance(client.wish, Wish6) and client.wish.shares_mac:
        return "name with driver-opt=name=NAME"
    return "MAC address with --mac-address"


def answer(waiting: Future[_T], value: _T) -> bool:
    """Give the caller a value, unless nobody waits any more; tells whether it waited."""
    if not waiting.set_running_or_notify_cancel():
        return False
    waiting.set_result(value)
    return True


def fail(waiting: Future[_T], error: PynetError) -> None:
    """Give the caller an error, unless nobody waits any more."""
    if waiting.set_running_or_notify_cancel():
        waiting.set_exception(error)
