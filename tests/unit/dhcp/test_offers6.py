"""Clients for IPv6 that do not take an offer at once."""

from dataclasses import replace

import pytest

from plugin.dhcp.messages6 import Kind
from plugin.dhcp.offers import HoldingClient6
from plugin.dhcp.states import Offered, State
from plugin.dhcp.values import Method
from tests.fakes.router import MANAGED
from tests.unit.dhcp.driven6 import ADDRESS, WISH6, Driven6


def start(method: Method, flags: int = 0) -> Driven6:
    driven = Driven6(replace(WISH6, method=method), HoldingClient6)
    driven.router.flags = flags
    driven.start()
    return driven


def asked(driven: Driven6) -> list[Kind]:
    return driven.router.server.kinds()


@pytest.fixture(params=[Method.DHCP, Method.AUTO])
def driven(request: pytest.FixtureRequest) -> Driven6:
    """One that has an offer."""
    return start(request.param, MANAGED)


def test_it_waits_to_be_told(driven: Driven6) -> None:
    """Nothing is granted before."""
    driven.run(3)
    assert asked(driven) == [Kind.SOLICIT]
    assert driven.router.server.leases == {}
    (event,) = driven.events
    assert isinstance(event, Offered)
    assert event.offer == driven.client.held

    driven.do(driven.client.take(driven.now))
    driven.run(1)

    assert asked(driven) == [Kind.SOLICIT, Kind.REQUEST]
    assert driven.client.state is State.BOUND


def test_told_twice_it_asks_once(driven: Driven6) -> None:
    """Two callers may wait for one lease."""
    driven.do([*driven.client.take(driven.now), *driven.client.take(driven.now)])
    driven.run(1)

    assert asked(driven) == [Kind.SOLICIT, Kind.REQUEST]


def test_nobody_tells_it(driven: Driven6) -> None:
    """It asks again, and takes what comes."""
    driven.run(12)

    assert asked(driven) == [Kind.SOLICIT, Kind.SOLICIT, Kind.REQUEST]
    assert driven.client.state is State.BOUND


def test_what_a_router_gives_nobody_offers() -> None:
    """It is no server's, and goes without being given back."""
    driven = start(Method.AUTO)
    driven.run(1)

    assert driven.client.held is None
    assert driven.client.lease
    assert driven.client.lease.address.ip == ADDRESS
