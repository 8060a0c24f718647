"""A DHCPv4 client that renews its lease: T1, T2 and the end, by the clock."""

from dataclasses import replace
from ipaddress import IPv4Address

from plugin.dhcp.messages4 import Kind, Message, Option
from plugin.dhcp.states import Confirmed, GaveUp, Leased, Refused, State, Unanswered
from tests.fakes.dhcp import SERVER
from tests.unit.dhcp.driven import WEB, Driven, lease
from tests.unit.dhcp.test_client4 import STRANGER, bound, kinds_of


class TestRenewal:
    """T1, T2, and the end."""

    def test_the_server_alone_is_asked_at_t1(self) -> None:
        """From the address, to the way its answer came by."""
        driven = bound()

        driven.run(60)

        (renewal,) = driven.messages()
        assert renewal.client == IPv4Address("192.168.50.100")
        assert renewal.option(Option.REQUESTED_ADDRESS) is None
        assert not renewal.broadcast
        frame = driven.frames[0]
        assert frame[:6].hex(":") == "02:00:00:00:00:01"
        assert frame[6:12].hex(":") == WEB.mac
        assert frame[26:34] == IPv4Address("192.168.50.100").packed + SERVER.packed
        assert driven.client.state is State.BOUND

    def test_nobody_listens_between(self) -> None:
        """There is nothing to hear."""
        assert bound().client.listen_until == 0

    def test_everybody_is_asked_at_t2(self) -> None:
        """And it is said that there is no answer."""
        driven = bound()
        driven.lan.server.silent = True

        driven.run(106)

        assert driven.client.state is State.REBINDING
        assert driven.frames[-1][:6] == b"\xff" * 6
        assert driven.events == [Unanswered(lease=lease(obtained=1000), ended=False)]

    def test_a_server_that_comes_back_in_time(self) -> None:
        """Changes nothing."""
        driven = bound()
        driven.lan.server.silent = True
        driven.run(107)

        driven.lan.server.silent = False
        driven.run(12)

        assert driven.client.state is State.BOUND
        assert driven.address() == IPv4Address("192.168.50.100")

    def test_at_the_end_it_goes_on_asking_for_ever(self) -> None:
        """The container still has the address, which only its own process could remove."""
        driven = bound()
        driven.lan.server.silent = True

        driven.run(3600)

        assert driven.client.state is State.EXPIRED
        assert isinstance(driven.events[-1], Unanswered)
        assert 45 < driven.kinds().count(Kind.DISCOVER) < 60
        driven.lan.server.silent = False
        driven.run(70)
        assert driven.client.state is State.BOUND
        assert driven.address() == IPv4Address("192.168.50.100")

    def test_a_refusal_is_told_and_another_had(self) -> None:
        """NAK; then as from nothing."""
        driven = bound()
        driven.lan.server.leases[WEB.client_id] = IPv4Address("192.168.50.140")

        driven.run(62)

        assert kinds_of(driven) == [Refused, Leased, Confirmed]
        assert driven.address() == IPv4Address("192.168.50.140")

    def test_refused_and_then_silent_goes_on_for_ever_too(self) -> None:
        """A container runs, so the client does not give up."""
        driven = bound()
        driven.lan.server.leases[WEB.client_id] = IPv4Address("192.168.50.140")
        driven.lan.server.twist = lambda said: [said] if said.kind is Kind.NAK else []

        driven.run(1000)

        assert not any(isinstance(each, GaveUp) for each in driven.events)
        assert driven.client.due is not None

    def test_a_lease_for_ever_is_never_renewed(self) -> None:
        """0xffffffff."""
        driven = Driven()
        driven.lan.server.seconds = 0xFFFFFFFF
        driven.start()
        driven.run(1)

        assert driven.client.lease
        assert driven.client.lease.seconds is None
        assert driven.client.due is None

    def test_nor_by_hand(self) -> None:
        """It would begin anew, and might get another address."""
        driven = Driven()
        driven.do(driven.client.adopt(driven.now, lease(seconds=None)))

        driven.do(driven.client.renew(driven.now))
        driven.run(1)

        assert driven.client.state is State.BOUND
        assert driven.sent == []

    def test_what_was_adopted_sends_nothing_until_then(self) -> None:
        """A plugin that restarts is not heard on the LAN."""
        driven = Driven()
        driven.do(driven.client.adopt(driven.now, lease(obtained=990)))

        driven.run(30)

        assert driven.sent == []

    def test_what_was_adopted_too_late_is_asked_for_at_once(self) -> None:
        """REBINDING, as T2 is over."""
        driven = Driven()
        driven.lan.server.leases[WEB.client_id] = lease().address.ip
        driven.do(driven.client.adopt(driven.now, lease(obtained=890)))

        driven.run(0)

        assert driven.kinds() == [Kind.REQUEST]
        assert driven.client.state is State.BOUND


def test_nobody_else_answers_for_a_server() -> None:
    """Another transaction, another hardware address, another identifier, a question."""
    driven = Driven()

    def others(said: Message) -> list[Message]:
        return [
            replace(said, xid=said.xid ^ 1),
            replace(said, mac=STRANGER),
            replace(said, options=(*said.options, (Option.CLIENT_ID, b"other"))),
            replace(said, reply=False),
        ]

    driven.lan.server.twist = others

    driven.start()

    assert driven.kinds() == [Kind.DISCOVER]
