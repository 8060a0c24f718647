"""What services ask of DHCP clients, and what the clients ask of the wire under them."""

from collections.abc import Set as AbstractSet
from typing import Protocol

from plugin.dhcp.frames6 import Speaker
from plugin.dhcp.states import Event
from plugin.dhcp.values import AnyWish, Wish
from plugin.errors import HostError
from plugin.model.ids import IfName, MacAddress
from plugin.model.leases import Lease


class NoLeaseError(HostError):
    """No server granted an address in time."""


class AddressInUseError(HostError):
    """Another machine has the address that a server granted."""


class WireError(Exception):
    """The parent is gone, down, or may not be listened at; the message has the reason."""


class Wire(Protocol):
    """One open socket at a parent link.

    It receives untagged DHCP answers and ARP, and nothing that this host sends.  Its creator closes
    it.
    """

    def fileno(self) -> int:
        """What becomes readable when something was heard."""

    def send(self, frame: bytes) -> None:
        """Put a whole frame on the wire; raises WireError."""

    def receive(self) -> bytes | None:
        """The next frame that was heard, or None if there is none now; raises WireError."""

    def speaker(self) -> Speaker:
        """As whom the parent itself speaks IPv6; raises WireError."""

    def hear_for(self, macs: AbstractSet[MacAddress]) -> None:
        """Hear what is sent to these hosts and groups, too, and to no others of before."""

    def close(self) -> None:
        """Hear nothing more."""


class Wires(Protocol):
    """Opens wires."""

    def __call__(self, parent: IfName, /) -> Wire:
        """An ear at a link of that name; raises WireError."""


class Told(Protocol):
    """Is told what happens to leases, in the thread that must not wait: to pass on, not to act."""

    def __call__(self, parent: IfName, client_id: bytes, event: Event, /) -> None:
        """Something happened to the lease of that client."""


class Clients(Protocol):
    """DHCP clients of all parents.  A client is known by its parent and its client identifier.

    ``seconds`` bound every wait; what a client asks goes on when its caller has left, so that
    the next one finds the answer.
    """

    def acquire(
        self, parent: IfName, wish: AnyWish, remembered: Lease | None = None, *, seconds: float
    ) -> Lease:
        """An address for the identity of the request.  Raises NoLeaseError."""

    def offer(self, parent: IfName, wish: AnyWish, *, seconds: float) -> Lease:
        """What ``acquire`` would be granted next, so that it can be saved before; raises NoLeaseError."""

    def confirm(self, parent: IfName, client_id: bytes, *, seconds: float) -> None:
        """Wait until it is known whether another machine has it.  Raises AddressInUseError."""

    def adopt(self, parent: IfName, wish: AnyWish, lease: Lease) -> None:
        """Keep a lease that a process before this one obtained."""

    def renew(self, parent: IfName, client_id: bytes) -> None:
        """Ask now whether a lease goes on; what comes of it is told as ever."""

    def rest(self, parent: IfName, client_id: bytes) -> None:
        """Stop to renew: who has the lease is not there for now."""

    def release(self, parent: IfName, lease: Lease) -> None:
        """Give a lease back, and return when that was sent, or cannot be; nothing answers."""

    def announce(self, parent: IfName, lease: Lease) -> None:
        """Tell the neighbours who has the address now."""

    def look(self, parent: IfName, wish: Wish, *, seconds: float) -> Lease:
        """What a server offers, without taking it; raises NoLeaseError."""

    def close(self) -> None:
        """Stop; nothing is released."""
