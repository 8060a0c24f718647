"""What only the managed plugin has: two names, settings, an upgrade."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from plugin.model.ids import NetworkID, bridge_name
from tests.lab.clients import http_get
from tests.lab.commands import CommandError, run
from tests.lab.dockerd import SOCKET
from tests.lab.installed import SHORT_NAME
from tests.lab.managed import MANAGED_NAME, ManagedPlugin
from tests.lab.namespace import Peer, enter, ip
from tests.lab.registry import REFERENCE, serve_plugin
from tests.lab.site import Site

WELL: Final = "nothing differs from what should be\n"
# As in docs/reference/installing.md and operations.md.
_NAMES: Final = (
    "id=$(docker plugin inspect -f '{{.Id}}' pynet/pynet); "
    "plugin=$(docker info -f '{{.DockerRootDir}}')/plugins/$id"
)
_RESTORE: Final = (
    'unshare --mount sh -c "mount --bind $plugin/propagated-mount $plugin/rootfs/var/lib/pynet && '
    'chroot $plugin/rootfs pynet restore -" </root/pynet.tar'
)


@pytest.fixture
def managed(site: Site) -> Iterator[ManagedPlugin]:
    """The plugin, enabled again if a test fails while it is not."""
    plugin = site.installed
    assert isinstance(plugin, ManagedPlugin)
    yield plugin
    if not plugin.enabled:
        plugin.enable()


@pytest.mark.parametrize("name", [SHORT_NAME, MANAGED_NAME])
def test_both_names_work(site: Site, managed: ManagedPlugin, peer: Peer, name: str) -> None:
    """`-d pynet` and `-d pynet/pynet:latest` are the same plugin, for networks and addresses."""
    network = "named"
    site.docker("network", "create", "-d", name, "--ipam-driver", name, network)
    try:
        web = site.web("--network", network, "-p", "8080:80")

        assert site.pings(web, peer.address)
        assert http_get(peer.netns, site.host.address, 8080) == web
        assert site.inspect("network", network)["Driver"] == name
        site.remove(web)
    finally:
        site.clear()
        site.docker("network", "rm", network)


def test_names_share_one_mind(site: Site, managed: ManagedPlugin) -> None:
    """A network under one name is known to the other: they cannot have common addresses."""
    site.network("--subnet=10.50.0.0/24")

    with pytest.raises(CommandError, match="overlap"):
        site.docker(
            *("network", "create", "-d", SHORT_NAME, "--ipam-driver", SHORT_NAME),
            *("--subnet=10.50.0.0/24", "other"),
        )


def test_scope_can_be_set(site: Site, managed: ManagedPlugin) -> None:
    """`docker plugin set SCOPE=global` makes networks global; `pynet` stays local.

    A global network outside of a swarm is refused by the older engine itself.
    """
    managed.disable()
    managed.set("SCOPE=global", "PYNET_LOG_LEVEL=info")
    managed.enable()
    try:
        if site.host.engine.version == "20.10":
            with pytest.raises(CommandError, match="not a swarm manager"):
                site.network()
        else:
            network = site.network()
            assert site.inspect("network", network)["Scope"] == "global"
            site.remove_network(network)
    finally:
        managed.disable()
        managed.set("SCOPE=local", "PYNET_LOG_LEVEL=debug")
        managed.enable()
    assert site.inspect("network", site.network())["Scope"] == "local"


def test_a_wrong_setting_is_said(site: Site, managed: ManagedPlugin) -> None:
    """The plugin is enabled all the same: only by its answers dockerd tells people anything."""
    kept = site.network()
    managed.disable()
    managed.set("PYNET_POOLS=nonsense")
    site.docker("plugin", "enable", MANAGED_NAME)
    try:
        with pytest.raises(CommandError, match="PYNET_POOLS is 'nonsense'"):
            site.network()
    finally:
        managed.disable()
        managed.set("PYNET_POOLS=")
        managed.enable()
    one = site.run("--network", kept)
    assert site.pings(one, site.run("--network", kept))


def test_upgrade(site: Site, managed: ManagedPlugin, peer: Peer, tmp_path: Path) -> None:
    """`docker plugin upgrade` keeps networks, and running containers do not notice."""
    network = site.network()
    web = site.web("--network", network, "-p", "8080:80")
    neighbour = site.run("--network", network)

    with serve_plugin(site.host.netns, managed.build(), tmp_path):
        managed.disable()
        site.docker(
            *("plugin", "upgrade", "--grant-all-permissions", "--skip-remote-check"),
            *(MANAGED_NAME, REFERENCE),
            timeout=120,
        )
        managed.enable()

    assert site.pings(neighbour, web)
    assert http_get(peer.netns, site.host.address, 8080) == web
    late = site.run("--network", network)
    assert site.pings(late, web)
    assert site.pings(late, peer.address)


def test_upkeep(site: Site, managed: ManagedPlugin, peer: Peer) -> None:
    """An administrator's commands as the pages have them: inside, and in the plugin's place."""
    network = site.network()
    web = site.web("--network", network, "-p", "8080:80")
    bridge = bridge_name(NetworkID(site.inspect("network", network)["Id"]))
    assert _inside(site, "pynet check") == WELL
    ip(site.host.netns, f"link delete {bridge}")
    _inside(site, "pynet repair")
    assert http_get(peer.netns, site.host.address, 8080) == web

    _inside(site, "pynet backup - >/root/pynet.tar")
    managed.disable()
    for path in managed.state.glob("*.db*"):
        path.unlink()
    _on_host(site, _RESTORE)
    managed.enable()
    late = site.run("--network", network)

    assert _inside(site, "pynet check") == WELL
    assert http_get(peer.netns, site.host.address, 8080) == web
    assert site.pings(late, web)


def test_commands_on_the_host(site: Site, managed: ManagedPlugin, tmp_path: Path) -> None:
    """The `pynet` command of the host finds the plugin; metrics are served by TCP if that is set."""
    network = site.network()
    container = site.run("--network", network)
    managed.disable()
    managed.set("PYNET_METRICS=127.0.0.1:9610")
    managed.enable()
    try:
        metrics = site.host.run("busybox", "wget", "-qO-", "http://127.0.0.1:9610/metrics")
        networks = _host_command(site, "networks")
        explained = _host_command(site, "explain", container)
        status = _host_command(site, "status")
        traced = _host_command(site, "trace", "host", container)
        unseen = r"sees neither Docker nor containers; run this command with the host's own `pynet`"
        with pytest.raises(CommandError, match=unseen):
            _inside(site, f"pynet trace host {container}")
        with pytest.raises(
            CommandError, match=r"names are not known here \(the managed plugin sees no"
        ):
            _inside(site, f"pynet doctor {container}")
        examined = _host_command(site, "doctor", container, "--probe")
        saved = _host_command(site, "backup", f"{tmp_path}/saved.tar")
    finally:
        managed.disable()
        managed.set("PYNET_METRICS=")
        managed.enable()
    said = [line for line in site.host.dockerd.lines() if "plugin.started" in line]

    assert "# TYPE pynet_drift_total counter" in metrics
    assert f"\t{network}\t" in networks
    assert f"\t{container}\t" in networks
    assert f" {container}: " in explained.splitlines()[1]
    assert "nothing differs" in status
    assert traced.endswith("\nverdict\treached\n")
    assert examined.endswith(" checks: nothing found\n")
    assert f"/propagated-mount in {tmp_path}/saved.tar" in saved
    assert said
    assert not [line for line in said if "level=error" in line]


def _host_command(site: Site, *arguments: str) -> str:
    """Run `pynet` of this tree where Docker's folder is that of the host."""
    folder = site.host.data_root
    script = (
        f"mount --bind {folder} /mnt && mount -t tmpfs none /var/lib && mkdir /var/lib/docker && "
        'mount --move /mnt /var/lib/docker && exec "$@"'
    )
    shell = ("unshare", "--mount", "sh", "-c", script, "sh")
    command = enter(site.host.netns, *shell, f"{sys.prefix}/bin/pynet", *arguments)
    env = {"DOCKER_HOST": f"unix://{site.host.path(SOCKET)}"}
    return run(command, env={**site.host.lab.env, **env})


def _inside(site: Site, command: str) -> str:
    return _on_host(site, f"runc --root /run/docker/runtime-runc/plugins.moby exec $id {command}")


def _on_host(site: Site, script: str) -> str:
    return site.host.run("sh", "-ec", f"{_NAMES}; {script}")


def test_uninstall(site: Site, managed: ManagedPlugin) -> None:
    """From the checkout that built it, when it is disabled: nothing of it is left on the host."""
    network = site.network()
    site.remove(site.web("--network", network, "-p", "8080:80"))
    env = {"DOCKER_HOST": f"unix://{site.host.path(SOCKET)}", "PYNET_STATE": "/nowhere"}
    command = enter(site.host.netns, f"{sys.prefix}/bin/pynet", "uninstall")
    with pytest.raises(CommandError, match=f"Docker uses networks of pynet: {network}"):
        run(command, env={**site.host.lab.env, **env})
    site.remove_network(network)
    with pytest.raises(
        CommandError, match=r"another pynet works on this host's network already; stop it"
    ):
        run(command, env={**site.host.lab.env, **env})
    managed.disable()
    removed = run(command, env={**site.host.lab.env, **env})
    managed.enable()

    for each in ("table inet pynet", "table bridge pynet", "rule "):
        assert f"removed {each}" in removed
    site.web("--network", site.network())
