"""One suite, two kernels: what carries a network to other hosts."""

import os
from collections.abc import Iterator
from dataclasses import replace
from ipaddress import ip_address, ip_network

import pytest

from plugin.errors import ForeignLinkError, RefusedError
from plugin.model.ids import IfName, MacAddress
from plugin.model.links import Bridge
from plugin.model.resources import HostResource
from plugin.model.tunnels import (
    FloodEntry,
    Vxlan,
    WireGuard,
    WireGuardPeer,
    inner_address,
    wireguard,
)
from tests.contract.hosts import Host, make

BRIDGE = Bridge(
    ifname=IfName("pnb-1"), mac_address=MacAddress("02:00:00:00:00:01"), mtu=1450, owner="n1"
)
VXLAN = Vxlan(
    ifname=IfName("pnx-1"),
    vni=7,
    port=4789,
    local=ip_address("10.99.0.1"),
    mtu=1450,
    master=BRIDGE.ifname,
    owner="n1",
)
PEERS = [FloodEntry(ifname=VXLAN.ifname, peer=ip_address(f"10.99.0.{number}")) for number in (2, 3)]
# Control sockets of processes are in one directory of the machine, by names of links.
PORT = 20000 + os.getpid() % 20000
ENCRYPTING = wireguard(ip_address("10.99.0.1"), PORT)
ENCRYPTED_FOR = [
    WireGuardPeer(
        ifname=ENCRYPTING.ifname, inner=inner_address(peer, PORT), endpoint=peer, port=PORT
    )
    for peer in map(ip_address, ("10.99.0.2", "fd00:99::2"))
]
WHOLE: list[HostResource] = [BRIDGE, VXLAN, *PEERS]


def test_what_was_made_is_read_as_it_was_asked_for(host: Host) -> None:
    """Once, and again: a peer that flaps is no failure."""
    make(host, *WHOLE)
    make(host, *WHOLE)

    assert host.kernel.read(WHOLE) == frozenset(WHOLE)
    assert host.kernel.read_all() == frozenset(WHOLE)


def test_by_ipv6(host: Host) -> None:
    """Hosts may have no other addresses."""
    device = replace(VXLAN, local=ip_address("fd00:99::1"))
    peer = FloodEntry(ifname=device.ifname, peer=ip_address("fd00:99::2"))
    make(host, BRIDGE, device, peer)

    assert host.kernel.read([device, peer]) == {device, peer}


def test_a_peer_goes_and_the_others_stay(host: Host) -> None:
    """Also one that had gone before."""
    make(host, *WHOLE)
    host.kernel.remove([PEERS[0]])
    host.kernel.remove([PEERS[0]])

    assert host.kernel.read(PEERS) == {PEERS[1]}


@pytest.mark.parametrize(
    "other",
    [
        replace(VXLAN, vni=8),
        replace(VXLAN, port=4790),
        replace(VXLAN, local=ip_address("10.99.0.9")),
    ],
)
def test_one_that_is_another_is_made_anew(host: Host, other: Vxlan) -> None:
    """Its table is empty then, which the next look sees."""
    make(host, *WHOLE)
    make(host, other)

    assert host.kernel.read([other]) == {other}
    assert host.kernel.read(PEERS) == frozenset()


def test_one_that_is_the_same_is_kept(host: Host) -> None:
    """Whatever else was changed: its table, of where containers are, stays."""
    make(host, *WHOLE)
    smaller = replace(VXLAN, mtu=1400)
    make(host, smaller)

    assert host.kernel.read([smaller, *PEERS]) == {smaller, *PEERS}


def test_its_bridge_went_and_came(host: Host) -> None:
    """It is a port again."""
    make(host, *WHOLE)
    host.delete_link(BRIDGE.ifname)
    assert host.kernel.read([VXLAN]) != {VXLAN}
    make(host, *WHOLE)

    assert host.kernel.read(WHOLE) == frozenset(WHOLE)


def test_two_cannot_have_one_number(host: Host) -> None:
    """The first has it, and nothing is left of the second."""
    make(host, *WHOLE)
    second = replace(VXLAN, ifname=IfName("pnx-2"))
    with pytest.raises(
        RefusedError, match="vni 7 on port 4789 is in use on this host by link pnx-1"
    ):
        make(host, second)

    assert host.kernel.missing_links([second.ifname]) == {second.ifname}


def test_the_number_is_free_when_the_first_is_removed(host: Host) -> None:
    """Though the kernel takes its time to delete a link."""
    make(host, *WHOLE)
    host.kernel.remove([VXLAN])
    second = replace(VXLAN, ifname=IfName("pnx-2"))
    make(host, second)

    assert host.kernel.read([second]) == {second}


def test_a_foreign_link_is_refused(host: Host) -> None:
    """And stays as it is."""
    make(host, BRIDGE)
    host.add_foreign_link(VXLAN.ifname)
    with pytest.raises(ForeignLinkError, match="pnx-1 exists and is not this network's"):
        make(host, VXLAN)

    assert not host.kernel.missing_links([VXLAN.ifname])


def test_what_was_removed_is_gone(host: Host) -> None:
    """Entries go with their device."""
    make(host, *WHOLE)
    host.kernel.remove([*PEERS[::-1], VXLAN, BRIDGE])
    host.settle()

    assert host.kernel.read_all() == frozenset()


def test_the_hosts_own_addresses(host: Host) -> None:
    """Of those that are asked for, and the links that have them."""
    host.add_parent("up0")
    host.add_foreign_address("up0", "10.99.0.1/24")
    found = host.kernel.links_with([ip_address("10.99.0.1"), ip_address("10.99.0.2")])

    assert {str(address): link.ifname for address, link in found.items()} == {"10.99.0.1": "up0"}


def test_links_on_a_lan(host: Host) -> None:
    """Those with an address there: what its prefix has, and not what has its prefix."""
    host.add_parent("up0")
    host.add_foreign_address("up0", "10.99.0.1/24")

    for prefix in ("10.99.0.0/24", "10.99.0.128/25"):
        (link,) = host.kernel.links_on([ip_network(prefix), ip_network("fd00::/64")])
        assert (link.ifname, [str(each) for each in link.addresses]) == ("up0", ["10.99.0.1/24"])
    assert host.kernel.links_on([ip_network("10.99.0.0/16"), ip_network("fd00::/64")]) == ()
    assert host.kernel.host_name()


@pytest.fixture
def encrypting(host: Host) -> Iterator[Host]:
    """A host with a link that encrypts; a process that has it ends with it."""
    make(host, ENCRYPTING, *ENCRYPTED_FOR)
    yield host
    host.kernel.remove([ENCRYPTING])
    host.settle()


def test_a_link_that_encrypts(encrypting: Host) -> None:
    """As it was asked for, once and again; it is found without a record."""
    make(encrypting, ENCRYPTING, *ENCRYPTED_FOR)

    assert encrypting.kernel.read([ENCRYPTING, *ENCRYPTED_FOR]) == {ENCRYPTING, *ENCRYPTED_FOR}
    keys = {each.key for each in encrypting.kernel.read_all()}
    assert keys == {each.key for each in (ENCRYPTING, *ENCRYPTED_FOR)}


def test_one_of_its_peers_goes(encrypting: Host) -> None:
    """Also one that had gone before."""
    encrypting.kernel.remove(ENCRYPTED_FOR[:1])
    encrypting.kernel.remove(ENCRYPTED_FOR[:1])

    assert encrypting.kernel.read(ENCRYPTED_FOR) == {ENCRYPTED_FOR[1]}


def test_it_was_deleted_and_comes_back(encrypting: Host) -> None:
    """Without its peers, which the next look sees."""
    encrypting.delete_link(ENCRYPTING.ifname)
    assert encrypting.kernel.read([ENCRYPTING, *ENCRYPTED_FOR]) == frozenset()
    make(encrypting, ENCRYPTING)

    assert encrypting.kernel.read([ENCRYPTING, *ENCRYPTED_FOR]) == {ENCRYPTING}


def test_a_foreign_link_does_not_encrypt(host: Host) -> None:
    """It is refused, and stays."""
    host.add_foreign_link(ENCRYPTING.ifname)
    with pytest.raises(ForeignLinkError, match="exists and is not this network's"):
        make(host, ENCRYPTING)

    assert host.kernel.read([ENCRYPTING]) == {replace(ENCRYPTING, owner="")}


def test_a_link_that_is_deleted_is_no_more(host: Host) -> None:
    """Nor are its peers, and it is free for the next."""
    wanted: list[WireGuard | WireGuardPeer] = [ENCRYPTING, *ENCRYPTED_FOR]
    for _ in range(2):
        make(host, *wanted)
        host.kernel.remove(wanted[::-1])
        host.settle()

        assert host.kernel.read_all() == frozenset()
