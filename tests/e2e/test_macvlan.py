"""Mode macvlan: containers that are machines of the LAN."""

from ipaddress import ip_network

import pytest

from tests.e2e.conftest import PEER_NAME
from tests.e2e.parents import LAN, MAC, ON_ETH0, OTHER_LINK, RANGE, links_of
from tests.lab.clients import reaches
from tests.lab.commands import CommandError
from tests.lab.installed import PluginProcess
from tests.lab.lab import Lab
from tests.lab.namespace import SUBNET6, Peer, ip
from tests.lab.site import Site


def test_neighbours_of_the_lan(site: Site, peer: Peer) -> None:
    """Containers reach each other and machines of the LAN with addresses of their own."""
    network = site.network(*LAN, *RANGE)
    one, other = (site.web("--network", network) for _ in range(2))
    address = site.address(one, network)

    assert site.pings(one, other)
    assert reaches(peer.netns, address, 80)
    assert site.exec(one, "wget", "-qO-", f"http://{PEER_NAME}/") == str(address)
    assert "default via 10.99.0.254" in site.exec(one, "ip", "route")
    assert links_of(site, one) == ["lo", "eth0"]
    # The kernel keeps a parent from what stands on it.
    assert not reaches(site.host.netns, address, 80)


def test_both_families(site: Site, peer: Peer) -> None:
    """With the addresses that the user chose, and a MAC address too."""
    network = site.network(*LAN, "--ipv6", "--subnet", str(SUBNET6), "--gateway", "fd00:99::fe")
    addresses = ("--ip", "10.99.0.150", "--ip6", "fd00:99::150", "--mac-address", MAC)
    one = site.run("--network", network, *addresses)

    assert site.pings(one, peer.address)
    assert site.pings(one, peer.address6)
    assert site.exec(one, "cat", "/sys/class/net/eth0/address") == MAC
    assert "via fd00:99::fe" in site.exec(one, "ip", "-6", "route", "show", "default")


def test_without_a_gateway(site: Site, peer: Peer) -> None:
    """It is the first address, and no container's; names are found, and bridges work beside it."""
    network = site.network(*LAN[:-2], *RANGE)
    one = site.run("--network", network)
    with pytest.raises(CommandError, match="already in use"):
        site.run("--network", network, "--ip", "10.99.0.1")

    assert "default via 10.99.0.1 " in site.exec(one, "ip", "route")
    assert site.pings(one, PEER_NAME)
    assert site.pings(one, peer.address)
    assert links_of(site, one) == ["lo", "eth0"]
    site.docker("network", "connect", site.network(), one)
    assert links_of(site, one) == ["lo", "eth0", "eth1"]
    assert site.pings(one, peer.address)


@pytest.mark.parametrize("ipam", [False, True])
def test_the_first_address_is_the_routers(site: Site, ipam: bool) -> None:
    """Whichever IPAM chooses, and whatever way out the containers have."""
    for options in ((), ("-o", "no_default_route=true"), ("--internal",)):
        network = site.network(*ON_ETH0, "--subnet", "10.97.0.0/24", *options, ipam=ipam)
        one = site.run("--network", network)

        assert str(site.address(one, network)) == "10.97.0.2"
        assert ("default" in site.exec(one, "ip", "route")) is not bool(options)
        site.remove(one)
        site.remove_network(network)


@pytest.mark.parametrize("options", [("-o", "mode=macvlan"), (*ON_ETH0, "--internal")])
def test_no_way_out(site: Site, options: tuple[str, ...]) -> None:
    """Without a parent, or internal: containers reach each other."""
    network = site.network(*options, "--subnet=10.50.0.0/24")
    one, other = (site.run("--network", network) for _ in range(2))

    assert site.pings(one, other)
    assert "default" not in site.exec(one, "ip", "route")
    assert links_of(site, one) == ["lo", "eth0"]


def test_modes(site: Site, peer: Peer, second: str) -> None:
    """Whom the containers of a parent reach, and that several networks share one, but for passthru."""
    parent = ("-o", "mode=macvlan", "-o", f"parent={OTHER_LINK}")
    nets = {
        mode: site.network(*parent, "-o", f"macvlan_mode={mode}", f"--subnet=10.{number}.0.0/24")
        for number, mode in enumerate(("bridge", "private", "vepa"), 51)
    }
    for mode, network in nets.items():
        one, other = (site.run("--network", network) for _ in range(2))
        assert site.pings(one, site.address(other, network)) == (mode == "bridge"), mode
    with pytest.raises(CommandError, match="passthru is for one network alone"):
        site.network(*parent, "-o", "macvlan_mode=passthru", "--subnet=10.54.0.0/24")
    site.clear()

    only = site.network(
        *("-o", "mode=macvlan", "-o", f"parent={OTHER_LINK}", "-o", "macvlan_mode=passthru"),
        *LAN[4:],
    )
    assert site.pings(site.run("--network", only, "--ip", "10.99.0.150"), peer.address)


def test_two_hosts(site: Site, lab: Lab) -> None:
    """The same network on both, of a configuration with a range of each host's own: one LAN."""
    host = lab.host("28")
    installed = PluginProcess(host)
    try:
        installed.start()
        other = Site(host, installed)
        here = _configured(site, *RANGE)
        there = _configured(other, "--ip-range", "10.99.0.64/26")
        one, two = site.run("--network", here), other.run("--network", there)

        assert site.address(one, here) in ip_network("10.99.0.128/26")
        assert other.address(two, there) in ip_network("10.99.0.64/26")
        assert site.pings(one, other.address(two, there))
        assert other.pings(two, site.address(one, here))
    finally:
        installed.end()
        host.halt()


def test_two_parents(site: Site, peer: Peer, second: str) -> None:
    """A container on either, beside each other."""
    one = site.network(*LAN, *RANGE)
    with pytest.raises(CommandError, match="overlap"):
        site.network("-o", "mode=macvlan", "-o", f"parent={OTHER_LINK}", *LAN[4:])
    first = site.run("--network", one)
    other = site.network(
        *("-o", "mode=macvlan", "-o", f"parent={OTHER_LINK}", "-o", "routes=10.99.0.0/24"),
        "--subnet=10.55.0.0/24",
    )
    ip(peer.netns, "address add 10.55.0.200/24 dev eth0")
    try:
        assert site.pings(site.run("--network", other), "10.55.0.200")
    finally:
        ip(peer.netns, "address delete 10.55.0.200/24 dev eth0")
    assert site.pings(first, peer.address)


def test_beside_dockers_own(site: Site, peer: Peer) -> None:
    """Networks of Docker's driver stand on the same parent."""
    network = site.network(*LAN, *RANGE)
    dockers = site.network(
        "-o", "parent=eth0", "--subnet=10.56.0.0/24", ipam=False, driver="macvlan"
    )
    ours, theirs = site.run("--network", network), site.run("--network", dockers)
    site.docker("network", "connect", dockers, ours)

    assert site.pings(ours, site.address(theirs, dockers))
    assert site.pings(ours, peer.address)


def test_the_same_mac_again(site: Site) -> None:
    """A restart waits for the link that dies; one that does not die is said."""
    network = site.network(*LAN, *RANGE)
    one = site.run("--network", network, "--mac-address", MAC)

    for _ in range(3):
        site.docker("restart", "-t", "1", one)
        assert site.exec(one, "cat", "/sys/class/net/eth0/address") == MAC
    with pytest.raises(CommandError, match=f"MAC address {MAC} is in use on eth0"):
        site.run("--network", network, "--mac-address", MAC)


def _configured(site: Site, *ranges: str) -> str:
    """A network as a swarm's are: what differs from host to host is in a network of its own."""
    own = site.network(
        "--config-only", *LAN, *ranges, "--ipam-driver", site.driver, ipam=False, driver="null"
    )
    return site.network("--config-from", own, ipam=False)
