"""Mode macvlan with the host among its containers: `host_access=true`."""

import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest

from tests.e2e.asking import NOBODY, Question, comes_true, surprises
from tests.lab.clients import http_get, reaches, udp_ask
from tests.lab.commands import CommandError
from tests.lab.namespace import SUBNET4, SUBNET6, Peer, ip, ip_json
from tests.lab.servers import serve_address, serve_udp_echo
from tests.lab.site import Site

LAN = (
    *("-o", "mode=macvlan", "-o", "parent=eth0"),
    *("--subnet", str(SUBNET4), "--gateway", "10.99.0.254", "--ip-range", "10.99.0.128/26"),
)
DUAL = (*LAN, "--ipv6", "--subnet", str(SUBNET6), "--gateway", "fd00:99::fe")
ACCESS = ("-o", "host_access=true")
OPEN, SHUT = 8091, 8092


@contextmanager
def services(site: Site, *ports: int) -> Iterator[None]:
    """Services of the host that say who asks, over both families."""
    with ExitStack() as stack:
        for port in ports:
            for family in (socket.AF_INET, socket.AF_INET6):
                stack.enter_context(serve_address(site.host.netns, port, family=family))
        yield


def ways(site: Site, container: str, network: str) -> dict[str, Question]:
    """Host and container ask each other, under both families."""
    host, web = site.host, site.address(container, network)
    web6 = site.address6(container, network)
    sandbox = site.netns(container)
    return {
        "in": (host.netns, web, 80, container),
        "in over IPv6": (host.netns, web6, 80, container),
        "out": (sandbox, host.address, OPEN, str(web)),
        "out over IPv6": (sandbox, host.address6, OPEN, str(web6)),
    }


def test_host_and_containers(site: Site, peer: Peer) -> None:
    """They reach each other, both families, and the LAN does not take the shim for the host."""
    network = site.network(*DUAL, *ACCESS)
    web = site.web("--network", network)
    questions = ways(site, web, network)
    host = site.host
    with services(site, OPEN):
        assert surprises(questions) == {}
        ip(peer.netns, "neigh flush dev eth0")  # engines before 28 announce nobody
        known: dict[str, Question] = {
            "LAN": (peer.netns, host.address, OPEN, str(peer.address)),
            "LAN over IPv6": (peer.netns, host.address6, OPEN, str(peer.address6)),
            "LAN to container": (peer.netns, site.address(web, network), 80, web),
        }
        assert surprises(known) == {}
    (eth0,) = ip_json(host.netns, "link", "show", "dev", "eth0")
    for address in (host.address, host.address6):
        (seen,) = ip_json(peer.netns, "neigh", "show", "to", str(address))
        assert seen["lladdr"] == eth0["address"]


def test_without_access(site: Site) -> None:
    """The kernel keeps them apart."""
    network = site.network(*DUAL)
    web = site.web("--network", network)
    with services(site, OPEN):
        nobody = {
            name: (*question[:3], NOBODY) for name, question in ways(site, web, network).items()
        }
        assert surprises(nobody) == {}


def test_the_way_goes_with_the_container(site: Site) -> None:
    """There is a route per running container, and none for one that has stopped."""
    network = site.network(*DUAL, *ACCESS)
    one, other = (site.web("--network", network) for _ in range(2))
    gone = site.address(one, network)
    site.docker("stop", "-t", "0", one)

    routes = {each["dst"]: each["dev"] for each in ip_json(site.host.netns, "route", "show")}
    assert str(gone) not in routes
    assert routes[str(site.address(other, network))].startswith("pnh-")


def test_an_address_of_its_own(site: Site) -> None:
    """The host can be there under addresses that the LAN does not know, on the link or off it."""
    own = ("-o", "host_address=10.99.0.77,fd00:77::1")
    network = site.network(*DUAL, *ACCESS, *own)
    web = site.web("--network", network)
    sandbox = site.netns(web)
    with services(site, OPEN):
        questions = {
            **{name: each for name, each in ways(site, web, network).items() if "in" in name},
            "own": (sandbox, "10.99.0.77", OPEN, str(site.address(web, network))),
            "own over IPv6": (sandbox, "fd00:77::1", OPEN, str(site.address6(web, network))),
        }
        assert surprises(questions) == {}
    with pytest.raises(CommandError, match=r"address 10\.99\.0\.77 is the host's on this network"):
        site.run("--network", network, "--ip", "10.99.0.77")


def test_services_of_the_host(site: Site, peer: Peer) -> None:
    """Only those that are allowed; what the host asks is answered."""
    network = site.network(*DUAL, *ACCESS, "-o", f"host_services={OPEN}")
    web = site.web("--network", network)
    host, sandbox = site.host, site.netns(web)
    with services(site, OPEN, SHUT):
        questions = ways(site, web, network) | {
            "shut": (sandbox, host.address, SHUT, NOBODY),
            "shut over IPv6": (sandbox, host.address6, SHUT, NOBODY),
            "LAN": (peer.netns, host.address, SHUT, str(peer.address)),
        }
        assert surprises(questions) == {}
    assert site.pings(web, host.address)


def test_a_restart(site: Site) -> None:
    """The plugin's end is not the end of it, and its start brings nothing down."""
    network = site.network(*DUAL, *ACCESS)
    web = site.web("--network", network, "--restart", "always", "-p", "8080:80")
    site.installed.restart()
    with services(site, OPEN):
        assert comes_true(ways(site, web, network), deadline=30) == {}
    assert http_get(site.host.netns, "127.0.0.1", 8080) == web


def test_ports(site: Site, peer: Peer) -> None:
    """Published on the host for everybody, and for its other networks."""
    network = site.network(*DUAL, *ACCESS)
    web = site.web("--network", network, "-p", "8080:80", "-p", "8080:5353/udp")
    neighbour = site.run("--network", network)
    stranger = site.run("--network", site.network())
    host = site.host
    questions: dict[str, Question] = {
        "LAN": (peer.netns, host.address, 8080, web),
        "LAN over IPv6": (peer.netns, host.address6, 8080, web),
        "host": (host.netns, host.address, 8080, web),
        "localhost": (host.netns, "127.0.0.1", 8080, web),
        "localhost over IPv6": (host.netns, "::1", 8080, web),
        "neighbour": (site.netns(neighbour), host.address, 8080, web),
        "itself": (site.netns(web), host.address, 8080, web),
        "stranger": (site.netns(stranger), host.address, 8080, web),
    }

    assert surprises(questions) == {}
    with serve_udp_echo(site.netns(web), 5353):
        assert udp_ask(peer.netns, host.address, 8080, b"hello") == b"hello"


def test_bridges_stay_apart(site: Site) -> None:
    """The host is no way from a network of the LAN to one of its own, or back."""
    network = site.network(*LAN, *ACCESS)
    web = site.web("--network", network)
    bridge = site.network()
    inner = site.web("--network", bridge, "-p", "8080:80")
    address = site.address(inner, bridge)
    ip(site.netns(web), f"route add {address} via {site.host.address}")

    assert not reaches(site.netns(web), address, 80)
    assert not reaches(site.netns(inner), site.address(web, network), 80)
    assert http_get(site.netns(web), site.host.address, 8080) == inner


@pytest.mark.parametrize("isolated", [True, False], ids=["without a parent", "internal"])
def test_no_way_out(site: Site, peer: Peer, *, isolated: bool) -> None:
    """The host is reached and reaches, also where it is all that there is but containers."""
    own = ("-o", "mode=macvlan", "-o", "host_address=10.50.0.9", "--subnet=10.50.0.0/24")
    network = site.network(*ACCESS, *(own if isolated else (*LAN, "--internal")))
    web, neighbour = (site.web("--network", network) for _ in range(2))
    sandbox, address = site.netns(web), site.address(web, network)
    there = "10.50.0.9" if isolated else site.host.address
    with services(site, OPEN):
        questions: dict[str, Question] = {
            "in": (site.host.netns, address, 80, web),
            "out": (sandbox, there, OPEN, str(address)),
            "neighbour": (sandbox, site.address(neighbour, network), 80, neighbour),
            "LAN": (sandbox, peer.address, 80, NOBODY if isolated else str(address)),
        }
        assert surprises(questions) == {}
    assert "default" not in site.exec(web, "ip", "route")


def test_ports_without_access(site: Site) -> None:
    """Are refused with what would help, rather than left out."""
    network = site.network(*LAN)
    with pytest.raises(CommandError, match="cannot publish port 80: the host does not reach"):
        site.run("--network", network, "-p", "8080:80")


def test_published_by_docker(site: Site, peer: Peer, dockers: str) -> None:
    """By docker_gwbridge, so that `docker port` knows; the LAN is reached as before."""
    assert dockers
    network = site.network(*LAN, "-o", "publish=docker")
    web = site.web("--network", network, "-p", "8080:80")
    ip(peer.netns, "neigh flush dev eth0")  # engines before 28 announce nobody

    assert http_get(peer.netns, site.host.address, 8080) == web
    assert http_get(peer.netns, site.address(web, network), 80) == web
    assert "8080" in site.docker("port", web)
