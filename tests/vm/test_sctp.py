"""Published ports of SCTP, which many kernels do without."""

import socket

import pytest

from plugin.errors import PortTakenError
from plugin.model.network import Protocol
from tests.fakes.values import a_binding
from tests.kernel.site import HOST4, HOST4_OTHER, HOST6, Site
from tests.kernel.talk import tcp

pytestmark = pytest.mark.vm

SCTP = socket.IPPROTO_SCTP
SUBNETS = ("10.1.0.0/24", "fd00:1::/64")


@pytest.mark.parametrize(("at", "to"), [("0.0.0.0", HOST4), ("::", HOST6)], ids=["ipv4", "ipv6"])
def test_a_published_port_is_reached(site: Site, at: str, to: str) -> None:
    """From outside, from the host and from another container."""
    network = site.network("blue", *SUBNETS)
    server = site.container(network, 2, [a_binding(80, 8080, protocol=Protocol.SCTP)])
    for client in (site.outside, site.host, site.container(network, 3).netns):
        tcp(server.netns, (at, 80), client, (to, 8080), protocol=SCTP)


@pytest.mark.parametrize("proxy", ["true", "false"])
def test_on_one_address(site: Site, proxy: str) -> None:
    """Reached there and nowhere else; [::1] leads nowhere, for the proxy knows no SCTP."""
    network = site.network("blue", *SUBNETS, options={"userland_proxy": proxy})
    ports = {8080: HOST4, 8081: "127.0.0.1", 8082: HOST6, 8083: "::"}
    server = site.container(
        network,
        2,
        [a_binding(80, port, host_ip=at, protocol=Protocol.SCTP) for port, at in ports.items()],
    )
    for client, at, port in (
        *((site.outside, HOST4, 8080), (site.host, HOST4, 8080), (site.host, "127.0.0.1", 8081)),
        *((site.outside, HOST6, 8082), (site.outside, HOST6, 8083), (server.netns, HOST4, 8080)),
    ):
        own = "::" if ":" in at else "0.0.0.0"
        tcp(server.netns, (own, 80), client, (at, port), protocol=SCTP)
    for client, at, port in (
        *((site.outside, HOST4_OTHER, 8080), (site.host, "127.0.0.1", 8080)),
        *((site.outside, HOST4, 8081), (site.host, HOST4, 8081), (server.netns, HOST4, 8081)),
        *((site.outside, HOST4, 8082), (site.host, "::1", 8082), (site.host, "::1", 8083)),
    ):
        own = "::" if ":" in at else "0.0.0.0"
        with pytest.raises(ConnectionRefusedError):
            tcp(server.netns, (own, 80), client, (at, port), protocol=SCTP)


def test_the_port_of_tcp_with_the_same_number_is_another(site: Site) -> None:
    """A client of TCP finds nobody there."""
    network = site.network("blue", *SUBNETS)
    server = site.container(network, 2, [a_binding(80, 8080, protocol=Protocol.SCTP)])

    with pytest.raises(ConnectionRefusedError):
        tcp(server.netns, ("0.0.0.0", 80), site.outside, (HOST4, 8080))


def test_the_port_is_held(site: Site) -> None:
    """Nobody else of this host can have it, be it a server or a container."""
    network = site.network("blue", *SUBNETS)
    binding = a_binding(80, 8080, protocol=Protocol.SCTP)
    site.container(network, 2, [binding])

    with (
        site.host.socket(socket.AF_INET, socket.SOCK_STREAM, SCTP) as sock,
        pytest.raises(OSError, match="in use"),
    ):
        sock.bind(("0.0.0.0", 8080))
    with pytest.raises(PortTakenError):
        site.container(network, 3, [binding])


def test_an_ephemeral_port(site: Site) -> None:
    """The kernel's choice, as ``-p 80/sctp`` asks for."""
    network = site.network("blue", *SUBNETS)
    binding = a_binding(80, 0, protocol=Protocol.SCTP)
    server = site.container(network, 2, [binding])
    stored = site.store.endpoint(server.endpoint.id)
    assert stored
    (port,) = {each.host_port for each in stored.published}

    assert port
    tcp(server.netns, ("0.0.0.0", 80), site.outside, (HOST4, port), protocol=SCTP)
