"""Which packets pass: the whole plan of mode bridge on a real kernel.

Each test runs with bridged packets going through the filter or not, and beside a Docker
that drops what it does not know or alone.
"""

import pytest

from plugin.model.network import Protocol
from tests.fakes.values import a_binding
from tests.kernel.netns import Netns
from tests.kernel.site import HOST4, HOST6, OUTSIDE4, OUTSIDE6, Site
from tests.kernel.talk import sender, tcp, udp_reaches

DUAL = ("10.1.0.0/24", "fd00:1::/64")
OTHER = ("10.2.0.0/24", "fd00:2::/64")
UDP = Protocol.UDP
PORT = 7000


@pytest.fixture
def site(site_in_all_weathers: Site) -> Site:
    return site_in_all_weathers


class TestInsideANetwork:
    def test_containers_reach_each_other(self, site: Site) -> None:
        """By both families."""
        blue = site.network("blue", *DUAL)
        one, two = site.container(blue, 2), site.container(blue, 3)

        for address in (str(two.address4), str(two.address6)):
            assert tcp(two.netns, (address, PORT), one.netns, (address, PORT))

    def test_containers_of_an_internal_network_too(self, site: Site) -> None:
        """It is only cut off from the rest."""
        blue = site.network("blue", *DUAL, internal=True)
        one, two = site.container(blue, 2), site.container(blue, 3)

        for address in (str(two.address4), str(two.address6)):
            assert tcp(two.netns, (address, PORT), one.netns, (address, PORT))

    def test_the_host_reaches_a_container(self, site: Site) -> None:
        """At its own address, published or not."""
        one = site.container(site.network("blue", *DUAL))

        assert tcp(one.netns, ("10.1.0.2", PORT), site.host, ("10.1.0.2", PORT)) == "10.1.0.1"

    def test_a_container_reaches_the_host(self, site: Site) -> None:
        """Forwarding is what the firewall decides about, not what is for the host itself."""
        one = site.container(site.network("blue", *DUAL))

        assert tcp(site.host, (HOST4, PORT), one.netns, (HOST4, PORT)) == "10.1.0.2"


class TestBetweenNetworks:
    @pytest.mark.parametrize("internal", [False, True])
    def test_they_are_isolated(self, site: Site, internal: bool) -> None:
        """In both directions and by both families."""
        one = site.container(site.network("blue", *DUAL))
        two = site.container(site.network("red", *OTHER, internal=internal))

        for client, server in ((one, two), (two, one)):
            for address in (str(server.address4), str(server.address6)):
                at = (address, PORT)
                if client.network.internal:  # without a route it could not even try
                    client.netns.ip("route replace default via 10.2.0.1")
                    client.netns.ip("route replace default via fd00:2::1")
                assert not udp_reaches(site, server.netns, at, sender(client.netns, at))

    def test_a_published_port_is_for_everybody(self, site: Site) -> None:
        """Containers of another network ask the host for it, as everybody does."""
        one = site.container(site.network("blue", *DUAL), publish=[a_binding(PORT)])
        two = site.container(site.network("red", *OTHER))

        assert tcp(one.netns, ("10.1.0.2", PORT), two.netns, (HOST4, 8080))
        assert tcp(one.netns, ("fd00:1::2", PORT), two.netns, (HOST6, 8080))


class TestGoingOut:
    def test_containers_go_out_behind_the_hosts_address(self, site: Site) -> None:
        """Nobody outside has a route to them."""
        one = site.container(site.network("blue", *DUAL))

        assert tcp(site.outside, (OUTSIDE4, PORT), one.netns, (OUTSIDE4, PORT)) == HOST4
        assert tcp(site.outside, (OUTSIDE6, PORT), one.netns, (OUTSIDE6, PORT)) == HOST6

    def test_they_can_keep_their_own_address(self, site: Site) -> None:
        """Where the routers know the way."""
        one = site.container(site.network("blue", *DUAL, options={"masquerade": "false"}))
        site.outside.ip(f"route add 10.1.0.0/24 via {HOST4}", f"route add fd00:1::/64 via {HOST6}")

        assert tcp(site.outside, (OUTSIDE4, PORT), one.netns, (OUTSIDE4, PORT)) == "10.1.0.2"
        assert tcp(site.outside, (OUTSIDE6, PORT), one.netns, (OUTSIDE6, PORT)) == "fd00:1::2"

    def test_an_internal_network_does_not_get_out(self, site: Site) -> None:
        """Not even if a container sets a route of its own."""
        one = site.container(site.network("blue", *DUAL, internal=True))
        one.netns.ip("route add default via 10.1.0.1", "route add default via fd00:1::1")

        for address in (OUTSIDE4, OUTSIDE6):
            at = (address, PORT)
            assert not udp_reaches(site, site.outside, at, sender(one.netns, at))

    def test_a_network_with_ipv6_alone(self, site: Site) -> None:
        """``--ipv4=false --ipv6``."""
        one = site.container(site.network("blue", "fd00:1::/64"), publish=[a_binding(PORT)])

        assert tcp(site.outside, (OUTSIDE6, PORT), one.netns, (OUTSIDE6, PORT)) == HOST6
        assert tcp(one.netns, ("fd00:1::2", PORT), site.outside, (HOST6, 8080)) == OUTSIDE6


class TestFromOutside:
    @pytest.fixture(autouse=True)
    def neighbour_with_routes(self, site: Site) -> None:
        """A neighbour that sets routes to the containers through the host."""
        site.outside.ip(f"route add 10.1.0.0/24 via {HOST4}", f"route add fd00:1::/64 via {HOST6}")

    @pytest.mark.parametrize("internal", [False, True])
    @pytest.mark.parametrize("address", ["10.1.0.2", "fd00:1::2"])
    def test_what_is_not_published_is_not_reachable(
        self, site: Site, address: str, internal: bool
    ) -> None:
        """A route to it is no permission."""
        one = site.container(site.network("blue", *DUAL, internal=internal))

        at = (address, PORT)
        assert not udp_reaches(site, one.netns, at, sender(site.outside, at))

    @pytest.mark.parametrize("address", ["10.1.0.2", "fd00:1::2"])
    def test_what_is_published_is_not_reachable_behind_the_hosts_back(
        self, site: Site, address: str
    ) -> None:
        """On the container's own address and port nothing is published."""
        binding = a_binding(PORT, protocol=UDP, host_ip=HOST4)
        one = site.container(site.network("blue", *DUAL), publish=[binding])

        at = (address, PORT)
        assert not udp_reaches(site, one.netns, at, sender(site.outside, at))

    def test_a_port_on_an_internal_network_is_not_published(self, site: Site) -> None:
        """The engine asks for it all the same."""
        blue = site.network("blue", *DUAL, internal=True)
        one = site.container(blue, publish=[a_binding(PORT)])

        with pytest.raises(OSError, match=r"refused|timed out"):
            tcp(one.netns, ("10.1.0.2", PORT), site.outside, (HOST4, 8080))


def test_other_traffic_through_the_host_is_not_ours(site: Site) -> None:
    """A host that routes for others keeps doing what it did before pynet came."""
    stranger = Netns()
    site.host.ip(
        f"link add other0 type veth peer name eth0 netns {stranger.path}",
        "address add 198.51.100.1/24 dev other0",
        "link set other0 up",
    )
    stranger.ip(
        "address add 198.51.100.2/24 dev eth0",
        "link set eth0 up",
        "route add default via 198.51.100.1",
    )
    site.outside.ip(f"route add 198.51.100.0/24 via {HOST4}")
    site.container(site.network("blue", *DUAL))
    docker_drops = "policy DROP" in site.host.run("iptables", "-n", "-L", "FORWARD")

    at = (OUTSIDE4, PORT)
    assert udp_reaches(site, site.outside, at, sender(stranger, at)) is not docker_drops
    stranger.close()
