"""Who may ask when, and when nobody listens."""

from concurrent.futures import Future
from dataclasses import replace
from random import Random

import pytest

from plugin.dhcp.base import NoLeaseError
from plugin.dhcp.identity import identity_beside_others, identity_of_text
from plugin.dhcp.messages4 import Kind
from plugin.dhcp.parent import Parent
from plugin.dhcp.values import Wish
from plugin.model.ids import IfName, MacAddress
from plugin.model.leases import Lease
from tests.fakes.dhcp import FakeLan
from tests.unit.dhcp.driven import WEB, WISH, lease

ETH0 = IfName("eth0")


class Driven:
    """A parent on a LAN, and a clock."""

    def __init__(self) -> None:
        self.lan = FakeLan()
        self.parent = Parent(ETH0, self.lan, lambda *_: None, Random(1))
        self.now = 1000.0
        self._stuck = False

    def acquire(self, wish: Wish, remembered: Lease | None = None) -> Future[Lease]:
        waiting: Future[Lease] = Future()
        self.parent.acquire(wish, remembered, waiting, self.now)
        return waiting

    def run(self, seconds: float) -> None:
        end = self.now + seconds
        self._turn()
        while (due := self.parent.due) is not None and due <= end:
            assert due > self.now or not self._stuck, "it is due again and again"
            self._stuck = due <= self.now
            self.now = max(self.now, due)
            self._turn()
        self.now = end

    def _turn(self) -> None:
        before = -1
        while before != (before := len(self.lan.server.heard)):
            self.parent.wake(self.now)
            self.parent.hear(self.now)
        self.parent.wake(self.now)


def other(number: int) -> Wish:
    return Wish(identity=identity_of_text("lan", str(number)))


def test_new_clients_ask_one_after_the_other() -> None:
    """A server that sees whether an address is free serves nobody for three seconds."""
    driven = Driven()
    driven.lan.server.silent = True
    for number in range(3):
        driven.acquire(other(number))

    driven.run(3.9)
    assert len({each.mac for each in driven.lan.server.heard}) == 1

    driven.run(1)
    assert len({each.mac for each in driven.lan.server.heard}) == 2


def test_the_next_asks_when_the_one_before_has_its_address() -> None:
    """Not after a time: all are there at once."""
    driven = Driven()
    waiting = [driven.acquire(other(number)) for number in range(20)]

    driven.run(0.5)

    assert len({each.result(0).address for each in waiting}) == 20


def test_who_had_an_address_never_queues() -> None:
    """Its question costs the server nothing."""
    driven = Driven()
    driven.lan.server.silent = True
    driven.acquire(other(1))
    driven.run(0.1)

    driven.acquire(WISH, lease(obtained=990))

    assert driven.lan.server.kinds() == [Kind.DISCOVER, Kind.REQUEST]


def test_the_wire_hears_for_those_who_ask() -> None:
    """And is closed when nobody does."""
    driven = Driven()
    driven.acquire(WISH)

    driven.run(0.1)
    assert driven.lan.wires[0].macs == {WEB.mac}

    driven.run(1)
    assert driven.lan.open_wires == 0


def test_an_answer_that_never_came_keeps_nobody_awake() -> None:
    """While the wire is open for another client."""
    driven = Driven()
    driven.lan.server.silent = True
    driven.parent.adopt(WISH, lease(obtained=940), driven.now)
    driven.run(10)

    driven.acquire(other(1))
    driven.run(20)

    assert driven.lan.open_wires == 1


def test_a_server_that_knows_hardware_addresses_alone() -> None:
    """Two on ipvlan would have one address: the second is told why it has none."""
    driven = Driven()
    mac = MacAddress("02:aa:00:00:00:01")
    same = lease().address.ip
    driven.lan.server.twist = lambda said: [replace(said, yours=same)]
    driven.acquire(Wish(identity=identity_beside_others(mac, "lan", "web")))
    driven.run(1)

    waiting = driven.acquire(Wish(identity=identity_beside_others(mac, "lan", "db")))
    driven.run(70)

    with pytest.raises(NoLeaseError, match=r"another container's; .* choose mode=macvlan"):
        waiting.result(0)


def test_a_wire_that_breaks_is_opened_again() -> None:
    """By the next thing that is sent."""
    driven = Driven()
    driven.lan.trouble = "eth0 is down or gone"
    waiting = driven.acquire(WISH)
    driven.run(2)
    assert "eth0 is down or gone" in driven.parent.why(WEB.client_id)

    driven.lan.trouble = None
    driven.run(5)

    assert waiting.result(0).address == lease().address


def test_a_lease_that_nobody_came_for_is_given_back() -> None:
    """Its caller had left, and nothing on this host remembers it."""
    driven = Driven()
    driven.acquire(WISH).cancel()
    driven.run(1)
    assert driven.lan.server.leases

    driven.run(65)

    assert driven.lan.server.leases == {}
    assert driven.parent.due is None


def test_a_lease_waits_for_the_caller_that_comes_again() -> None:
    """And is its own then."""
    driven = Driven()
    driven.acquire(WISH).cancel()
    driven.run(30)

    again = driven.acquire(WISH)
    driven.run(45)

    assert again.result(0).address == lease().address
    assert driven.lan.server.leases
