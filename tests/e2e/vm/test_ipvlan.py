"""Mode ipvlan: containers with addresses of their own, and their parent's MAC address."""

from typing import Final

import pytest

from tests.e2e.asking import NOBODY, Question, comes_true, ways
from tests.e2e.conftest import PEER_NAME
from tests.lab.commands import PATIENCE
from tests.lab.namespace import SUBNET4, Peer, ip_json
from tests.lab.servers import serve_address
from tests.lab.site import WEB, Site

pytestmark = pytest.mark.vm

ON_ETH0: Final = ("-o", "mode=ipvlan", "-o", "parent=eth0")
LAN: Final = (*ON_ETH0, "--subnet", str(SUBNET4), "--gateway", "10.99.0.254")
ONE, OTHER, OWN = "10.99.0.150", "10.99.0.151", "10.99.0.9"
BEHIND: Final = ("10.20.1.0/24", "10.20.2.0/24")
ONE_BEHIND, OTHER_BEHIND = "10.20.1.5", "10.20.2.5"


def start(site: Site, network: str, address: str, *options: str) -> str:
    return site.run("--network", network, "--ip", address, *options, command=WEB)


def exchanges(
    site: Site, peer: Peer, one: tuple[str, str], other: tuple[str, str]
) -> dict[str, Question]:
    """What two containers ask each other, and one of them and a machine of the LAN."""
    sandbox = site.netns(one[0])
    return {
        "to the LAN": (sandbox, peer.address, 80, one[1]),
        "from the LAN": (peer.netns, one[1], 80, one[0]),
        "to the neighbour": (sandbox, other[1], 80, other[0]),
        "from the neighbour": (site.netns(other[0]), one[1], 80, one[0]),
        "from the host": (site.host.netns, one[1], 80, NOBODY),
    }


def test_neighbours_of_the_lan(site: Site, peer: Peer) -> None:
    """Containers reach each other and machines of the LAN, all at one MAC address."""
    network = site.network(*LAN)
    one, other = start(site, network, ONE), start(site, network, OTHER)
    (eth0,) = ip_json(site.host.netns, "link", "show", "dev", "eth0")
    lo, own = ip_json(site.netns(one), "link", "show")

    assert comes_true(exchanges(site, peer, (one, ONE), (other, OTHER)), deadline=PATIENCE) == {}
    assert (lo["ifname"], own["ifname"]) == ("lo", "eth0")
    assert own["address"] == eth0["address"]
    site.docker("restart", "-t", "0", one)
    assert comes_true(exchanges(site, peer, (one, ONE), (other, OTHER)), deadline=PATIENCE) == {}


@pytest.mark.parametrize("mode", ["l3", "l3s"])
def test_at_layer_three(site: Site, peer: Peer, mode: str) -> None:
    """Two subnets behind the parent: the link is the default route, and names are found."""
    subnets = (word for each in BEHIND for word in ("--subnet", each))
    network = site.network(*ON_ETH0, "-o", f"ipvlan_mode={mode}", *subnets)
    one, other = start(site, network, ONE_BEHIND), start(site, network, OTHER_BEHIND)
    sandbox = site.netns(one)
    (default,) = ip_json(sandbox, "route", "show", "default")

    with ways(peer, site, *BEHIND):
        questions = exchanges(site, peer, (one, ONE_BEHIND), (other, OTHER_BEHIND))
        assert comes_true(questions, deadline=PATIENCE) == {}
        assert (default["dev"], "gateway" in default) == ("eth0", False)
        # Nothing of docker_gwbridge.
        assert [each["ifname"] for each in ip_json(sandbox, "link", "show")] == ["lo", "eth0"]
        assert site.exec(one, "wget", "-qO-", f"http://{PEER_NAME}/") == ONE_BEHIND


def test_the_host_among_them(site: Site, peer: Peer) -> None:
    """They reach each other, and a port is published; pynet restarts on the way."""
    network = site.network(*LAN, "-o", "host_access=true", "-o", f"host_address={OWN}")
    one = start(site, network, ONE, "-p", "8080:80")
    site.installed.restart()
    questions: dict[str, Question] = {
        "host to container": (site.host.netns, ONE, 80, one),
        "container to host": (site.netns(one), OWN, 8081, ONE),
        "published": (peer.netns, site.host.address, 8080, one),
        "on the LAN": (peer.netns, ONE, 80, one),
    }

    with serve_address(site.host.netns, 8081):
        assert comes_true(questions, deadline=PATIENCE) == {}


def test_published_by_docker(site: Site, peer: Peer, dockers: str) -> None:
    """By docker_gwbridge, so that `docker port` knows; the LAN is reached as before."""
    assert dockers
    network = site.network(*LAN, "-o", "publish=docker")
    one = start(site, network, ONE, "-p", "8080:80")
    questions: dict[str, Question] = {
        "published": (peer.netns, site.host.address, 8080, one),
        "on the LAN": (peer.netns, ONE, 80, one),
        "to the LAN": (site.netns(one), peer.address, 80, ONE),
    }

    assert comes_true(questions, deadline=PATIENCE) == {}
    assert "8080" in site.docker("port", one)


def test_who_keeps_to_himself(site: Site, peer: Peer) -> None:
    """Flag private: the LAN is reached, and no container of the parent."""
    network = site.network(*LAN, "-o", "ipvlan_flag=private")
    one, other = start(site, network, ONE), start(site, network, OTHER)
    questions = exchanges(site, peer, (one, ONE), (other, OTHER))
    sandbox = site.netns(one)
    questions["to the neighbour"] = (sandbox, OTHER, 80, NOBODY)
    questions["from the neighbour"] = (site.netns(other), ONE, 80, NOBODY)

    assert comes_true(questions, deadline=PATIENCE) == {}
