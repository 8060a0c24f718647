"""Which addresses are given, to whom, and for how long."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from ipam.errors import (
    AddressInUseError,
    AddressReservedError,
    InvalidAddressError,
    IpamError,
    PoolFullError,
)
from ipam.lease import Kind, Owner
from ipam.pool import GLOBAL, LOCAL, Tenant
from ipam.prefixes import parse_address
from ipam.reservation import Reservation
from ipam.settings import DAY, Settings
from tests.unit.ipam.conftest import World

PLAIN = Settings(quarantine=0, sticky=0, reserve_timeout=0)


class TestAutomatic:
    def test_addresses_come_one_after_the_other(self, world: World) -> None:
        """An address that came back rests while others are free."""
        pool = world.pool("10.1.2.0/29")
        taken = [world.take(pool) for _ in range(3)]
        world.give(pool, taken[1])
        taken.extend(world.take(pool) for _ in range(3))

        assert taken == [f"10.1.2.{last}" for last in (1, 2, 3, 4, 5, 6)]

    def test_the_choice_goes_on_after_a_restart(self, make_world: Callable[..., World]) -> None:
        """An address that was freed just before it is not the next."""
        world = make_world(settings=PLAIN)
        pool = world.pool("10.1.2.0/29")
        taken = [world.take(pool) for _ in range(3)]
        world.give(pool, taken[0])
        world.restart()

        assert world.take(pool) == "10.1.2.4"

    @pytest.mark.parametrize(
        ("prefix", "count"),
        [
            ("10.1.2.0/24", 254),
            ("10.1.2.0/29", 6),
            ("10.1.2.0/30", 2),
            ("10.1.2.0/31", 2),
            ("10.1.2.0/32", 1),
            ("fd00::/126", 3),
            ("fd00::/127", 2),
            ("fd00::/128", 1),
        ],
    )
    def test_a_pool_gives_all_its_usable_addresses_and_then_an_error(
        self, world: World, prefix: str, count: int
    ) -> None:
        """Each once, and never the network, broadcast or subnet-router address."""
        pool = world.pool(prefix)

        taken = {world.take(pool) for _ in range(count)}

        assert len(taken) == count
        with pytest.raises(PoolFullError, match=rf"no available addresses.*{prefix}.*larger"):
            world.take(pool)

    def test_ranges_narrow_the_choice_and_exclusions_too(self, world: World) -> None:
        """Several of each, in one option."""
        pool = world.pool(
            "10.1.2.0/24", range="10.1.2.16/29, 10.1.2.99", exclude="10.1.2.17-10.1.2.21,10.1.2.23"
        )

        assert [world.take(pool) for _ in range(3)] == ["10.1.2.16", "10.1.2.22", "10.1.2.99"]
        with pytest.raises(PoolFullError):
            world.take(pool)

    def test_what_others_of_the_network_are_told_does_not_matter(self, world: World) -> None:
        """Docker sends the options of a network with each of its pools, of both families."""
        options = {"range": "10.1.2.16/29", "exclude": "fd00::1"}
        v4, v6 = world.pool("10.1.2.0/24", **options), world.pool("fd00::/64", **options)

        assert (world.take(v4), world.take(v6)) == ("10.1.2.16", "fd00::2")


class TestGateway:
    def test_is_the_first_usable_address(self, world: World) -> None:
        """People expect .1, outside the ip-range too: that one is for containers."""
        pool = world.pool("10.1.2.0/24", range="10.1.2.128/25")

        assert world.take(pool, kind=Kind.GATEWAY) == "10.1.2.1"
        assert world.take(pool) == "10.1.2.128"

    def test_is_the_same_when_asked_again(self, world: World) -> None:
        """A network has one, however often its request is repeated."""
        pool = world.pool("10.1.2.0/24")
        chosen = {world.take(pool, kind=Kind.GATEWAY) for _ in range(2)}
        chosen.add(world.take(pool, "10.1.2.1", kind=Kind.GATEWAY))

        assert chosen == {"10.1.2.1"}

    @pytest.mark.parametrize("hindrance", ["taken", "excluded", "reserved"])
    def test_is_another_where_that_cannot_be(self, world: World, hindrance: str) -> None:
        """The next that can be had."""
        pool = world.pool(
            "10.1.2.0/24", **({"exclude": "10.1.2.1"} if hindrance == "excluded" else {})
        )
        if hindrance == "taken":
            world.take(pool, "10.1.2.1", kind=Kind.AUXILIARY)
        if hindrance == "reserved":
            reserve(world, "10.1.2.1", name="web")

        assert world.take(pool, kind=Kind.GATEWAY) == "10.1.2.2"

    def test_consumes_the_only_address_of_a_32(self, world: World) -> None:
        """As Docker's own IPAM does."""
        pool = world.pool("10.1.2.3/32")

        assert world.take(pool, kind=Kind.GATEWAY) == "10.1.2.3"
        with pytest.raises(PoolFullError):
            world.take(pool)


class TestExplicit:
    @pytest.mark.parametrize("kind", list(Kind))
    def test_an_address_outside_the_range_may_be_asked_for(self, world: World, kind: Kind) -> None:
        """The engine cannot be told that it is merely outside the ip-range."""
        pool = world.pool("10.1.2.0/24", range="10.1.2.128/25")

        assert world.take(pool, "10.1.2.7", kind=kind) == "10.1.2.7"

    @pytest.mark.parametrize("kind", [Kind.GATEWAY, Kind.AUXILIARY])
    def test_a_gateway_may_be_excluded_from_the_pool(self, world: World, kind: Kind) -> None:
        """The exclusion may stand for the machines it leads to."""
        pool = world.pool("10.1.2.0/24", exclude="10.1.2.0/28")

        assert world.take(pool, "10.1.2.1", kind=kind) == "10.1.2.1"

    @pytest.mark.parametrize(
        ("prefix", "address", "error", "message"),
        [
            ("10.1.2.0/24", "10.1.2.9", AddressInUseError, "Address already in use: 10.1.2.9"),
            ("10.1.2.0/24", "10.1.2.9", AddressInUseError, "bound as endpoint for name web"),
            ("10.1.2.0/24", "10.1.3.9", InvalidAddressError, "10.1.3.9 is not in 10.1.2.0/24"),
            ("10.1.2.0/24", "fd00::1", InvalidAddressError, "fd00::1 is not in 10.1.2.0/24"),
            ("10.1.2.0/24", "10.1.2.0", InvalidAddressError, "choose one of 10.1.2.1-10.1.2.254"),
            ("10.1.2.0/24", "10.1.2.255", InvalidAddressError, "stands for all of 10.1.2.0/24"),
            ("10.1.2.0/24", "10.1.2.77", InvalidAddressError, "outside exclude=10.1.2.77"),
            ("fd00::/64", "fd00::", InvalidAddressError, "stands for all of fd00::/64"),
        ],
    )
    def test_is_refused(
        self, world: World, prefix: str, address: str, error: type[IpamError], message: str
    ) -> None:
        """The value, the rule and the remedy are said, and nothing is changed."""
        pool = world.pool(prefix, exclude="10.1.2.77")
        if pool.prefix.version == 4:
            world.take(pool, "10.1.2.9", name="web")
        before = world.everything()

        with pytest.raises(error, match=message):
            world.take(pool, address)
        assert world.everything() == before

    @pytest.mark.parametrize("held", list(Kind))
    @pytest.mark.parametrize("asked", list(Kind))
    def test_what_is_held_for_one_purpose_is_in_use_for_another(
        self, world: World, held: Kind, asked: Kind
    ) -> None:
        """A container cannot have the gateway's address; only a gateway may be asked again."""
        pool = world.used("10.1.2.0/24")
        world.take(pool, "10.1.2.9", kind=held)

        if (held, asked) == (Kind.GATEWAY, Kind.GATEWAY):
            assert world.take(pool, "10.1.2.9", kind=asked) == "10.1.2.9"
            return
        with pytest.raises(AddressInUseError, match=f"10.1.2.9 .* as {held} for nobody known"):
            world.take(pool, "10.1.2.9", kind=asked)

    @pytest.mark.parametrize("address", ["10.1.2.0", "10.1.2.1"])
    def test_both_addresses_of_a_31_may_be_asked_for(self, world: World, address: str) -> None:
        """RFC 3021."""
        assert world.take(world.pool("10.1.2.0/31"), address) == address

    def test_the_last_address_of_a_v6_prefix_is_no_broadcast_address(self, world: World) -> None:
        """IPv6 has none."""
        pool = world.pool("fd00::/120")

        assert world.take(pool, "fd00::ff") == "fd00::ff"

    def test_a_call_repeated_over_a_restart_is_answered_as_before(self, world: World) -> None:
        """The engine's client asks again when the plugin died before it answered."""
        pool = world.used("10.1.2.0/24")
        world.take(pool, "10.1.2.9")
        with pytest.raises(AddressInUseError):
            world.take(pool, "10.1.2.9")
        world.restart()

        assert world.take(pool, "10.1.2.9") == "10.1.2.9"

    def test_what_an_endpoint_has_is_in_use_over_a_restart_too(self, world: World) -> None:
        """A container keeps its address while the plugin is exchanged."""
        pool = world.used("10.1.2.0/24")
        world.bind(pool, world.take(pool, "10.1.2.9", name="web"))
        world.restart()

        with pytest.raises(AddressInUseError):
            world.take(pool, "10.1.2.9", name="web")


class TestOverflow:
    def test_addresses_come_from_the_sibling_when_a_pool_is_full(self, world: World) -> None:
        """The engine takes a refusal of a network's first pool as final."""
        first = world.used("10.1.2.0/30", "10.1.9.0/29", "fd00::/64")
        taken = [world.take(first) for _ in range(8)]

        assert taken == ["10.1.2.1", "10.1.2.2", *(f"10.1.9.{last}" for last in range(1, 7))]
        with pytest.raises(PoolFullError, match=r"10.1.2.0/30, pynet-local/10.1.9.0/29 is taken"):
            world.take(first)

    def test_they_carry_the_sibling_s_mask(self, world: World) -> None:
        """It is another subnet, with another gateway."""
        first = world.used("10.1.2.0/32", "10.1.9.0/29")
        world.take(first)

        assert str(world.allocator.request_address(first.id)) == "10.1.9.1/29"

    def test_they_come_back_under_the_first_pool_s_name(
        self, make_world: Callable[..., World]
    ) -> None:
        """The engine knows no other."""
        world = make_world(settings=PLAIN)
        first = world.used("10.1.2.0/32", "10.1.9.0/32")
        for _ in range(2):
            world.take(first)
        world.give(first, "10.1.9.0")

        assert world.take(first) == "10.1.9.0"

    def test_an_address_of_the_sibling_may_be_asked_for(self, world: World) -> None:
        """``--ip`` may lie in the second subnet."""
        first = world.used("10.1.2.0/24", "10.1.9.0/24")

        assert world.take(first, "10.1.9.77") == "10.1.9.77"

    def test_pools_of_one_group_stand_in_for_each_other(self, world: World) -> None:
        """Where the network driver is not ours, nobody says which pools belong together."""
        first = world.pool("10.1.2.0/32", group="lan")
        world.pool("10.1.3.0/24", group="wan")
        world.pool("10.1.9.0/32", group="lan")
        world.restart()

        taken = [world.take(first) for _ in range(2)]

        assert taken == ["10.1.2.0", "10.1.9.0"]
        with pytest.raises(PoolFullError):
            world.take(first)

    def test_pools_of_another_tenant_are_no_siblings(self, world: World) -> None:
        """Their prefixes may overlap, and an address would be in both."""
        first = world.used("10.1.2.0/31", tenant="blue")
        world.used("10.1.2.0/24", tenant="red")
        for _ in range(2):
            world.take(first)

        with pytest.raises(PoolFullError):
            world.take(first)

    def test_pools_of_another_network_are_no_siblings(self, world: World) -> None:
        """Nor are the pools that no network is known to use."""
        first = world.used("10.1.2.0/32", network="net1")
        world.used("10.1.3.0/24", network="net2")
        world.take(first)

        with pytest.raises(PoolFullError):
            world.take(first)


class TestRest:
    def test_an_address_rests_in_quarantine_before_another_gets_it(
        self, make_world: Callable[..., World]
    ) -> None:
        """Neighbours and logs still know it as somebody else's."""
        world = make_world(settings=replace(PLAIN, quarantine=60))
        pool = world.pool("10.1.2.0/29")
        world.give(pool, world.take(pool))

        world.now += 59
        assert world.allocator.collect() == 0
        assert world.states(pool) == {"10.1.2.1": "resting"}
        world.now += 1
        assert world.allocator.collect() == 1
        assert world.states(pool) == {}

    def test_a_pool_with_nothing_else_gives_the_one_that_rested_longest(self, world: World) -> None:
        """An address too early is better than a container that does not start."""
        pool = world.pool("10.1.2.0/30")
        taken = [world.take(pool, name=name) for name in ("a", "b")]
        for address in reversed(taken):
            world.give(pool, address)
            world.now += 1

        assert world.take(pool) == "10.1.2.2"

    def test_whoever_names_a_resting_address_gets_it(self, world: World) -> None:
        """What is typed is meant."""
        pool = world.pool("10.1.2.0/24")
        world.give(pool, world.take(pool, name="web"))

        assert world.take(pool, "10.1.2.1") == "10.1.2.1"

    def test_release_of_the_unknown_and_of_the_free_succeeds(self, world: World) -> None:
        """And gives nobody's address away."""
        pool = world.pool("10.1.2.0/24")
        world.take(pool)
        before = world.everything()
        for address in ("10.1.2.9", "10.9.9.9", "fd00::1", "10.1.2.0"):
            world.give(pool, address)

        assert world.everything() == before


class TestSticky:
    @pytest.mark.parametrize("owner", [{"name": "web"}, {"mac": "02:42:0a:00:00:01"}])
    def test_the_same_owner_gets_its_last_address_back(
        self, world: World, owner: dict[str, str]
    ) -> None:
        """By container name, or by the MAC its user set; over a restart too."""
        pool = world.used("10.1.2.0/24")
        mine = world.take(pool, **owner)
        world.give(pool, mine)
        world.take(pool)
        world.now += 7 * DAY - 1
        world.restart()

        assert world.take(pool, **owner) == mine

    def test_two_restarted_together_never_swap(self, world: World) -> None:
        """Whatever the order of their releases and requests."""
        pool = world.used("10.1.2.0/24")
        taken = {name: world.take(pool, name=name) for name in ("a", "b")}
        for address in taken.values():
            world.give(pool, address)

        assert {name: world.take(pool, name=name) for name in ("b", "a")} == taken

    def test_not_after_its_time(self, world: World) -> None:
        """A name that does not return does not keep an address for ever."""
        pool = world.used("10.1.2.0/24")
        world.give(pool, world.take(pool, name="web"))
        world.now += 7 * DAY
        world.allocator.collect()

        assert world.take(pool, name="web") == "10.1.2.2"

    def test_not_when_it_was_taken_by_hand_since(self, world: World) -> None:
        """Who has it keeps it."""
        pool = world.used("10.1.2.0/24")
        mine = world.take(pool, name="web")
        world.give(pool, mine)
        world.take(pool, mine, name="db")

        assert world.take(pool, name="web") != mine

    def test_a_name_that_is_still_in_use_gets_another_address(self, world: World) -> None:
        """A name is no permission to share."""
        pool = world.used("10.1.2.0/24")
        mine = world.take(pool, name="web")
        world.bind(pool, mine)

        assert world.take(pool, name="web") != mine

    def test_a_request_repeated_by_name_is_answered_as_before(self, world: World) -> None:
        """No address is lost when an answer is."""
        pool = world.used("10.1.2.0/24")

        assert world.take(pool, name="web") == world.take(pool, name="web")

    def test_it_comes_back_from_the_sibling_too(self, world: World) -> None:
        """Its last address is its last address."""
        first = world.used("10.1.2.0/32", "10.1.9.0/24")
        blocker = world.take(first)
        mine = world.take(first, name="web")
        world.give(first, mine)
        world.give(first, blocker)

        assert world.take(first, name="web") == mine

    def test_zero_switches_it_off(self, make_world: Callable[..., World]) -> None:
        """Then a release frees at once."""
        world = make_world(settings=PLAIN)
        pool = world.pool("10.1.2.0/24")
        world.give(pool, world.take(pool, name="web"))

        assert world.states(pool) == {}


class TestBinding:
    def test_an_address_no_endpoint_was_seen_with_goes_back(self, world: World) -> None:
        """A container that failed to start does not cost one."""
        pool = world.used("10.1.2.0/24")
        seen, unseen = world.take(pool), world.take(pool)
        world.bind(pool, seen)
        world.now += 119
        assert world.allocator.collect() == 0
        world.now += 1
        assert world.allocator.collect() == 1

        assert world.states(pool) == {seen: "bound"}
        assert unseen not in world.states(pool)

    def test_all_that_are_due_go_however_many(
        self, world: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A few in each transaction, so that nobody waits long."""
        monkeypatch.setattr("ipam.allocator.COLLECT_LIMIT", 2)
        pool = world.used("10.1.2.0/24")
        for _ in range(5):
            world.take(pool)
        world.now += 120

        assert world.allocator.collect() == 5
        assert world.states(pool) == {}

    def test_a_named_one_stays_its_owner_s(self, world: World) -> None:
        """The container may start at the next try."""
        pool = world.used("10.1.2.0/24")
        mine = world.take(pool, name="web")
        world.now += 120
        world.allocator.collect()
        world.take(pool)

        assert world.states(pool)[mine] == "resting"
        assert world.take(pool, name="web") == mine

    @pytest.mark.parametrize("case", ["no network", "gateway", "swarm", "switched off"])
    def test_where_nobody_tells_it_is_bound_at_once(self, world: World, case: str) -> None:
        """The network driver may be Docker's, and swarm's endpoints are on other hosts."""
        if case == "switched off":
            world.settings = replace(world.settings, reserve_timeout=0)
            world.restart()
        space = GLOBAL if case == "swarm" else LOCAL
        pool = world.pool("10.1.2.0/24", space=space)
        if case != "no network":
            world.allocator.group("net1", space, [pool.prefix])
        world.take(pool, kind=Kind.GATEWAY if case == "gateway" else Kind.ENDPOINT)
        world.now += 1000
        world.allocator.collect()

        assert set(world.states(pool).values()) == {"bound"}

    def test_an_endpoint_that_lost_its_address_starts_the_clock(self, world: World) -> None:
        """Its release should follow, and may be lost."""
        pool = world.used("10.1.2.0/24")
        address = world.take(pool)
        world.bind(pool, address, "e1")
        world.unbind(pool, address, "e1")
        assert world.states(pool) == {address: "reserved"}
        world.now += 120
        world.allocator.collect()

        assert world.states(pool) == {}

    def test_an_endpoint_cannot_have_another_s_address(self, world: World) -> None:
        """One that comes too late, when its address has been given away, is refused."""
        pool = world.used("10.1.2.0/24")
        address = world.take(pool)
        world.bind(pool, address, "e1")
        world.bind(pool, address, "e1")

        with pytest.raises(AddressInUseError, match=r"endpoint e1 has 10.1.2.1 .* e2 cannot"):
            world.bind(pool, address, "e2")
        world.unbind(pool, address, "e2")
        assert world.states(pool) == {address: "bound"}

    def test_a_released_address_is_no_endpoint_s(self, world: World) -> None:
        """Whether the endpoint said so first or not."""
        pool = world.used("10.1.2.0/24")
        address = world.take(pool, name="web")
        world.bind(pool, address, "e1")
        world.give(pool, address)
        (resting,) = world.allocator.leases(pool.id)

        assert resting.endpoint is None
        world.bind(pool, world.take(pool, name="web"), "e2")

    def test_a_bound_address_that_was_never_requested_is_recorded(self, world: World) -> None:
        """After a store was lost, endpoints are told again at the start."""
        pool = world.used("10.1.2.0/24")
        world.bind(pool, "10.1.2.1", "e1")

        assert world.take(pool) == "10.1.2.2"

    def test_binding_adds_to_what_the_owner_is_known_by(self, world: World) -> None:
        """The network driver knows the MAC, the request had the name."""
        pool = world.used("10.1.2.0/24")
        address = world.take(pool, name="web")
        mac = Owner(mac="02:42:0a:00:00:01")
        world.allocator.bind(LOCAL, pool.prefix, parse_address(address), mac)

        (lease,) = world.allocator.leases(pool.id)

        assert lease.owner == Owner(name="web", mac="02:42:0a:00:00:01")

    def test_a_mac_address_that_was_made_is_forgotten(self, world: World) -> None:
        """Nobody will come back with it; the address rests as a stranger's does."""
        pool = world.used("10.1.2.0/24")
        address = world.take(pool, mac="02:42:0a:00:00:01", tag="front")
        world.allocator.bind(LOCAL, pool.prefix, parse_address(address), mac_made=True)
        (lease,) = world.allocator.leases(pool.id)

        assert lease.owner == Owner(tag="front")

    def test_of_two_tenants_the_one_who_waits_is_meant(self, world: World) -> None:
        """The network driver is told only the prefix."""
        blue = world.used("10.1.2.0/24", network="net1", tenant="blue")
        red = world.used("10.1.2.0/24", network="net2", tenant="red")
        address = world.take(blue)
        world.bind(blue, address, "e1")
        world.take(red)
        world.bind(red, address, "e2")
        world.unbind(blue, address, "e1")

        assert world.states(blue) == {address: "reserved"}
        assert world.states(red) == {address: "bound"}

    def test_addresses_of_another_ipam_do_not_matter(self, world: World) -> None:
        """A network of ours may have Docker's addresses."""
        pool = world.pool("10.1.2.0/24")
        world.allocator.release_pool(pool.id)

        world.bind(pool, "10.1.2.1", "e1")
        world.unbind(pool, "10.1.2.1", "e1")

        assert world.everything() == []


def reserve(world: World, address: str, tenant: str = "", **owner: str) -> None:
    world.allocator.reserve(
        Reservation(address=parse_address(address), tenant=Tenant(tenant), owner=Owner(**owner))
    )


class TestReservations:
    @pytest.mark.parametrize(
        "owner", [{"name": "web"}, {"mac": "02:42:0a:00:00:01"}, {"tag": "front"}]
    )
    @pytest.mark.parametrize("when", ["before the pool", "after"])
    def test_the_owner_gets_it_and_others_do_not(
        self, world: World, owner: dict[str, str], when: str
    ) -> None:
        """By name, MAC or tag, and whether the network was there already or not."""
        if when == "before the pool":
            reserve(world, "10.1.2.2", **owner)
        pool = world.used("10.1.2.0/29")
        if when == "after":
            world.take(pool)
            reserve(world, "10.1.2.2", **owner)

        others = {world.take(pool) for _ in range(2)}

        assert "10.1.2.2" not in others
        assert world.take(pool, **owner) == "10.1.2.2"

    @pytest.mark.parametrize("times", [1, 2])
    def test_a_full_pool_does_not_give_it_away(self, world: World, times: int) -> None:
        """Nor when it rested before it was reserved, or was released since."""
        pool = world.used("10.1.2.0/30")
        for _ in range(times):
            world.take(pool, name="web")
            world.give(pool, "10.1.2.1")
            reserve(world, "10.1.2.1", name="web")
        world.take(pool)

        with pytest.raises(PoolFullError):
            world.take(pool)

    def test_it_is_refused_to_whoever_is_known_to_be_another(self, world: World) -> None:
        """Engines before 29 name nobody: an address typed by hand is then trusted."""
        reserve(world, "10.1.2.9", name="web")
        pool = world.used("10.1.2.0/24")

        with pytest.raises(
            AddressReservedError, match=r"10.1.2.9 .* is reserved for name web, not for name db"
        ):
            world.take(pool, "10.1.2.9", name="db")
        assert world.take(pool, "10.1.2.9") == "10.1.2.9"

    def test_it_waits_until_the_present_holder_leaves(self, world: World) -> None:
        """A running container's address may be reserved for it, or for its successor."""
        pool = world.used("10.1.2.0/24")
        address = world.take(pool)
        world.bind(pool, address)
        reserve(world, address, name="web")

        assert world.take(pool, name="web") != address
        world.give(pool, address)
        assert world.take(pool, name="web", mac="02:42:0a:00:00:01") == address

    def test_nobody_else_gets_it_when_the_present_holder_leaves(
        self, make_world: Callable[..., World]
    ) -> None:
        """It does not even rest: its owner may have it at once."""
        world = make_world(settings=replace(PLAIN, quarantine=60))
        pool = world.used("10.1.2.0/30")
        addresses = [world.take(pool) for _ in range(2)]
        reserve(world, addresses[0], name="web")
        with pytest.raises(PoolFullError):
            world.take(pool)
        world.give(pool, addresses[0])

        assert addresses[0] not in world.states(pool)
        with pytest.raises(PoolFullError):
            world.take(pool)

    def test_its_present_holder_may_repeat_its_request(self, world: World) -> None:
        """It holds the address until it gives it back."""
        pool = world.used("10.1.2.0/24")
        address = world.take(pool, name="db")
        reserve(world, address, name="web")

        assert world.take(pool, name="db") == address

    def test_one_that_waits_to_be_bound_is_not_taken_away(self, world: World) -> None:
        """It was typed by hand a moment ago."""
        reserve(world, "10.1.2.9", name="web")
        pool = world.used("10.1.2.0/24")
        world.take(pool, "10.1.2.9")

        assert world.take(pool, name="web") != "10.1.2.9"

    def test_it_is_the_tenant_s(self, world: World) -> None:
        """Another tenant's pool has nothing to do with it."""
        reserve(world, "10.1.2.1", name="web")
        pool = world.pool("10.1.2.0/24", tenant="blue")

        assert world.take(pool) == "10.1.2.1"

    def test_unreserved_it_is_anybody_s(self, world: World) -> None:
        """From then on, and repeated without complaint."""
        pool = world.used("10.1.2.0/30")
        reserve(world, "10.1.2.1", name="web")
        (reservation,) = world.allocator.reservations()
        there = [world.allocator.unreserve(reservation) for _ in range(2)]

        assert there == [True, False]
        assert {world.take(pool), world.take(pool)} == {"10.1.2.1", "10.1.2.2"}

    def test_it_survives_its_pool_and_a_restart(self, world: World) -> None:
        """A network that is made again finds it."""
        pool = world.pool("10.1.2.0/24")
        reserve(world, "10.1.2.9", name="web")
        world.allocator.release_pool(pool.id)
        world.restart()

        assert world.take(world.pool("10.1.2.0/24"), name="web") == "10.1.2.9"

    @pytest.mark.parametrize(
        ("address", "owner", "error", "message"),
        [
            ("10.1.2.9", {"name": "db"}, AddressReservedError, "is reserved for name web"),
            ("10.1.2.0", {"name": "db"}, InvalidAddressError, "stands for all of 10.1.2.0/24"),
        ],
    )
    def test_is_refused(
        self,
        world: World,
        address: str,
        owner: dict[str, str],
        error: type[IpamError],
        message: str,
    ) -> None:
        """Nothing is changed, in memory either."""
        pool = world.pool("10.1.2.0/24")
        reserve(world, "10.1.2.9", name="web")
        before = world.everything()

        with pytest.raises(error, match=message):
            reserve(world, address, **owner)
        assert world.everything() == before
        assert world.take(pool, **owner) == "10.1.2.1"
