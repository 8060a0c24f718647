"""Reservations, in whichever store."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ipam.lease import Owner
from ipam.pool import NO_TENANT, Tenant
from ipam.prefixes import parse_address
from ipam.reservation import Reservation
from ipam.store.base import Store
from ipam.store.memory import MemoryStore
from ipam.store.sqlite import SqliteStore
from tests.contract.test_ipam_store import WEB_ALONE, put


@pytest.fixture(params=[lambda _: MemoryStore(), lambda path: SqliteStore(path / "ipam.db")])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    make: Callable[[Path], Store] = request.param
    store = make(tmp_path)
    yield store
    store.close()


class TestReservations:
    def test_they_come_back_in_order(self, store: Store) -> None:
        """By space, tenant and address; v4 before v6."""
        wanted = [
            Reservation(address=parse_address(address), tenant=Tenant(tenant), owner=owner)
            for address, tenant, owner in (
                ("10.0.0.9", NO_TENANT, Owner(name="web")),
                ("10.0.0.10", NO_TENANT, Owner(mac="02:42:0a:01:02:03")),
                ("fd00::1", NO_TENANT, Owner(tag="front")),
                ("10.0.0.1", "blue", Owner(name="web")),
            )
        ]
        put(store, *reversed(wanted))

        assert store.run(lambda stored: stored.reservations.all()) == wanted

    def test_an_address_is_reserved_once(self, store: Store) -> None:
        """The later reservation replaces the earlier one."""
        address = parse_address("10.0.0.9")
        db = Reservation(address=address, owner=Owner(name="db"))
        put(store, Reservation(address=address, owner=WEB_ALONE), db)

        assert store.run(lambda stored: stored.reservations.all()) == [db]
        for _ in range(2):
            store.run(lambda stored: stored.reservations.remove(db))
        assert store.run(lambda stored: stored.reservations.all()) == []
