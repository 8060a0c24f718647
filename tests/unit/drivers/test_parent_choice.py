"""The parent of a network on each of many hosts."""

from dataclasses import replace
from ipaddress import ip_interface, ip_network

import pytest

from plugin.drivers.allocated import check_allocated
from plugin.drivers.parent_choice import (
    is_open,
    lans_of,
    link_on_lan,
    parent_on,
    vlan_number,
    with_parent,
)
from plugin.drivers.registry import check_network
from plugin.errors import RefusedError
from plugin.model.ids import IfName
from plugin.model.network import Network
from plugin.model.parents import HostLink
from tests.fakes.values import a_network

FOR_TWO = {"parent@web1": "eth1", "parent@web2.lan": "bond0.7"}


def on(mode: str = "macvlan", **options: str) -> Network:
    return a_network(mode=mode, options={"mode": mode, **options})


def a_link(name: str, *addresses: str, ours: bool = False) -> HostLink:
    own = tuple(map(ip_interface, addresses))
    return HostLink(ifname=IfName(name), addresses=own, ours=ours)


def found_on(network: Network, links: list[HostLink]) -> IfName:
    parent = network.options["parent"]
    return link_on_lan(lans_of(network, parent), links, parent, "web1")


@pytest.mark.parametrize(
    ("host", "parent"),
    [("web1", "eth1"), ("WEB1", "eth1"), ("web1.example.com", "eth1"), ("web2.lan", "bond0.7")],
)
def test_a_host_by_its_name(host: str, parent: str) -> None:
    """With its domain or without, in letters of any size."""
    assert parent_on(FOR_TWO, host) == parent_on({**FOR_TWO, "parent": "eth0"}, host) == parent


def test_every_other_host() -> None:
    """Has the parent of all; no host is isolated because nobody thought of it."""
    assert parent_on({**FOR_TWO, "parent": "eth0"}, "web3") == "eth0"
    assert parent_on({"mode": "macvlan"}, "web3") is None
    said = r"this host is web3, .* for web1, web2.lan only; .* -o parent@web3=LINK too"
    with pytest.raises(RefusedError, match=said):
        parent_on(FOR_TWO, "web3")
    with pytest.raises(RefusedError, match=r"for w0, w1, w2, w3, w4, \.\.\. only"):
        parent_on({f"parent@w{number}": "eth0" for number in range(9)}, "web3")


def test_the_record_of_a_host() -> None:
    """Has the parent that was found."""
    network = on(parent="auto", **FOR_TWO)

    assert is_open(network.options)
    assert with_parent(network, "eth1") == on(parent="eth1")
    assert with_parent(on(**FOR_TWO), None) == on()
    assert not is_open(on(parent="eth1").options)


@pytest.mark.parametrize(
    ("addresses", "found"),
    [
        ({"eth0": ["10.1.0.7/24"]}, "eth0"),
        ({"eth0": ["192.0.2.1/24"], "br0": ["fd00::1/64", "10.1.0.7/24"]}, "br0"),
        ({"eth0": ["10.0.0.7/8"], "eth1": ["10.1.0.7/16"]}, "eth1"),
    ],
)
def test_the_link_on_the_lan(addresses: dict[str, list[str]], found: str) -> None:
    """By the address that the host has there; the smallest LAN counts."""
    links = [a_link(name, *own) for name, own in addresses.items()]

    assert found_on(on(parent="auto"), links) == found


@pytest.mark.parametrize("own", [["10.1.0.7/24"], ["fd00::2/64", "10.1.0.7/24"]])
def test_what_a_router_says_on_another_lan(own: list[str]) -> None:
    """Moves no network there: a host takes IPv6 addresses of any prefix that is announced to it."""
    network = on(parent="auto")
    (four,) = network.pools
    both = replace(network, pools=(replace(four, prefix=ip_network("fd00::/64")), four))
    links = [a_link("eth0", *own), a_link("guests", "fd00::bad/64", "192.0.2.1/24")]

    assert found_on(both, links) == "eth0"


@pytest.mark.parametrize(
    ("links", "said"),
    [
        ([], "no link of host web1 has an address on the LAN of 10.1.0.0/24; name .* parent@web1="),
        ([a_link("eth0", "10.1.0.1/25")], "no link"),
        ([a_link("pnh-1", "10.1.0.1/24", ours=True)], "no link"),
        ([a_link("a", "10.1.0.1/24"), a_link("b", "10.1.0.2/24")], "a and b of host web1 have"),
    ],
)
def test_no_link_that_it_could_be(links: list[HostLink], said: str) -> None:
    """Is said, with the option that helps."""
    with pytest.raises(RefusedError, match=said):
        found_on(on(parent="auto"), links)


def test_a_network_without_a_subnet() -> None:
    """Is on no LAN that could be looked for."""
    bare = a_network("blue", "0.0.0.0/0", mode="macvlan", options={"parent": "auto"})
    with pytest.raises(RefusedError, match="has no subnet to find a link by"):
        found_on(bare, [a_link("eth0", "10.1.0.7/24")])


@pytest.mark.parametrize("subnet", ["0.0.0.0/0", "10.9.0.0/16"])
def test_a_lan_that_the_option_says(subnet: str) -> None:
    """Whatever subnet the network has: with DHCP it has none."""
    network = a_network("blue", subnet, mode="macvlan", options={"parent": "10.1.0.0/24"})
    links = [a_link("eth0", "10.9.0.7/16"), a_link("br0", "10.1.0.7/24")]

    assert is_open(network.options)
    assert found_on(network, links) == "br0"
    said = r"parent is '10.1.0.0/24', and no link of host web1 has an address on the LAN of 10.1.0.0/24"
    with pytest.raises(RefusedError, match=said):
        found_on(network, links[:1])


@pytest.mark.parametrize("mode", ["macvlan", "ipvlan"])
def test_what_is_taken(mode: str) -> None:
    """Also by a manager that has none of the links, and before there are addresses."""
    for options in (
        FOR_TWO,
        *({"parent": "auto"}, {"parent@web1": "auto", "publish": "docker"}),
        *({"parent": "10.7.0.0/16"}, {"parent": "fd00::/64"}, {"parent@web1": "10.7.0.0/16"}),
    ):
        assert not check_network(on(mode, **options)).gateway_needs().skip_ipv4
        allocated = check_allocated(on(mode, **options)).network.options
        assert {name: allocated[name] for name in options} == options


@pytest.mark.parametrize(
    ("network", "said"),
    [
        (on(**{"parent@": "eth0"}), "option parent@ has no name of a host; write parent@HOST=eth0"),
        (on(**{"parent@a b": "eth0"}), "has no name of a host"),
        (on(**{"parent@web1": "e/0"}), "option parent@web1 is 'e/0', expected a link name"),
        (
            on(parent="10.1.0.7/24"),
            "'10.1.0.7/24', expected a link name .*, auto, or the subnet of",
        ),
        (on(parent="0.0.0.0/0"), "'0.0.0.0/0', expected a link name"),
        (on(parent="fe80::%1/64"), "expected a link name"),
        (on(parent="10.1.0.0/24", vlan="7"), "vlan is 7, and parent=10.1.0.0/24 finds a VLAN's"),
        (on(parent="auto", vlan="7"), "vlan is 7, and parent=auto finds a VLAN's own link"),
        (on("bridge", **FOR_TWO), "parent@web1 is unknown in mode bridge; it belongs to mode macv"),
    ],
)
def test_what_is_refused(network: Network, said: str) -> None:
    """With what would be right."""
    with pytest.raises(RefusedError, match=said):
        check_network(network)


@pytest.mark.parametrize("text", ["0", "4095", "007", "x", "-1"])
def test_what_is_no_vlan(text: str) -> None:
    """A number is written in one way only: it is in a link's name."""
    with pytest.raises(ValueError, match=rf"^{text}$|invalid literal"):
        vlan_number(text)
