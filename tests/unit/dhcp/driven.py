"""A client with a clock that a test moves, and a server that answers at once."""

from collections.abc import Iterator
from ipaddress import IPv4Address, IPv4Interface
from random import Random
from typing import Final

from plugin.dhcp.client4 import Client4
from plugin.dhcp.frames import Arp, Datagram, read_frame
from plugin.dhcp.identity import identity_of_text
from plugin.dhcp.messages4 import Kind, Message, decode
from plugin.dhcp.states import Action, Event, Send
from plugin.dhcp.values import Wish
from plugin.model.leases import Facts, Lease
from tests.fakes.dhcp import SERVER, SERVER_MAC, FakeLan, read_server_frame

WEB: Final = identity_of_text("lan", "web", name="web")
WISH: Final = Wish(identity=WEB)


def lease(number: int = 100, *, obtained: float = 0.0, seconds: int | None = 120) -> Lease:
    """As the server would have granted it."""
    return Lease(
        identity=WEB,
        address=IPv4Interface(f"192.168.50.{number}/24"),
        server=SERVER,
        next_hop=SERVER_MAC,
        facts=Facts(router=SERVER),
        obtained=obtained,
        seconds=seconds,
        t1=60,
        t2=105,
    )


class Driven:
    """Time goes from one thing that is due to the next."""

    def __init__(
        self, wish: Wish = WISH, lan: FakeLan | None = None, kind: type[Client4] = Client4
    ) -> None:
        self.lan = lan or FakeLan()
        self.client = kind(wish, Random(1))
        self.now = 1000.0
        self.events: list[Event] = []
        self.sent: list[tuple[float, Message | Arp]] = []
        self.frames: list[bytes] = []

    def start(self, remembered: Lease | None = None) -> None:
        self.do(self.client.start(self.now, remembered))
        self.do(self.client.turn(self.now))

    def do(self, actions: list[Action]) -> None:
        """Carry out what the client answered."""
        for action in actions:
            if isinstance(action, Send):
                self._send(action.frame)
            else:
                self.events.append(action)

    def run(self, seconds: float) -> None:
        """Let time pass."""
        end = self.now + seconds
        while self.client.due is not None and self.client.due <= end:
            self.now = max(self.now, self.client.due)
            self.do([*self.client.wake(self.now), *self.client.turn(self.now)])
        self.now = end

    def hear(self, frame: bytes) -> None:
        heard = read_frame(frame)
        if isinstance(heard, Arp):
            self.do(self.client.hear_arp(heard, self.now))
        elif isinstance(heard, Datagram):
            self.do(list(self._answers(heard)))

    def kinds(self) -> list[Kind]:
        """Messages that were sent; probes are none."""
        return [each.kind for _, each in self.sent if isinstance(each, Message)]

    def messages(self) -> list[Message]:
        return [each for _, each in self.sent if isinstance(each, Message)]

    def address(self) -> IPv4Address | None:
        return self.client.lease.address.ip if self.client.lease else None

    def _send(self, frame: bytes) -> None:
        self.frames.append(frame)
        sent = read_server_frame(frame)
        assert sent
        self.sent.append((self.now, sent))
        for answer in self.lan.carry(frame):
            self.hear(answer)

    def _answers(self, heard: Datagram) -> Iterator[Action]:
        message = decode(heard.payload)
        if message:
            yield from self.client.hear(message, heard.mac, self.now)
