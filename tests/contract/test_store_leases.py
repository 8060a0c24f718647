"""Leases of DHCP in the two stores."""

from dataclasses import replace
from ipaddress import IPv4Address, IPv4Interface, IPv4Network
from pathlib import Path

import pytest

from plugin.errors import StoreError
from plugin.model.ids import MacAddress
from plugin.model.leases import Facts, Identity, Lease, LeaseRecord, Moment, Route
from plugin.store.base import Store
from plugin.store.sqlite import SqliteStore
from tests.contract.test_store import BLUE, RED, WEB

LEASE = LeaseRecord(
    network_id=BLUE.id,
    lease=Lease(
        identity=Identity(mac=WEB.mac_address, client_id=b"\x01\xff\0web", host_name="web"),
        address=IPv4Interface("192.168.50.100/24"),
        server=IPv4Address("192.168.50.1"),
        next_hop=MacAddress("02:00:00:00:00:01"),
        facts=Facts(
            router=IPv4Address("192.168.50.1"),
            routes=(Route(destination=IPv4Network("10.9.0.0/16"), gateway=None),),
            mtu=1400,
            dns=(IPv4Address("192.168.50.1"),),
            search=("lan",),
        ),
        obtained=12.5,
        seconds=None,
        t1=60,
        t2=105,
    ),
    since=Moment(boot_id="b", boottime=20.5, wall=1e9),
    seat=0,
    endpoint_id=WEB.id,
)


class TestLeases:
    def test_what_was_saved_is_found(self, store: Store) -> None:
        """With every field, and one for each client."""
        store.save_network(BLUE)
        store.save_lease(LEASE)
        resting = replace(LEASE, endpoint_id=None)
        store.save_lease(resting)

        assert store.leases(BLUE.id) == (resting,)
        assert store.leases(RED.id) == ()

    def test_it_outlives_the_process(self, path: Path) -> None:
        """And the endpoint that had it."""
        before = SqliteStore(path)
        before.save_network(BLUE)
        before.save_endpoint(replace(WEB, facts=LEASE.lease.facts))
        before.save_lease(LEASE)
        before.close()

        after = SqliteStore(path)

        assert after.leases(BLUE.id) == (LEASE,)
        assert after.endpoints(BLUE.id)[0].facts == LEASE.lease.facts
        after.close()

    def test_it_is_forgotten(self, store: Store) -> None:
        """By itself, or with its network."""
        for forget in (
            lambda: store.delete_lease(BLUE.id, LEASE.client),
            lambda: store.delete_network(BLUE.id),
        ):
            store.save_network(BLUE)
            store.save_lease(LEASE)
            forget()
            store.delete_lease(BLUE.id, LEASE.client)
            assert store.leases(BLUE.id) == ()

    def test_a_network_must_be_there(self, store: Store) -> None:
        """A lease without a network would never be released."""
        with pytest.raises(StoreError):
            store.save_lease(LEASE)
