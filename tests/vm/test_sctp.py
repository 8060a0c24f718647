"""Published ports of SCTP, which many kernels do without."""

import socket

import pytest

from plugin.errors import PortTakenError
from plugin.model.network import Protocol
from tests.fakes.values import a_binding
from tests.kernel.site import HOST4, HOST6, Site
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
