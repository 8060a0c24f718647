"""Gateway modes of a bridge network: who gets in, and as whom containers go out."""

import pytest

from tests.e2e.asking import NOBODY, Question, surprises, ways
from tests.lab.clients import http_get
from tests.lab.commands import CommandError, wait_until
from tests.lab.namespace import Peer, ip, ip_json
from tests.lab.site import Site

NET4, NET6 = "10.50.0.0/24", "fd00:50::/64"
DUAL = ("--ipv6", f"--subnet={NET4}", f"--subnet={NET6}")
# httpd listens here besides port 80, which is the one that is published.
OTHER = 81
SERVE = ("sh", "-c", "hostname >/www/index.html; httpd -p 81 -h /www; exec httpd -f -h /www")


def _modes(mode: str) -> tuple[str, ...]:
    return ("-o", f"gateway_mode_ipv4={mode}", "-o", f"gateway_mode_ipv6={mode}")


def _serve(site: Site, *options: str) -> str:
    """Start a container that answers on ports 80 and 81."""
    name = site.run(*options, command=SERVE)
    site.answering(name)
    return name


@pytest.mark.parametrize("mode", ["nat", "nat-unprotected", "routed"])
def test_from_another_machine(site: Site, peer: Peer, mode: str) -> None:
    """nat opens the host's port only; routed the container's own; nat-unprotected everything."""
    network = site.network(*DUAL, *_modes(mode))
    web = _serve(site, "--network", network, "-p", "8080:80")
    routed, bare = mode == "routed", mode == "nat-unprotected"
    questions: dict[str, Question] = {}
    for own, host in (
        (site.address(web, network), site.host.address),
        (site.address6(web, network), site.host.address6),
    ):
        questions |= {
            f"published port at {host}": (peer.netns, host, 8080, NOBODY if routed else web),
            f"published port of {own}": (peer.netns, own, 80, web if routed or bare else NOBODY),
            f"another port of {own}": (peer.netns, own, OTHER, web if bare else NOBODY),
            f"another port of {own}, from the host": (site.host.netns, own, OTHER, web),
        }

    with ways(peer, site, NET4, NET6):
        assert surprises(questions) == {}
        # A routed container goes out as itself.
        seen = site.exec(web, "wget", "-qO-", f"http://{peer.address}/")

    assert seen == str(site.address(web, network) if routed else site.host.address)


def test_routed_beside_the_gateway(site: Site, peer: Peer) -> None:
    """The container's own port is open on a routed network that is not its gateway, too."""
    gateway = site.network("--subnet=10.51.0.0/24")
    back = f"{peer.address}/32 via 10.50.0.1"
    routed = site.network(
        *(f"--subnet={NET4}", "--gateway=10.50.0.1", *_modes("routed"), "-o", f"routes={back}")
    )
    web = _serve(site, "--network", gateway, "-p", "8080:80")
    site.docker("network", "connect", routed, web)
    own = site.address(web, routed)

    with ways(peer, site, NET4):
        found = surprises(
            {
                "published": (peer.netns, own, 80, web),
                "another port": (peer.netns, own, OTHER, NOBODY),
            }
        )

    assert found == {}


def test_isolated(site: Site, peer: Peer) -> None:
    """The host has no address on the bridge; containers reach each other and nobody else."""
    network = site.network(
        *("--internal", *DUAL, *_modes("isolated"), "-o", "bridge_name=br-lonely")
    )
    web, other = (site.web("--network", network) for _ in range(2))
    stranger = site.run("--network", site.network())
    own = site.address(web, network)

    with ways(peer, site, NET4):
        found = surprises(
            {
                "a neighbour": (site.netns(other), own, 80, web),
                "a neighbour, IPv6": (site.netns(other), site.address6(web, network), 80, web),
                "the host": (site.host.netns, own, 80, NOBODY),
                "another network": (site.netns(stranger), own, 80, NOBODY),
                "another machine": (peer.netns, own, 80, NOBODY),
                "outside": (site.netns(web), peer.address, 80, NOBODY),
            }
        )

    assert found == {}
    (bridge,) = ip_json(site.host.netns, "address", "show", "dev", "br-lonely")
    assert bridge["addr_info"] == []


def test_inhibit_ipv4(site: Site) -> None:
    """The bridge has no IPv4 address, because a router of the network has it."""
    network = site.network(
        *(f"--subnet={NET4}", "--gateway=10.50.0.1", "-o", "inhibit_ipv4=true"),
        *("-o", "bridge_name=br-quiet"),
    )
    web, other = (site.web("--network", network) for _ in range(2))

    (bridge,) = ip_json(site.host.netns, "-4", "address", "show", "dev", "br-quiet") or [{}]
    assert bridge.get("addr_info", []) == []
    assert "default via 10.50.0.1" in site.exec(web, "ip", "route")
    assert http_get(site.netns(other), site.address(web, network), 80) == web


@pytest.mark.parametrize(("link", "open_"), [("eth0", True), ("eth7", False)])
def test_trusted_interfaces(site: Site, peer: Peer, link: str, *, open_: bool) -> None:
    """A host that comes by a trusted link reaches every port of the containers."""
    network = site.network(
        *DUAL, "-o", f"com.docker.network.bridge.trusted_host_interfaces=tap0:{link}"
    )
    other = site.network("--subnet=10.51.0.0/24")
    web, stranger = site.web("--network", network), site.web("--network", other)
    answer = web if open_ else NOBODY

    with ways(peer, site, NET4, NET6, "10.51.0.0/24"):
        found = surprises(
            {
                "IPv4": (peer.netns, site.address(web, network), 80, answer),
                "IPv6": (peer.netns, site.address6(web, network), 80, answer),
                "another network": (peer.netns, site.address(stranger, other), 80, NOBODY),
            }
        )

    assert found == {}


def test_source_of_ones_choice(site: Site) -> None:
    """host_ipv4 is the address that others see; other networks keep the usual one."""
    second = site.host.address + 100
    ip(site.host.netns, f"address add {second}/24 dev eth0")
    try:
        chosen = site.run("--network", site.network("-o", f"host_ipv4={second}"))
        usual = site.run("--network", site.network())
        asked = ("wget", "-qO-", "http://peer.test/")

        assert site.exec(chosen, *asked) == str(second)
        assert site.exec(usual, *asked) == str(site.host.address)
    finally:
        ip(site.host.netns, f"address delete {second}/24 dev eth0")


def test_routes(site: Site) -> None:
    """Every container has the routes of its network, through a neighbour or on the link."""
    network = site.network(
        *(*DUAL, "-o"),
        "routes=10.60.0.0/16 via 10.50.0.9; fd00:60::/48; 10.61.0.0/16; ::/0 via fe80::1; "
        "0.0.0.0/0 via 10.50.0.9",
    )
    router = site.run("--network", network, "--ip", "10.50.0.9")
    container = site.run("--network", network)

    routes = site.exec(container, "ip", "route").splitlines()
    routes6 = site.exec(container, "ip", "-6", "route")

    assert any("10.60.0.0/16 via 10.50.0.9 dev eth0" in route for route in routes)
    assert any(route.startswith("10.61.0.0/16 dev eth0") for route in routes)
    assert "fd00:60::/48 dev eth0" in routes6
    # Default routes that the user names come before the network's own; nobody goes by himself.
    assert "default via fe80::1 dev eth0" in routes6
    assert any(route.startswith("default via 10.50.0.9 ") for route in routes)
    assert "default via 10.50.0.1 " in site.exec(router, "ip", "route")
    assert "10.60.0.0" not in site.exec(router, "ip", "route")


def test_no_default_route(site: Site) -> None:
    """The way out is another network's, whichever was first, and no bridge of Docker's."""
    aside = site.network(*DUAL, "-o", "no_default_route=true")
    container = site.run("--network", aside)
    assert "default" not in site.exec(container, "ip", "route")
    assert "default" not in site.exec(container, "ip", "-6", "route")
    assert "eth1" not in site.exec(container, "ip", "-o", "link")

    site.docker("network", "connect", site.network("--subnet", "10.51.0.0/24"), container)

    assert "default via 10.51.0.1 dev eth1" in site.exec(container, "ip", "route")


def test_gateway_container(site: Site, peer: Peer) -> None:
    """A container is the others' gateway; when it dies the host stands in, and it comes back."""
    network = site.network(f"--subnet={NET4}", "-o", "gateway_container=10.50.0.9")
    client = site.run("--network", network)
    with pytest.raises(CommandError, match="is that of the network's gateway_container"):
        site.run("--network", network, "--ip", "10.50.0.9")
    asked = ("timeout", "2", "wget", "-qO-", f"http://{peer.address}/")
    assert "default via 10.50.0.9" in site.exec(client, "ip", "route")
    assert site.succeeds(client, *asked)

    router = site.run(
        *("--network", f"name={network},driver-opt=gateway=true", "--ip", "10.50.0.9"),
        *("--sysctl", "net.ipv4.ip_forward=1"),
    )
    wait_until(lambda: site.pings(client, "10.50.0.9"), "the router's answer")
    before = _forwarded(site, router)
    assert site.succeeds(client, *asked)
    assert _forwarded(site, router) > before

    site.docker("kill", router)
    wait_until(lambda: site.succeeds(client, *asked), "the host in its place")


def _forwarded(site: Site, container: str) -> int:
    """Return how many packets of others a container has passed on."""
    heads, values, *_ = (
        line.split() for line in site.exec(container, "cat", "/proc/net/snmp").splitlines()
    )
    return int(values[heads.index("ForwDatagrams")])
