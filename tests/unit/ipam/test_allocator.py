"""What the engine, and anybody else, may expect of the six operations."""

import pytest

from ipam.allocator import Allocator
from ipam.errors import PoolsExhaustedError
from ipam.lease import AddressRequest, Kind
from ipam.pool import PoolRequest
from ipam.prefixes import parse_prefix
from ipam.settings import Settings, parse_pools
from ipam.store.memory import MemoryStore


@pytest.fixture
def allocator() -> Allocator:
    return Allocator(MemoryStore())


class TestDynamicPools:
    def test_each_request_gets_a_pool_of_its_own_and_then_an_error(self) -> None:
        """The engine asks in a loop without end for a pool that suits it."""
        settings = Settings(pools=parse_pools("10.9.0.0/22:24"))
        allocator = Allocator(MemoryStore(), settings)

        pools = [allocator.request_pool(PoolRequest()) for _ in range(4)]

        assert len({pool.id for pool in pools}) == 4
        with pytest.raises(PoolsExhaustedError, match="fully subnetted"):
            allocator.request_pool(PoolRequest())

    def test_host_routes_are_avoided(self) -> None:
        """A pool that overlaps a route, even one behind a VPN, cuts it off."""
        allocator = Allocator(
            MemoryStore(),
            Settings(pools=parse_pools("10.9.0.0/22:24")),
            occupied=lambda: [parse_prefix("10.9.0.0/23"), parse_prefix("0.0.0.0/0")],
        )

        pool = allocator.request_pool(PoolRequest())

        assert str(pool.prefix) == "10.9.2.0/24"


class TestAddresses:
    def test_gateway_is_the_first_usable_address(self, allocator: Allocator) -> None:
        """People expect .1."""
        pool = allocator.request_pool(PoolRequest(prefix=parse_prefix("10.1.2.0/24")))

        gateway = allocator.request_address(pool.id, AddressRequest(kind=Kind.GATEWAY))

        assert str(gateway) == "10.1.2.1/24"
