"""Pools that one network uses."""

from ipam.pool import LOCAL, AddressSpaceName
from ipam.prefixes import parse_prefix
from tests.unit.ipam.conftest import World


class TestGroup:
    def test_pools_of_another_ipam_do_not_matter(self, world: World) -> None:
        """A network of pynet's may have pools of Docker's IPAM."""
        world.pool("10.1.2.0/24")
        before = world.everything()

        world.allocator.group("net1", LOCAL, [parse_prefix("10.1.0.0/16")])
        world.allocator.group("net1", AddressSpaceName("x"), [parse_prefix("10.1.2.0/24")])

        assert world.everything() == before

    def test_it_may_be_repeated(self, world: World) -> None:
        """At every start, for every network."""
        pool = world.used("10.1.2.0/24")
        before = world.everything()

        world.allocator.group("net1", LOCAL, [pool.prefix])

        assert world.everything() == before

    def test_of_two_tenants_waiting_pools_none_is_taken_for_the_network_s(
        self, world: World
    ) -> None:
        """A network driver is not told the tenant, and a guess could cost an address."""
        blue = world.pool("10.1.2.0/24", tenant="blue")
        world.pool("10.1.2.0/24", tenant="red")

        world.allocator.group("net1", LOCAL, [blue.prefix])

        assert {pool.network for pool in world.allocator.pools()} == {None}

    def test_a_later_tenant_s_pool_is_its_network_s(self, world: World) -> None:
        """The earlier one has its network already."""
        world.used("10.1.2.0/24", network="net1", tenant="blue")
        world.used("10.1.2.0/24", network="net2", tenant="red")

        assert {pool.tenant: pool.network for pool in world.allocator.pools()} == {
            "blue": "net1",
            "red": "net2",
        }
