"""A client for IPv6 with a clock that a test moves, and a router that answers at once."""

from dataclasses import replace
from ipaddress import IPv6Address, IPv6Interface
from random import Random
from typing import Final

from plugin.dhcp.client6 import Client6
from plugin.dhcp.frames6 import Speaker, read_frame6
from plugin.dhcp.identity import identity6_of, identity_of_mac
from plugin.dhcp.states import Action, Event, Send
from plugin.dhcp.values import Wish6
from plugin.model.ids import MacAddress, link_local
from plugin.model.leases import Facts, Lease
from tests.fakes.dhcp import PARENT_MAC
from tests.fakes.router import ROUTER, ROUTER_MAC, FakeRouter

MAC: Final = MacAddress("02:11:22:33:44:55")
WEB6: Final = identity6_of(identity_of_mac(MAC, "web"))
WISH6: Final = Wish6(identity=WEB6)
ADDRESS: Final = IPv6Address("2001:db8:50::11:22ff:fe33:4455")

SPEAKER: Final = Speaker(mac=PARENT_MAC, address=link_local(PARENT_MAC))


def lease6(*, obtained: float = 0.0, seconds: int | None = 7200) -> Lease:
    """As the router's prefix would have given it."""
    whole = seconds or 0
    return Lease(
        identity=WEB6,
        address=IPv6Interface((ADDRESS, 64)),
        server=ROUTER,
        next_hop=ROUTER_MAC,
        facts=Facts(),
        obtained=obtained,
        seconds=seconds,
        t1=whole // 2,
        t2=whole * 7 // 8,
    )


class Driven6:
    """Time goes from one thing that is due to the next."""

    def __init__(self, wish: Wish6 = WISH6, kind: type[Client6] = Client6) -> None:
        self.router = FakeRouter()
        self.speaker: Speaker | None = SPEAKER
        self.client = kind(wish, Random(1), lambda: self.speaker)
        self.now = 1000.0
        self.events: list[Event] = []
        self.frames: list[tuple[str, bytes]] = []

    def start(self, remembered: Lease | None = None) -> None:
        self.do(self.client.start(self.now, remembered))

    def do(self, actions: list[Action]) -> None:
        """Carry out what the client answered."""
        for action in actions:
            if isinstance(action, Send):
                self.frames.append((action.what, action.frame))
                for answer in self.router.answers(action.frame):
                    self.hear(answer)
            else:
                self.events.append(action)

    def hear(self, frame: bytes) -> None:
        heard = read_frame6(frame)
        if heard and self.client.listen_until > self.now:
            self.do(self.client.hear(heard, self.now))

    def run(self, seconds: float) -> None:
        """Let time pass."""
        end = self.now + seconds
        while self.client.due is not None and self.client.due <= end:
            self.now = max(self.now, self.client.due)
            self.do(self.client.wake(self.now))
        self.now = end

    def whats(self) -> list[str]:
        return [what for what, _ in self.frames]


def bound() -> Driven6:
    """One that has its address."""
    driven = Driven6()
    driven.start()
    driven.run(1)
    driven.frames.clear()
    driven.events.clear()
    return driven


def other_prefix(lease: Lease, text: str) -> Lease:
    """The same by another prefix."""
    return replace(lease, address=IPv6Interface(text))
