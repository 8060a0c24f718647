"""What settings change: pools of one's own, MAC addresses that keep addresses, and deadlines."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from ipam.settings import Settings
from tests.e2e.conftest import PLACES, Place
from tests.lab import ledger
from tests.lab.commands import CommandError, wait_until
from tests.lab.installed import PluginProcess
from tests.lab.namespace import ip
from tests.lab.site import Site

SETTINGS = {
    # Four pools: one holds the resolver.
    "PYNET_POOLS": "10.64.0.0/28:30",
    "PYNET_REQUIRES_MAC": "true",
    "PYNET_RESERVE_TIMEOUT": "1",
    "PYNET_TICK": "1",
}
QUARANTINE, STICKY = Settings().quarantine, Settings().sticky
RESOLVER = "10.64.0.5"
MACS = ("02:50:00:00:00:01", "02:50:00:00:00:02")
RESERVED = [
    {"address": "10.50.0.77", "mac": MACS[0]},
    {"address": "10.50.0.78", "name": "web"},
    {"address": "10.50.0.79", "tag": "printer"},
]


@pytest.fixture(scope="session", params=[p for p in PLACES if "socket" in p], ids="-".join)
def place(place: Place) -> Place:
    """Where settings are variables of the environment."""
    return place


@pytest.fixture(scope="module", autouse=True)
def tuned(place: Place) -> Iterator[None]:
    """The host's pynet makes room for one with these settings."""
    assert isinstance(place.installed, PluginProcess)
    with place.installed.instead("tuned", resolver=RESOLVER, **SETTINGS):
        yield


@pytest.fixture
def plugin(site: Site) -> PluginProcess:
    assert isinstance(site.installed, PluginProcess)
    return site.installed


def test_pools_run_out(site: Site, plugin: PluginProcess) -> None:
    """Subnets differ until none is left; that is said at once, and a removed one is free again.

    The older engine repeats its request while it does not like the answer.
    """
    route = "route {} 10.64.0.8/30 dev eth0 table 100"
    ip(site.host.netns, route.format("add"))
    try:
        networks = [site.network(), site.network()]
        given = [_subnet(site, network) for network in networks]
        asked = _asked(plugin)
        with pytest.raises(CommandError, match="all predefined address pools have been fully"):
            site.network()
        assert _asked(plugin) - asked <= 2
        site.remove_network(networks[1])
        again = _subnet(site, site.network())
    finally:
        ip(site.host.netns, route.format("del"))

    assert given == ["10.64.0.0/30", "10.64.0.12/30"]
    assert again == "10.64.0.12/30"


def test_mac_addresses_keep_addresses(site: Site) -> None:
    """Containers that are stopped together and come back in any order never swap."""
    network = site.network("--subnet=10.50.0.0/24")
    options = ("--network", network)
    both = [site.run(*options, "--mac-address", mac) for mac in MACS]
    had = [site.address(container, network) for container in both]

    site.docker("stop", *both)
    other = site.run(*options)
    site.docker("start", *reversed(both))
    assert [site.address(container, network) for container in both] == had
    assert site.address(other, network) not in had
    site.docker("restart", *both)
    assert [site.address(container, network) for container in both] == had


def test_made_mac_addresses_keep_none(site: Site, plugin: PluginProcess) -> None:
    """An engine makes a new one for each start, so that nobody would come back for the address."""
    network = site.network("--subnet=10.50.0.0/24")
    options = ("--network", network)
    made, chosen = site.run(*options), site.run(*options, "--mac-address", MACS[0])
    addresses = [str(site.address(container, network)) for container in (made, chosen)]
    site.docker("stop", made, chosen)
    rests = ledger.rests(plugin.state, "pynet-local/10.50.0.0/24")

    assert [rests[address] for address in addresses] == [QUARANTINE, STICKY]


def test_an_address_that_was_named_meanwhile_is_gone(site: Site) -> None:
    """It is kept for a MAC address unless another container asks for just this one."""
    network = site.network("--subnet=10.50.0.0/24")
    options = ("--network", network)
    kept = site.run(*options, "--mac-address", MACS[0])
    had = site.address(kept, network)

    site.docker("stop", kept)
    site.run(*options, "--ip", str(had))
    site.docker("start", kept)
    assert site.address(kept, network) != had


def test_reservations(site: Site, plugin: PluginProcess, tmp_path: Path) -> None:
    """Addresses kept for a MAC address, a name or a tag, made and undone while pynet runs."""
    network = site.network("--subnet=10.50.0.0/24", "--ip-range=10.50.0.76/30")
    for each in RESERVED:
        (kind, owner) = next((key, each[key]) for key in ("mac", "name", "tag") if key in each)
        assert plugin.command("reserve", each["address"], f"--{kind}", owner) == "1 reserved\n"
    written = plugin.command("reservations")
    saved = tmp_path / "reservations.yaml"
    saved.write_text(written)

    assert yaml.safe_load(written) == {"reservations": RESERVED}
    with pytest.raises(CommandError, match=r"address 10\.50\.0\.77 .*is reserved for MAC"):
        site.run("--network", network, "--ip", "10.50.0.77")
    stranger = site.run("--network", network)
    with pytest.raises(CommandError, match="no available addresses on this pool"):
        site.run("--network", network)
    owner = site.run("--network", network, "--mac-address", MACS[0])
    assert str(site.address(stranger, network)) == "10.50.0.76"
    assert str(site.address(owner, network)) == "10.50.0.77"
    assert _request_address(plugin, name="web")["Address"] == "10.50.0.78/24"

    with pytest.raises(CommandError, match="reserved for tag printer, not for name web"):
        plugin.command("reserve", "10.50.0.79", "--name", "web")
    assert plugin.command("unreserve", "10.50.0.79") == "1 unreserved\n"
    assert str(site.address(site.run("--network", network), network)) == "10.50.0.79"
    plugin.command("unreserve", "--file", str(saved))
    assert yaml.safe_load(plugin.command("reservations")) == {"reservations": []}
    plugin.command("reserve", "--file", str(saved))
    assert plugin.command("reservations") == written
    plugin.command("unreserve", "--file", str(saved))


def test_reserved_before_there_is_a_network(site: Site, plugin: PluginProcess) -> None:
    """A reservation belongs to no network, and outlives the plugin."""
    plugin.command("reserve", "10.50.0.99", "--mac", MACS[1])
    plugin.restart()
    network = site.network("--subnet=10.50.0.0/24")
    container = site.run("--network", network, "--mac-address", MACS[1])
    plugin.command("unreserve", "10.50.0.99")

    assert str(site.address(container, network)) == "10.50.0.99"


def test_an_address_that_is_not_used_goes_back(site: Site, plugin: PluginProcess) -> None:
    """One that was asked for and that no endpoint has is free again after `reserve_timeout`."""
    network = site.network("--subnet=10.50.0.0/24")
    container = site.run("--network", network)
    used = str(site.address(container, network))
    unused = _request_address(plugin)["Address"].partition("/")[0]
    pool = "pynet-local/10.50.0.0/24"

    assert ledger.read(plugin.state)[pool][unused] == "endpoint reserved"
    wait_until(lambda: unused not in ledger.read(plugin.state)[pool], "its way back")
    assert ledger.read(plugin.state)[pool][used] == "endpoint bound"


def _subnet(site: Site, network: str) -> str:
    subnet: str = site.inspect("network", network)["IPAM"]["Config"][0]["Subnet"]
    return subnet


def _asked(plugin: PluginProcess) -> int:
    """Return how many pools the engine has asked for."""
    return len(re.findall("rpc.answered method=IpamDriver.RequestPool", plugin.tail(10_000)))


def _request_address(plugin: PluginProcess, **label: str) -> dict[str, Any]:
    """Ask as engine 29 does, which says the container's name."""
    return plugin.call(
        "IpamDriver.RequestAddress",
        {
            "PoolID": "pynet-local/10.50.0.0/24",
            "Address": "",
            "Options": {
                f"com.docker.network.endpoint.{key}": value for key, value in label.items()
            },
        },
    )
