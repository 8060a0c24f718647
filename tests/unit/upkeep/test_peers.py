"""Networks on several hosts follow what the cluster tells of them."""

from dataclasses import replace
from ipaddress import ip_address, ip_interface

import pytest

from plugin.errors import KernelError, RefusedError
from plugin.model.facts import Fact
from plugin.model.ids import IfName, MacAddress, vxlan_name
from plugin.model.network import Network
from plugin.model.resources import Resource
from plugin.model.spanning import PeerHost
from plugin.model.tunnels import FloodEntry, Vxlan, WireGuardPeer
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


def test_the_host_leaves_a_network_that_a_tick_removes(rig: Rig) -> None:
    """Its deletion did not come to an end by itself, or never came."""
    network = create(rig)
    rig.store.mark_network_deleting(network.id)

    rig.healer.heal()

    assert rig.store.network(network.id) is None
    assert rig.cluster.members == set()


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


def test_a_host_without_the_network_gets_no_copies(rig: Rig) -> None:
    """As long as the cluster is certain of that; its frames are accepted all the time."""
    rig.cluster.hosts = frozenset({ONE, TWO, THREE})
    rig.cluster.without = frozenset({THREE})
    network = create(rig)
    assert network.idle_peers == (THREE,)
    assert floods(rig) == {"10.99.0.2"}
    assert heard(rig) == {"10.99.0.2", "10.99.0.3"}
    assert not is_peers(network, FloodEntry(ifname=vxlan_name(network.id), peer=THREE))
    rig.cluster.without = frozenset()
    rig.peers.follow()

    assert floods(rig) == heard(rig) == {"10.99.0.2", "10.99.0.3"}
    assert rig.held() == rig.wanted()


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


@pytest.mark.parametrize(
    "place",
    ["127.0.0.1", "0.0.0.0", "224.0.0.1", "255.255.255.255", "10.1.0.9", "10.98.0.1", "fe80::1%lo"],
)
def test_a_host_that_is_nowhere(rig: Rig, place: str) -> None:
    """Each host says where it is: frames come back to no network by what one says, and none go to a group."""
    rig.host.add_parent("eth1", mtu=1500, addresses=(ip_interface("10.98.0.1/24"),))
    network = create(rig)
    rig.cluster.move(frozenset({ONE, ip_address(place), THREE}))
    rig.peers.follow()

    assert floods(rig) == heard(rig) == {"10.99.0.3"}
    rig.networks.delete(network.id)
    assert create(rig).peers == (THREE,)


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
    """To the part that then looks after the networks."""
    create(rig)
    told: list[str] = []
    rig.peers.report_to(lambda: told.append("changed"))
    rig.cluster.move(frozenset({ONE, THREE}))

    assert told == ["changed"]


def test_hosts_agree_before_anything_is_made(rig: Rig) -> None:
    """The number is the one of all hosts; a host that would have it otherwise makes nothing."""
    rig.cluster.vni = 4242
    network = create(rig)
    (device,) = (each for each in rig.held() if isinstance(each, Vxlan))
    rig.cluster.refusal = RefusedError("mtu is 'default' in the cluster and '1400' here")

    assert device.vni == network.vni == 4242
    assert rig.cluster.terms[network.id].options["vxlan_port"] == "4789"
    with pytest.raises(RefusedError, match="in the cluster"):
        rig.networks.create(a_network("red", "10.60.0.0/24", mode="overlay"))
    assert [each.id for each in rig.store.networks()] == [network.id]


def test_a_network_of_each_host_has_the_options_of_all(rig: Rig) -> None:
    """If hosts share its subnet, and only then."""
    own, plain = a_network("own", "10.60.0.0/24"), a_network("red", "10.61.0.0/24")
    pools = (replace(plain.pools[0], options={"cluster": "default"}),)
    shared = replace(plain, pools=pools, options={"mtu": "1400"})
    rig.networks.create(shared)
    rig.cluster.refusal = RefusedError("mtu is '1400' in the cluster and not set here")
    rig.networks.create(own)

    subnets = {"subnets": "10.61.0.0/24"}
    assert rig.cluster.terms[shared.id].options == {"mode": "bridge", **subnets, "mtu": "1400"}
    assert own.id not in rig.cluster.terms
    with pytest.raises(RefusedError, match="in the cluster"):
        rig.networks.create(replace(a_network("grey", "10.62.0.0/24"), pools=pools))
    assert {each.id for each in rig.store.networks()} == {own.id, shared.id}


def test_keys_that_hosts_tell(rig: Rig) -> None:
    """Are in the record with their hosts, and those that told none are no peers."""
    rig.host.key, rig.cluster.told_keys = "mine", {TWO: "two's", THREE: ""}
    rig.cluster.hosts = frozenset({ONE, TWO, THREE})
    network = create(rig, encrypted="true")
    assert (network.peers, network.peer_keys) == ((TWO,), ("two's",))
    assert rig.cluster.parts[network.id].key == "mine"
    assert "PYNET_SECRET" not in rig.cluster.terms[network.id].options
    rig.cluster.told_keys = {TWO: "another", THREE: "three's"}
    rig.peers.follow()

    there = [each for link in rig.host.links.values() for each in link.encrypted.values()]
    peers = [each for each in there if isinstance(each, WireGuardPeer)]
    assert {str(each.endpoint): each.public_key for each in peers} == {
        "10.99.0.2": "another",
        "10.99.0.3": "three's",
    }


def test_keys_where_nobody_tells_any(rig: Rig) -> None:
    """A secret makes them, which other hosts must have too; without one the network is refused."""
    secret = create(rig, encrypted="true")
    rig.host.key = "mine"

    assert rig.cluster.terms[secret.id].options["PYNET_SECRET"] == "set"
    assert secret.peer_keys == ()
    with pytest.raises(RefusedError, match="pynet has no secret"):
        rig.networks.create(
            a_network("red", "10.60.0.0/24", mode="overlay", options={"encrypted": "true"})
        )
    assert [each.id for each in rig.store.networks()] == [secret.id]


def test_a_deleted_network_leaves_the_cluster(rig: Rig) -> None:
    """Other hosts are told, where the cluster can tell them."""
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
