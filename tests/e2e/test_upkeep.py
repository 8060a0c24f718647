"""An administrator looks after pynet, with the plugin running and without."""

import contextlib
from pathlib import Path

import pytest

from plugin.model.ids import NetworkID, bridge_name
from tests.lab.clients import http_get
from tests.lab.commands import CommandError, wait_until
from tests.lab.dockerd import SOCKET
from tests.lab.installed import PluginProcess
from tests.lab.namespace import Peer, ip
from tests.lab.site import Site

WELL = "nothing differs from what should be\n"


@pytest.fixture
def plugin(site: Site) -> PluginProcess:
    assert isinstance(site.installed, PluginProcess)
    return site.installed


def pynet(site: Site, plugin: PluginProcess, *arguments: str) -> str:
    """Run the command on the host, where Docker is at hand."""
    return plugin.command(*arguments, DOCKER_HOST=f"unix://{site.host.path(SOCKET)}", COLUMNS="200")


def bridge_of(site: Site, network: str) -> str:
    identity = site.docker("network", "inspect", "-f", "{{.Id}}", network)
    return bridge_name(NetworkID(identity))


def test_check_and_repair(site: Site, plugin: PluginProcess, peer: Peer) -> None:
    """Another program deleted a bridge under a running container."""
    network = site.network()
    web = site.web("--network", network, "-p", "8080:80")
    bridge = bridge_of(site, network)
    assert pynet(site, plugin, "check") == WELL
    ip(site.host.netns, f"link delete {bridge}")
    pynet(site, plugin, "repair")
    assert http_get(peer.netns, site.host.address, 8080) == web

    plugin.end()
    with contextlib.ExitStack() as stack:
        stack.callback(plugin.start)
        with pytest.raises(CommandError, match=f"ended with 3: (?s:.*){WELL.strip()}"):
            pynet(site, plugin, "check")
        ip(site.host.netns, f"link delete {bridge}")
        with pytest.raises(CommandError, match=bridge):
            pynet(site, plugin, "check")
        assert bridge in pynet(site, plugin, "repair")
        with pytest.raises(CommandError, match=WELL.strip()):
            pynet(site, plugin, "check")

    assert http_get(peer.netns, site.host.address, 8080) == web


def test_names_and_status(site: Site, plugin: PluginProcess) -> None:
    """Networks and containers by the names that people gave them; ok only while nothing differs."""
    network = site.network()
    container = site.run("--network", network, "-p", "8080:80")
    bridge = bridge_of(site, network)
    address = site.inspect("network", network)["IPAM"]["Config"][0]["Gateway"]
    rows = [line.split("\t") for line in pynet(site, plugin, "networks").splitlines()]
    explained = pynet(site, plugin, "explain", container)

    assert [(row[1], row[6]) for row in rows[1:] if row[1] == network] == [(network, container)]
    assert f"\t{network}\t{container}\t" in pynet(site, plugin, "ports")
    assert explained.startswith("## network ")
    assert f" {container}: " in explained.splitlines()[1]
    assert pynet(site, plugin, "status").splitlines()[0].startswith("pynet ")
    stranger = site.run("--network", site.network())
    assert not site.pings(stranger, site.address(container, network))
    assert "\tunpublished\t" in pynet(site, plugin, "drops")
    # The kernel announces links and rules; an address is compared with the tick.
    ip(site.host.netns, f"address delete {address}/24 dev {bridge}")
    wait_until(lambda: "degraded" in _status(site, plugin), "the status", deadline=20)
    with pytest.raises(CommandError, match=f"{network}\tAddress\t{bridge} {address}"):
        pynet(site, plugin, "check")
    pynet(site, plugin, "repair")
    wait_until(lambda: ": ok" in _status(site, plugin), "the status", deadline=20)


def _status(site: Site, plugin: PluginProcess) -> str:
    try:
        return pynet(site, plugin, "status", "--short")
    except CommandError as error:
        return error.output if error.code == 1 else ""


def test_a_network_that_docker_forgot(site: Site, plugin: PluginProcess) -> None:
    """It was removed while the plugin was away, so nobody will ever say so again."""
    kept, gone = site.network(ipam=False), site.network(ipam=False)
    bridge = bridge_of(site, gone)
    plugin.end()
    with contextlib.ExitStack() as stack:
        stack.callback(plugin.start)
        site.remove_network(gone)
    identities = [network["id"] for network in plugin.ask("/v1/networks")]
    shown = pynet(site, plugin, "gc", "--dry-run")
    pynet(site, plugin, "gc")
    left = [network["id"] for network in plugin.ask("/v1/networks")]

    assert "no longer in use" in shown
    assert len(identities) == len(left) + 1
    assert bridge not in site.host.run("ip", "link")
    assert pynet(site, plugin, "gc") == "there is no garbage\n"
    site.run("--network", kept)


def test_backup_and_restore(site: Site, plugin: PluginProcess, peer: Peer, tmp_path: Path) -> None:
    """The state was lost under running containers: with the backup it is as before.

    A container that is newer than the backup runs on, and nobody gets its address.
    """
    network = site.network()
    web = site.web("--network", network, "-p", "8080:80")
    saved = tmp_path / "saved.tar"
    pynet(site, plugin, "backup", str(saved))
    with pytest.raises(CommandError, match="stop it first"):
        pynet(site, plugin, "restore", str(saved))
    newer = site.web("--network", network, "-p", "8081:80")
    plugin.end()
    with contextlib.ExitStack() as stack:
        stack.callback(plugin.start)
        for path in plugin.state.glob("*.db*"):
            path.unlink()
        pynet(site, plugin, "restore", str(saved))
    late = site.run("--network", network)

    assert http_get(peer.netns, site.host.address, 8080) == web
    assert http_get(peer.netns, site.host.address, 8081) == newer
    assert site.address(late, network) != site.address(newer, network)
    assert site.pings(late, web)
    site.remove(newer)
    pynet(site, plugin, "gc")
    assert pynet(site, plugin, "check") == WELL
