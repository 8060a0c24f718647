"""Networks on several hosts follow what the cluster tells of them."""

from ipaddress import ip_address, ip_interface

import pytest

from plugin.errors import KernelError
from plugin.model.facts import Fact
from plugin.model.ids import IfName, MacAddress, vxlan_name
from plugin.model.network import Network
from plugin.model.resources import Resource
from plugin.model.spanning import PeerHost
from plugin.model.tunnels import FloodEntry
from plugin.upkeep.peers import is_peers
from tests.fakes.rig import Rig
from tests.fakes.values import a_network, an_endpoint

ONE, TWO, THREE = map(ip_address, ("10.99.0.1", "10.99.0.2", "10.99.0.3"))


@pytest.fixture
def rig() -> Rig:
    """On a host of a cluster."""
    made = Rig()
    made.host.add_parent("eth0", mtu=1400, addresses=(ip_interface("10.99.0.1/24"),))
    made.cluster.own, made.cluster.hosts = ONE, frozenset({ONE, TWO})
    return made


def create(rig: Rig, **options: str) -> Network:
    network = a_network("blue", mode="overlay", options={"mode": "overlay", **options})
    rig.networks.create(network)
    found = rig.store.network(network.id)
    assert found is not None
    return found


def floods(rig: Rig) -> set[str]:
    return {str(each.peer) for each in rig.held() if isinstance(each, FloodEntry)}


def heard(rig: Rig) -> set[str]:
    return {str(each.address) for each in rig.firewall.read() if isinstance(each, PeerHost)}


def test_a_network_is_made_with_the_hosts_that_there_are(rig: Rig) -> None:
    """What they are is part of its record, so that a restart need not ask."""
    network = create(rig)

    assert (network.local, network.peers, network.uplink_mtu) == (ONE, (TWO,), 1350)
    assert floods(rig) == heard(rig) == {"10.99.0.2"}
    assert rig.cluster.members == {network.id}


def test_hosts_come_and_go(rig: Rig) -> None:
    """Nothing else of the network is touched."""
    network = create(rig)
    endpoint = an_endpoint(network)
    rig.run(network, endpoint)
    before: set[Resource] = set(rig.held())
    rig.cluster.move(frozenset({ONE, THREE}))
    rig.peers.follow()

    assert floods(rig) == heard(rig) == {"10.99.0.3"}
    assert rig.held() == rig.wanted()
    changed = before ^ set(rig.held())
    assert all(isinstance(each, FloodEntry | Fact) for each in changed)
    assert len(changed) == 4


@pytest.mark.parametrize("at", range(4))
def test_what_failed_is_tried_again(rig: Rig, at: int) -> None:
    """By the next look, at whatever point it failed."""
    create(rig)
    rig.cluster.move(frozenset({ONE, TWO, THREE}))
    rig.faults.arm(at, KernelError("not now"))
    rig.peers.follow()
    rig.faults.arm(None)
    rig.peers.follow()
    rig.healer.heal()

    assert rig.held() == rig.wanted()
    assert floods(rig) == {"10.99.0.2", "10.99.0.3"}


def test_hosts_that_the_user_named_stay(rig: Rig) -> None:
    """Whatever the cluster tells."""
    create(rig, peers="10.99.0.1,10.99.0.3")
    rig.cluster.move(frozenset({ONE, TWO}))
    rig.peers.follow()

    assert floods(rig) == {"10.99.0.3"}


def test_a_restarted_plugin_has_the_hosts_it_knew(rig: Rig) -> None:
    """Until it is told of others."""
    network = create(rig)
    rig.cluster.hosts = frozenset({ONE, TWO})
    again = rig.restarted()
    again.host.delete_link(vxlan_name(network.id))
    again.healer.heal()

    assert floods(again) == {"10.99.0.2"}


def test_differences_are_reported(rig: Rig) -> None:
    """To whoever looks after the networks then."""
    create(rig)
    told: list[str] = []
    rig.peers.report_to(lambda: told.append("changed"))
    rig.cluster.move(frozenset({ONE, THREE}))

    assert told == ["changed"]


def test_a_deleted_network_leaves_the_cluster(rig: Rig) -> None:
    """Other hosts are told, where somebody tells them."""
    network = create(rig)
    rig.networks.delete(network.id)

    assert rig.cluster.members == set()
    assert rig.held() == frozenset()


def test_a_container_is_announced_when_it_joins(rig: Rig) -> None:
    """With both addresses; a failure is no reason not to start it."""
    network = create(rig)
    rig.run(network, an_endpoint(network))
    (said,) = rig.kernel.announced

    assert said.tunnel == vxlan_name(network.id)
    assert [str(each.ip) for each in said.interfaces] == ["10.1.0.2"]


def test_the_loopback_link_says_nothing_of_the_way(rig: Rig) -> None:
    """A host whose address is routed has it there: the default route's link is the way."""
    rig.host.add_parent("lo", mtu=65536, loopback=True, addresses=(ip_interface("192.0.2.1/32"),))
    network = create(rig, peers="192.0.2.1,192.0.2.2")

    assert network.uplink_mtu == 1450


def test_an_address_that_the_host_lost_is_told(rig: Rig) -> None:
    """Until it is there again; the network is left as it is."""
    create(rig)
    held = rig.held()
    there = rig.host.parents.pop(IfName("eth0"))
    rig.peers.follow()
    (condition,) = rig.health.conditions
    assert "this host has no address 10.99.0.1 now" in condition.why
    rig.host.parents[IfName("eth0")] = there
    rig.peers.follow()

    assert rig.health.conditions == ()
    assert rig.held() == held


def test_the_link_of_the_hosts_own_address_is_watched(rig: Rig) -> None:
    """From the beginning, and while its address is away; others are not."""
    assert not rig.peers.concerns("eth0")
    create(rig)
    assert rig.peers.concerns("eth0")
    rig.peers.follow()
    assert [rig.peers.concerns(each) for each in ("eth0", "eth1")] == [True, False]
    rig.host.parents.pop(IfName("eth0"))
    rig.peers.follow()

    assert rig.peers.concerns("eth0")


def test_whose_an_entry_is(rig: Rig) -> None:
    """A peer's for everybody is the network's own; another host's and one for a container are not."""
    network = create(rig)
    device, container = vxlan_name(network.id), MacAddress("02:00:00:00:00:07")
    entries = (
        FloodEntry(ifname=device, peer=TWO),
        FloodEntry(ifname=device, peer=THREE),
        FloodEntry(ifname=device, peer=TWO, mac_address=container),
    )

    assert [is_peers(network, each) for each in entries] == [True, False, False]
