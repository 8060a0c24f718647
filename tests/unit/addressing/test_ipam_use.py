"""What the address side is told of the network side."""

from dataclasses import replace
from ipaddress import ip_interface

import pytest

from ipam.allocator import Allocator
from ipam.lease import State
from ipam.pool import LOCAL, PoolRequest
from ipam.store.memory import MemoryStore
from plugin.addressing.ipam_use import IpamAddressUse
from plugin.model.network import Network, NetworkState
from tests.fakes.values import a_network, an_endpoint

SUBNETS = ("10.7.0.0/30", "10.7.1.0/30")


@pytest.fixture
def allocator() -> Allocator:
    return Allocator(MemoryStore())


@pytest.fixture
def use(allocator: Allocator) -> IpamAddressUse:
    return IpamAddressUse(allocator)


@pytest.fixture
def network(allocator: Allocator) -> Network:
    """An active network whose pools are held and not yet known for its own."""
    network = a_network("blue", *SUBNETS, state=NetworkState.ACTIVE)
    for pool in network.pools:
        allocator.request_pool(PoolRequest(prefix=pool.prefix))
    return replace(network, pools=tuple(replace(pool, space=LOCAL) for pool in network.pools))


def users(allocator: Allocator) -> list[str | None]:
    return [pool.network for pool in allocator.pools()]


def states(allocator: Allocator) -> list[State]:
    return [lease.state for pool in allocator.pools() for lease in allocator.leases(pool.id)]


class TestRecall:
    def test_pools_are_their_networks(
        self, allocator: Allocator, use: IpamAddressUse, network: Network
    ) -> None:
        """After an engine has replayed them into an empty store, which tells no networks."""
        for _ in range(2):
            use.recall(lambda: [network])

            assert users(allocator) == [network.id] * 2

    def test_a_pool_that_is_replayed_later_joins_its_sibling(
        self, allocator: Allocator, use: IpamAddressUse, network: Network
    ) -> None:
        """A recall may come between the two."""
        use.recall(lambda: [replace(network, pools=network.pools[:1])])
        use.recall(lambda: [network])

        assert users(allocator) == [network.id] * 2

    def test_pools_of_networks_that_are_gone_are_nobodys(
        self, allocator: Allocator, use: IpamAddressUse, network: Network
    ) -> None:
        """Those that were released are given up."""
        use.group(network)
        allocator.release_pool(allocator.pools()[0].id)
        use.recall(list)

        assert users(allocator) == [None]

    def test_a_network_in_the_making_is_left_alone(
        self, allocator: Allocator, use: IpamAddressUse, network: Network
    ) -> None:
        """If its creation fails, no call would say that its pools are free."""
        use.recall(lambda: [replace(network, state=NetworkState.PENDING)])

        assert users(allocator) == [None, None]

    def test_a_network_that_comes_meanwhile_keeps_its_pools(
        self, allocator: Allocator, use: IpamAddressUse, network: Network
    ) -> None:
        """It was saved before its pools were told, so it is among the networks by then."""

        def come() -> list[Network]:
            use.group(network)
            return []

        use.recall(come)

        assert users(allocator) == [network.id] * 2


class TestUngroup:
    def test_a_deleted_network_has_no_pools(
        self, allocator: Allocator, use: IpamAddressUse, network: Network
    ) -> None:
        """Their release may have been lost with a process that died."""
        use.group(network)
        use.ungroup(network.id, deleted=True)

        assert users(allocator) == []


class TestUnbindGone:
    def test_the_address_of_an_endpoint_that_is_gone_goes_back(
        self, allocator: Allocator, use: IpamAddressUse, network: Network
    ) -> None:
        """The process died between forgetting the endpoint and saying so."""
        use.group(network)
        endpoint = an_endpoint(network, 2)
        assert endpoint.ipv4 is not None
        use.bind(network.pools[0], endpoint.ipv4, endpoint)
        use.unbind_gone({endpoint.id: endpoint}.get)

        assert states(allocator) == [State.BOUND]

        use.unbind_gone({}.get)

        assert states(allocator) == [State.RESERVED]


class TestIsReleased:
    def test_only_what_the_engine_gave_back(
        self, allocator: Allocator, use: IpamAddressUse, network: Network
    ) -> None:
        """It rests then, or is free; requested or bound it is not."""
        pool, held = network.pools[0], allocator.pools()[0].id
        granted = allocator.request_address(held)
        interface = ip_interface(f"{granted.ip}/{pool.prefix.prefixlen}")
        requested = use.is_released(pool, interface)
        use.bind(pool, interface, an_endpoint(network))
        bound = use.is_released(pool, interface)
        allocator.release_address(held, granted.ip)

        assert (requested, bound, use.is_released(pool, interface)) == (False, False, True)

    def test_nothing_of_another_ipam(self, use: IpamAddressUse) -> None:
        """pynet's IPAM does not know the container of such an address."""
        network = a_network("red", "10.8.0.0/24")

        assert not use.is_released(network.pools[0], ip_interface("10.8.0.2/24"))
