"""One suite, two kernels: what a caller of plugin.kernel may rely on."""

from ipaddress import ip_address, ip_interface

import pytest

from plugin.errors import ForeignLinkError, KernelError
from plugin.model.addresses import Address
from plugin.model.ids import IfName, MacAddress
from plugin.model.links import Bridge, Hairpin, Veth
from plugin.model.network import Protocol
from plugin.model.ports import HostPort
from plugin.model.resources import HostResource
from plugin.model.sysctls import RouteLocalnet, Sysctl
from tests.contract.hosts import Host, make

BRIDGE = Bridge(
    ifname=IfName("pnb-1"), mac_address=MacAddress("02:00:00:00:00:01"), mtu=1400, owner="n1"
)
VETH = Veth(
    ifname=IfName("pnv-1"),
    peer=IfName("pnc-1"),
    peer_mac_address=MacAddress("02:00:00:00:00:02"),
    master=BRIDGE.ifname,
    mtu=1400,
    owner="n1/e1",
)
ADDRESS4 = Address(ifname=BRIDGE.ifname, interface=ip_interface("10.1.0.1/24"))
ADDRESS6 = Address(ifname=BRIDGE.ifname, interface=ip_interface("fd00:1::1/64"))
HAIRPIN = Hairpin(ifname=VETH.ifname)
FORWARDING = Sysctl(name="net/ipv4/ip_forward", value="1")
ARP_NOTIFY = Sysctl(name="net/ipv4/conf/pnb-1/arp_notify", value="1")
LOCALNET = RouteLocalnet(ifname=BRIDGE.ifname)
EVERYTHING: list[HostResource] = [
    BRIDGE,
    FORWARDING,
    ARP_NOTIFY,
    ADDRESS4,
    ADDRESS6,
    VETH,
    HAIRPIN,
    LOCALNET,
    HostPort(protocol=Protocol.TCP, address=ip_address("0.0.0.0"), port=8080),
]


def a_port(
    address: str = "0.0.0.0", port: int = 8080, protocol: Protocol = Protocol.TCP
) -> HostPort:
    return HostPort(protocol=protocol, address=ip_address(address), port=port)


class TestEnsure:
    def test_what_was_made_is_read_as_it_was_asked_for(self, host: Host) -> None:
        """A plan that was applied shows no drift."""
        make(host, *EVERYTHING)

        assert host.kernel.read(EVERYTHING) == frozenset(EVERYTHING)

    def test_each_resource_is_told_before_it_is_touched(self, host: Host) -> None:
        """Undoing knows what may be there."""
        started = make(host, BRIDGE, VETH)

        assert started == [BRIDGE, VETH]

    def test_doing_it_again_changes_nothing(self, host: Host) -> None:
        """Every act may be repeated."""
        make(host, *EVERYTHING)
        make(host, *EVERYTHING)

        assert host.kernel.read(EVERYTHING) == frozenset(EVERYTHING)

    def test_what_is_otherwise_is_set_right(self, host: Host) -> None:
        """The host's MTU of a network changed under our feet."""
        other = Bridge(
            ifname=BRIDGE.ifname,
            mac_address=MacAddress("02:00:00:00:00:99"),
            mtu=1300,
            owner=BRIDGE.owner,
        )
        make(host, other)
        make(host, BRIDGE)

        assert host.kernel.read([BRIDGE]) == {BRIDGE}

    def test_a_port_comes_back_to_its_bridge(self, host: Host) -> None:
        """Another program deleted the bridge; the pairs are still there, without a master."""
        make(host, BRIDGE, VETH)
        host.delete_link(BRIDGE.ifname)
        lost = host.kernel.read([VETH])
        make(host, BRIDGE, VETH)

        assert lost != {VETH}
        assert host.kernel.read([BRIDGE, VETH]) == {BRIDGE, VETH}

    def test_a_foreign_link_is_refused_and_not_touched(self, host: Host) -> None:
        """A link is not pynet's because of its name."""
        host.add_foreign_link("pnb-1")
        started: list[HostResource] = []
        with pytest.raises(ForeignLinkError, match="pnb-1 exists and is not this network's"):
            host.kernel.ensure([BRIDGE, VETH], started.append)

        assert started == [BRIDGE]
        assert host.kernel.read_all() == frozenset()
        assert not host.kernel.missing_links([BRIDGE.ifname])

    def test_a_link_of_another_network_is_refused(self, host: Host) -> None:
        """Two networks that the user gave one bridge name."""
        make(host, BRIDGE)
        theirs = Bridge(
            ifname=BRIDGE.ifname, mac_address=BRIDGE.mac_address, mtu=BRIDGE.mtu, owner="n2"
        )
        with pytest.raises(ForeignLinkError):
            make(host, theirs)

        assert host.kernel.read([BRIDGE]) == {BRIDGE}

    def test_a_missing_master_is_an_error_of_the_host(self, host: Host) -> None:
        """A bridge that went away is not the asker's fault."""
        with pytest.raises(KernelError, match="pnb-1 is not there"):
            make(host, VETH)

        assert host.kernel.missing_links([VETH.ifname, VETH.peer]) == {VETH.ifname, VETH.peer}

    @pytest.mark.parametrize("resource", [ADDRESS4, HAIRPIN])
    def test_what_needs_a_link_says_that_it_is_missing(
        self, host: Host, resource: HostResource
    ) -> None:
        """The message names the link."""
        with pytest.raises(KernelError, match="is not there"):
            make(host, resource)

    def test_it_stops_at_the_first_that_fails(self, host: Host) -> None:
        """What comes after was not started and needs no undoing."""
        started: list[HostResource] = []
        with pytest.raises(KernelError):
            host.kernel.ensure([VETH, BRIDGE], started.append)

        assert started == [VETH]
        assert host.kernel.missing_links([BRIDGE.ifname])


class TestRemove:
    def test_what_was_made_is_gone(self, host: Host) -> None:
        """Everything but the settings."""
        make(host, *EVERYTHING)
        host.kernel.remove(EVERYTHING[::-1])
        host.settle()

        assert host.kernel.read(EVERYTHING) <= {FORWARDING}
        assert host.kernel.read_all() == frozenset()
        assert host.kernel.missing_links([VETH.peer]) == {VETH.peer}

    def test_what_is_not_there_is_passed_over(self, host: Host) -> None:
        """A repeated deletion is no failure."""
        host.kernel.remove(EVERYTHING[::-1])

        assert host.kernel.read_all() == frozenset()

    def test_what_is_not_ours_is_passed_over(self, host: Host) -> None:
        """A network that was refused for a foreign link does not delete it when it is undone."""
        host.add_foreign_link("pnb-1")
        host.kernel.remove([HAIRPIN, VETH, ADDRESS4, BRIDGE])
        host.settle()

        assert not host.kernel.missing_links([BRIDGE.ifname])

    def test_a_link_of_another_network_is_passed_over(self, host: Host) -> None:
        """The mark decides, not the name."""
        make(host, BRIDGE)
        host.kernel.remove(
            [Bridge(ifname=BRIDGE.ifname, mac_address=BRIDGE.mac_address, mtu=1400, owner="n2")]
        )
        host.settle()

        assert host.kernel.read([BRIDGE]) == {BRIDGE}

    def test_a_bridges_name_can_be_used_again_at_once(self, host: Host) -> None:
        """A caller notices nothing of the deletion in the background."""
        for _ in range(5):  # who is faster is chance
            make(host, BRIDGE, VETH)
            host.kernel.remove([VETH, BRIDGE])
        make(host, BRIDGE)
        host.settle()

        assert host.kernel.read([BRIDGE]) == {BRIDGE}

    def test_an_address_can_be_taken_off(self, host: Host) -> None:
        """Its link stays."""
        make(host, BRIDGE, ADDRESS4, ADDRESS6)
        host.kernel.remove([ADDRESS4, ADDRESS6])

        assert host.kernel.read([BRIDGE, ADDRESS4, ADDRESS6]) == {BRIDGE}


class TestMarks:
    def test_links_are_found_by_their_mark(self, host: Host) -> None:
        """Those of a plugin that ran before, too."""
        make(host, BRIDGE, VETH)
        host.add_foreign_link("other")
        host.restart()

        found = {(type(each), each.ifname, each.owner) for each in host.kernel.read_all()}
        assert found == {(Bridge, BRIDGE.ifname, "n1"), (Veth, VETH.ifname, "n1/e1")}

    def test_what_was_found_can_be_removed(self, host: Host) -> None:
        """A sweep hands back what it read."""
        make(host, BRIDGE, VETH)
        host.restart()
        host.kernel.remove(list(host.kernel.read_all()))
        host.settle()

        names = [BRIDGE.ifname, VETH.ifname, VETH.peer]
        assert host.kernel.missing_links(names) == set(names)

    def test_a_restarted_plugin_adopts_what_is_there(self, host: Host) -> None:
        """Nothing is made anew under a running container."""
        links: list[HostResource] = [BRIDGE, ADDRESS4, VETH, HAIRPIN]
        make(host, *links)
        host.restart()
        make(host, *links)

        assert host.kernel.read(links) == frozenset(links)


class TestMissingLinks:
    def test_only_those_that_no_link_has(self, host: Host) -> None:
        """Links of pynet's and foreign ones count alike."""
        host.add_foreign_link("eth7")
        make(host, BRIDGE)

        names = [IfName("eth7"), BRIDGE.ifname, IfName("eth8")]
        assert host.kernel.missing_links(names) == {"eth8"}


class TestFacts:
    def test_a_host_without_a_default_route_has_the_usual_mtu(self, host: Host) -> None:
        """RFC 894."""
        assert host.kernel.mtu(None) == 1500

    def test_ipv6_is_there(self, host: Host) -> None:
        """On every host that tests run on."""
        assert host.kernel.has_ipv6()
