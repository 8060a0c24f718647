"""Reservations for people: which of them do something on this engine."""

import pytest

from ipam.allocator import Allocator
from ipam.lease import AddressRequest, Owner
from ipam.pool import LOCAL, PoolRequest
from ipam.prefixes import parse_prefix
from ipam.store.memory import MemoryStore
from plugin.health import Health
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
    pool = allocator.request_pool(PoolRequest(space=LOCAL, prefix=prefix, owner="engine"))
    allocator.request_address(pool.id, AddressRequest(owner=Owner(name=name)))


@pytest.mark.parametrize(
    ("text", "requires_mac", "what"),
    [(NAME, False, "the name of"), (NAME, True, "the name of"), (MAC, False, "the MAC address of")],
)
def test_an_engine_that_names_nobody(
    allocator: Allocator, text: str, requires_mac: bool, what: str
) -> None:
    """The owner would wait in vain."""
    health = Health()
    desk = IpamReservations(allocator, health, requires_mac=requires_mac)
    _, unknown = desk.reserve(text)
    ask(allocator, None)
    count, note = desk.reserve(text)

    assert count == 1
    assert unknown.startswith("Docker before 29")
    assert note.startswith(f"this host's Docker does not send {what} a container")
    assert "--ip" in note
    (hint,) = health.hints
    assert hint == (
        "the reservation of 10.1.0.9 does nothing for its owner: this host's Docker does not send "
        f"{what} a container when it asks for an address; start the owner with --ip, or use "
        "engine 29; the address is kept from all others"
    )


@pytest.mark.parametrize(
    ("text", "requires_mac", "name"),
    [(NAME, False, "db"), (MAC, False, "db"), (MAC, True, None), (TAG, False, None)],
)
def test_what_works_needs_no_note(
    allocator: Allocator, text: str, requires_mac: bool, name: str | None
) -> None:
    """An engine that tells, a MAC address that the plugin requires, a tag of a program's."""
    ask(allocator, name)
    health = Health()

    assert IpamReservations(allocator, health, requires_mac=requires_mac).reserve(text) == (1, "")
    assert health.hints == ()


def test_the_hint_goes_with_the_reservations(allocator: Allocator) -> None:
    """It counts those that do nothing."""
    health = Health()
    desk = IpamReservations(allocator, health)
    ask(allocator, None)
    desk.reserve(NAME)
    desk.reserve(TAG.replace("0.9", "0.10"))
    desk.reserve(MAC.replace("0.9", "0.11"))
    (both,) = health.hints
    desk.unreserve(MAC.replace("0.9", "0.11"))
    (one,) = health.hints
    desk.unreserve(NAME)

    assert both.startswith(
        "2 reservations, as of 10.1.0.9, do nothing for their owners: this host's"
    )
    assert "the MAC address and name of a container" in both
    assert one.startswith("the reservation of 10.1.0.9 does nothing")
    assert health.hints == ()


def test_the_hint_goes_with_the_engine(allocator: Allocator) -> None:
    """One that names containers is known by its first request."""
    health = Health()
    desk = IpamReservations(allocator, health)
    desk.reserve(NAME)
    desk.advise()
    assert health.hints == ()
    ask(allocator, None)
    desk.advise()
    assert len(health.hints) == 1
    ask(allocator, "db")
    desk.advise()

    assert health.hints == ()


def test_what_was_not_reserved_is_named(allocator: Allocator) -> None:
    """Once, however often the list has it; the rest is given up."""
    desk = IpamReservations(allocator, Health())
    desk.reserve(NAME)
    one, other = NAME[:-2].split("[")[1], TAG[:-2].replace("0.9", "0.8").split("[")[1]
    text = f'{{"reservations": [{one}, {other}, {one}, {other}]}}'

    assert desk.unreserve(text) == (1, ["10.1.0.8"])
    assert desk.unreserve('{"reservations": []}') == (0, [])
    assert "10.1.0.9" not in desk.reservations()
