"""pynet and dockerd end and start again, in every order, under running containers."""

import signal

import pytest

from tests.lab.clients import http_get
from tests.lab.commands import wait_until
from tests.lab.installed import PluginProcess
from tests.lab.managed import ManagedPlugin
from tests.lab.namespace import Peer
from tests.lab.site import Site


class Works:
    """A network with a published web server and a neighbour that pings it without a break."""

    def __init__(self, site: Site, peer: Peer) -> None:
        self.site, self.peer = site, peer
        self.network = site.network()
        # Their PID 1 does not end at a SIGTERM, which dockerd would await for 10 s.
        options = ("--network", self.network, "--restart=always")
        self.web = site.web(*options, "-p", "8080:80")
        self.neighbour = site.run(*options)

    def check(self) -> None:
        """Check that all of it works, and that something new can be had."""
        self.check_old()
        late = self.site.run("--network", self.network)
        assert self.site.pings(late, self.web)
        self.site.remove(late)
        self.site.remove_network(self.site.network())

    def check_old(self) -> None:
        assert self.site.pings(self.neighbour, self.web)
        assert http_get(self.peer.netns, self.site.host.address, 8080) == self.web


@pytest.fixture
def works(site: Site, peer: Peer) -> Works:
    works = Works(site, peer)
    works.check()
    return works


def test_plugin_restarts(site: Site, works: Works) -> None:
    """pynet is stopped and started in an orderly way: nothing is interrupted."""
    if isinstance(site.installed, ManagedPlugin):
        site.installed.disable()
    elif isinstance(site.installed, PluginProcess):
        site.installed.end()
    works.check_old()
    if isinstance(site.installed, ManagedPlugin):
        site.installed.enable()
    elif isinstance(site.installed, PluginProcess):
        site.installed.start()

    works.check()


def test_plugin_is_killed(site: Site, works: Works) -> None:
    """kill -9: traffic goes on meanwhile, and everything afterwards."""
    plugin = site.installed
    if isinstance(plugin, PluginProcess):
        plugin.end(signal.SIGKILL)
        works.check_old()
        plugin.start()
    elif isinstance(plugin, ManagedPlugin):
        before = plugin.pid
        plugin.kill()
        works.check_old()
        wait_until(lambda: plugin.pid not in {0, before}, "dockerd starting it again")
        plugin.wait_ready()

    works.check()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL], ids=["TERM", "KILL"])
def test_engine_restarts(site: Site, works: Works, number: signal.Signals) -> None:
    """dockerd ends and starts again: its containers come back with network and ports."""
    site.host.restart_docker(number)
    site.installed.wait_ready()
    wait_until(
        lambda: site.succeeds(works.web, "wget", "-qO-", "http://127.0.0.1/"),
        "the container that is always restarted",
        deadline=30,
    )

    works.check()
