"""Which packets reach ports that are published, or are meant to: mode bridge on a real kernel.

In all weathers, as other traffic.
"""

import json
import socket

import pytest

from plugin.model.ids import bridge_name
from plugin.model.network import Protocol
from tests.fakes.values import a_binding
from tests.kernel.netns import Netns
from tests.kernel.site import HOST4, HOST4_OTHER, HOST6, OUTSIDE4, OUTSIDE6, Container, Site
from tests.kernel.talk import RST, SYN, forger, segment, sender, tcp, udp_reaches

DUAL = ("10.1.0.0/24", "fd00:1::/64")
OTHER = ("10.2.0.0/24", "fd00:2::/64")
UDP = Protocol.UDP
PORT = 7000


@pytest.fixture
def site(site_in_all_weathers: Site) -> Site:
    return site_in_all_weathers


class TestPublished:
    def test_from_outside(self, site: Site) -> None:
        """The container sees who asks."""
        one = site.container(site.network("blue", *DUAL), publish=[a_binding(PORT)])

        assert tcp(one.netns, ("10.1.0.2", PORT), site.outside, (HOST4, 8080)) == OUTSIDE4
        assert tcp(one.netns, ("fd00:1::2", PORT), site.outside, (HOST6, 8080)) == OUTSIDE6

    @pytest.mark.parametrize("address", [HOST4, "127.0.0.1", HOST6])
    def test_from_the_host_itself(self, site: Site, address: str) -> None:
        """By every address of its own; ::1 cannot be translated."""
        one = site.container(site.network("blue", *DUAL), publish=[a_binding(PORT)])
        own = "fd00:1::2" if ":" in address else "10.1.0.2"

        assert tcp(one.netns, (own, PORT), site.host, (address, 8080))

    def test_from_a_neighbour_on_the_same_network(self, site: Site) -> None:
        """The answer must come back through the host, or it would come from a stranger."""
        blue = site.network("blue", *DUAL)
        one, two = site.container(blue, publish=[a_binding(PORT)]), site.container(blue, 3)

        assert tcp(one.netns, ("10.1.0.2", PORT), two.netns, (HOST4, 8080))
        assert tcp(one.netns, ("fd00:1::2", PORT), two.netns, (HOST6, 8080))

    def test_from_the_container_itself(self, site: Site) -> None:
        """A server that calls itself by its public name."""
        one = site.container(site.network("blue", *DUAL), publish=[a_binding(PORT)])

        assert tcp(one.netns, ("10.1.0.2", PORT), one.netns, (HOST4, 8080))
        assert tcp(one.netns, ("fd00:1::2", PORT), one.netns, (HOST6, 8080))

    def test_datagrams(self, site: Site) -> None:
        """``-p 8080:7000/udp``."""
        one = site.container(site.network("blue", *DUAL), publish=[a_binding(PORT, protocol=UDP)])

        for host, own in ((HOST4, "10.1.0.2"), (HOST6, "fd00:1::2")):
            probe = sender(site.outside, (host, 8080))
            assert udp_reaches(site, one.netns, (own, PORT), probe)

    def test_another_protocol_is_not_published_with_it(self, site: Site) -> None:
        """A port number is of one protocol."""
        one = site.container(site.network("blue", *DUAL), publish=[a_binding(PORT)])

        probe = sender(site.outside, (HOST4, 8080))
        assert not udp_reaches(site, one.netns, ("10.1.0.2", PORT), probe)

    def test_on_one_address_of_the_host(self, site: Site) -> None:
        """Not on its others."""
        binding = a_binding(PORT, protocol=UDP, host_ip=HOST4)
        one = site.container(site.network("blue", *DUAL), publish=[binding])

        def asked_at(address: str) -> bool:
            probe = sender(site.outside, (address, 8080))
            return udp_reaches(site, one.netns, ("10.1.0.2", PORT), probe)

        assert asked_at(HOST4)
        assert not asked_at(HOST4_OTHER)

    def test_a_withdrawn_port_is_closed(self, site: Site) -> None:
        """At once, and for everybody."""
        one = site.container(site.network("blue", *DUAL), publish=[a_binding(PORT)])
        site.endpoints.revoke(one.network.id, one.endpoint.id)

        for client, address in ((site.outside, HOST4), (site.host, "127.0.0.1")):
            with pytest.raises(ConnectionRefusedError):
                tcp(one.netns, ("10.1.0.2", PORT), client, (address, 8080))


class TestProxied:
    """What no translation could ever answer is handed on by a proxy."""

    def test_the_loopback_address_of_ipv6(self, site: Site) -> None:
        """It has no route_localnet."""
        one = site.container(site.network("blue", *DUAL), publish=[a_binding(PORT)])

        assert tcp(one.netns, ("fd00:1::2", PORT), site.host, ("::1", 8080)) == "fd00:1::1"

    def test_a_neighbours_link_local_address(self, site: Site) -> None:
        """It means another link once the packet is on the bridge."""
        one = site.container(site.network("blue", *DUAL), publish=[a_binding(PORT)])
        host = (_link_local(site.host, "up0"), 8080, 0, site.outside.index_of("eth0"))

        assert tcp(one.netns, ("fd00:1::2", PORT), site.outside, host) == "fd00:1::1"


class TestUntracked:
    def test_what_belongs_to_no_connection_does_not_leave(self, site: Site) -> None:
        """It would pass with the container's own address: translation is for connections."""
        one = site.container(site.network("blue", *DUAL))
        with (
            site.outside.socket(socket.AF_INET, socket.SOCK_RAW) as seen,
            one.netns.socket(socket.AF_INET, socket.SOCK_RAW) as sender_,
        ):
            for flags in (RST, SYN):
                sender_.sendto(segment("10.1.0.2", OUTSIDE4, flags), (OUTSIDE4, 0))
            packet = seen.recv(200)

        assert packet[33] == SYN, "the reset came through"


class TestLoopback:
    """``-p 127.0.0.1:8080:7000``, and what a neighbour could try."""

    def test_the_host_alone_reaches_it(self, site: Site) -> None:
        """At 127.0.0.1 and nowhere else."""
        binding = a_binding(PORT, host_ip="127.0.0.1")
        one = site.container(site.network("blue", *DUAL), publish=[binding])

        assert tcp(one.netns, ("10.1.0.2", PORT), site.host, ("127.0.0.1", 8080))
        for client, address in ((site.outside, HOST4), (site.host, HOST4)):
            with pytest.raises(ConnectionRefusedError):
                tcp(one.netns, ("10.1.0.2", PORT), client, (address, 8080))

    @pytest.mark.parametrize("host_ip", ["127.0.0.1", None], ids=["loopback", "any"])
    def test_a_forged_packet_does_not(self, site: Site, host_ip: str | None) -> None:
        """route_localnet would let it in, were it not dropped before."""
        binding = a_binding(PORT, protocol=UDP, host_ip=host_ip)
        one = site.container(site.network("blue", *DUAL), publish=[binding])
        site.host.sysctl("net/ipv4/conf/up0/route_localnet", 1)
        via = _mac(site.host, "up0")

        def forged(to: str) -> bool:
            probe = forger(site.outside, "eth0", via, OUTSIDE4, (to, 8080))
            return udp_reaches(site, one.netns, ("10.1.0.2", PORT), probe)

        assert not forged("127.0.0.1")
        if host_ip is None:  # the forgery is a good one
            assert forged(HOST4)

    def test_a_container_does_not_reach_the_hosts_loopback(self, site: Site) -> None:
        """Servers there believe that only the host can ask them."""
        one = site.container(site.network("blue", *DUAL), publish=[a_binding()])

        assert not _asks_host(site, one, "127.0.0.1")
        assert _asks_host(site, one, HOST4)

    def test_nor_without_rules_unless_a_port_needs_it(self, site: Site) -> None:
        """As where another program flushes them while pynet is away."""
        one = site.container(site.network("blue", *DUAL), publish=[a_binding(host_ip=HOST4)])
        other = site.container(one.network, 3, publish=[a_binding(PORT, 8081)])
        last = site.container(one.network, 4)
        site.stop(other)
        site.host.run("nft", "flush", "ruleset")

        assert not _asks_host(site, last, "127.0.0.1")
        assert _asks_host(site, last, HOST4)

    def test_it_is_reached_until_the_last_port_goes(self, site: Site) -> None:
        """By the host, whatever else ends on that bridge, a killed pynet among it."""
        one = site.container(site.network("blue", *DUAL), publish=[a_binding(PORT)])
        other = site.container(one.network, 3, publish=[a_binding(PORT, 8081)])
        site.stop(other)
        site.restart()

        assert tcp(one.netns, ("10.1.0.2", PORT), site.host, ("127.0.0.1", 8080))
        site.stop(one)
        setting = f"/proc/sys/net/ipv4/conf/{bridge_name(one.network.id)}/route_localnet"
        assert site.host.run("cat", setting).strip() == "0"


def _asks_host(site: Site, container: Container, address: str) -> bool:
    """Whether the host hears a datagram from the container for one of its own addresses."""
    via = _mac(site.host, bridge_name(container.network.id))
    probe = forger(container.netns, "eth0", via, str(container.address4), (address, PORT))
    return udp_reaches(site, site.host, (address, PORT), probe)


def _link_local(netns: Netns, ifname: str) -> str:
    shown = netns.run("ip", "-json", "address", "show", "dev", ifname, "scope", "link")
    addresses = json.loads(shown)[0]["addr_info"]
    return str(next(a["local"] for a in addresses if a.get("family") == "inet6"))


def _mac(netns: Netns, ifname: str) -> str:
    with netns.socket(socket.AF_PACKET, socket.SOCK_RAW) as sock:
        sock.bind((ifname, 0))
        return str(sock.getsockname()[4].hex(":"))
