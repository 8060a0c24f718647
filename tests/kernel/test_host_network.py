"""What a host says of its routes and its uplink."""

from ipaddress import ip_network

import pytest

from plugin.kernel.host_network import routes
from plugin.kernel.linux import LinuxKernel
from tests.kernel.netns import Netns

pytestmark = pytest.mark.kernels


@pytest.fixture
def uplinks(netns: Netns) -> Netns:
    """Two ways out of the host, of different width."""
    netns.ip(
        "link add wide mtu 9000 type veth peer name wide-peer",
        "link add narrow mtu 1300 type veth peer name narrow-peer",
        "address add 192.0.2.2/24 dev wide",
        "address add fd00:99::2/64 dev narrow nodad",
        *(f"link set {name} up" for name in ("wide", "wide-peer", "narrow", "narrow-peer")),
    )
    return netns


class TestUplinkMtu:
    def test_it_is_that_of_the_default_route(self, kernel: LinuxKernel, uplinks: Netns) -> None:
        """Behind a tunnel, 1500 would be lost on the way."""
        uplinks.ip("route add default via 192.0.2.1 dev wide")

        assert kernel.mtu(None) == 9000

    def test_the_route_with_the_least_metric_counts(
        self, kernel: LinuxKernel, uplinks: Netns
    ) -> None:
        """As it does for packets."""
        uplinks.ip(
            "route add default via 192.0.2.1 dev wide metric 200",
            "route add default dev narrow metric 100",
        )

        assert kernel.mtu(None) == 1300

    def test_a_host_with_ipv6_alone(self, kernel: LinuxKernel, uplinks: Netns) -> None:
        """Its route counts where there is no other."""
        uplinks.ip("route add default via fd00:99::1 dev narrow")

        assert kernel.mtu(None) == 1300

    def test_without_a_default_route(self, kernel: LinuxKernel, uplinks: Netns) -> None:
        """It is 1500, as of Ethernet."""
        assert kernel.mtu(None) == 1500


class TestRoutes:
    def test_each_with_its_link(self, kernel: LinuxKernel, uplinks: Netns) -> None:
        """So that one knows whose it is."""
        found = {(str(each.prefix), each.ifname) for each in kernel.routed()}

        assert ("192.0.2.0/24", "wide") in found
        assert ("fd00:99::/64", "narrow") in found

    def test_routes_of_every_table_are_seen(self, kernel: LinuxKernel, uplinks: Netns) -> None:
        """VPNs keep their routes in tables of their own."""
        uplinks.ip(
            "route add 198.18.0.0/15 via 192.0.2.1",
            "route add 203.0.113.0/24 via 192.0.2.1 table 51820",
            "route add fd00:aaaa::/48 via fd00:99::1 table 51820",
        )

        wanted = ("198.18.0.0/15", "203.0.113.0/24", "fd00:aaaa::/48", "192.0.2.0/24")
        assert {ip_network(each) for each in wanted} <= kernel.occupied()

    def test_defaults_claim_nothing(self, uplinks: Netns) -> None:
        """Nothing could ever be given out beside one."""
        uplinks.ip("route add default via 192.0.2.1", "route add default via fd00:99::1")

        assert not {each for each in routes() if each.prefixlen == 0}

    def test_more_routes_than_one_message_holds(self, kernel: LinuxKernel, uplinks: Netns) -> None:
        """A host that is a router."""
        wanted = [f"10.{i // 256}.{i % 256}.0/24" for i in range(1500)]
        uplinks.ip(*(f"route add {each} via 192.0.2.1" for each in wanted))

        assert {ip_network(each) for each in wanted} <= kernel.occupied()
