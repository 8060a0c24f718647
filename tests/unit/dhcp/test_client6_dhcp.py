"""The way of one client for IPv6 to an address of a DHCPv6 server, by a clock that stands still between."""

from dataclasses import replace
from ipaddress import IPv6Address, IPv6Interface

from scapy.layers.dhcp6 import DHCP6OptUserClass

from plugin.dhcp.identity import identity6_of, identity_beside_others
from plugin.dhcp.messages6 import Kind
from plugin.dhcp.states import (
    Confirmed,
    Conflicted,
    GaveUp,
    Leased,
    State,
)
from plugin.dhcp.values import Method
from plugin.model.ids import MacAddress
from tests.fakes.dhcp6 import SERVER6, SERVER_ID
from tests.fakes.router import MANAGED, PREFIX
from tests.unit.dhcp.driven6 import ADDRESS, SPEAKER, WISH6, Driven6

FIRST = IPv6Address("fd50::1000")
STRANGER = MacAddress("02:00:00:00:00:99")
WISH = replace(WISH6, method=Method.DHCP)
AUTO = replace(WISH6, method=Method.AUTO)


def asked(driven: Driven6) -> list[Kind]:
    return driven.router.server.kinds()


def bound(driven: Driven6 | None = None) -> Driven6:
    driven = driven or Driven6(WISH)
    driven.start()
    driven.run(1)
    driven.events.clear()
    driven.router.server.heard.clear()
    return driven


class TestFromNothing:
    """SOLICIT, REQUEST, probes."""

    def test_four_messages(self) -> None:
        """The lease is what the server said, counted from the asking."""
        driven = Driven6(WISH)
        driven.start()
        driven.run(1)

        assert asked(driven) == [Kind.SOLICIT, Kind.REQUEST]
        assert driven.router.asked == 0
        assert [type(each) for each in driven.events] == [Leased, Confirmed]
        lease = driven.client.lease
        assert lease
        assert lease.address == IPv6Interface((FIRST, 128))
        assert (lease.server, lease.server_id) == (SERVER6, SERVER_ID)
        assert (lease.obtained, lease.seconds, lease.t1, lease.t2) == (1000, 120, 30, 48)

    def test_who_asks_is_in_every_message(self) -> None:
        """As on IPv4, where that has a DUID (RFC 4361)."""
        own = identity_beside_others(STRANGER, "lan", "web")
        driven = Driven6(replace(WISH, identity=identity6_of(own)))
        driven.start()

        for message in driven.router.server.heard:
            assert message.association
            assert b"\xff" + message.association.iaid + message.client == own.client_id

    def test_classes_are_told(self) -> None:
        """RFC 8415 section 21.15, with two octets for each length."""
        driven = Driven6(replace(WISH, user_classes=("lab", "printer")))
        driven.start()

        said = [
            DHCP6OptUserClass(frame[frame.index(b"\0\x0f\0\x0e") :])
            for _, frame in driven.frames[:2]
        ]
        assert [what for what, _ in driven.frames][:2] == ["solicit", "request"]
        for each in said:
            assert [one.data for one in each.userclassdata] == [b"lab", b"printer"]

    def test_a_parent_without_ipv6(self) -> None:
        """No server could answer; it is said, and tried again."""
        driven = Driven6(WISH)
        driven.speaker = replace(SPEAKER, address=None)
        driven.start()
        assert "the parent has no address fe80::" in driven.client.tally.text

        driven.speaker = SPEAKER
        driven.run(3)
        assert driven.client.state is State.BOUND

    def test_tries_end(self) -> None:
        """After a minute without any server."""
        driven = Driven6(WISH)
        driven.router.server.silent = True
        driven.start()
        driven.run(120)

        (event,) = driven.events
        assert isinstance(event, GaveUp)
        assert event.why == "7 DHCPv6 messages, 0 answers"

    def test_no_address_is_left(self) -> None:
        """The second try is at once, the third later: a server is not asked without end."""
        driven = Driven6(WISH)
        driven.router.server.twist = lambda answer: [
            replace(answer, association=None, status=2) if answer.kind is Kind.REPLY else answer
        ]
        driven.start()
        driven.run(9)

        assert asked(driven) == [Kind.SOLICIT, Kind.REQUEST] * 2
        assert "the server says NoAddrsAvail" in driven.client.tally.text
        driven.run(120)
        assert driven.client.state is State.STOPPED
        assert len(driven.router.server.heard) <= 16

    def test_a_server_that_does_not_grant_what_it_offered(self) -> None:
        """It is asked three times, and then everybody."""
        driven = Driven6(WISH)
        driven.router.server.twist = lambda answer: (
            [answer] if answer.kind is Kind.ADVERTISE else []
        )
        driven.start()
        driven.run(5.5)

        assert asked(driven)[:5] == [Kind.SOLICIT, *[Kind.REQUEST] * 3, Kind.SOLICIT]


class TestAuto:
    """As the router says."""

    def test_managed(self) -> None:
        """The server is asked at once."""
        driven = Driven6(AUTO)
        driven.router.flags = MANAGED
        driven.start()
        driven.run(1)

        assert driven.client.lease
        assert driven.client.lease.address.ip == FIRST

    def test_not_managed(self) -> None:
        """No server is asked."""
        driven = Driven6(AUTO)
        driven.start()
        driven.run(1)

        assert asked(driven) == []
        assert driven.client.lease
        assert driven.client.lease.address.ip == ADDRESS

    def test_neither(self) -> None:
        """It is said."""
        driven = Driven6(AUTO)
        driven.router.prefixes = []
        driven.start()

        assert driven.client.state is State.SELECTING
        assert "no prefix /64 to make an address of (none)" in driven.client.tally.text

    def test_managed_again_after_a_server_forgot(self) -> None:
        """It is the server that is asked then, too."""
        driven = Driven6(AUTO)
        driven.router.flags = MANAGED
        bound(driven)
        driven.router.server.leases.clear()
        driven.router.prefixes = [(PREFIX, 7200, 3600)]
        driven.run(40)

        assert driven.client.lease
        assert driven.client.lease.address.ip == FIRST


class TestConflicts:
    """Another machine has the address."""

    def test_the_server_is_told(self) -> None:
        """And another address is had, after both told who has the first."""
        driven = Driven6(WISH)
        driven.router.hosts[FIRST] = STRANGER
        driven.start()
        driven.run(2)

        assert driven.router.server.declined == {FIRST}
        assert Conflicted(address=FIRST, server=SERVER6, mac=STRANGER) in driven.events
        assert driven.client.lease
        assert driven.client.lease.address.ip == FIRST + 1

    def test_all_are_taken(self) -> None:
        """It does not ask without end."""
        driven = Driven6(WISH)
        driven.router.hosts.update({FIRST + number: STRANGER for number in range(100)})
        driven.start()
        driven.run(200)

        assert driven.client.state is State.STOPPED
        assert len(driven.router.server.declined) < 10
