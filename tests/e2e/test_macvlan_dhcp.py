"""Mode macvlan with addresses of the LAN's own DHCP server, whose file of leases is the witness."""

import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from ipaddress import IPv4Address
from pathlib import Path
from typing import Final

import pytest

from tests.e2e.parents import MAC, ON_ETH0
from tests.lab import records
from tests.lab.clients import reaches
from tests.lab.commands import CommandError, wait_until
from tests.lab.dhcp import Dnsmasq, Sandbox
from tests.lab.host import IMAGE
from tests.lab.installed import PluginProcess
from tests.lab.namespace import Peer, ip_json
from tests.lab.site import SLEEP, Site

LEASED: Final = ("-o", "dhcp=true", "--ipam-driver", "null")
OPTIONS: Final = (*ON_ETH0, *LEASED)


@pytest.fixture
def server(peer: Peer, tmp_path: Path) -> Iterator[Dnsmasq]:
    """A router of the LAN, so to say."""
    made = Dnsmasq(
        peer,
        tmp_path,
        "--dhcp-option=26,1400",
        f"--dhcp-option=121,10.9.0.0/16,{peer.address},0.0.0.0/0,10.99.0.254",
    )
    yield made
    made.close()


def test_addresses_of_the_lans_own_server(site: Site, peer: Peer, server: Dnsmasq) -> None:
    """Docker, container and server agree; they come back at a restart, and go with the network."""
    network = site.network(*OPTIONS, ipam=False)
    one = site.run("--network", network)
    other = site.run("--network", network, "--mac-address", MAC)
    addresses = [site.address(each, network) for each in (one, other)]

    assert set(server.leases().values()) == set(addresses)
    assert server.leases()[MAC] == addresses[1]
    assert f"inet {addresses[0]}/24" in site.exec(one, "ip", "address", "show", "eth0")
    routes = site.exec(one, "ip", "route")
    assert "default via 10.99.0.254" in routes
    assert f"10.9.0.0/16 via {peer.address}" in routes
    assert site.exec(one, "cat", "/sys/class/net/eth0/mtu") == "1400"
    assert site.pings(one, peer.address)
    assert site.pings(one, addresses[1])

    site.docker("restart", "-t", "0", one)
    assert site.address(one, network) == addresses[0]
    assert site.pings(one, peer.address)
    assert set(server.leases().values()) == set(addresses)

    site.remove(one, other)
    assert set(server.leases().values()) == set(addresses)
    site.remove_network(network)
    wait_until(lambda: not server.leases(), "the end of all leases")


def test_pynets_own_ipam(site: Site, peer: Peer, server: Dnsmasq) -> None:
    """The same by pynet's IPAM; the engine and the plugin are killed, and an address is chosen."""
    pool = ("--ipam-driver", site.driver, "--ipam-opt", "dhcp=eth0", "--subnet", "10.99.0.0/24")
    network = site.network(*ON_ETH0, "-o", "dhcp=true", *pool, ipam=False)
    other = site.run("--network", network, "--ip", "10.99.0.119")  # before the server chooses it
    one = site.run("--network", network, "--restart", "always")
    addresses = {site.address(each, network) for each in (one, other)}

    assert IPv4Address("10.99.0.119") in addresses
    assert set(server.leases().values()) == addresses
    assert "default via 10.99.0.254" in site.exec(one, "ip", "route")
    assert site.pings(one, peer.address)

    site.docker("restart", "-t", "0", one)
    site.installed.restart()
    site.host.restart_docker(signal.SIGKILL)
    wait_until(lambda: site.inspect("container", one)["State"]["Running"], f"{one} to run again")
    site.docker("start", other)
    assert {site.address(each, network) for each in (one, other)} == addresses
    assert site.pings(one, peer.address)
    assert set(server.leases().values()) == addresses

    site.remove(one, other)
    site.remove_network(network)
    wait_until(lambda: not server.leases(), "the end of all leases")


def test_a_bridge_on_the_lan(site: Site, peer: Peer, server: Dnsmasq, br_lan: str) -> None:
    """Its containers, the host and machines of the LAN reach each other; the bridge stays as it was."""
    netns = site.host.netns
    network = site.network("-o", f"bridge_name={br_lan}", *LEASED, ipam=False)
    one = site.web("--network", network)
    address = site.address(one, network)
    assert set(server.leases().values()) == {address}
    assert "default via 10.99.0.254" in site.exec(one, "ip", "route")
    assert site.exec(one, "cat", "/sys/class/net/eth0/mtu") == "1400"
    for asking in (peer.netns, netns):
        wait_until(lambda: reaches(asking, str(address), 80), f"{one} from {asking}")  # noqa: B023
    assert site.pings(one, peer.address)
    assert site.pings(one, site.host.address)
    site.docker("restart", "-t", "0", one)
    assert site.address(one, network) == address
    site.installed.command("leases", "renew", str(address))  # type: ignore[attr-defined]
    site.remove(one)
    site.remove_network(network)
    wait_until(lambda: not server.leases(), "the end of all leases")
    (bridge,) = ip_json(netns, "address", "show", "dev", br_lan)
    assert [each["local"] for each in bridge["addr_info"] if each["family"] == "inet"] == [
        str(site.host.address)
    ]


@pytest.mark.nightly
@pytest.mark.parametrize("guarded", [True, False])
def test_a_container_that_plays_the_server(
    site: Site, server: Dnsmasq, br_lan: str, tmp_path: Path, *, guarded: bool
) -> None:
    """Nobody hears it on a bridge of the LAN, unless its network has no guard: so the test's own server works."""
    guard = ("-o", f"spoof_guard={str(guarded).lower()}")
    network = site.network("-o", f"bridge_name={br_lan}", *guard, *LEASED, ipam=False)
    rogue = site.run("--network", network)
    server.close()
    (folder := tmp_path / "rogue").mkdir()
    fake = Dnsmasq(Sandbox(site.netns(rogue)), folder, first="10.99.0.115")
    try:
        if guarded:
            with pytest.raises(CommandError, match="no DHCP server gave an address on br-lan"):
                site.run("--network", network)
        else:
            other = site.run("--network", network)
            assert site.address(other, network) in fake.addresses()
    finally:
        fake.close()


@pytest.mark.nightly
def test_a_silent_server(site: Site, server: Dnsmasq) -> None:
    """The start that asks it fails in time, and says why; other containers stop and go at once."""
    network = site.network(*OPTIONS, ipam=False)
    one, other = site.run("--network", network), site.run("--network", network)
    wait_until(lambda: not _listens(site), "silence on the parent")
    server.silence()
    with ThreadPoolExecutor(1) as pool:
        start = pool.submit(site.run, "--network", network)
        wait_until(lambda: _listens(site), "a question")
        site.docker("stop", one)
        site.remove(one, other)
        assert not start.done()
        with pytest.raises(CommandError, match="no DHCP server gave an address on eth0 in 1"):
            start.result()
    server.speak()


@pytest.mark.nightly
def test_a_server_in_a_container_of_the_parent(
    site: Site, peer: Peer, server: Dnsmasq, tmp_path: Path
) -> None:
    """Machines of the LAN have addresses of it, and pynet hears nothing: a hint says why."""
    fixed = ("--subnet", "10.99.0.0/24", "--ip-range", "10.99.0.128/25")
    holder = site.run("--network", site.network(*ON_ETH0, *fixed))
    server.close()
    (folder := tmp_path / "container").mkdir()
    hidden = Dnsmasq(Sandbox(site.netns(holder)), folder)
    try:
        peer.run("busybox", "udhcpc", "-i", "eth0", "-n", "-q", "-f", "-s", "/bin/true")
        assert len(hidden.addresses()) == 1
        network = site.network(*OPTIONS, ipam=False)
        wait_until(lambda: "nor in a macvlan container of eth0" in _hints(site), "a hint")
        with pytest.raises(CommandError, match="no DHCP server gave an address on eth0 in 1"):
            site.run("--network", network)
        assert len(hidden.addresses()) == 1
    finally:
        hidden.close()
    (folder := tmp_path / "router").mkdir()
    seen = Dnsmasq(peer, folder)
    try:
        site.run("--network", network)
        wait_until(lambda: "no DHCP server" not in _hints(site), "no hint")
    finally:
        seen.close()


@pytest.mark.nightly
def test_killed_while_a_server_is_silent(site: Site, server: Dnsmasq) -> None:
    """Nothing is left of the start; the engine asks again, or the user does."""
    assert isinstance(site.installed, PluginProcess)
    network = site.network(*OPTIONS, ipam=False)
    site.docker("create", "--name", "asks", "--network", network, IMAGE, *SLEEP)
    server.silence()
    with ThreadPoolExecutor(1) as pool:
        start = pool.submit(site.docker, "start", "asks")
        wait_until(lambda: _listens(site), "a question")
        site.installed.end(signal.SIGKILL)
        found = records.count(site.installed.state)
        server.speak()
        site.installed.start()
        with suppress(CommandError):
            start.result()

    assert (found["pynet.db:endpoint"], found["pynet.db:lease"]) == (0, 0)
    site.docker("start", "asks")
    assert set(server.leases().values()) == {site.address("asks", network)}
    site.docker("rm", "-f", "asks")


def _hints(site: Site) -> str:
    """What the health advises."""
    return "\n".join(site.installed.ask("/health")["hints"])


def _listens(site: Site) -> bool:
    """Whether a packet socket hears the parent, which is while something is asked."""
    return len(site.host.run("cat", "/proc/net/packet").splitlines()) > 1
