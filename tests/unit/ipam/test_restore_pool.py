"""A pool that the store lost, held again as its network's driver knows it."""

from collections.abc import Callable

import pytest

from ipam.errors import PoolOverlapError
from ipam.lease import Kind, Owner
from ipam.pool import LOCAL, AddressSpaceName, Pool, PoolRequest
from ipam.prefixes import parse_address, parse_prefix
from ipam.replay import LostPool, UsedAddress
from tests.unit.ipam.conftest import World

PREFIX = "10.1.2.0/28"


def lost_pool(options: dict[str, str] | None = None, prefix: str = PREFIX) -> LostPool:
    return LostPool(
        network="net1",
        request=PoolRequest(prefix=parse_prefix(prefix), options=options or {}),
        used=(
            UsedAddress(address=parse_address("10.1.2.1"), kind=Kind.GATEWAY),
            UsedAddress(
                address=parse_address("10.1.2.9"), owner=Owner(mac="02:00"), endpoint="web"
            ),
            UsedAddress(address=parse_address("10.9.9.9")),
        ),
    )


def options_of(world: World, pool: Pool, network: str = "net1") -> dict[str, str] | None:
    return world.allocator.options(network, LOCAL, pool.prefix)


class TestRestorePool:
    def test_the_pool_is_held_with_its_addresses(self, world: World) -> None:
        """As if nothing had been lost; an address of elsewhere is passed over."""
        assert world.allocator.restore_pool(lost_pool({"tenant": "red"}))

        (pool,) = world.allocator.pools()
        leases = {str(lease.address): lease for lease in world.allocator.leases(pool.id)}
        assert (pool.id, pool.network) == ("pynet-local:red/10.1.2.0/28", "net1")
        assert world.states(pool) == {"10.1.2.1": "bound", "10.1.2.9": "bound"}
        assert leases["10.1.2.1"].kind is Kind.GATEWAY
        assert (leases["10.1.2.9"].owner.mac, leases["10.1.2.9"].endpoint) == ("02:00", "web")

    def test_nothing_of_it_lapses(self, world: World) -> None:
        """Its endpoints have it, and will not say so again."""
        world.allocator.restore_pool(lost_pool())
        world.now += 1000

        assert world.allocator.collect() == 0

    def test_its_pools_are_siblings(self, world: World) -> None:
        """Full ones overflow as before."""
        world.allocator.restore_pool(lost_pool(prefix="10.1.2.0/32"))
        world.allocator.restore_pool(lost_pool(prefix="10.1.3.0/32"))
        first = world.allocator.pools()[0]

        assert [world.take(first) for _ in range(2)] == ["10.1.2.0", "10.1.3.0"]

    def test_what_is_held_stays_as_it_is(self, world: World) -> None:
        """Repeating it changes nothing."""
        world.allocator.restore_pool(lost_pool())
        before = world.everything()

        assert not world.allocator.restore_pool(lost_pool())
        assert world.everything() == before

    def test_any_pool_cannot_be_restored(self, world: World) -> None:
        """It would be a new one."""
        assert not world.allocator.restore_pool(lost_pool(prefix="0.0.0.0/28"))
        assert world.allocator.pools() == []

    def test_another_pool_in_its_place_is_said(self, world: World) -> None:
        """It was given out while the store did not have the lost one."""
        world.pool("10.1.2.0/30")
        before = world.everything()

        with pytest.raises(PoolOverlapError, match=r"10\.1\.2\.0/28 and pool .*10\.1\.2\.0/30"):
            world.allocator.restore_pool(lost_pool())
        assert world.everything() == before

    def test_it_goes_with_its_network(self, world: World) -> None:
        """As any other."""
        world.allocator.restore_pool(lost_pool())
        world.allocator.release_pool(world.allocator.pools()[0].id)
        world.allocator.ungroup("net1")

        assert world.allocator.pools() == []


class TestOptions:
    def test_they_give_the_same_pool_again(
        self, world: World, make_world: Callable[..., World]
    ) -> None:
        """Ranges that came as an ip-range are among them."""
        wanted = {
            "tenant": "red",
            "group": "lan",
            "range": "10.1.2.2-10.1.2.5,10.1.9.0/24",
            "exclude": "10.1.2.4",
        }
        pool = world.allocator.request_pool(
            PoolRequest(
                prefix=parse_prefix(PREFIX), subpool=parse_prefix("10.1.2.8/30"), options=wanted
            )
        )
        options = options_of(world, pool)
        rebuilt = make_world()
        rebuilt.allocator.restore_pool(lost_pool(options))
        world.allocator.group("net1", LOCAL, [pool.prefix])

        assert rebuilt.allocator.pools() == world.allocator.pools()

    def test_a_plain_pool_has_none(self, world: World) -> None:
        """Which is not the same as a pool that is unknown."""
        pool = world.pool(PREFIX)
        world.allocator.release_pool(pool.id)

        assert options_of(world, pool) is None
        assert options_of(world, world.pool(PREFIX)) == {}

    def test_of_two_tenants_pools_it_is_the_network_s(self, world: World) -> None:
        """While that is not known, it is neither."""
        red = world.pool(PREFIX, tenant="red")
        world.pool(PREFIX, tenant="blue")
        unknown = options_of(world, red)
        world.allocator.release_pool(red.id)
        world.allocator.group("net1", LOCAL, [red.prefix])
        world.pool(PREFIX, tenant="red")

        assert unknown is None
        assert options_of(world, red) == {"tenant": "blue"}
        assert options_of(world, red, "net2") == {"tenant": "red"}

    def test_a_pool_of_another_space_is_not_ours(self, world: World) -> None:
        """Docker's own IPAM has subnets, too."""
        docker = AddressSpaceName("LocalDefault")

        assert world.allocator.options("net1", docker, parse_prefix(PREFIX)) is None
