"""The settings of the IPAM in the managed plugin."""

from collections.abc import Iterator

import pytest

from tests.e2e.conftest import PLACES, Place
from tests.lab.managed import ManagedPlugin
from tests.lab.site import Site

MAC = "02:50:00:00:00:01"


@pytest.fixture(scope="session", params=[p for p in PLACES if "managed" in p], ids="-".join)
def place(place: Place) -> Place:
    """Where settings are the plugin's."""
    return place


@pytest.fixture
def tuned(site: Site) -> Iterator[ManagedPlugin]:
    """The plugin with a small pool, and told to ask for MAC addresses."""
    plugin = site.installed
    assert isinstance(plugin, ManagedPlugin)
    _set(plugin, "PYNET_POOLS=10.64.0.0/28:28", "PYNET_REQUIRES_MAC=true")
    yield plugin
    site.clear()
    _set(plugin, "PYNET_POOLS=", "PYNET_REQUIRES_MAC=false")


def test_settings(tuned: ManagedPlugin, site: Site) -> None:
    """`docker plugin set` changes where subnets come from and what addresses stay with."""
    network = site.network()
    kept = site.run("--network", network, "--mac-address", MAC)
    had = site.address(kept, network)
    site.docker("stop", kept)
    site.run("--network", network)
    site.docker("start", kept)

    assert str(had) == "10.64.0.2"
    assert site.address(kept, network) == had


def _set(plugin: ManagedPlugin, *settings: str) -> None:
    plugin.disable()
    plugin.set(*settings)
    plugin.enable()
