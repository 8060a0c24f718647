"""Clients for IPv6 of one parent: who hears what, and who may ask again."""

from concurrent.futures import Future
from dataclasses import replace

import pytest

from plugin.dhcp.base import AddressInUseError
from plugin.dhcp.values import Method
from plugin.model.ids import MacAddress
from plugin.model.leases import Lease
from tests.unit.dhcp.driven6 import ADDRESS, WISH6
from tests.unit.dhcp.test_parent import Driven

STRANGER = MacAddress("02:00:00:00:00:99")


def acquire(driven: Driven, wish: object = WISH6) -> Future[Lease]:
    waiting: Future[Lease] = Future()
    driven.parent.acquire(wish, None, waiting, driven.now)  # type: ignore[arg-type]
    driven.run(1)
    return waiting


def test_after_a_conflict_it_is_asked_for_again() -> None:
    """Who has the address is told to who confirms, and is gone at the next start."""
    driven = Driven()
    driven.lan.router.hosts[ADDRESS] = STRANGER
    acquire(driven)
    confirming: Future[None] = Future()
    driven.parent.confirm(WISH6.identity.client_id, confirming)
    with pytest.raises(AddressInUseError, match=f"is in use by {STRANGER}"):
        confirming.result(0)

    del driven.lan.router.hosts[ADDRESS]
    assert acquire(driven).result(0).address.ip == ADDRESS


def test_another_name_is_another_address() -> None:
    """Who shares a MAC address cannot choose another."""
    driven, wish = Driven(), replace(WISH6, shares_mac=True)
    address = acquire(driven, wish).result(0).ipv6.ip
    driven.parent.forget(wish.identity.client_id)
    driven.lan.router.hosts[address] = STRANGER
    acquire(driven, wish)
    confirming: Future[None] = Future()
    driven.parent.confirm(wish.identity.client_id, confirming)

    with pytest.raises(AddressInUseError, match="choose another name with driver-opt=name=NAME"):
        confirming.result(0)


def test_groups_are_heard_while_something_is_asked() -> None:
    """All nodes, and who asks for the address that is probed; then nobody listens."""
    driven = Driven()
    driven.lan.router.silent = True
    acquire(driven)
    (wire,) = driven.lan.wires
    assert wire.macs == {"33:33:00:00:00:01"}

    driven.lan.router.silent = False
    driven.run(10)
    assert driven.parent.wire is None


def test_what_nobody_came_for_is_given_back() -> None:
    """Its caller had left, and no record says that it is there."""
    driven = Driven()
    server = driven.lan.router.server
    server.silent = True
    waiting = acquire(driven, replace(WISH6, method=Method.DHCP))
    waiting.cancel()
    server.silent = False
    driven.run(5)
    assert server.leases
    driven.run(100)

    assert server.leases == {}
