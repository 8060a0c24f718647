"""Clients that do not take an offer at once."""

from dataclasses import replace

import pytest

from plugin.dhcp.messages4 import Kind, Message
from plugin.dhcp.offers import HoldingClient4, LookingClient4
from plugin.dhcp.states import Offered, State
from tests.fakes.dhcp import LAN
from tests.unit.dhcp.driven import Driven


def test_one_that_looks_takes_none() -> None:
    """It is over when a server has answered."""
    driven = Driven(kind=LookingClient4)
    driven.start()
    driven.run(120)

    assert driven.kinds() == [Kind.DISCOVER]
    (event,) = driven.events
    assert isinstance(event, Offered)
    assert (event.over, event.offer.address.ip) == (True, LAN[100])
    assert driven.client.state is State.STOPPED


class TestHolding:
    @pytest.fixture
    def driven(self) -> Driven:
        """One that has an offer."""
        made = Driven(kind=HoldingClient4)
        made.start()
        return made

    def test_it_waits_to_be_told(self, driven: Driven) -> None:
        """And then asks in the same exchange (RFC 2131 section 4.4.1)."""
        driven.run(3)
        assert driven.kinds() == [Kind.DISCOVER]
        assert driven.client.held
        assert driven.client.held.address.ip == LAN[100]

        driven.do(driven.client.take(driven.now))
        driven.run(1)

        assert driven.kinds() == [Kind.DISCOVER, Kind.REQUEST]
        first, second = driven.messages()
        assert first.xid == second.xid
        assert driven.client.state is State.BOUND

    def test_told_twice_it_asks_once(self, driven: Driven) -> None:
        """Two callers may wait for one lease."""
        driven.do([*driven.client.take(driven.now), *driven.client.take(driven.now)])
        driven.run(1)

        assert driven.kinds() == [Kind.DISCOVER, Kind.REQUEST]

    def test_nobody_tells_it(self, driven: Driven) -> None:
        """What is offered is not offered for ever: it asks again, and takes what comes."""
        driven.run(12)

        assert driven.kinds() == [Kind.DISCOVER, Kind.DISCOVER, Kind.REQUEST]
        assert driven.client.state is State.BOUND

    def test_another_offer_meanwhile_is_passed_over(self, driven: Driven) -> None:
        """The first is saved."""
        held = driven.client.held
        driven.lan.server.twist = lambda said: [said, replace(said, yours=LAN[200])]
        driven.do(driven.client.take(driven.now))
        driven.run(1)

        assert held
        assert driven.address() == held.address.ip

    def test_a_refusal_begins_anew(self, driven: Driven) -> None:
        """The next offer is not waited with: who is told of the first has saved that."""
        refusals = iter([True])

        def once(said: Message) -> list[Message]:
            refuses = said.kind is Kind.ACK and next(refusals, False)
            return [replace(said, kind=Kind.NAK) if refuses else said]

        driven.lan.server.twist = once
        driven.do(driven.client.take(driven.now))
        driven.run(2)

        assert driven.client.state is State.BOUND
        assert len([each for each in driven.events if isinstance(each, Offered)]) == 1
