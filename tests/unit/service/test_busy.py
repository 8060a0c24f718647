"""The engine forgets things while a call that does not end is at work on them."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest

from plugin import deadline
from plugin.bootstrap.assembly import assemble
from plugin.errors import BusyError, LateError, StoreError
from plugin.model.network import Endpoint, IPInterface, NetworkState, PoolData
from plugin.service.locks import Locks
from tests.fakes.addresses import NobodyAsks
from tests.fakes.rig import Rig
from tests.fakes.values import SANDBOX, a_binding, a_network, an_endpoint

BLUE = a_network("blue", "10.1.0.0/24", "fd00:1::/64")
WEB = an_endpoint(BLUE)
IDS = (BLUE.id, WEB.id)


@contextmanager
def busy(locks: Locks) -> Iterator[None]:
    """Another call is at work on the network."""
    held, over = threading.Event(), threading.Event()

    def work() -> None:
        with locks.hold(BLUE.id):
            held.set()
            over.wait(60)

    thread = threading.Thread(target=work)
    thread.start()
    assert held.wait(60)
    try:
        yield
    finally:
        over.set()
        thread.join(60)


class TestDelete:
    def test_a_busy_network_is_deleted_by_the_tick(self, rig: Rig) -> None:
        """dockerd considers it deleted, regardless of our answer."""
        rig.networks.create(BLUE)
        rig.run(BLUE, WEB, a_binding())
        with busy(rig.locks), deadline.within(0.05), pytest.raises(BusyError):
            rig.networks.delete(BLUE.id)
        forgotten = rig.store.networks()[0].state
        rig.healer.heal()

        assert forgotten is NetworkState.DELETING
        assert rig.store.networks() == ()
        assert rig.held() == frozenset()
        assert rig.addresses.bound == rig.addresses.groups == set()

    def test_an_endpoint_of_a_busy_network_is_deleted_by_the_tick(self, rig: Rig) -> None:
        """With its address and its ports."""
        rig.networks.create(BLUE)
        alone = rig.held()
        rig.run(BLUE, WEB, a_binding())
        with busy(rig.locks), deadline.within(0.05), pytest.raises(BusyError):
            rig.endpoints.delete(*IDS)
        rig.healer.heal()

        assert rig.store.endpoints(BLUE.id) == ()
        assert rig.held() == alone
        assert rig.addresses.bound == set()

    def test_a_creation_that_ends_after_the_deletion_leaves_nothing(self, rig: Rig) -> None:
        """It was stuck, and dockerd gave up on it."""
        save = rig.store.save_network

        def save_late(network: object) -> None:
            rig.store.mark_network_deleting(BLUE.id)
            save(network)  # type: ignore[arg-type]

        rig.store.save_network = save_late  # type: ignore[method-assign]
        rig.networks.create(BLUE)
        rig.healer.heal()

        assert rig.store.networks() == ()
        assert rig.held() == frozenset()


class TestAgain:
    def test_a_network_that_is_being_deleted_can_be_made_anew(self, rig: Rig) -> None:
        """What is left of the first goes before."""
        rig.networks.create(BLUE)
        rig.store.mark_network_deleting(BLUE.id)
        rig.networks.create(BLUE)

        assert rig.store.networks()[0].state is NetworkState.ACTIVE
        assert rig.held() == rig.wanted()

    def test_an_endpoint_that_is_being_deleted_can_be_made_anew(self, rig: Rig) -> None:
        """With the same id."""
        rig.networks.create(BLUE)
        rig.run(BLUE, WEB, a_binding())
        rig.store.mark_endpoint_deleting(WEB.id)
        endpoint = rig.endpoints.create(WEB)

        assert endpoint == WEB
        assert rig.store.endpoints(BLUE.id) == (WEB,)
        assert rig.held() == rig.wanted()


class TestLate:
    """The engine does not wait any more: what was made is undone."""

    def test_a_network(self, rig: Rig) -> None:
        """The engine has been told that there is none."""
        with deadline.within(-1), pytest.raises(LateError):
            rig.networks.create(BLUE)

        assert rig.held() == frozenset()
        assert rig.store.networks() == ()

    def test_a_join(self, rig: Rig) -> None:
        """The engine goes on with leave and delete, or with delete alone."""
        rig.networks.create(BLUE)
        rig.endpoints.create(WEB)
        before = rig.held()
        with deadline.within(-1), pytest.raises(LateError):
            rig.endpoints.join(*IDS, SANDBOX)

        assert rig.held() == before
        assert rig.store.endpoint(WEB.id) == WEB

    def test_published_ports(self, rig: Rig) -> None:
        """They are free for others."""
        rig.networks.create(BLUE)
        rig.run(BLUE, WEB)
        before = rig.held()
        with deadline.within(-1), pytest.raises(LateError):
            rig.endpoints.program(*IDS, [a_binding()])

        assert rig.held() == before
        assert rig.store.endpoint(WEB.id) == replace(WEB, sandbox_key=SANDBOX, attached=True)


class FullDisk(NobodyAsks):
    """The address side cannot write."""

    def bind(self, pool: PoolData, interface: IPInterface, endpoint: Endpoint) -> None:
        raise StoreError("store ipam.db cannot write: database or disk is full")


def test_an_address_that_cannot_be_bound_leaves_no_endpoint(rig: Rig) -> None:
    """dockerd was told that it failed, and says nothing more."""
    rig.networks.create(BLUE)
    parts = assemble(replace(rig.backends, addresses=FullDisk()), rig.health)
    with pytest.raises(StoreError):
        parts.endpoints.create(WEB)

    assert rig.store.endpoints(BLUE.id) == ()
