"""IPv6 on a network whose IPv4 addresses the engine has of pynet's own IPAM: the driver answers it."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from ipaddress import IPv6Network

import pytest

from plugin.errors import EndpointNotFoundError
from plugin.model.ids import EndpointID
from plugin.model.network import Network
from tests.fakes.rig import Rig
from tests.kernel.netns import wait_until
from tests.unit.service import leasing_pool
from tests.unit.service.test_leases6 import versions


@pytest.fixture
def pooled(rig: Rig) -> Network:
    """A network whose pool is leased."""
    rig.host.add_parent("eth0")
    leasing_pool.request(rig)
    options = {**leasing_pool.LAN.options, "ipv6": "slaac"}
    network = replace(leasing_pool.LAN, options=options)
    rig.networks.create(network)
    return network


def test_both_addresses(rig: Rig, pooled: Network) -> None:
    """They go together."""
    endpoint = leasing_pool.start(rig, "web")

    assert endpoint.ipv6
    assert endpoint.ipv6.ip in IPv6Network("2001:db8:50::/64")
    leasing_pool.stop(rig, endpoint)
    assert versions(rig, pooled) == [(4, True), (6, True)]
    assert leasing_pool.start(rig, "new").ipv6 == endpoint.ipv6


def test_deleted_while_a_router_is_silent(rig: Rig, pooled: Network) -> None:
    """It does not come to be, and its lease rests."""
    address = leasing_pool.ask(rig)
    rig.lan.router.silent = True
    with ThreadPoolExecutor(1) as pool:
        made = pool.submit(leasing_pool.create, rig, "web", address)
        wait_until(lambda: rig.lan.router.asked > 0, "nobody asks")
        rig.endpoints.delete(pooled.id, EndpointID("web" * 8))
        rig.lan.router.silent = False
        with pytest.raises(EndpointNotFoundError):
            made.result(timeout=10)

    assert rig.store.endpoints(pooled.id) == ()
    rig.pools.release(leasing_pool.POOL, address.ip)
    assert versions(rig, pooled) == [(4, True), (6, True)]


def test_looked_at_while_a_router_is_silent(rig: Rig, pooled: Network) -> None:
    """Its endpoint does not exist yet, and the lease of IPv4 is its own nevertheless."""
    address = leasing_pool.ask(rig)
    rig.lan.router.silent = True
    with ThreadPoolExecutor(1) as pool:
        made = pool.submit(leasing_pool.create, rig, "web", address)
        wait_until(lambda: rig.lan.router.asked > 0, "nobody asks")
        rig.leases.look_after()
        rig.lan.router.silent = False
        endpoint = made.result(timeout=10)

    records = rig.store.leases(pooled.id)
    assert {each.endpoint_id for each in records} == {endpoint.id}
