"""Mode macvlan with the host among its containers, while the card it stands on comes and goes."""

from collections.abc import Iterator

import pytest

from tests.e2e.parents import OTHER_LINK
from tests.lab.clients import http_get, reaches
from tests.lab.commands import CommandError, wait_until
from tests.lab.lab import Lab
from tests.lab.namespace import Peer, ip
from tests.lab.site import Site

HOST, NEIGHBOUR = "10.57.0.9", "10.57.0.200"
NETWORK = (
    *("-o", "mode=macvlan", "-o", f"parent={OTHER_LINK}", "-o", "host_access=true"),
    *("--subnet=10.57.0.0/24", "--gateway=10.57.0.254", "--ip-range=10.57.0.128/26"),
)


@pytest.fixture
def card(site: Site, second: str, peer: Peer) -> Iterator[str]:
    """A card with an address, and another machine in its subnet."""
    ip(site.host.netns, f"address add {HOST}/24 dev {OTHER_LINK}")
    ip(peer.netns, f"address add {NEIGHBOUR}/24 dev eth0")
    yield second
    ip(peer.netns, f"address delete {NEIGHBOUR}/24 dev eth0")


def test_down_and_up(site: Site, card: str) -> None:
    """What ran goes on, and what is new works."""
    assert card
    network = site.network(*NETWORK)
    web = site.web("--network", network, "-p", "8080:80")
    ip(site.host.netns, f"link set {OTHER_LINK} down")
    wait_until(lambda: "is down" in _trouble(site), "a report of a link that is down")
    ip(site.host.netns, f"link set {OTHER_LINK} up")
    wait_until(lambda: not _trouble(site), "a report of a link that is up")

    _all_is_well(site, network, web)
    _all_is_well(site, network, site.web("--network", network))


def test_another_name_and_back(site: Site, card: str) -> None:
    """Under another name, new containers do not find the parent; those that run go on."""
    assert card
    network = site.network(*NETWORK)
    web = site.web("--network", network, "-p", "8080:80")
    ip(site.host.netns, f"link set {OTHER_LINK} name other9")
    wait_until(lambda: "is not there" in _trouble(site), "a report of a name")
    assert http_get(site.host.netns, site.address(web, network), 80) == web
    with pytest.raises(CommandError, match=OTHER_LINK):
        site.run("--network", network)
    ip(site.host.netns, f"link set other9 name {OTHER_LINK}")
    wait_until(lambda: not _trouble(site), "a report of a name that is back")

    _all_is_well(site, network, web)
    _all_is_well(site, network, site.web("--network", network))


def test_unplugged_and_back(site: Site, card: str, lab: Lab) -> None:
    """The host is among them again by itself; a container is when it is restarted."""
    network = site.network(*NETWORK)
    web = site.web("--network", network, "-p", "8080:80")
    lab.fabric.ip(f"link delete {card}")
    wait_until(lambda: "is not there" in _trouble(site), "a report of the card")
    site.installed.reconcile()
    assert "lost the link" in _trouble(site)
    lab.fabric.ip(
        f"link add {card} type veth peer name {OTHER_LINK} netns {site.host.leader}",
        f"link set {card} master br0 up",
    )
    ip(site.host.netns, f"link set {OTHER_LINK} up", f"address add {HOST}/24 dev {OTHER_LINK}")
    wait_until(lambda: "is not there" not in _trouble(site), "a report of the card that is back")
    site.installed.reconcile()

    assert "lost the link" in _trouble(site)
    _all_is_well(site, network, site.web("--network", network))
    site.docker("restart", "-t", "1", web)
    site.answering(web)
    _all_is_well(site, network, web)
    assert http_get(site.host.netns, site.host.address, 8080) == web
    site.installed.reconcile()
    wait_until(lambda: not _trouble(site), "a report of the container that is back")


def _all_is_well(site: Site, network: str, web: str) -> None:
    """The container and the host reach each other, and the container the LAN."""
    address = site.address(web, network)
    wait_until(lambda: reaches(site.host.netns, address, 80), f"{web} for the host")
    assert http_get(site.host.netns, address, 80) == web
    assert site.pings(web, HOST)
    assert site.pings(web, NEIGHBOUR)


def _trouble(site: Site) -> str:
    return "; ".join(each["why"] for each in site.installed.ask("/health")["degraded"])
