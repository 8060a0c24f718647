"""Reservations for people: which of them do something on this engine."""

import pytest

from ipam.allocator import Allocator
from ipam.lease import AddressRequest, Owner
from ipam.pool import LOCAL, PoolRequest
from ipam.prefixes import parse_prefix
from ipam.store.memory import MemoryStore
from plugin.operator.reservations import IpamReservations

NAME = '{"reservations": [{"address": "10.1.0.9", "name": "web"}]}'
MAC = '{"reservations": [{"address": "10.1.0.9", "mac": "02:42:0a:01:02:51"}]}'
TAG = '{"reservations": [{"address": "10.1.0.9", "tag": "printer"}]}'


@pytest.fixture
def allocator() -> Allocator:
    return Allocator(MemoryStore())


def ask(allocator: Allocator, name: str | None) -> None:
    """As an engine does for a container."""
    prefix = parse_prefix("10.1.0.0/24")
    pool = allocator.request_pool(PoolRequest(space=LOCAL, prefix=prefix))
    allocator.request_address(pool.id, AddressRequest(owner=Owner(name=name)))


@pytest.mark.parametrize(
    ("text", "requires_mac", "what"),
    [(NAME, False, "the name of"), (NAME, True, "the name of"), (MAC, False, "the MAC address of")],
)
def test_an_engine_that_names_nobody(
    allocator: Allocator, text: str, requires_mac: bool, what: str
) -> None:
    """The owner would wait in vain."""
    desk = IpamReservations(allocator, requires_mac=requires_mac)
    _, unknown = desk.reserve(text)
    ask(allocator, None)
    count, note = desk.reserve(text)

    assert count == 1
    assert unknown.startswith("Docker before 29")
    assert note.startswith(f"this host's Docker does not say {what} a container")
    assert "--ip" in note


@pytest.mark.parametrize(
    ("text", "requires_mac", "name"),
    [(NAME, False, "db"), (MAC, False, "db"), (MAC, True, None), (TAG, False, None)],
)
def test_what_works_needs_no_note(
    allocator: Allocator, text: str, requires_mac: bool, name: str | None
) -> None:
    """An engine that tells, a MAC address that the plugin requires, a tag of a program's."""
    ask(allocator, name)

    assert IpamReservations(allocator, requires_mac=requires_mac).reserve(text) == (1, "")
