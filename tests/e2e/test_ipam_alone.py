"""pynet as nothing but an IPAM, under Docker's own drivers."""

from collections.abc import Iterator

import pytest

from tests.e2e.conftest import PLACES, Place
from tests.lab import ledger
from tests.lab.commands import CommandError, wait_until
from tests.lab.installed import PluginProcess
from tests.lab.namespace import Peer
from tests.lab.site import Site

SETTINGS = {"PYNET_ROLES": "ipam", "PYNET_QUARANTINE": "1", "PYNET_TICK": "1"}


@pytest.fixture(scope="session", params=[p for p in PLACES if "socket" in p], ids="-".join)
def place(place: Place) -> Place:
    """Where settings are variables of the environment."""
    return place


@pytest.fixture(scope="module", autouse=True)
def alone(place: Place) -> Iterator[None]:
    """The host's pynet makes room for one that only gives addresses."""
    assert isinstance(place.installed, PluginProcess)
    with place.installed.instead("alone", **SETTINGS):
        yield


def test_it_is_no_network_driver(site: Site) -> None:
    """It is healthy, and does not pretend to make networks."""
    assert site.installed.ask("/health")["status"] == "ok"
    with pytest.raises(CommandError, match="does not implement the requested driver"):
        site.network(ipam=False)


def test_under_dockers_bridge(site: Site) -> None:
    """Create, run, restart and remove, with both families; addresses are bound at once."""
    network = site.network("--ipv6", driver="bridge")
    one, two = (site.run("--network", network) for _ in range(2))

    assert {str(site.address(one, network)), str(site.address6(one, network))} < ledger.held(
        site.installed.state
    )
    assert site.pings(one, site.address(two, network))
    assert site.pings(one, site.address6(two, network))
    site.docker("restart", one)
    assert site.pings(one, two)
    site.remove(one, two)
    site.remove_network(network)
    assert ledger.read(site.installed.state) == {}


def test_under_dockers_macvlan(site: Site, peer: Peer) -> None:
    """Containers are neighbours of the LAN's hosts, with addresses of a range beside the LAN's."""
    network = site.network(
        *("--subnet=10.99.0.0/24", "--gateway=10.99.0.254", "-o", "parent=eth0"),
        *("--ipam-opt", "range=10.99.0.96/28", "--ipam-opt", "exclude=10.99.0.97"),
        driver="macvlan",
    )
    one, two = (site.run("--network", network) for _ in range(2))

    assert [str(site.address(c, network)) for c in (one, two)] == ["10.99.0.96", "10.99.0.98"]
    assert site.pings(one, peer.address)
    site.docker("restart", one)
    assert site.pings(two, site.address(one, network))
    assert ledger.held(site.installed.state) == {
        "10.99.0.254",
        *(str(site.address(c, network)) for c in (one, two)),
    }


def test_siblings_by_a_group(site: Site) -> None:
    """Docker's drivers do not say which subnets belong together: the option group does."""
    network = site.network(
        *("--subnet=10.50.0.0/30", "--subnet=10.50.1.0/30", "-o", "parent=eth0"),
        *("--ipam-opt", "group=lan"),
        driver="macvlan",
    )
    given = {str(site.address(site.run("--network", network), network)) for _ in range(2)}

    assert given == {"10.50.0.2", "10.50.1.2"}


def test_the_rest_ends(site: Site) -> None:
    """After `quarantine` an address is as free as any."""
    network = site.network("--subnet=10.50.0.0/24", driver="bridge")
    container = site.run("--network", network)
    address = str(site.address(container, network))
    site.remove(container)
    pool = "pynet-local/10.50.0.0/24"

    assert ledger.read(site.installed.state)[pool][address] == "endpoint resting"
    wait_until(
        lambda: address not in ledger.read(site.installed.state)[pool], "the end of its rest"
    )
