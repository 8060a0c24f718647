"""What becomes of an address of a DHCPv6 server: it is renewed, lost, and asked for again after a rest."""

from dataclasses import replace
from ipaddress import IPv6Interface

from plugin.dhcp.messages6 import Kind
from plugin.dhcp.states import (
    Confirmed,
    Leased,
    Refused,
    State,
    Unanswered,
)
from plugin.model.leases import Lease
from tests.fakes.dhcp6 import SERVER_ID
from tests.unit.dhcp.driven6 import Driven6
from tests.unit.dhcp.test_client6_dhcp import FIRST, WISH, asked, bound


def remembered(driven: Driven6, *, ago: float) -> Lease:
    """A lease of the server's, that was had so many seconds ago."""
    lease = bound(driven).client.lease
    assert lease
    return replace(lease, obtained=driven.now - ago)


class TestRemembered:
    """A container comes back."""

    def test_one_question(self) -> None:
        """CONFIRM; the times stay, and no probe is needed."""
        driven = Driven6(WISH)
        lease = remembered(driven, ago=20)
        driven.frames.clear()
        driven.start(lease)

        assert driven.whats() == ["confirm"]
        assert driven.client.state is State.BOUND
        assert driven.client.lease == lease

    def test_one_that_is_late_is_renewed_at_once(self) -> None:
        """It rested, so nobody did before."""
        driven = Driven6(WISH)
        driven.start(remembered(driven, ago=40))
        driven.run(0.1)

        assert asked(driven) == [Kind.CONFIRM, Kind.RENEW]
        assert driven.client.lease
        assert driven.client.lease.obtained >= 1001

    def test_another_lan(self) -> None:
        """The server says so, and another address is had."""
        driven = Driven6(WISH)
        lease = replace(remembered(driven, ago=20), address=IPv6Interface("2001:db8:9::5/128"))
        driven.start(lease)
        driven.run(1)

        assert asked(driven) == [Kind.CONFIRM, Kind.SOLICIT, Kind.REQUEST]
        assert driven.client.lease
        assert driven.client.lease.address.ip == FIRST

    def test_a_silent_server_is_not_waited_for(self) -> None:
        """Its lease is used as it is."""
        driven = Driven6(WISH)
        lease = remembered(driven, ago=20)
        driven.router.server.silent = True
        driven.start(lease)
        driven.run(3.5)

        assert driven.client.state is State.BOUND
        assert driven.client.lease == lease

    def test_what_is_over_is_a_wish(self) -> None:
        """For the same address."""
        driven = Driven6(WISH)
        driven.start(remembered(driven, ago=500))

        assert asked(driven) == [Kind.SOLICIT, Kind.REQUEST]
        first = driven.router.server.heard[0]
        assert first.server is None


class TestHeld:
    """RENEW, REBIND, and the end."""

    def test_t1_and_t2_and_the_end(self) -> None:
        """The server, then everybody, then from the start."""
        driven = bound()
        driven.router.server.silent = True
        driven.run(29)
        assert set(asked(driven)) <= {Kind.RENEW}
        driven.run(30)
        assert Kind.REBIND in asked(driven)
        driven.run(70)

        assert asked(driven)[-1] is Kind.SOLICIT
        assert [type(each) for each in driven.events] == [Unanswered, Unanswered]
        assert {each.server for each in driven.router.server.heard if each.kind is Kind.RENEW} == {
            SERVER_ID
        }
        assert {each.server for each in driven.router.server.heard if each.kind is Kind.REBIND} == {
            None
        }
        driven.router.server.silent = False
        driven.run(70)
        assert driven.client.state is State.BOUND

    def test_it_goes_on(self) -> None:
        """Counted from the question, each time."""
        driven = bound()
        driven.run(200)

        assert set(asked(driven)) == {Kind.RENEW}
        assert driven.client.lease
        assert driven.now - driven.client.lease.obtained < 31
        assert {type(each) for each in driven.events} == {Leased, Confirmed}

    def test_it_is_counted_from_each_question(self) -> None:
        """Also after a first exchange of several."""
        driven = Driven6(WISH)
        driven.router.server.silent = True
        driven.start()
        driven.run(2)
        driven.router.server.silent = False
        driven.run(60)

        assert driven.client.lease
        assert driven.now - driven.client.lease.obtained < 31

    def test_a_server_that_forgot(self) -> None:
        """It is told, and asked from the start."""
        driven = bound()
        driven.router.server.leases.clear()
        driven.run(35)

        assert asked(driven)[:3] == [Kind.RENEW, Kind.SOLICIT, Kind.REQUEST]
        assert isinstance(driven.events[0], Refused)
        assert driven.client.state is State.BOUND

    def test_another_address(self) -> None:
        """It is probed, and told."""
        driven = bound()
        (client,) = driven.router.server.leases
        driven.router.server.leases[client] = FIRST + 7
        driven.run(35)

        leased = next(each for each in driven.events if isinstance(each, Leased))
        assert (leased.before and leased.before.address.ip, leased.lease.address.ip) == (
            FIRST,
            FIRST + 7,
        )
