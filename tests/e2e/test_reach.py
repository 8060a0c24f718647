"""What containers reach beyond their network, and who reaches them."""

import socket

import pytest

from tests.e2e.conftest import PEER_NAME
from tests.lab.clients import reaches
from tests.lab.namespace import Peer, ip
from tests.lab.servers import serve_address
from tests.lab.site import Site


@pytest.mark.parametrize("ipam", [True, False], ids=["pynet-ipam", "docker-ipam"])
def test_way_out(site: Site, *, ipam: bool) -> None:
    """A container finds another machine by its DNS name and comes with the host's address."""
    container = site.run("--network", site.network(ipam=ipam))

    said = site.exec(container, "wget", "-qO-", f"http://{PEER_NAME}/")

    assert said == str(site.host.address)


def test_no_masquerade_on_request(site: Site, peer: Peer) -> None:
    """With masquerade=false the other machine sees the container's own address."""
    network = site.network("-o", "masquerade=false", "--subnet=10.50.0.0/24")
    container = site.run("--network", network)
    ip(peer.netns, f"route add 10.50.0.0/24 via {site.host.address}")
    try:
        said = site.exec(container, "wget", "-qO-", f"http://{peer.address}/")
    finally:
        ip(peer.netns, "route delete 10.50.0.0/24")

    assert said == str(site.address(container, network))


def test_no_way_in(site: Site, peer: Peer) -> None:
    """Another machine that has a route to a container does not get through to it."""
    network = site.network("--subnet=10.50.0.0/24")
    address = site.address(site.web("--network", network), network)
    ip(peer.netns, f"route add 10.50.0.0/24 via {site.host.address}")
    try:
        assert not reaches(peer.netns, address, 80)
    finally:
        ip(peer.netns, "route delete 10.50.0.0/24")
    assert reaches(site.host.netns, address, 80)


def test_networks_are_apart(site: Site) -> None:
    """Containers of two networks do not reach each other."""
    first, second = site.network(), site.network()
    one, other = site.web("--network", first), site.web("--network", second)

    assert not reaches(site.netns(one), site.address(other, second), 80)
    assert not reaches(site.netns(other), site.address(one, first), 80)
    assert not site.pings(one, site.address(other, second))


def test_apart_from_dockers_networks(site: Site) -> None:
    """Containers of pynet and of Docker's own bridge do not reach each other."""
    network = site.network()
    ours, dockers = site.web("--network", network), site.web()

    assert not reaches(site.netns(ours), site.address(dockers, "bridge"), 80)
    assert not reaches(site.netns(dockers), site.address(ours, network), 80)


def test_internal(site: Site, peer: Peer) -> None:
    """Containers of an internal network reach each other and nothing else."""
    inside, outside = site.network("--internal"), site.network()
    one, other = site.web("--network", inside), site.web("--network", inside)
    stranger = site.web("--network", outside)

    assert site.pings(one, other)
    assert "default" not in site.exec(one, "ip", "route")
    assert not reaches(site.netns(one), peer.address, 80)
    assert not reaches(site.netns(stranger), site.address(one, inside), 80)
    assert not site.succeeds(one, "nslookup", PEER_NAME) or not site.pings(one, PEER_NAME)
    # Docker's own networks are alike: no second link behind the user's back.
    assert "eth1" not in site.exec(one, "ip", "link")


def test_dual_stack(site: Site, peer: Peer) -> None:
    """With --ipv6 both families work: within, and out to another machine."""
    network = site.network("--ipv6", "--subnet=10.50.0.0/24", "--subnet=fd00:50::/64")
    one, other = (site.run("--network", network) for _ in range(2))

    assert site.pings(one, site.address(other, network))
    assert site.pings(one, site.address6(other, network))
    with serve_address(peer.netns, 86, family=socket.AF_INET6):
        said = site.exec(one, "wget", "-qO-", f"http://[{peer.address6}]:86/")
    assert said == str(site.host.address6)


def test_ipv6_without_a_subnet(site: Site) -> None:
    """--ipv6 alone is enough with pynet's IPAM: it has a prefix of its own."""
    network = site.network("--ipv6")
    one, other = (site.run("--network", network) for _ in range(2))

    assert site.pings(one, site.address6(other, network))


def test_ipv6_only(site: Site) -> None:
    """A network without IPv4, where the engine can ask for one."""
    if not site.host.engine.version.startswith("28"):
        pytest.skip("this engine has no --ipv4=false")
    network = site.network("--ipv4=false", "--ipv6", "--subnet=fd00:51::/64")
    one, other = (site.run("--network", network) for _ in range(2))

    assert site.pings(one, site.address6(other, network))
    assert site.pings(one, other)
    assert "inet 10." not in site.exec(one, "ip", "address", "show", "eth0")
