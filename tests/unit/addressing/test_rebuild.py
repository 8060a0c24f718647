"""What the network side remembers for the address side, should that lose its store."""

from dataclasses import replace

import pytest

from ipam.allocator import Allocator
from ipam.lease import AddressRequest, Kind, Lease
from ipam.pool import LOCAL, Pool, PoolRequest
from ipam.prefixes import Prefix
from ipam.store.memory import MemoryStore as AddressStore
from plugin.addressing.base import bind_all
from plugin.addressing.ipam_use import IpamAddressUse
from plugin.addressing.rebuild import restore
from plugin.model.network import Endpoint, Network, NetworkState
from plugin.store.memory import MemoryStore
from tests.fakes.values import a_network, an_endpoint

SUBNETS = ("10.7.0.0/28", "10.7.1.0/28", "fd07::/64")
OPTIONS = {"tenant": "red", "exclude": "10.7.0.9,fd07::9"}


class Host:
    """A network of three subnets with two endpoints, as both sides know it."""

    def __init__(self) -> None:
        self.store = MemoryStore()
        self.allocator = Allocator(AddressStore())
        self.use = IpamAddressUse(self.allocator)
        network = a_network("blue", *SUBNETS, state=NetworkState.ACTIVE)
        pools = [self._request(pool.prefix) for pool in network.pools]
        for pool, data in zip(pools, network.pools, strict=True):
            assert data.gateway is not None
            gateway = AddressRequest(address=data.gateway.ip, kind=Kind.GATEWAY)
            self.allocator.request_address(pool.id, gateway)
        printer = self.allocator.request_address(pools[0].id)
        self.network = self.use.described(
            replace(
                network,
                pools=(
                    replace(network.pools[0], space=LOCAL, auxiliary={"printer": printer}),
                    *(replace(pool, space=LOCAL) for pool in network.pools[1:]),
                ),
            )
        )
        self.store.save_network(self.network)
        self.use.group(self.network)
        self.add(an_endpoint(self.network, 3, mac_chosen=True))
        self.add(an_endpoint(self.network, 4))

    def add(self, endpoint: Endpoint) -> None:
        self.store.save_endpoint(endpoint)
        bind_all(self.use, self.network, endpoint)

    def lost(self) -> Allocator:
        """A new allocator, that was told what the network side knows."""
        allocator = Allocator(AddressStore())
        restore(allocator, self.known())
        return allocator

    def known(self) -> list[tuple[Network, tuple[Endpoint, ...]]]:
        """What the network side knows."""
        return [(each, self.store.endpoints(each.id)) for each in self.store.networks()]

    def _request(self, prefix: Prefix) -> Pool:
        return self.allocator.request_pool(PoolRequest(prefix=prefix, options=OPTIONS))


def timeless(allocator: Allocator) -> list[object]:
    pools = allocator.pools()
    leases = [lease for pool in pools for lease in allocator.leases(pool.id)]
    return [
        *(replace(pool, requested=0) for pool in pools),
        *(replace(lease, since=0) for lease in leases),
    ]


@pytest.fixture
def host() -> Host:
    return Host()


def test_a_lost_store_is_what_it_was(host: Host) -> None:
    """Pools with their options, gateways, auxiliary addresses and endpoints."""
    assert timeless(host.lost()) == timeless(host.allocator)


def test_nothing_is_restored_twice(host: Host) -> None:
    """Every start of pynet tries."""
    before = timeless(host.allocator)
    restore(host.allocator, host.known())

    assert timeless(host.allocator) == before


@pytest.mark.parametrize("state", [NetworkState.PENDING, NetworkState.DELETING])
def test_a_network_that_is_not_there_has_no_pool(host: Host, state: NetworkState) -> None:
    """The engine does not know it, or knows it no more."""
    host.store.save_network(replace(host.network, state=state))

    assert host.lost().pools() == []


def test_an_endpoint_that_is_being_deleted_has_no_address(host: Host) -> None:
    """The engine has released it, or is about to."""
    host.store.mark_endpoint_deleting(an_endpoint(host.network, 4).id)
    allocator = host.lost()

    assert "10.7.0.4" not in {str(lease.address) for lease in _leases(allocator)}
    assert "10.7.0.3" in {str(lease.address) for lease in _leases(allocator)}


def test_pools_of_others_are_left_to_them(host: Host) -> None:
    """Docker's IPAM, swarm's managers, and networks whose options were never told."""
    for space in ("LocalDefault", ""):
        pools = tuple(replace(pool, space=space) for pool in host.network.pools)
        host.store.save_network(replace(host.network, pools=pools))
        assert host.lost().pools() == []
    pools = tuple(replace(pool, options=None) for pool in host.network.pools)
    host.store.save_network(replace(host.network, pools=pools))
    assert host.lost().pools() == []


def test_a_pool_in_the_way_does_not_stop_the_others(host: Host) -> None:
    """It was given while the lost one was unknown; that is said in the log."""
    allocator = Allocator(AddressStore())
    wider = [pool.prefix.supernet() for pool in host.network.pools]
    allocator.request_pool(PoolRequest(prefix=wider[0]))
    allocator.request_pool(PoolRequest(prefix=wider[1], options={"tenant": "red"}))
    restore(allocator, host.known())

    assert {pool.id for pool in allocator.pools()} == {
        "pynet-local/10.7.0.0/27",
        "pynet-local:red/10.7.0.0/28",
        "pynet-local:red/10.7.1.0/27",
        "pynet-local:red/fd07::/64",
    }


def _leases(allocator: Allocator) -> list[Lease]:
    return [lease for pool in allocator.pools() for lease in allocator.leases(pool.id)]
