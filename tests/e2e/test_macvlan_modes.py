"""Mode macvlan: what each of its kinds does, and what several networks on one parent do to each other."""

from collections.abc import Iterator

import pytest

from tests.e2e.parents import LAN, MAC, ON_ETH0, OTHER_LINK, RANGE
from tests.lab.clients import http_get, reaches
from tests.lab.commands import CommandError, wait_until
from tests.lab.lab import Lab
from tests.lab.namespace import Peer, ip, ip_json
from tests.lab.site import Site

ON_OTHER = ("-o", "mode=macvlan", "-o", f"parent={OTHER_LINK}")
ACCESS = ("-o", "host_access=true")
SUBNET = ("--subnet=10.57.0.0/24", "--gateway=10.57.0.254")


@pytest.fixture
def neighbour(peer: Peer) -> Iterator[str]:
    """An address of the other machine that hosts know nothing of."""
    ip(peer.netns, "address add 10.57.0.200/24 dev eth0")
    yield "10.57.0.200"
    ip(peer.netns, "address delete 10.57.0.200/24 dev eth0")


def mac_of(site: Site, ifname: str) -> str:
    (link,) = ip_json(site.host.netns, "link", "show", "dev", ifname)
    return str(link["address"])


def test_passthru_has_a_mac_address(site: Site, neighbour: str, second: str) -> None:
    """The user's, for as long as the container is there; then the parent has its own again."""
    assert second
    own = mac_of(site, OTHER_LINK)
    network = site.network(*ON_OTHER, "-o", "macvlan_mode=passthru", *SUBNET)
    one = site.run("--network", network, "--mac-address", MAC)
    assert site.exec(one, "cat", "/sys/class/net/eth0/address") == MAC
    assert site.pings(one, neighbour)
    with pytest.raises(CommandError, match="cannot carry a macvlan link"):
        site.run("--network", network)
    site.remove(one)
    wait_until(lambda: mac_of(site, OTHER_LINK) == own, "the parent's own MAC address")

    assert site.pings(site.run("--network", network), neighbour)


def test_passthru_restarts(site: Site, neighbour: str, second: str) -> None:
    """The link of the container's last life dies first."""
    assert second
    network = site.network(*ON_OTHER, "-o", "macvlan_mode=passthru", *SUBNET)
    one = site.run("--network", network)
    for _ in range(3):
        site.docker("restart", "-t", "1", one)

        assert site.pings(one, neighbour)


def test_whom_the_switch_sends_back(site: Site, neighbour: str, second: str, lab: Lab) -> None:
    """Mode vepa reaches its neighbours by a switch that does; mode private never does."""
    lab.fabric.ip(f"link set {second} type bridge_slave hairpin on")
    for mode, meets in (("vepa", True), ("private", False)):
        network = site.network(*ON_OTHER, "-o", f"macvlan_mode={mode}", *SUBNET)
        one, other = (site.run("--network", network) for _ in range(2))

        assert site.pings(one, neighbour)
        assert site.pings(one, site.address(other, network)) == meets, mode
        site.remove(one, other)
        site.remove_network(network)


def test_sizes_and_addresses(site: Site) -> None:
    """An MTU below the parent's; a range of which addresses are kept for others."""
    kept = ("--ip-range=10.99.0.128/30", "--aux-address=other=10.99.0.129")
    network = site.network(*LAN, *kept, "-o", "mtu=1400")
    containers = [site.run("--network", network) for _ in range(3)]

    assert site.exec(containers[0], "cat", "/sys/class/net/eth0/mtu") == "1400"
    addresses = {str(site.address(each, network)) for each in containers}
    assert addresses == {"10.99.0.128", "10.99.0.130", "10.99.0.131"}
    with pytest.raises(CommandError, match="no available addresses"):
        site.run("--network", network)
    with pytest.raises(CommandError, match=r"10\.99\.0\.129"):
        site.run("--network", network, "--ip", "10.99.0.129")


def test_several_on_one_parent(site: Site, peer: Peer) -> None:
    """Each goes without the others, in any order, the host's ways with it."""
    lan = site.network(*LAN, *RANGE, *ACCESS)
    second = site.network(*ON_ETH0, *SUBNET, *ACCESS)
    third = site.network(*ON_ETH0, "--subnet=10.58.0.0/24")
    one, two = site.web("--network", lan, "-p", "8080:80"), site.web("--network", second)
    three, four = (site.web("--network", third) for _ in range(2))
    host = site.host
    assert http_get(host.netns, site.address(one, lan), 80) == one
    assert http_get(host.netns, site.address(two, second), 80) == two
    assert not reaches(host.netns, site.address(three, third), 80)

    site.remove(one)
    site.remove_network(lan)
    assert http_get(host.netns, site.address(two, second), 80) == two
    lan = site.network(*LAN, *RANGE, *ACCESS)
    one = site.web("--network", lan, "-p", "8080:80")
    site.remove(two)
    site.remove_network(second)
    assert site.pings(three, site.address(four, third))
    assert http_get(peer.netns, host.address, 8080) == one
    assert http_get(host.netns, site.address(one, lan), 80) == one


def test_published_by_docker_with_access(site: Site, peer: Peer, dockers: str) -> None:
    """The engine publishes, and the host and its container reach each other all the same."""
    assert dockers
    network = site.network(*LAN, *RANGE, *ACCESS, "-o", "publish=docker")
    web = site.web("--network", network, "-p", "8080:80")
    host = site.host
    ip(peer.netns, "neigh flush dev eth0")  # engines before 28 announce nobody

    assert http_get(peer.netns, host.address, 8080) == web
    assert http_get(peer.netns, site.address(web, network), 80) == web
    assert http_get(host.netns, site.address(web, network), 80) == web
    assert site.pings(web, host.address)
    assert "8080" in site.docker("port", web)


def test_the_configuration_comes_from_a_network(site: Site, peer: Peer) -> None:
    """As a swarm's nodes have it; one subnet is for one network of a host."""
    configuration = site.network(
        "--config-only", *LAN, *RANGE, "--ipam-driver", site.driver, ipam=False, driver="null"
    )
    first = site.network("--config-from", configuration, ipam=False)
    one, other = (site.web("--network", first) for _ in range(2))
    assert site.pings(one, site.address(other, first))
    with pytest.raises(CommandError, match="overlap"):
        site.network("--config-from", configuration, ipam=False)
    site.remove(one, other)
    site.remove_network(first)

    again = site.network("--config-from", configuration, ipam=False)
    assert site.pings(site.run("--network", again), peer.address)
