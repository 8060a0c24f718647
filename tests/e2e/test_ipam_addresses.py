"""Addresses: where they may lie, in which order they are given, and when again."""

from functools import partial

import pytest

from tests.e2e.conftest import PLACES, Place
from tests.lab import ledger
from tests.lab.commands import CommandError, wait_until
from tests.lab.installed import PluginProcess
from tests.lab.site import Site


@pytest.fixture(scope="session", params=[p for p in PLACES if "socket" in p], ids="-".join)
def place(place: Place) -> Place:
    """One way of running it is enough: addresses are chosen alike in both."""
    return place


def test_several_ranges_less_some(site: Site) -> None:
    """`range=` and `exclude=` take lists; what is excluded cannot be had by `--ip` either."""
    network = site.network(
        *("--subnet=10.50.0.0/24", "--ipam-opt", "range=10.50.0.8-10.50.0.9,10.50.0.32/31"),
        *("--ipam-opt", "exclude=10.50.0.9,10.50.0.40/29"),
    )
    given = [str(site.address(_start(site, network), network)) for _ in range(3)]

    assert given == ["10.50.0.8", "10.50.0.32", "10.50.0.33"]
    with pytest.raises(CommandError, match="no available addresses on this pool"):
        _start(site, network)
    for excluded in ("10.50.0.9", "10.50.0.41"):
        with pytest.raises(CommandError, match=f"address {excluded} is excluded from pool"):
            _start(site, network, "--ip", excluded)


def test_range_of_the_engine_and_of_the_option(site: Site) -> None:
    """`--ip-range` and `range=` add up."""
    network = site.network(
        *("--subnet=10.50.0.0/24", "--ip-range=10.50.0.64/31"),
        *("--ipam-opt", "range=10.50.0.200"),
    )
    given = {str(site.address(_start(site, network), network)) for _ in range(3)}

    assert given == {"10.50.0.64", "10.50.0.65", "10.50.0.200"}


def test_named_addresses(site: Site) -> None:
    """They may lie outside the ip-range, and may be neither taken nor the subnet's first or last."""
    network = site.network(
        *("--subnet=10.50.0.0/24", "--ip-range=10.50.0.64/29"),
        *("--aux-address=printer=10.50.0.65", "--aux-address=router=10.50.0.200"),
    )
    named = [f"10.50.0.{last}" for last in (67, 5, 254)]
    given = [str(site.address(_start(site, network, "--ip", ip), network)) for ip in named]

    assert given == named
    assert {"10.50.0.1", "10.50.0.65", "10.50.0.200"} < ledger.held(site.installed.state)
    for taken in ("10.50.0.1", "10.50.0.65", "10.50.0.200", "10.50.0.67"):
        with pytest.raises(CommandError, match=f"Address already in use: {taken} of pool"):
            _start(site, network, "--ip", taken)
    for nobodys in ("10.50.0.0", "10.50.0.255"):
        with pytest.raises(CommandError, match=f"out of range: {nobodys} stands for all of"):
            _start(site, network, "--ip", nobodys)
    assert str(site.address(_start(site, network), network)) == "10.50.0.64"


def test_a_reservation_that_does_nothing(site: Site) -> None:
    """Both engines name nobody: a reservation by name is not its owner's, and the status says so."""
    assert isinstance(site.installed, PluginProcess)
    network = site.network("--subnet=10.50.0.0/24")
    container = _start(site, network)
    site.installed.command("reserve", "10.50.0.66", "--name", container)
    site.docker("restart", "-t", "0", container)
    (hint,) = _hints(site)
    status = site.installed.command("status")
    site.installed.command("unreserve", "10.50.0.66")

    assert str(site.address(container, network)) != "10.50.0.66"
    assert hint.startswith("the reservation of 10.50.0.66 does nothing for its owner: this host's")
    assert hint in " ".join(status.split())
    assert _hints(site) == []


def test_gateway_of_ones_choice(site: Site) -> None:
    """The gateway may lie outside of the ip-range, and then the first address is a container's."""
    network = site.network("--subnet=10.50.0.0/29", "--gateway=10.50.0.6")
    container = _start(site, network)

    assert str(site.address(container, network)) == "10.50.0.1"
    assert site.pings(container, "10.50.0.6")


def test_a_full_subnet_flows_over_into_its_sibling(site: Site) -> None:
    """With several subnets a container finds an address while any of them has one."""
    network = site.network(
        *("--subnet=10.50.0.0/30", "--subnet=10.50.1.0/30"),
        *("--ipv6", "--subnet=fd00:50::/127", "--subnet=fd00:51::/127"),
    )
    one, two = _start(site, network), _start(site, network)
    second, second6 = site.address(two, network), site.address6(two, network)

    # The docker command sends subnets in any order.
    assert {str(site.address(one, network)), str(second)} == {"10.50.0.2", "10.50.1.2"}
    assert {str(site.address6(one, network)), str(second6)} == {"fd00:50::1", "fd00:51::1"}
    for target in (
        second - 1,
        second6 - 1,
        site.address(one, network),
        site.address6(one, network),
    ):
        # A young link loses its first packets of IPv6.
        wait_until(partial(site.pings, two, target), f"an answer from {target}")
    with pytest.raises(CommandError, match="is taken; remove containers"):
        _start(site, network)
    site.remove(two)
    assert site.address(_start(site, network), network) == second


def test_a_freed_address_rests(site: Site) -> None:
    """Another container gets an address that was never used or else has rested longest.

    The addresses were asked for by number: another is kept for a moment for a restart.
    """
    network = site.network("--subnet=10.50.0.0/24", "--ip-range=10.50.0.64/30")
    first, second, third = (_start(site, network, "--ip", f"10.50.0.{n}") for n in (64, 65, 66))
    site.remove(third)
    site.remove(second)

    given = [str(site.address(_start(site, network), network)) for _ in range(3)]
    assert given == ["10.50.0.67", "10.50.0.66", "10.50.0.65"]
    assert str(site.address(first, network)) == "10.50.0.64"


def test_a_resting_address_may_be_named(site: Site) -> None:
    """A user who types an address means it."""
    network = site.network("--subnet=10.50.0.0/24")
    site.remove(_start(site, network))

    assert str(site.address(_start(site, network, "--ip", "10.50.0.2"), network)) == "10.50.0.2"


def _start(site: Site, network: str, *options: str) -> str:
    return site.run("--network", network, *options)


def _hints(site: Site) -> list[str]:
    """Return what the health says of reservations; other tests may have left other hints."""
    hints: list[str] = site.installed.ask("/health")["hints"]
    return [hint for hint in hints if "reservation" in hint]
