"""Traffic of links that stand on a parent, where the kernel has all of them: seen on the wire."""

import socket
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import pytest

from plugin.errors import RefusedError
from plugin.model.ids import IfName, MacAddress
from plugin.model.links import Vlan
from plugin.model.network import Network
from tests.fakes.values import SANDBOX, a_network, an_endpoint
from tests.kernel.netns import Netns, wait_until
from tests.kernel.site import OUTSIDE4, Site
from tests.lab.wire import Wire

pytestmark = pytest.mark.vm

PORT: Final = 4711
LAN: Final = "192.0.2.0/24"


def a_net(name: str, subnet: str, mode: str, **options: str) -> Network:
    own = {"mode": mode, "parent": "up0", **options}
    return a_network(name, subnet, mode=mode, options=own)


def start(site: Site, network: Network, number: int) -> Netns:
    """``docker run``: what dockerd does with the answer to a join."""
    wanted = replace(an_endpoint(network, number), mac_address=MacAddress(""))
    endpoint = site.endpoints.create(wanted)
    attachment = site.endpoints.join(network.id, endpoint.id, SANDBOX)
    made = Netns()
    site.host.ip(f"link set {attachment.src_name} netns {made.path}")
    made.ip(
        f"link set {attachment.src_name} name eth0",
        f"address add {endpoint.ipv4} dev eth0",
        "link set eth0 up",
        *(f"route add {route.destination} dev eth0" for route in attachment.routes),
        *([f"route add default via {attachment.gateway4}"] if attachment.gateway4 else []),
    )
    return made


def address(network: Network, number: int) -> str:
    return str(network.pools[0].prefix[number])


def talks(one: Netns, other: Netns, there: str, word: bytes = b"hello") -> bool:
    """Whether a datagram gets there; neighbours may have to be asked first."""
    with (
        one.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender,
        other.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver,
    ):
        receiver.bind((there, PORT))
        receiver.settimeout(1)
        for _ in range(3):
            try:
                sender.sendto(word, (there, PORT))
                return receiver.recv(64) == word
            except OSError:
                continue
    return False


def links(netns: Netns) -> str:
    return netns.run("ip", "-o", "link")


@pytest.mark.parametrize("mode", ["macvlan", "ipvlan"])
def test_vlans_are_tagged_on_the_wire(site: Site, mode: str) -> None:
    """Each network with its number; the sub-interfaces go with their last network."""
    site.outside.ip(
        "link add link eth0 name eth0.100 type vlan id 100",
        "link add link eth0 name eth0.200 type vlan id 200",
        "address add 10.30.1.1/24 dev eth0.100",
        "address add 10.30.2.1/24 dev eth0.200",
        "link set eth0.100 up",
        "link set eth0.200 up",
    )
    first = a_net("first", "10.30.1.0/24", mode, parent="up0.100")
    second = a_net("second", "10.30.2.0/24", mode, vlan="200")
    third = a_net("third", "10.30.3.0/24", mode, vlan="200")
    for network in (first, second, third):
        site.networks.create(network)
    wire = Wire(Path(site.outside.path))
    containers = [start(site, first, 2), start(site, second, 2)]

    assert talks(containers[0], site.outside, "10.30.1.1", b"from the first")
    assert wire.number_of(b"from the first") == 100
    assert talks(containers[1], site.outside, "10.30.2.1", b"from the second")
    assert wire.number_of(b"from the second") == 200
    site.networks.delete(third.id)
    site.kernel.settle()
    assert "up0.200" in links(site.host)
    for network in (first, second):
        site.networks.delete(network.id)
    site.kernel.settle()
    assert "up0." not in links(site.host)
    wire.close()


def test_a_vlan_of_the_hosts_own_stays(site: Site) -> None:
    """It was there before."""
    site.host.ip("link add link up0 name up0.100 type vlan id 100", "link set up0.100 up")
    network = a_net("first", "10.30.1.0/24", "macvlan", parent="up0.100")
    site.networks.create(network)
    site.networks.delete(network.id)
    site.kernel.settle()

    assert "up0.100" in links(site.host)


def test_a_vlan_of_swapped_parents(site: Site) -> None:
    """Made anew on the right one, unless containers would lose their links."""
    site.host.ip("link add up2 type veth peer name up3", "link set up2 up", "link set up3 up")
    network = a_net("first", "10.30.1.0/24", "macvlan", parent="up0.100")
    site.networks.create(network)
    container = start(site, network, 2)

    def swap() -> None:
        site.host.ip(
            *("link set up0 down", "link set up2 down"),
            *("link set up0 name tmp", "link set up2 name up0", "link set tmp name up2"),
            *("link set up0 up", "link set up2 up"),
        )

    swap()
    site.healer.heal()
    (said,) = site.health.conditions
    assert "up0.100 is VLAN 100 of up2" in said.why
    assert "eth0" in links(container)
    container.run("ip", "link", "delete", "eth0")
    site.healer.heal()

    assert site.health.conditions == ()
    assert "up0.100@up0:" in links(site.host)


def test_foreign_ipvlan_links_are_left_as_they_are(site: Site) -> None:
    """A network that would change them is refused before its first link is made."""
    other = Netns()
    site.host.ip("link add di0 link up0 type ipvlan mode l3", f"link set di0 netns {other.path}")
    for options in ({}, {"host_access": "true", "host_address": "10.20.1.9"}):
        with pytest.raises(RefusedError, match=r"pynet did not create.*choose ipvlan_mode=l3"):
            site.networks.create(a_net("lan", "10.20.1.0/24", "ipvlan", **options))

    assert "mode l3" in other.run("ip", "-d", "link", "show", "di0")


def test_what_carries_no_vlans(site: Site) -> None:
    """Is told from a kernel that has none."""
    vlan = Vlan(ifname=IfName("lo.5"), parent=IfName("lo"), number=5)
    with pytest.raises(RefusedError, match="parent lo cannot carry VLANs"):
        site.kernel.ensure([vlan], lambda _: None)


def test_a_vlan_comes_back_with_its_base(site: Site) -> None:
    """The card is unplugged, and plugged in again."""
    network = a_net("first", "10.30.1.0/24", "macvlan", parent="up0.100")
    site.networks.create(network)
    site.host.ip("link delete up0")
    site.healer.heal()
    site.parents.look_after()
    assert "up0 is not there" in "; ".join(each.why for each in site.health.conditions)

    site.host.ip(
        f"link add up0 type veth peer name eth0 netns {site.outside.path}", "link set up0 up"
    )
    site.outside.ip("link set eth0 up")
    site.host.wait_for_carrier("up0")
    site.healer.heal()
    site.parents.look_after()
    assert site.health.conditions == ()
    assert "up0.100" in links(site.host)


@pytest.mark.parametrize("mode", ["macvlan", "ipvlan"])
def test_neighbours_of_the_lan(site: Site, mode: str) -> None:
    """At layer 2, with and without a MAC address of one's own."""
    network = a_net("lan", LAN, mode)
    site.networks.create(network)
    one, other = start(site, network, 50), start(site, network, 51)

    assert talks(one, other, address(network, 51))
    assert talks(one, site.outside, OUTSIDE4)
    assert talks(site.outside, other, address(network, 51))
    assert (_mac(one, "eth0") == _mac(site.host, "up0")) == (mode == "ipvlan")


@pytest.mark.parametrize("mode", ["l3", "l3s"])
def test_at_layer_three(site: Site, mode: str) -> None:
    """Two subnets behind the parent; the LAN has a route to them."""
    options: dict[str, Any] = {"ipvlan_mode": mode}
    first = a_net("first", "10.20.1.0/24", "ipvlan", **options)
    second = a_net("second", "10.20.2.0/24", "ipvlan", **options)
    for network in (first, second):
        site.networks.create(network)
    site.outside.ip("route add 10.20.0.0/16 via 192.0.2.2")
    one, other = start(site, first, 2), start(site, second, 2)

    assert "default dev eth0 scope link" in one.run("ip", "route")
    assert talks(one, other, address(second, 2))
    assert talks(one, site.outside, OUTSIDE4)
    assert talks(site.outside, one, address(first, 2))


@pytest.mark.parametrize("flag", ["private", "vepa"])
def test_flags(site: Site, flag: str) -> None:
    """Containers that are not to reach each other directly reach the LAN."""
    network = a_net("lan", LAN, "ipvlan", ipvlan_flag=flag)
    site.networks.create(network)
    one, other = start(site, network, 50), start(site, network, 51)

    assert talks(one, site.outside, OUTSIDE4)
    assert not talks(one, other, address(network, 51))


@pytest.mark.parametrize(
    ("mode", "option", "meets"),
    [
        ("macvlan", {"macvlan_mode": "vepa"}, True),
        ("macvlan", {"macvlan_mode": "private"}, False),
        ("ipvlan", {"ipvlan_flag": "vepa"}, True),
        ("ipvlan", {"ipvlan_flag": "private"}, False),
    ],
)
def test_a_switch_that_sends_back(
    site: Site, mode: str, option: dict[str, str], *, meets: bool
) -> None:
    """By it neighbours in mode vepa meet, and in mode private they do not."""
    site.outside.ip(
        f"address delete {OUTSIDE4}/24 dev eth0",
        "link add br0 type bridge",
        "link set eth0 master br0",
        "link set eth0 type bridge_slave hairpin on",
        f"address add {OUTSIDE4}/24 dev br0",
        "link set br0 up",
    )
    network = a_net("lan", LAN, mode, **option)
    site.networks.create(network)
    one, other = start(site, network, 50), start(site, network, 51)

    wait_until(lambda: talks(one, site.outside, OUTSIDE4), "the LAN is not reached")
    assert talks(one, other, address(network, 51)) == meets


def test_links_in_sandboxes_are_known_after_a_restart(site: Site) -> None:
    """And go with their endpoints, or with their sandboxes."""
    network = a_net("lan", LAN, "ipvlan")
    site.networks.create(network)
    one, other = start(site, network, 50), start(site, network, 51)
    site.restart()
    endpoints = site.store.endpoints(network.id)

    assert all(each.joined for each in endpoints)
    assert "pnc-" not in links(site.host)
    site.endpoints.delete(network.id, endpoints[0].id)
    assert "eth0" not in links(one)
    other.close()

    def is_noticed() -> bool:
        site.healer.heal()
        return not any(each.joined for each in site.store.endpoints(network.id))

    wait_until(is_noticed, "the end of a sandbox")


def _mac(netns: Netns, ifname: str) -> str:
    words = netns.run("ip", "-o", "link", "show", ifname).split()
    return words[words.index("link/ether") + 1]
