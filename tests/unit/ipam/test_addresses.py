"""Which addresses are given, and to whom."""

from collections.abc import Callable

import pytest

from ipam.errors import (
    AddressInUseError,
    InvalidAddressError,
    IpamError,
    PoolFullError,
)
from ipam.lease import Kind
from tests.unit.ipam.conftest import PLAIN, World


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
        with pytest.raises(PoolFullError, match=r"range 10\.1\.2\.16.*10\.1\.2\.99.*ip-range"):
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
            world.reserve("10.1.2.1", name="web")

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
