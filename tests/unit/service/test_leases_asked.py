"""What happens on a network while a LAN's server is asked for an address: no lock is held then."""

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from ipaddress import IPv4Address, IPv4Interface

import pytest

from plugin.deadline import within
from plugin.dhcp.messages4 import Kind
from plugin.errors import (
    BusyError,
    EndpointNotFoundError,
    NetworkNotFoundError,
    RefusedError,
    StoreError,
)
from plugin.model.ids import EndpointID
from plugin.model.network import Endpoint
from tests.fakes.rig import Rig
from tests.fakes.values import SANDBOX
from tests.kernel.netns import wait_until
from tests.unit.service.leasing import LAN, MAC, start


@pytest.fixture
def on_lan(rig: Rig) -> Rig:
    """A network of the LAN's."""
    rig.host.add_parent("eth0")
    rig.networks.create(LAN)
    rig.lan.server.heard.clear()
    return rig


class TestWhileAServerIsSilent:
    """No lock of the network is held then."""

    @pytest.fixture
    def asking(self, on_lan: Rig) -> Iterator[Future[Endpoint]]:
        """A start that waits for the server, which has other containers."""
        start(on_lan, "db")
        on_lan.lan.server.silent = True
        with ThreadPoolExecutor(1) as pool:
            made = pool.submit(start, on_lan, "web")
            wait_until(lambda: Kind.DISCOVER in on_lan.lan.server.kinds()[2:], "nobody asks")
            yield made
            on_lan.lan.server.silent = False

    def test_others_come_and_go(self, on_lan: Rig, asking: Future[Endpoint]) -> None:
        """A container that has its address joins, leaves and is deleted."""
        (db,) = on_lan.store.endpoints(LAN.id)
        with within(3):
            on_lan.endpoints.join(LAN.id, db.id, SANDBOX)
            on_lan.endpoints.leave(LAN.id, db.id)
            on_lan.endpoints.delete(LAN.id, db.id)
            on_lan.leases.look_after()

        assert not asking.done()
        assert on_lan.store.endpoints(LAN.id) == ()
        on_lan.lan.server.silent = False
        assert asking.result(timeout=10).ipv4 == IPv4Interface("192.168.50.101/24")

    def test_two_have_two_addresses(self, on_lan: Rig, asking: Future[Endpoint]) -> None:
        """A seat that is asked for is not the next one's."""
        with ThreadPoolExecutor(1) as pool:
            other = pool.submit(start, on_lan, "new")
            on_lan.lan.server.silent = False
            made = {each.result(timeout=10).ipv4 for each in (asking, other)}

        assert len(made) == 2
        assert {each.seat for each in on_lan.store.leases(LAN.id)} == {0, 1, 2}

    def test_an_endpoint_that_was_deleted_does_not_come_to_be(
        self, on_lan: Rig, asking: Future[Endpoint]
    ) -> None:
        """Its lease rests."""
        on_lan.endpoints.delete(LAN.id, EndpointID("web" * 8))
        on_lan.lan.server.silent = False

        with pytest.raises(EndpointNotFoundError, match="was deleted while"):
            asking.result(timeout=10)
        assert len(on_lan.store.endpoints(LAN.id)) == 1
        assert {each.endpoint_id is None for each in on_lan.store.leases(LAN.id)} == {False, True}

    def test_the_same_endpoint_is_not_made_twice(
        self, on_lan: Rig, asking: Future[Endpoint]
    ) -> None:
        """It would have a second lease, and what it has become meanwhile would be lost."""
        with pytest.raises(BusyError, match="is being made by another call"):
            start(on_lan, "web")
        on_lan.lan.server.silent = False

        assert asking.result(timeout=10)
        assert len(on_lan.store.leases(LAN.id)) == 2

    def test_a_network_that_was_deleted_leaves_nothing_at_the_server(
        self, on_lan: Rig, asking: Future[Endpoint]
    ) -> None:
        """It was granted for nobody."""
        on_lan.networks.delete(LAN.id)
        on_lan.lan.server.silent = False

        with pytest.raises((StoreError, NetworkNotFoundError)):
            asking.result(timeout=10)
        db = {IPv4Address("192.168.50.100")}  # its release a silent server may not have heard
        wait_until(lambda: set(on_lan.lan.server.leases.values()) <= db, "not given back")

    def test_one_mac_address_is_one_containers(self, on_lan: Rig) -> None:
        """The second is refused while the first is being started."""
        on_lan.lan.server.silent = True
        with ThreadPoolExecutor(1) as pool:
            first = pool.submit(start, on_lan, "web", MAC)
            wait_until(on_lan.lan.server.kinds, "nobody asks")
            with pytest.raises(RefusedError, match=f"{MAC} is that of .* being started"):
                start(on_lan, "new", MAC)
            on_lan.lan.server.silent = False

            assert first.result(timeout=10).mac_address == MAC


def test_an_endpoint_that_is_deleted_as_it_is_saved(
    on_lan: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The deletion finds no record, and waits for nothing; the call that made it takes it back."""
    save = on_lan.store.save_endpoint

    def saved(endpoint: Endpoint) -> None:
        on_lan.endpoints.delete(LAN.id, EndpointID("web" * 8))
        save(endpoint)

    monkeypatch.setattr(on_lan.store, "save_endpoint", saved)
    with pytest.raises(EndpointNotFoundError, match="was deleted while"):
        start(on_lan, "web")

    assert on_lan.store.endpoints(LAN.id) == ()
    assert [each.endpoint_id for each in on_lan.store.leases(LAN.id)] == [None]


def test_a_plugin_that_looks_around_late_leaves_what_is_being_started(on_lan: Rig) -> None:
    """Its lease is saved before its endpoint is."""
    with ThreadPoolExecutor(1) as pool:
        with on_lan.locks.hold(LAN.id):
            bound = on_lan.bound.of(LAN)
            on_lan.lan.server.silent = True
        made = pool.submit(start, on_lan, "web")
        wait_until(on_lan.lan.server.kinds, "nobody asks")
        with on_lan.locks.hold(LAN.id):
            on_lan.lan.server.silent = False
            wait_until(lambda: on_lan.store.leases(LAN.id), "not saved")
            on_lan.teardown.leases.resume(bound, ())

        assert made.result(timeout=10)

    (record,) = on_lan.store.leases(LAN.id)
    assert record.endpoint_id == made.result().id
