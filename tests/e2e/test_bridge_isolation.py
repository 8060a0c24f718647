"""Who reaches whom on one host: containers of a network, of others, of Docker's, and the host."""

import pytest

from tests.e2e.asking import NOBODY, Question, comes_true, surprises
from tests.lab.clients import Address
from tests.lab.namespace import Peer
from tests.lab.servers import serve_address
from tests.lab.site import Site

SUBNETS = ("10.50.0.0/24", "fd00:50::/64"), ("10.51.0.0/24", "fd00:51::/64")
# httpd listens here besides port 80, which is the one that is published.
OTHER = 81
SERVE = ("sh", "-c", "hostname >/www/index.html; httpd -p 81 -h /www; exec httpd -f -h /www")


def _serve(site: Site, *options: str) -> str:
    """Start a container that answers on ports 80 and 81."""
    name = site.run(*options, command=SERVE)
    site.answering(name)
    return name


def _dual(site: Site, number: int, *options: str) -> str:
    subnets = (f"--subnet={subnet}" for subnet in SUBNETS[number])
    return site.network("--ipv6", *subnets, *options)


def _own(site: Site, container: str, network: str) -> tuple[Address, ...]:
    return site.address(container, network), site.address6(container, network)


def test_icc_off(site: Site, peer: Peer) -> None:
    """Containers do not reach each other, but published ports, and friends by address."""
    network = _dual(site, 0, "-o", "com.docker.network.bridge.enable_icc=false")
    web = site.web("--network", network, "-p", "8080:80")
    neighbour, friend = site.run("--network", network), site.run("--network", "none")
    own = _own(site, web, network)
    site.docker("network", "disconnect", "none", friend)
    allow = f"icc_allow={';'.join(map(str, own))}"
    site.docker("network", "connect", "--driver-opt", allow, network, friend)
    questions: dict[str, Question] = {}
    hosts: tuple[Address, ...] = (site.host.address, site.host.address6)
    for address, host in zip(own, hosts, strict=True):
        questions |= {
            f"{address} from a neighbour": (site.netns(neighbour), address, 80, NOBODY),
            f"{address} from a friend": (site.netns(friend), address, 80, web),
            f"{host} from a neighbour": (site.netns(neighbour), host, 8080, web),
            f"{host} from itself": (site.netns(web), host, 8080, web),
            f"{host} from another machine": (peer.netns, host, 8080, web),
        }

    assert surprises(questions) == {}
    assert not site.pings(neighbour, own[0])
    assert site.pings(friend, own[0])


def test_legacy_link(site: Site) -> None:
    """``--link`` gives a name; the engine tells of no pair, so that nothing is opened by it."""
    network = site.network("-o", "icc=false")
    web = site.web("--network", network)
    linked = site.run("--network", network, "--link", f"{web}:db")
    address = site.address(web, network)

    assert str(address) in site.exec(linked, "nslookup", "db")
    assert not site.pings(linked, "db")
    assert surprises({"db": (site.netns(linked), address, 80, NOBODY)}) == {}


# What each of two networks has, who gets to the container itself, and who to its published port.
@pytest.mark.parametrize(
    ("first", "second", "direct", "published"),
    [
        ("on", "on", False, True),
        ("off", "off", True, True),
        ("off", "on", False, True),
        ("strict", "on", False, False),
        ("strict", "off", False, False),
    ],
)
def test_two_networks(
    site: Site, first: str, second: str, *, direct: bool, published: bool
) -> None:
    """Published ports are reached unless one is strict; all ports if both are off."""
    networks = [
        _dual(site, number, "-o", f"isolation={isolation}")
        for number, isolation in enumerate((first, second))
    ]
    webs = [
        _serve(site, "--network", network, "-p", f"808{number}:80")
        for number, network in enumerate(networks)
    ]
    questions: dict[str, Question] = {}
    for asker, asked in ((0, 1), (1, 0)):
        netns, web = site.netns(webs[asker]), webs[asked]
        through = web if published else NOBODY
        for own in _own(site, web, networks[asked]):
            for port in (80, OTHER):
                answer = web if direct else NOBODY
                questions[f"{asked} at {own}:{port}"] = (netns, own, port, answer)
        for host in (site.host.address, site.host.address6):
            questions[f"{asked} at {host}"] = (netns, host, 8080 + asked, through)

    assert surprises(questions) == {}


@pytest.mark.parametrize("isolation", ["on", "strict", "off"])
def test_dockers_networks(dockers: str, site: Site, isolation: str) -> None:
    """pynet's network and Docker's reach each other's published ports, unless it is strict."""
    network = _dual(site, 0, "-o", f"isolation={isolation}")
    ours = _serve(site, "--network", network, "-p", "8080:80")
    questions: dict[str, Question] = {}
    for number, theirs in enumerate(("bridge", dockers), 1):
        other = _serve(site, "--network", theirs, "-p", f"808{number}:80")
        way_in = ours if isolation != "strict" else NOBODY
        for port in (80, OTHER):
            questions |= {
                f"from {theirs}, port {port}": (
                    *(site.netns(other), site.address(ours, network), port, NOBODY),
                ),
                f"to {theirs}, port {port}": (
                    *(site.netns(ours), site.address(other, theirs), port, NOBODY),
                ),
            }
        questions |= {
            f"from {theirs}, published": (site.netns(other), site.host.address, 8080, way_in),
        }
        if isolation != "strict":
            questions |= {
                f"to {theirs}, published": (
                    *(site.netns(ours), site.host.address, 8080 + number, other),
                ),
            }

    assert surprises(questions) == {}


def test_a_bridge_of_dockers_with_a_name_of_its_own(site: Site) -> None:
    """Known as soon as there is a container on it."""
    theirs = site.network(
        *("-o", "com.docker.network.bridge.name=dk0"), driver="bridge", ipam=False
    )
    network = _dual(site, 0)
    ours, other = _serve(site, "--network", network), _serve(site, "--network", theirs)
    questions: dict[str, Question] = {
        "from": (site.netns(other), site.address(ours, network), 80, NOBODY),
        "to": (site.netns(ours), site.address(other, theirs), 80, NOBODY),
    }

    assert comes_true(questions, deadline=15) == {}


@pytest.mark.parametrize(
    ("services", "named", "another"),
    [("deny", False, False), ("7000,53/udp", True, False), ("allow", True, True)],
)
def test_host_services(
    site: Site, peer: Peer, services: str, *, named: bool, another: bool
) -> None:
    """What of the host itself containers reach; the world and published ports go on as ever."""
    network = _dual(site, 0, "-o", f"host_services={services}")
    client = site.run("--network", network)
    web = site.web("--network", _dual(site, 1), "-p", "8080:80")
    netns, own = site.netns(client), site.address(client, network)
    host = site.host

    with serve_address(host.netns, 7000), serve_address(host.netns, 7001):
        found = surprises(
            {
                "named": (netns, host.address, 7000, str(own) if named else NOBODY),
                "named, gateway": (netns, "10.50.0.1", 7000, str(own) if named else NOBODY),
                "another": (netns, host.address, 7001, str(own) if another else NOBODY),
                "another, gateway": (netns, "10.50.0.1", 7001, str(own) if another else NOBODY),
                "published": (netns, host.address, 8080, web),
                "published, IPv6": (netns, host.address6, 8080, web),
                "outside": (netns, peer.address, 80, str(host.address)),
            }
        )

    assert found == {}
    assert site.pings(client, host.address)
    # Docker answers for names, and asks another machine.
    assert site.succeeds(client, "nslookup", "peer.test")
