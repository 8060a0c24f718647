"""The way of one client through its states, by a clock that stands still between."""

from dataclasses import replace
from ipaddress import IPv4Address
from typing import Final

from plugin.dhcp.frames import Arp
from plugin.dhcp.messages4 import Kind, Option
from plugin.dhcp.states import Confirmed, Conflicted, GaveUp, Leased, Refused, State
from plugin.model.ids import MacAddress
from plugin.model.leases import Facts
from tests.fakes.dhcp import LAN, SERVER
from tests.unit.dhcp.driven import WEB, WISH, Driven, lease

STRANGER: Final = MacAddress("02:00:00:00:00:99")


def bound() -> Driven:
    driven = Driven()
    driven.start()
    driven.run(1)
    assert driven.client.state is State.BOUND
    driven.sent.clear()
    driven.events.clear()
    driven.frames.clear()
    return driven


def kinds_of(driven: Driven) -> list[type]:
    return [type(each) for each in driven.events]


class TestFromNothing:
    """INIT, SELECTING, REQUESTING, PROBING, BOUND."""

    def test_an_address_is_had_and_seen_to_be_free(self) -> None:
        """Two messages, three probes, and silence."""
        driven = Driven()

        driven.start()

        assert driven.kinds() == [Kind.DISCOVER, Kind.REQUEST]
        assert driven.client.state is State.PROBING
        driven.run(1)
        assert driven.client.state is State.BOUND
        assert sum(isinstance(each, Arp) for _, each in driven.sent) == 3
        assert kinds_of(driven) == [Leased, Confirmed]

    def test_who_asks_is_in_every_message(self) -> None:
        """Hardware address, identifier, host name; answers go to everybody."""
        driven = Driven()
        driven.start()

        for message in driven.messages():
            assert message.mac == WEB.mac
            assert message.broadcast
            assert message.option(Option.CLIENT_ID) == WEB.client_id
            assert message.option(Option.HOST_NAME) == b"web"

    def test_classes_are_told_and_what_is_not_wanted_is_not_asked_for(self) -> None:
        """Option 77, and no routes and no MTU; what a server says of them all the same is not read."""
        wish = replace(WISH, user_classes=("lab", "printer"), routes=False, mtu=False)
        driven = Driven(wish)
        static = IPv4Address("172.20.0.0").packed + LAN[9].packed
        said = (
            *((Option.CLASSLESS_ROUTES, bytes(1) + LAN[9].packed), (Option.MTU, b"\5\x78")),
            (Option.STATIC_ROUTES, static),
        )
        driven.lan.server.options += said
        driven.start()

        for message in driven.messages():
            assert message.option(Option.USER_CLASS) == b"\3lab\7printer"
            asked = message.option(Option.PARAMETERS) or b""
            assert not {Option.CLASSLESS_ROUTES, Option.STATIC_ROUTES, Option.MTU} & {*asked}
        lease = driven.client.lease
        assert lease
        assert lease.facts == Facts(router=SERVER)

    def test_tries_come_less_and_less_often_and_end(self) -> None:
        """After a minute without any answer."""
        driven = Driven()
        driven.lan.server.silent = True

        driven.start()
        driven.run(100)

        times = [round(at - 1000) for at, _ in driven.sent]
        assert len(times) == 7
        assert times[:4] == [0, 1, 3, 7]
        assert driven.events == [GaveUp(why="7 DISCOVER, 0 OFFER, 0 NAK")]
        assert driven.client.due is None

    def test_a_request_that_is_lost_begins_anew(self) -> None:
        """Three tries, then another DISCOVER."""
        driven = Driven()
        driven.lan.server.twist = lambda said: [said] if said.kind is Kind.OFFER else []

        driven.start()
        driven.run(6)

        assert driven.kinds()[:5] == [Kind.DISCOVER, *([Kind.REQUEST] * 3), Kind.DISCOVER]

    def test_without_probes_it_is_bound_at_once(self) -> None:
        """If the user does not want them."""
        driven = Driven(replace(WISH, probe=False))

        driven.start()

        assert driven.client.state is State.BOUND


class TestConflict:
    """RFC 5227, and what RFC 2131 makes of it."""

    def test_an_address_in_use_is_declined(self) -> None:
        """And another is asked for at once."""
        driven = Driven()
        driven.lan.hosts[IPv4Address("192.168.50.100")] = STRANGER

        driven.start()
        driven.run(1)

        assert driven.lan.server.declined == {IPv4Address("192.168.50.100")}
        assert driven.address() == IPv4Address("192.168.50.101")
        assert driven.client.state is State.BOUND
        (conflict,) = (each for each in driven.events if isinstance(each, Conflicted))
        assert conflict.mac == STRANGER

    def test_what_was_declined_is_not_wished_for_again(self) -> None:
        """A server that obeys would give it again."""
        address = IPv4Address("192.168.50.100")
        driven = Driven(replace(WISH, address=address))
        driven.lan.hosts[address] = STRANGER

        driven.start()
        driven.run(1)

        wishes = [
            each.option(Option.REQUESTED_ADDRESS)
            for each in driven.messages()
            if each.kind is Kind.DISCOVER
        ]
        assert wishes == [address.packed, None]

    def test_a_lan_where_all_is_in_use_is_not_flooded(self) -> None:
        """From the second time on, ten seconds lie between."""
        driven = Driven()
        for number in range(100, 255):
            driven.lan.hosts[IPv4Address(f"192.168.50.{number}")] = STRANGER

        driven.start()
        driven.run(59)

        assert driven.kinds().count(Kind.DECLINE) <= 8

    def test_who_probes_for_the_same_counts(self) -> None:
        """Section 2.1.1: two that would both take it."""
        driven = Driven()
        driven.start()
        address = driven.address()
        assert address

        probe = Arp(operation=1, mac=STRANGER, sender=IPv4Address(0), target=address)
        driven.do(driven.client.hear_arp(probe, driven.now))

        assert Kind.DECLINE in driven.kinds()

    def test_our_own_frames_and_other_addresses_do_not(self) -> None:
        """They come back from some switches."""
        driven = Driven()
        driven.start()
        address = driven.address()
        assert address

        for mac, sender in ((WEB.mac, address), (STRANGER, IPv4Address("192.168.50.7"))):
            arp = Arp(operation=2, mac=mac, sender=sender, target=IPv4Address(0))
            driven.do(driven.client.hear_arp(arp, driven.now))

        assert driven.client.state is State.PROBING


class TestRemembered:
    """INIT-REBOOT."""

    def test_an_address_comes_back_by_one_message(self) -> None:
        """And is not probed for: no other host had it meanwhile."""
        driven = Driven()
        driven.lan.server.leases[WEB.client_id] = lease().address.ip

        driven.start(lease(obtained=990))

        (request,) = driven.messages()
        assert request.kind is Kind.REQUEST
        assert request.option(Option.REQUESTED_ADDRESS) == lease().address.ip.packed
        assert request.option(Option.SERVER_ID) is None
        assert request.client == IPv4Address(0)
        assert driven.client.state is State.BOUND

    def test_a_silent_server_leaves_it_to_us_while_it_lasts(self) -> None:
        """Section 3.2; it is probed for then."""
        driven = Driven()
        driven.lan.server.silent = True

        driven.start(lease(obtained=990))
        driven.run(3.2)

        assert driven.kinds() == [Kind.REQUEST] * 3
        assert kinds_of(driven) == [Leased]
        driven.run(1)
        assert driven.client.state is State.BOUND

    def test_one_that_is_over_is_asked_for_again(self) -> None:
        """By DISCOVER, which requests the same address."""
        driven = Driven()
        driven.lan.server.silent = True

        driven.start(lease(obtained=0))
        driven.run(3.5)

        last = driven.messages()[-1]
        assert last.kind is Kind.DISCOVER
        assert last.option(Option.REQUESTED_ADDRESS) == lease().address.ip.packed

    def test_a_refusal_leads_to_another(self) -> None:
        """The server has given it away."""
        driven = Driven()

        driven.start(lease(77, obtained=990))
        driven.run(1)

        assert driven.address() == IPv4Address("192.168.50.100")
        assert kinds_of(driven) == [Refused, Leased, Confirmed]
