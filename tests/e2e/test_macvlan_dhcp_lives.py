"""Leases of containers that run for long: renewals, servers, parents and hosts that come and go."""

import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import IPv4Address
from pathlib import Path
from typing import Final

import pytest

from tests.e2e.parents import ON_ETH0, OTHER_LINK
from tests.lab.commands import wait_until
from tests.lab.dhcp import Dnsmasq, Udhcpd
from tests.lab.installed import PluginProcess
from tests.lab.lab import Lab
from tests.lab.namespace import Peer, enter, ip
from tests.lab.roots import ENGINES
from tests.lab.site import Site

pytestmark = pytest.mark.nightly
LEASED: Final = ("-o", "dhcp=true", "--ipam-driver", "null")
SHORT: Final = 40  # seconds: T1 is after 20, T2 after 35
PATIENCE: Final = 120.0
MANY: Final = 20


@pytest.fixture
def server(peer: Peer, tmp_path: Path) -> Iterator[Dnsmasq]:
    """A router of the LAN, so to say."""
    made = Dnsmasq(peer, tmp_path, "--log-dhcp")
    yield made
    made.close()


def test_renewals_and_a_server_that_is_away(site: Site, peer: Peer, tmp_path: Path) -> None:
    """The container is reached all the time, and the health says for how long nobody answers."""
    server = Udhcpd(peer, tmp_path, seconds=SHORT)
    try:
        network = site.network(*ON_ETH0, *LEASED, ipam=False)
        one = site.run("--network", network)
        address = site.address(one, network)
        with _reached_all_the_time(peer, address):
            for number in range(2):
                before = _ends(site, address)
                wait_until(
                    lambda least=before + 5: _ends(site, address) > least,  # type: ignore[misc]
                    f"renewal {number}",
                    deadline=PATIENCE,
                )
            server.silence()
            said = f"no DHCP server on eth0 renews {address}"
            wait_until(lambda: said in _why(site), "a report", deadline=PATIENCE)
            server.speak()
            wait_until(lambda: not _why(site), "a server that is back", deadline=PATIENCE)
            assert site.address(one, network) == address
    finally:
        server.close()


def test_another_range(site: Site, peer: Peer, server: Dnsmasq, tmp_path: Path) -> None:
    """The container's address is not the LAN's any more: what the health says to do helps."""
    network = site.network(*ON_ETH0, *LEASED, ipam=False)
    one = site.run("--network", network)
    address = site.address(one, network)
    server.close()
    (folder := tmp_path / "another").mkdir()
    other = Dnsmasq(peer, folder, "--dhcp-authoritative", first="10.99.0.140")
    try:
        _renew(site, address)
        wait_until(lambda: "docker network connect" in _remedies(site), "the remedy")
        assert site.address(one, network) == address

        site.docker("network", "disconnect", network, one)
        site.docker("network", "connect", network, one)
        assert site.address(one, network) in other.addresses()
        assert site.pings(one, peer.address)
        wait_until(lambda: not _why(site), "nothing to say")
    finally:
        other.close()


def test_restarted_time_and_again(site: Site, server: Dnsmasq) -> None:
    """One has its MAC and IP address each time, and nothing is given back; many have the same set."""
    network = site.network(*ON_ETH0, *LEASED, ipam=False)
    one = site.run("--network", network)
    first = server.leases()
    for _ in range(MANY):
        site.docker("restart", "-t", "0", one)
    assert server.leases() == first

    options = ("--network", network, "--restart", "always")
    names = [one, *(site.run(*options) for _ in range(MANY - 1))]
    had = {site.address(each, network) for each in names}
    site.host.restart_docker(signal.SIGKILL)
    site.docker("start", one)
    for each in names:
        wait_until(
            lambda name=each: _runs(site, name),  # type: ignore[misc]
            f"{each} to run",
            deadline=PATIENCE,
        )
    assert {site.address(each, network) for each in names} == had
    assert server.addresses() == had
    assert "DHCPRELEASE" not in server.log()


def test_given_back(site: Site, server: Dnsmasq) -> None:
    """When the container stops, if that is asked for; never when pynet does."""
    network = site.network(*ON_ETH0, *LEASED, "-o", "identity=rests", ipam=False)
    at_once = ("-o", "identity=at-once", "-o", "release_after=0")
    other = site.network(*ON_ETH0, *LEASED, *at_once, ipam=False)
    rests, goes = site.run("--network", network), site.run("--network", other)
    addresses = [site.address(rests, network), site.address(goes, other)]
    site.docker("stop", rests)
    site.installed.restart()
    assert "DHCPRELEASE" not in server.log()

    site.docker("stop", goes)
    wait_until(lambda: f"DHCPRELEASE(eth0) {addresses[1]}" in server.log(), "the release")
    assert server.addresses() == {addresses[0]}
    site.docker("start", rests)
    assert site.address(rests, network) == addresses[0]


@pytest.mark.parametrize("version", ENGINES)
def test_the_host_reboots(lab: Lab, peer: Peer, server: Dnsmasq, version: str) -> None:
    """A container that is started again after that has its address again."""
    host = lab.host(version)
    plugin = PluginProcess(host)
    try:
        plugin.start()
        site = Site(host, plugin)
        network = site.network(*ON_ETH0, *LEASED, ipam=False)
        one = site.run("--network", network, "--restart", "always")
        leases = server.leases()
        plugin.end(signal.SIGKILL)
        host.reboot(before_docker=plugin.start)

        wait_until(lambda: _runs(site, one), f"{one} to run", deadline=PATIENCE)
        assert server.leases() == leases
        assert site.pings(one, peer.address)
    finally:
        plugin.end()
        host.halt()


@pytest.mark.parametrize("mode", ["private", "vepa"])
def test_modes(site: Site, peer: Peer, server: Dnsmasq, mode: str) -> None:
    """Requests and renewals are the parent's in each; `passthru` has a test of its own."""
    network = site.network(*ON_ETH0, *LEASED, "-o", f"macvlan_mode={mode}", ipam=False)
    one = site.run("--network", network)
    address = site.address(one, network)
    assert server.addresses() == {address}
    assert site.pings(one, peer.address)
    _renewed(site, server, address)


def test_a_parent_with_leases_comes_and_goes(
    site: Site, peer: Peer, server: Dnsmasq, second: str, lab: Lab
) -> None:
    """Leases are renewed by it when it is up again, has its name again, or is another of that name."""
    on_other = ("-o", "mode=macvlan", "-o", f"parent={OTHER_LINK}")
    network = site.network(*on_other, *LEASED, ipam=False)
    one = site.run("--network", network)
    address = site.address(one, network)
    host = site.host.netns
    for away, back in (
        (f"link set {OTHER_LINK} down", f"link set {OTHER_LINK} up"),
        (f"link set {OTHER_LINK} name other9", f"link set other9 name {OTHER_LINK}"),
    ):
        ip(host, away)
        _renew(site, address)  # of which nothing can come
        ip(host, back)
        _renewed(site, server, address)
    assert site.pings(one, peer.address)

    lab.fabric.ip(f"link delete {second}")
    lab.fabric.ip(
        f"link add {second} type veth peer name {OTHER_LINK} netns {site.host.leader}",
        f"link set {second} master br0 up",
    )
    ip(host, f"link set {OTHER_LINK} up")
    site.docker("restart", "-t", "0", one)
    assert site.address(one, network) == address
    _renewed(site, server, address)
    assert site.pings(one, peer.address)


@contextmanager
def _reached_all_the_time(peer: Peer, address: IPv4Address) -> Iterator[None]:
    """Ping ten times a second during the block; none may be lost."""
    pings = subprocess.Popen(
        enter(peer.netns, "ping", "-q", "-n", "-i", "0.1", str(address)),
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        yield
    finally:
        pings.send_signal(signal.SIGINT)
        said, _ = pings.communicate()
    assert " 0% packet loss" in said, said


def _renew(site: Site, address: IPv4Address) -> None:
    site.installed.command("leases", "renew", str(address))  # type: ignore[attr-defined]


def _renewed(site: Site, server: Dnsmasq, address: IPv4Address) -> None:
    """Have a lease renewed; the server's file has it for whole seconds."""
    ends = server.ends(address)

    def is_later() -> bool:
        _renew(site, address)
        return server.ends(address) > ends

    wait_until(is_later, f"the renewal of {address}")


def _ends(site: Site, address: IPv4Address) -> float:
    """When a lease does, which is later when it was renewed alone, but for a second."""
    found = {each["address"]: each["ends_in"] for each in site.installed.ask("/v1/leases")}
    left = next(int(ends) for text, ends in found.items() if text.startswith(f"{address}/"))
    return time.monotonic() + left


def _runs(site: Site, container: str) -> bool:
    return bool(site.inspect("container", container)["State"]["Running"])


def _why(site: Site) -> str:
    return "; ".join(each["why"] for each in _leases(site))


def _remedies(site: Site) -> str:
    return "; ".join(f"{each['why']} {each['remedy']}" for each in _leases(site))


def _leases(site: Site) -> list[dict[str, str]]:
    degraded: list[dict[str, str]] = site.installed.ask("/health")["degraded"]
    return [each for each in degraded if each["what"].startswith("lease ")]
