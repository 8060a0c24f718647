"""Connections of a container whose address another container has now."""

import socket

import pytest

from tests.fakes.values import a_binding
from tests.kernel.netns import wait_until
from tests.kernel.site import HOST4, OUTSIDE4, Container, Site
from tests.kernel.tracked import entries

pytestmark = pytest.mark.kernels


class TestSuccessors:
    """Who gets the address of a container that is gone hears nothing that was meant for it."""

    @pytest.fixture
    def old(self, site: Site) -> Container:
        """It publishes a TCP port with a client, and has asked a peer by UDP that goes on and on."""
        return site.container(site.network("blue", "10.1.0.0/24"), 2, [a_binding(80)])

    def next(self, site: Site, old: Container) -> Container:
        """With the same address and nothing published, at once."""
        site.stop(old)
        made = site.container(old.network, 2)
        assert made.address4 == old.address4
        return made

    def frames(self, container: Container) -> int:
        """Packets of IPv4 that the container has been sent so far (InReceives)."""
        return int(container.netns.run("cat", "/proc/net/snmp").splitlines()[1].split()[3])

    def test_tcp_of_a_published_port(self, site: Site, old: Container) -> None:
        """The client does not know that the server is gone."""
        with old.netns.entered():
            server = socket.create_server(("10.1.0.2", 80))
        with site.outside.entered():
            client = socket.create_connection((HOST4, 8080), timeout=60)
        with server, client:
            with server.accept()[0]:
                made = self.next(site, old)
            before = self.frames(made)
            client.send(b"for the old")
            wait_until(lambda: retransmits(client) > 0 or is_reset(client), "it is not sent")

            assert self.frames(made) == before

    def test_udp_that_it_began(self, site: Site, old: Container) -> None:
        """The peer keeps answering."""
        with (
            site.outside.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer,
            old.netns.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking,
        ):
            peer.bind((OUTSIDE4, 9000))
            peer.settimeout(60)
            asking.bind(("10.1.0.2", 4000))
            asking.sendto(b"?", (OUTSIDE4, 9000))
            _, whom = peer.recvfrom(16)
            made = self.next(site, old)
            with made.netns.socket(socket.AF_INET, socket.SOCK_DGRAM) as heir:
                heir.bind(("10.1.0.2", 4000))
                heir.settimeout(0.3)
                peer.sendto(b"!", whom)
                with pytest.raises(TimeoutError):
                    heir.recv(16)

    def test_udp_begun_while_it_is_taken_out(self, site: Site, old: Container) -> None:
        """Its processes run on when a network is taken from a container."""
        ids = (old.network.id, old.endpoint.id)
        site.endpoints.leave(*ids)
        with old.netns.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
            asking.sendto(b"?", (OUTSIDE4, 9000))
        assert ("udp", "ipv4", "9000") in entries()
        old.netns.ip(f"link set eth0 down netns {site.host.path}")
        site.endpoints.delete(*ids)
        site.kernel.connections_ended()

        assert ("udp", "ipv4", "9000") not in entries()
        assert site.store.endpoint(old.endpoint.id) is None

    def test_an_end_that_was_cut_short(self, site: Site, old: Container) -> None:
        """The plugin was killed before it had forgotten them: the record is still there."""
        with old.netns.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
            asking.sendto(b"?", (OUTSIDE4, 9000))
        site.store.mark_endpoint_deleting(old.endpoint.id)
        site.restart()
        site.kernel.connections_ended()

        assert ("udp", "ipv4", "9000") not in entries()
        assert site.store.endpoint(old.endpoint.id) is None


def is_reset(sock: socket.socket) -> bool:
    return sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) != 0


def retransmits(sock: socket.socket) -> int:
    """linux/tcp.h: struct tcp_info, tcpi_retransmits."""
    return sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 8)[2]
