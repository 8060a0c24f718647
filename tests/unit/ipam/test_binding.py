"""What a network driver says of endpoints and their addresses."""

from dataclasses import replace

import pytest

from ipam.errors import AddressInUseError
from ipam.lease import Kind, Owner
from ipam.pool import GLOBAL, LOCAL
from ipam.prefixes import parse_address
from tests.unit.ipam.conftest import World


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
        monkeypatch.setattr("ipam.spaces.COLLECT_LIMIT", 2)
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
        """No container will come back with it; the address rests as one without an owner does."""
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
        """A network of pynet's may have addresses of Docker's IPAM."""
        pool = world.pool("10.1.2.0/24")
        world.allocator.release_pool(pool.id)

        world.bind(pool, "10.1.2.1", "e1")
        world.unbind(pool, "10.1.2.1", "e1")

        assert world.everything() == []
