"""The addresses of a pool, 256 at a time."""

from ipaddress import ip_address

import pytest

from ipam.allocator import Allocator
from ipam.lease import AddressRequest, Kind, Owner
from ipam.pool import PoolID, PoolRequest
from ipam.prefixes import parse_prefix
from ipam.store.memory import MemoryStore
from plugin.errors import RefusedError
from plugin.health import Health
from plugin.operator.reservations import IpamReservations


class Desk:
    """A pool whose addresses are asked for by the test."""

    def __init__(self, prefix: str) -> None:
        self.allocator = Allocator(MemoryStore())
        self.desk = IpamReservations(self.allocator, Health())
        self.pool: PoolID = self.allocator.request_pool(PoolRequest(prefix=parse_prefix(prefix))).id

    def take(self, address: str, kind: Kind = Kind.ENDPOINT, name: str | None = None) -> None:
        asked = AddressRequest(address=ip_address(address), kind=kind, owner=Owner(name=name))
        self.allocator.request_address(self.pool, asked)

    def cells(self, at: str = "") -> dict[str, tuple[str, str]]:
        shown = self.desk.addresses(self.pool, at)["cells"]
        return {each["address"]: (each["state"], each["owner"]) for each in shown}


def test_what_each_address_is() -> None:
    """Gateway, held, kept, and those that no container gets; the free ones are left out."""
    desk = Desk("10.1.0.0/24")
    desk.take("10.1.0.1", Kind.GATEWAY)
    desk.take("10.1.0.9", name="web")
    desk.desk.reserve('{"reservations": [{"address": "10.1.0.20", "name": "db"}]}')

    assert desk.cells() == {
        "10.1.0.0": ("never", ""),
        "10.1.0.1": ("gateway", ""),
        "10.1.0.9": ("bound", "name web"),
        "10.1.0.20": ("kept", "name db"),
        "10.1.0.255": ("never", ""),
    }


def test_one_that_is_kept_and_held() -> None:
    """Is held."""
    desk = Desk("10.1.0.0/24")
    desk.desk.reserve('{"reservations": [{"address": "10.1.0.9", "name": "web"}]}')
    desk.take("10.1.0.9", name="web")

    assert desk.cells()["10.1.0.9"] == ("bound", "name web")


def test_a_large_pool() -> None:
    """The first block with something in it, or the one that is asked for."""
    desk = Desk("10.0.0.0/8")
    desk.take("10.7.3.9")
    desk.take("10.7.9.1")
    found = desk.desk.addresses(desk.pool, "")
    other = desk.desk.addresses(desk.pool, "10.255.255.255")

    assert (found["first"], found["size"], found["unlisted"]) == ("10.7.3.0", 256, 0)
    assert found["blocks"] == [{"first": "10.7.3.0", "taken": 1}, {"first": "10.7.9.0", "taken": 1}]
    assert list(desk.cells()) == ["10.7.3.9"]
    assert (other["first"], [each["state"] for each in other["cells"]]) == (
        "10.255.255.0",
        ["never"],
    )


@pytest.mark.parametrize(
    ("prefix", "first", "size"),
    [
        ("10.1.0.64/28", "10.1.0.64", 16),
        ("10.1.0.0/16", "10.1.0.0", 256),
        ("fd00::/64", "fd00::", 256),
    ],
)
def test_an_empty_pool(prefix: str, first: str, size: int) -> None:
    """Is shown from its beginning, a small one alone."""
    found = Desk(prefix).desk.addresses(Desk(prefix).pool, "")

    assert (found["first"], found["size"], found["blocks"]) == (first, size, [])


def test_a_pool_of_addresses_everywhere() -> None:
    """The list of blocks has an end."""
    desk = Desk("10.0.0.0/8")
    for number in range(300):
        desk.take(f"10.{number // 256}.{number % 256}.7")
    found = desk.desk.addresses(desk.pool, "")

    assert (len(found["blocks"]), found["unlisted"]) == (256, 44)


@pytest.mark.parametrize("at", ["10.2.0.1", "fd00::1", "nonsense", "10.1.0.0/24"])
def test_an_address_of_another_pool(at: str) -> None:
    """Is refused in a sentence, as is a pool that does not exist."""
    desk = Desk("10.1.0.0/24")

    with pytest.raises(RefusedError, match=r"expected an address of 10\.1\.0\.0/24"):
        desk.desk.addresses(desk.pool, at)
    with pytest.raises(RefusedError, match="pool is 'p', which is none of"):
        desk.desk.addresses("p", "")
