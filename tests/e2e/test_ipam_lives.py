"""Pools and addresses over the ends of pynet, of the engine, and of the store itself."""

import shutil
import signal
import sys
from pathlib import Path

import pytest

from tests.e2e.conftest import PLACES, Place
from tests.lab import ledger
from tests.lab.commands import CommandError, run, wait_until
from tests.lab.installed import REPOSITORY, PluginProcess
from tests.lab.site import Site

JOURNALS = ("-wal", "-shm")
ALWAYS = "--restart=always"


@pytest.fixture(scope="session", params=[p for p in PLACES if "socket" in p], ids="-".join)
def place(place: Place) -> Place:
    """Where the store lies beside the test."""
    return place


@pytest.fixture
def plugin(site: Site) -> PluginProcess:
    assert isinstance(site.installed, PluginProcess)
    return site.installed


def lose_the_store(plugin: PluginProcess) -> None:
    """Start pynet anew without what its address side remembered."""
    plugin.end()
    for name in ("ipam.db", *(f"ipam.db{journal}" for journal in JOURNALS)):
        (plugin.state / name).unlink(missing_ok=True)
    plugin.start()


def wait_running(site: Site, *containers: str) -> None:
    """Wait until the engine has started these again."""

    def runs(container: str) -> bool:
        return bool(site.inspect("container", container)["State"]["Running"])

    wait_until(lambda: all(map(runs, containers)), "the containers", deadline=30)


class Town:
    """Networks of several kinds, and containers that the engine starts again by itself."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.named = site.network(
            *("--subnet=10.50.0.0/29", "--subnet=10.50.1.0/29", "--ipam-opt", "tenant=red"),
            *("--aux-address=printer=10.50.0.6", "--gateway=10.50.0.1"),
        )
        self.chosen = site.network("--ipv6", "--ipam-opt", "prefix=28,72")
        self._containers: dict[str, str] = {}
        self.start(self.named, "--ip=10.50.0.5")
        self.start(self.named)
        self.start(self.chosen)
        self.pools = ledger.networks(site.installed.state)
        self._others = ledger.held(site.installed.state) - self.addresses()

    def start(self, network: str, *options: str) -> None:
        """Start a container that the engine starts again by itself."""
        self._containers[self.site.run("--network", network, ALWAYS, *options)] = network

    def addresses(self) -> set[str]:
        """Return the addresses of the containers, as the engine shows them; none is there twice."""
        found = []
        for container, network in self._containers.items():
            found.append(str(self.site.address(container, network)))
            if network == self.chosen:
                found.append(str(self.site.address6(container, network)))
        assert len(found) == len(set(found))
        return set(found)

    def check(self) -> None:
        """Check that pynet knows these pools, these addresses, and no others."""
        assert ledger.networks(self.site.installed.state) == self.pools
        assert ledger.held(self.site.installed.state) == self.addresses() | self._others

    def wait_up(self) -> None:
        """Wait until the engine has started all containers again, and pynet knows what is whose."""
        wait_running(self.site, *self._containers)
        # A change of the chain FORWARD by another program makes pynet look around at once.
        for verb in ("-A", "-D"):
            self.site.host.run("iptables", "-w", verb, "FORWARD", "-s", "203.0.113.1")
        self.wait_known()

    def wait_known(self) -> None:
        """Wait until pynet knows what is whose."""
        state = self.site.installed.state
        wait_until(lambda: ledger.networks(state) == self.pools, "the networks of the pools")


@pytest.fixture
def town(site: Site) -> Town:
    return Town(site)


def test_restarts(site: Site, plugin: PluginProcess, town: Town) -> None:
    """What was given before pynet or the engine ended is given, and nothing of it twice."""
    plugin.restart()
    town.start(town.named)
    town.check()

    site.host.restart_docker()
    town.wait_up()
    town.check()
    town.start(town.chosen)
    town.check()


def test_the_store_is_lost(site: Site, plugin: PluginProcess, town: Town) -> None:
    """pynet's networks know their addresses: no container notices, and nothing has to be restarted."""
    lose_the_store(plugin)
    town.wait_known()
    town.check()
    town.start(town.named)
    town.check()

    site.host.restart_docker(signal.SIGKILL)
    town.wait_up()
    town.check()
    town.start(town.named)
    town.check()


def test_networks_of_other_drivers(site: Site, plugin: PluginProcess) -> None:
    """They are refused until the engine tells of them, however many networks are made before."""
    other = site.network("--subnet=10.51.0.0/28", "--ip-range=10.51.0.8/29", driver="bridge")
    networks = [other, site.network()]
    containers = {site.run("--network", network, ALWAYS): network for network in networks}
    lose_the_store(plugin)
    networks.append(site.network())
    with pytest.raises(CommandError, match="is not held; recreate the network, or restart Docker"):
        site.run("--network", other)

    # Killed, so that it replays the addresses of endpoints, too; pynet's networks hold them already.
    site.host.restart_docker(signal.SIGKILL)
    wait_running(site, *containers)

    containers |= {site.run("--network", network): network for network in networks}
    given = {str(site.address(container, network)) for container, network in containers.items()}
    assert len(given) == len(containers)
    assert given < ledger.held(plugin.state)


def test_the_store_is_damaged(site: Site, plugin: PluginProcess, town: Town) -> None:
    """It is set aside and filled again by pynet's networks; the health says so."""
    plugin.end()
    for journal in JOURNALS:
        (plugin.state / f"ipam.db{journal}").unlink(missing_ok=True)
    (plugin.state / "ipam.db").write_bytes(b"no database" * 1000)
    plugin.start()
    health = plugin.ask("/health")
    aside = next(plugin.state.glob("ipam.db.corrupt-*"))

    assert health["status"] == "degraded"
    (degraded,) = health["degraded"]
    assert degraded["what"] == "addresses"
    assert f"is damaged (file is not a database) and was set aside as {aside}" in degraded["why"]
    assert "restart Docker before you create networks" in degraded["remedy"]
    assert aside.read_bytes().startswith(b"no database")
    town.wait_known()
    town.check()
    new = site.network()
    site.remove(site.run("--network", new))
    town.start(town.chosen)
    site.remove_network(new)
    town.check()

    site.host.restart_docker()
    town.wait_up()
    town.check()
    plugin.restart()
    assert plugin.ask("/health")["status"] == "ok"
    town.check()
    aside.unlink()


def test_a_copy_of_the_store(site: Site, plugin: PluginProcess, town: Town, tmp_path: Path) -> None:
    """`python -m ipam` shows and checks it, without a plugin."""
    for suffix in ("", *JOURNALS):
        shutil.copy(plugin.state / f"ipam.db{suffix}", tmp_path)

    def ipam(*arguments: str) -> str:
        return run(
            [sys.executable, "-m", "ipam", "--store", str(tmp_path / "ipam.db"), *arguments],
            cwd=REPOSITORY,
        )

    assert all(pool in ipam("show") for pool in town.pools)
    picture = ipam("show", "pynet-local:red/10.50.0.0/29").splitlines()
    assert picture[1][0] + picture[1][1] + picture[1][5] + picture[1][7] == "xG█x"
    assert any(line.split()[:3] == ["10.50.0.5", "endpoint", "bound"] for line in picture)
    assert ipam("check") == ""
