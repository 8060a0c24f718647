"""What hosts must agree on without a word, and what a network is on one of them."""

from dataclasses import replace
from ipaddress import ip_address

import pytest

from plugin.drivers.base import BoundNetwork
from plugin.drivers.registry import bind
from plugin.errors import InvalidOptionError
from plugin.model.ids import bridge_name, vxlan_name
from plugin.model.links import Bridge
from plugin.model.network import Network
from plugin.model.spanning import EncryptedNetwork, PeerHost
from plugin.model.tunnels import (
    FloodEntry,
    Underlay,
    Vxlan,
    WireGuard,
    WireGuardPeer,
    inner_address,
)
from tests.fakes.values import a_network, a_pool, an_endpoint

HOSTS = ("192.0.2.1", "192.0.2.2", "192.0.2.3")
DUAL = ("10.1.0.0/24", "fd00:1::/64")


def on(host: int, *subnets: str, **options: str) -> Network:
    """The network as that host has it: with an id of its own."""
    own, *others = (ip_address(each) for each in (HOSTS[host], *HOSTS[:host], *HOSTS[host + 1 :]))
    given = {"mode": "overlay", "peers": ",".join(HOSTS), **options}
    return a_network(
        f"blue-{host}",
        *(subnets or DUAL),
        mode="overlay",
        options=given,
        local=own,
        peers=tuple(others),
        uplink_mtu=1450,
    )


def device(bound: BoundNetwork) -> Vxlan:
    (found,) = (each for each in bound.network_plan().resources if isinstance(each, Vxlan))
    return found


def bridge(bound: BoundNetwork) -> Bridge:
    (found,) = (each for each in bound.network_plan().resources if isinstance(each, Bridge))
    return found


class TestWhatHostsHaveAlike:
    def test_the_number(self) -> None:
        """It is made from the subnets, in whatever order they are."""
        one, two = on(0), on(1)
        turned = replace(two, pools=two.pools[::-1])

        assert len({bind(each).tunnel() for each in (one, two, turned)}) == 1

    def test_other_subnets_have_another_number(self) -> None:
        """So that hosts distinguish the networks."""
        numbers = {bind(on(0, f"10.{third}.0.0/24")).tunnel() for third in range(200)}

        assert len(numbers) == 200

    def test_the_number_that_was_chosen(self) -> None:
        """With the port."""
        found = device(bind(on(0, vni="7", vxlan_port="4790")))

        assert (found.vni, found.port) == (7, 4790)

    def test_the_gateways_hardware_address(self) -> None:
        """A container keeps its gateway when it moves."""
        addresses = {bridge(bind(on(host))).mac_address for host in range(3)}

        assert len(addresses) == 1

    @pytest.mark.parametrize("announced", [False, True])
    def test_a_containers_hardware_address(self, announced: bool) -> None:
        """It depends on its address alone, whichever endpoint it is and whatever the engine says."""
        found = set()
        for host in range(3):
            network = replace(on(host), announced=announced)
            endpoint = an_endpoint(network, 9, f"life-{host}")
            found.add(bind(network).mac_address(endpoint))

        assert len(found) == 1


class TestOnOneHost:
    def test_names_are_the_hosts_own(self) -> None:
        """They are found by the network's id."""
        network = on(1)
        found = device(bind(network))

        assert (found.ifname, found.master) == (vxlan_name(network.id), bridge_name(network.id))
        assert found.local == ip_address(HOSTS[1])

    def test_every_other_host_gets_what_is_for_everybody(self) -> None:
        """And not the host itself."""
        resources = bind(on(1)).network_plan().resources
        peers = {str(each.peer) for each in resources if isinstance(each, FloodEntry)}

        assert peers == {HOSTS[0], HOSTS[2]}

    def test_a_peer_without_the_network_gets_no_copies(self) -> None:
        """And is heard: it may have the network before this host knows."""
        idle = replace(on(1), idle_peers=(ip_address(HOSTS[2]),))
        plan = bind(idle).network_plan()

        assert {str(e.peer) for e in plan.resources if isinstance(e, FloodEntry)} == {HOSTS[0]}
        heard = {str(e.address) for e in plan.resources if isinstance(e, PeerHost)}
        assert heard == {HOSTS[0], HOSTS[2]}

    def test_a_bridge_that_is_there_is_not_used(self) -> None:
        """All that is on the bridge would be joined to other hosts."""
        bound = bind(on(0, bridge_name="br-lan"))

        assert bridge(bound).adoptable is False
        assert bound.adopted_bridge() is None

    @pytest.mark.parametrize(("local", "most"), [("192.0.2.1", 1450), ("fd00:99::1", 1430)])
    def test_what_fits_between_hosts(self, local: str, most: int) -> None:
        """By the link's MTU and the family of its address; more is refused."""
        underlay = Underlay(local=ip_address(local), mtu=1500)

        assert bind(on(0)).check_underlay(underlay) == most
        assert bind(on(0, mtu=str(most))).check_underlay(underlay) == most
        with pytest.raises(InvalidOptionError, match=f"expected at most {most} bytes"):
            bind(on(0, mtu=str(most + 1))).check_underlay(underlay)

    def test_a_network_that_is_only_checked_has_no_device(self) -> None:
        """The host's own address is not known yet."""
        network = a_network("blue", mode="overlay", pools=(a_pool("10.1.0.0/24"),))
        kinds = {type(each) for each in bind(network).network_plan().resources}

        assert Vxlan not in kinds


class TestEncrypted:
    def test_nothing_goes_past_the_encrypting_link(self) -> None:
        """Hosts are known to the tunnel by the addresses that they have inside."""
        plan = bind(on(0, encrypted="true")).network_plan()
        inside = {inner_address(ip_address(each), 51840) for each in HOSTS[1:]}

        peers = {each for each in plan.resources if isinstance(each, WireGuardPeer)}
        assert {(each.inner, str(each.endpoint)) for each in peers} == {
            (inner_address(ip_address(each), 51840), each) for each in HOSTS[1:]
        }
        assert {e.peer for e in plan.resources if isinstance(e, FloodEntry)} == inside
        assert {e.address for e in plan.resources if isinstance(e, PeerHost)} == inside
        assert any(isinstance(each, EncryptedNetwork) for each in plan.resources)

    def test_networks_share_the_link(self) -> None:
        """Those of one address and port; with another port there is another."""
        found = {
            each
            for subnet, port in (("10.1.0.0/24", "1"), ("10.2.0.0/24", "1"), ("10.3.0.0/24", "2"))
            for each in bind(on(0, subnet, encrypted="", wireguard_port=port))
            .network_plan()
            .resources
            if isinstance(each, WireGuard)
        }

        assert {each.port for each in found} == {1, 2}
        assert len(found) == len({each.ifname for each in found}) == 2

    @pytest.mark.parametrize(
        ("host", "link", "most"),
        [
            *(("192.0.2.1", 1500, 1370), ("fd00:99::1", 1500, 1338), ("192.0.2.1", 9000, 8858)),
            ("192.0.2.1", 1450, 1306),  # 1390 bytes are filled up to 1392
        ],
    )
    def test_the_largest_packet(self, host: str, link: int, most: int) -> None:
        """What WireGuard fills up still fits the link."""
        underlay = Underlay(local=ip_address(host), mtu=link)

        assert bind(on(0, encrypted="true")).check_underlay(underlay) == most
        with pytest.raises(InvalidOptionError, match=f"at most {most} bytes"):
            bind(on(0, encrypted="true", mtu=str(most + 1))).check_underlay(underlay)

    def test_addresses_inside_are_each_hosts_own(self) -> None:
        """Of either family, and for each network of the host."""
        hosts = ("10.0.0.1", "10.0.0.2", "::a00:1", "fd00::1", "fd00::2")
        found = {inner_address(ip_address(each), port) for each in hosts for port in (1, 2)}

        assert len(found) == 10
        assert str(inner_address(ip_address("10.99.0.1"), 51840)) == "fd70:796e:6574:ca80::a63:1"
