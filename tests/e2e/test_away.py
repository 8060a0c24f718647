"""What Docker gives up while pynet is away: pynet finds out by itself, and it is free again.

Docker tries each call for half a minute first, so these take their time.
"""

import signal
from collections.abc import Callable
from contextlib import ExitStack
from ipaddress import IPv4Address

import pytest

from tests.lab.clients import http_get
from tests.lab.commands import wait_until
from tests.lab.installed import PluginProcess
from tests.lab.managed import ManagedPlugin
from tests.lab.namespace import Peer
from tests.lab.site import Site

SUBNET = "10.85.0.0/24"
OPTIONS = ("--ip", "10.85.0.10", "-p", "8095:80")
MACVLAN = ("-o", "mode=macvlan", "-o", "parent=eth0")
# Seconds.  Who does not see Docker's folder of sandboxes (the managed plugin, and pynet of the lab,
# whose files are this machine's) trusts in a link that is gone after LEFT_SECONDS, which are 90.
FOUND_DEADLINE = 300

pytestmark = pytest.mark.nightly


def removed(site: Site, container: str) -> None:
    """Docker gives up on the plugin, and forgets the container."""
    with absent(site):
        site.remove(container, timeout=200)


def restarted(site: Site, container: str) -> None:
    """The engine ends, and starts before the plugin does."""
    with absent(site):
        site.host.restart_docker(signal.SIGKILL)
    site.installed.wait_ready()
    site.remove(container, timeout=200)


class absent(ExitStack):  # noqa: N801 - read as a word
    """The plugin is not there for the block."""

    def __init__(self, site: Site) -> None:
        super().__init__()
        plugin = site.installed
        if isinstance(plugin, PluginProcess):
            plugin.end(signal.SIGKILL)
            self.callback(plugin.start)
        elif isinstance(plugin, ManagedPlugin):
            plugin.disable()
            self.callback(plugin.enable)


@pytest.mark.parametrize("give_up", [removed, restarted])
@pytest.mark.parametrize("mode", [(), MACVLAN], ids=["bridge", "macvlan"])
def test_its_address_and_port_are_free_again(
    site: Site, peer: Peer, mode: tuple[str, ...], give_up: Callable[[Site, str], None]
) -> None:
    """The user types no command for it."""
    options = OPTIONS if not mode else OPTIONS[:2]
    network = site.network("--subnet", SUBNET, *mode)
    give_up(site, site.run("--network", network, *options))

    def nobody_is_there() -> bool:
        (shown,) = site.installed.ask("/v1/networks")
        return not shown["endpoints"]

    wait_until(nobody_is_there, "pynet finding out", deadline=FOUND_DEADLINE)
    again = site.web("--network", network, *options)

    assert site.address(again, network) == IPv4Address("10.85.0.10")
    if not mode:
        assert http_get(peer.netns, site.host.address, 8095) == again
