"""`pynet doctor` on hosts with real engines: something is broken, and the sentence is read."""

import contextlib
import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from tests.lab.clients import reaches
from tests.lab.commands import CommandError, run, wait_until
from tests.lab.dockerd import SOCKET
from tests.lab.installed import PluginProcess
from tests.lab.namespace import Peer, enter, ip
from tests.lab.netns import inside
from tests.lab.site import Site

_LOOPBACK: Final = ("sh", "-c", "exec httpd -f -h / -p 127.0.0.1:80")
_SECOND: Final = (
    "ip address add 10.99.77.1/32 dev eth0; ping -c 2 -W 1 -I 10.99.77.1 {}; sleep 3600"
)


@pytest.fixture
def plugin(site: Site) -> PluginProcess:
    assert isinstance(site.installed, PluginProcess)
    return site.installed


def examined(site: Site, plugin: PluginProcess, *arguments: str) -> dict[str, Any]:
    """What `pynet doctor --json` prints, with the exit status."""
    settings = {
        "DOCKER_HOST": f"unix://{site.host.path(SOCKET)}",
        "PYNET_PLUGIN_SOCKETS": str(plugin.socket),
    }
    code = 0
    try:
        said = plugin.command("doctor", "--json", *arguments, **settings)
    except CommandError as error:
        said, code = error.output, error.code
    return {**json.loads(said), "code": code}


def causes(site: Site, plugin: PluginProcess, *arguments: str) -> dict[str, str]:
    """The cause that each check found."""
    found = examined(site, plugin, *arguments)["findings"]
    return {each["check"]: each["cause"] for each in found}


def test_doctor_in_many_troubles(site: Site, plugin: PluginProcess, peer: Peer) -> None:
    """Silent while all is well; then each trouble is found by its check, and by no other."""
    network = site.network()
    web = site.web("--network", network, "-p", "8080:80")
    well = examined(site, plugin, web, "--probe")

    deaf = site.run("--network", network, "-p", "8081:81")
    local = site.run("--network", network, "-p", "8082:80", command=_LOOPBACK)
    vpn = site.run(
        *("--network", network, "--cap-add", "NET_ADMIN"),
        command=("sh", "-c", _SECOND.format(peer.address)),
    )
    lan = site.network("-o", "mode=macvlan", "-o", "parent=eth0", ipam=False)
    labelled = site.run("--network", network, "--label", "traefik.enable=true")
    wait_until(lambda: reaches(site.netns(local), "127.0.0.1", 80), "the httpd of the loopback")
    wait_until(lambda: "D26" in causes(site, plugin), "the drops of the guards")
    found = examined(site, plugin)
    said = [(each["check"], each["cause"]) for each in found["findings"]]
    listens = [cause for check, cause in said if check == "D23"]
    by_check = dict(said)

    assert (well["code"], well["findings"], well["unseen"]) == (0, [], [])
    assert found["code"] == 1
    assert by_check.keys() == {"D23", "D26", "D30", "D38"}
    assert f"nothing in container {deaf} listens on port 81/tcp" in listens[0]
    assert f"the program in container {local} listens on 127.0.0.1 alone" in listens[1]
    assert f"frames of container {vpn} were dropped" in by_check["D26"]
    assert f"of network {lan} is not the LAN of its parent eth0" in by_check["D30"]
    assert f"container {labelled} is for Traefik" in by_check["D38"]
    assert causes(site, plugin, deaf).keys() == {"D23"}
    assert {"D27", "D30", "D36"} == causes(site, plugin, lan, "--probe").keys()


def test_a_bridge_without_its_address(site: Site, plugin: PluginProcess) -> None:
    """It is found, and `--fix` puts it back and says so."""
    network = site.network()
    site.run("--network", network)
    gateway = site.inspect("network", network)["IPAM"]["Config"][0]["Gateway"]
    link = next(
        each["ifname"]
        for each in json.loads(site.host.run("ip", "-json", "address"))
        if any(address["local"] == gateway for address in each["addr_info"])
    )
    ip(site.host.netns, f"address delete {gateway}/24 dev {link}")
    found = causes(site, plugin)
    fixed = examined(site, plugin, "--fix")

    assert f"the host is not as it should be: Address {link} {gateway}" in found["D42"]
    assert fixed["fixed"] == ["D42: asked pynet to repair what differs"]
    assert (fixed["code"], fixed["findings"]) == (0, [])


def test_forwarding_is_switched_off(site: Site, plugin: PluginProcess, peer: Peer) -> None:
    """Packets do not leave; `--fix` switches it on."""
    container = site.run("--network", site.network())
    sysctl = enter(site.host.netns, "sysctl", "-qw")
    run([*sysctl, "net.ipv4.ip_forward=0"])
    try:
        found = causes(site, plugin)
        fixed = examined(site, plugin, "--fix")["fixed"]
    finally:
        run([*sysctl, "net.ipv4.ip_forward=1"])

    assert "net.ipv4.ip_forward is 0" in found["D13"]
    assert "D13: set net.ipv4.ip_forward to 1 until the next boot" in fixed
    assert site.pings(container, peer.address)


def test_a_port_that_another_program_took(site: Site, plugin: PluginProcess) -> None:
    """While pynet was away."""
    site.web("--network", site.network(), "-p", "8083:80")
    plugin.end()
    with contextlib.ExitStack() as stack:
        stack.callback(plugin.start)
        with inside(site.host.netns):
            taker = stack.enter_context(socket.socket())
        taker.bind(("0.0.0.0", 8083))
        taker.listen()
        plugin.start()
        found = causes(site, plugin)
        plugin.end()

    assert ":8083/tcp of " in found["D24"]
    assert f"(pid {os.getpid()}) has the port" in found["D24"]


def test_rules_are_flushed_again_and_again(site: Site, plugin: PluginProcess) -> None:
    """As a firewall script does that runs by the minute."""
    site.run("--network", site.network())
    flush = enter(site.host.netns, "nft", "flush", "table", "inet", "pynet")

    def often() -> bool:
        run(flush)
        return "D08" in causes(site, plugin)

    wait_until(often, "four repairs", deadline=60)

    assert "another program removed pynet's rules" in causes(site, plugin)["D08"]
    plugin.restart()  # which forgets it


def test_without_a_plugin(site: Site, plugin: PluginProcess) -> None:
    """It does not run; a container that was restarted meanwhile is named when it is back."""
    name = site.run("--network", site.network(), "--restart", "always")
    site.docker("stop", "-t", "0", name)
    plugin.end()
    with contextlib.ExitStack() as stack:
        stack.callback(plugin.start)
        away = examined(site, plugin)
        with pytest.raises(CommandError):
            site.docker("start", name, timeout=90)
    found = causes(site, plugin)

    assert away["code"] == 3
    assert [each["check"] for each in away["findings"]] == ["D01"]
    assert "pynet is not running: no pynet answers" in away["findings"][0]["cause"]
    assert f"container {name} should run, and Docker gave it up" in found["D06"]


def test_a_socket_that_docker_does_not_see(site: Site, plugin: PluginProcess) -> None:
    """A clean-up removed it."""
    plugin.socket.unlink()
    found = causes(site, plugin)
    plugin.restart()

    assert (
        "Docker looks for a plugin at /run/docker/plugins/pynet.sock, and sees no socket"
        in (found["D03"])
    )
    assert causes(site, plugin) == {}


def test_two_on_one_host(site: Site, plugin: PluginProcess, tmp_path: Path) -> None:
    """The second waits for the first."""
    folder = tmp_path / "pynet"
    folder.mkdir()
    settings = {
        "PYNET_STATE": str(folder / "state"),
        "PYNET_PLUGIN_SOCKETS": str(folder / "second.sock"),
        "PYNET_ADMIN_SOCKET": str(folder / "admin.sock"),
    }
    words = [f"{name}={value}" for name, value in settings.items()]
    second = enter(site.host.netns, "env", *words, f"{sys.prefix}/bin/pynet", "serve")
    with _running(second) as process:
        wait_until((folder / "admin.sock").exists, "the second pynet")
        found = causes(site, plugin)
        process.terminate()
        process.wait(30)

    assert "two pynets run on this host" in found["D02"]
    assert causes(site, plugin) == {}


@contextlib.contextmanager
def _running(argv: list[str]) -> Iterator[subprocess.Popen[bytes]]:
    """A program that ends with the block."""
    process = subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield process
    finally:
        process.kill()
        process.wait()
