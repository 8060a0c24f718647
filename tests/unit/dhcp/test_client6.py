"""The way of one client for IPv6 to an address of a router's prefix, and what becomes of it."""

from dataclasses import replace
from ipaddress import IPv6Address, IPv6Interface, IPv6Network

from plugin.dhcp.frames6 import Neighbour
from plugin.dhcp.identity import identity6_of, identity_beside_others
from plugin.dhcp.states import Confirmed, Conflicted, GaveUp, Leased, State, Unanswered
from plugin.dhcp.values import Wish6
from plugin.model.ids import MacAddress
from tests.fakes.dhcp import PARENT_MAC
from tests.fakes.router import ROUTER, neighbour
from tests.fakes.router import icmp_frame as icmp
from tests.unit.dhcp.driven6 import ADDRESS, WISH6, Driven6, bound, lease6

STRANGER = MacAddress("02:00:00:00:00:99")
SOLICITATION, PROBE = "router solicitation", "neighbour solicitation"


class TestFromNothing:
    """SELECTING, PROBING, BOUND."""

    def test_an_address_is_had_and_seen_to_be_free(self) -> None:
        """One question, three probes, and silence."""
        driven = Driven6()
        driven.start()
        driven.run(1)

        assert driven.whats() == [SOLICITATION, *[PROBE] * 3]
        assert driven.client.state is State.BOUND
        assert [type(each) for each in driven.events] == [Leased, Confirmed]
        assert driven.client.lease == lease6(obtained=1000.0)

    def test_tries_end(self) -> None:
        """After a minute without any router."""
        driven = Driven6()
        driven.router.silent = True
        driven.start()
        driven.run(120)

        (event,) = driven.events
        assert isinstance(event, GaveUp)
        assert event.why == "7 router solicitations, 0 router advertisements"
        assert driven.client.due is None

    def test_a_parent_that_is_away_is_asked_by_later(self) -> None:
        """Nothing can be sent, and the next try can."""
        driven = Driven6()
        speaker, driven.speaker = driven.speaker, None
        driven.start()
        driven.run(0.5)
        assert driven.frames == []

        driven.speaker = speaker
        driven.run(3)
        assert driven.client.state is State.BOUND

    def test_the_hosts_own_address_is_not_taken(self) -> None:
        """Its kernel would not answer the parent."""
        driven = Driven6(replace(WISH6, avoid=frozenset({ADDRESS})))
        driven.start()

        assert driven.client.state is State.SELECTING
        assert f"{ADDRESS} is this host's own address" in driven.client.tally.text


class TestSharedMacAddress:
    """Of ipvlan containers: RFC 7217 section 5."""

    def address(self, *text: str, prefix: str = "2001:db8:50::/64") -> IPv6Address:
        identity = identity6_of(identity_beside_others(PARENT_MAC, *text))
        driven = Driven6(Wish6(identity=identity, shares_mac=True))
        driven.router.prefixes = [(IPv6Network(prefix), 7200, 3600)]
        driven.start()
        assert driven.client.lease
        return driven.client.lease.ipv6.ip

    def test_an_identity_has_an_address(self) -> None:
        """The same always, and of each prefix another."""
        mine, other = self.address("web"), self.address("web", prefix="fd00::/64")

        assert self.address("web") == mine != self.address("db")
        assert mine in IPv6Network("2001:db8:50::/64")
        assert int(mine) & 0xFFFFFFFF != int(other) & 0xFFFFFFFF


class TestConflicts:
    """Another machine has the address."""

    def test_who_has_it_answers(self) -> None:
        """There is no other address to try."""
        driven = Driven6()
        driven.router.hosts[ADDRESS] = STRANGER
        driven.start()
        driven.run(1)

        assert driven.events[-1] == Conflicted(address=ADDRESS, server=None, mac=STRANGER)
        assert driven.client.state is State.STOPPED
        assert driven.client.lease is None

    def test_who_wants_it_at_the_same_time(self) -> None:
        """Its probe is heard, from nobody's address."""
        driven = Driven6()
        driven.start()
        driven.do(driven.client.hear(Neighbour(mac=STRANGER, target=ADDRESS), driven.now))

        assert isinstance(driven.events[-1], Conflicted)

    def test_others_do_not_matter(self) -> None:
        """Advertisements of other addresses, and its own."""
        driven = Driven6()
        driven.start()
        driven.hear(icmp(STRANGER, ROUTER, neighbour(136, ADDRESS + 1)))
        driven.hear(icmp(WISH6.identity.mac, ROUTER, neighbour(136, ADDRESS)))
        driven.run(1)

        assert driven.client.state is State.BOUND

    def test_later_it_is_the_kernels_to_defend(self) -> None:
        """What comes when nothing is probed ends no lease."""
        driven = bound()
        driven.hear(icmp(STRANGER, ROUTER, neighbour(136, ADDRESS)))

        assert driven.events == []


class TestRemembered:
    """A container comes back."""

    def test_it_has_its_address_again(self) -> None:
        """If the router has the prefix yet, and no other machine the address."""
        driven = Driven6()
        driven.start(lease6(obtained=500))
        driven.run(1)

        assert driven.whats() == [SOLICITATION, *[PROBE] * 3]
        assert driven.client.lease == lease6(obtained=1000)

    def test_of_two_prefixes_it_keeps_its_own(self) -> None:
        """The other is as good."""
        driven = Driven6()
        driven.router.prefixes.insert(0, (IPv6Network("2001:db8:1::/64"), 7200, 3600))
        driven.start(lease6(obtained=500))
        driven.run(1)

        assert driven.client.lease
        assert driven.client.lease.address.ip == ADDRESS

    def test_another_prefix_is_another_address(self) -> None:
        """The network was renumbered."""
        driven = Driven6()
        driven.router.prefixes = [(IPv6Network("2001:db8:1::/64"), 7200, 3600)]
        driven.start(lease6(obtained=500))
        driven.run(1)

        assert driven.client.lease
        assert driven.client.lease.address == IPv6Interface("2001:db8:1::11:22ff:fe33:4455/64")

    def test_a_silent_router_is_not_waited_for(self) -> None:
        """Its prefix is valid as long as it said."""
        driven = Driven6()
        driven.router.silent = True
        driven.start(lease6(obtained=500))
        driven.run(4)

        assert driven.client.state is State.BOUND
        assert driven.client.lease == lease6(obtained=500)

    def test_what_is_over_is_asked_for_anew(self) -> None:
        """A silent router gives nothing then."""
        driven = Driven6()
        driven.router.silent = True
        driven.start(lease6(obtained=500, seconds=100))
        driven.run(4)

        assert driven.client.state is State.SELECTING


class TestHeld:
    """BOUND, RENEWING, REBINDING, EXPIRED."""

    def test_the_router_is_asked_at_half_of_the_time(self) -> None:
        """And nothing is probed again."""
        driven = bound()
        driven.run(3500)
        assert driven.frames == []
        driven.run(200)

        assert driven.whats() == [SOLICITATION]
        assert driven.client.state is State.BOUND
        assert driven.client.lease
        assert driven.client.lease.obtained > 4000

    def test_silence_is_told(self) -> None:
        """Before the end, and at the end; then it is asked on for ever."""
        driven = bound()
        driven.router.silent = True
        driven.run(7300)

        assert [type(each) for each in driven.events] == [Unanswered, Unanswered]
        assert driven.client.state is State.EXPIRED
        driven.router.silent = False
        driven.run(70)
        assert driven.client.state is State.BOUND

    def test_what_never_ends_is_not_asked_for(self) -> None:
        """Nor when a person wants it."""
        driven = Driven6()
        driven.router.prefixes = [(driven.router.prefixes[0][0], 0xFFFFFFFF, 0xFFFFFFFF)]
        driven.start()
        driven.run(1)
        driven.frames.clear()

        driven.do(driven.client.renew(driven.now))

        assert (driven.client.due, driven.frames) == (None, [])

    def test_an_adopted_one_is_late(self) -> None:
        """The plugin was away at the time."""
        driven = Driven6()
        driven.do(driven.client.adopt(driven.now, lease6(obtained=driven.now - 5000)))
        driven.run(1)

        assert driven.whats() == [SOLICITATION]
        assert driven.client.state is State.BOUND
