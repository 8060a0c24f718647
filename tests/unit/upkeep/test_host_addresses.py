"""The host among containers on a parent, as calls and ticks keep it."""

from dataclasses import replace
from ipaddress import ip_address, ip_interface

import pytest

from plugin.errors import RefusedError
from plugin.model.addresses import Address, HostRoute
from plugin.model.ids import IfName, MacAddress, shim_name
from plugin.model.links import Shim
from plugin.model.network import Network
from plugin.model.parents import HostLink
from plugin.model.speakers import ForgedSource
from tests.fakes.rig import Rig
from tests.fakes.values import a_binding, a_network, an_endpoint

DUAL = ("10.1.0.0/24", "fd00:1::/64")
OPTIONS = {"mode": "macvlan", "parent": "eth0", "host_access": "true"}
ETH0 = IfName("eth0")


@pytest.fixture
def rig() -> Rig:
    rig = Rig()
    has(rig, "10.1.0.9/24", "fd00:1::9/64")
    return rig


def has(rig: Rig, *interfaces: str, mac_address: MacAddress | None = None) -> None:
    """The host's addresses on the parent."""
    rig.host.links.pop(ETH0, None)
    addresses = tuple(map(ip_interface, interfaces))
    rig.host.add_parent("eth0", addresses=addresses, mac_address=mac_address)


def a_lan(rig: Rig) -> Network:
    network = a_network("lan", *DUAL, mode="macvlan", options=OPTIONS)
    rig.networks.create(network)
    return network


def sources(rig: Rig) -> set[str]:
    """What the host is to its containers."""
    return {str(each.source) for each in rig.held() if isinstance(each, HostRoute)}


def neighbours(rig: Rig) -> set[str]:
    """What hardware addresses the host takes its containers' to be."""
    return {each.mac_address for each in rig.held() if isinstance(each, HostRoute)}


def test_routes_come_with_a_join_and_go_with_a_leave(rig: Rig) -> None:
    """Those of others stay; the link is the engine's until it is handed back."""
    network = a_lan(rig)
    one, other = an_endpoint(network, 2), an_endpoint(network, 3)
    assert sources(rig) == set()
    for endpoint in (one, other):
        rig.run(network, endpoint, a_binding(host_port=0))
    assert rig.held() == rig.wanted()
    rig.endpoints.leave(network.id, one.id)

    left = {each.address for each in rig.held() if isinstance(each, HostRoute)}
    assert left == {ip_address("10.1.0.3"), ip_address("fd00:1::3")}


def test_nothing_is_left(rig: Rig) -> None:
    """Of a network that is deleted with its containers."""
    network = a_lan(rig)
    rig.run(network, an_endpoint(network), a_binding())
    rig.networks.delete(network.id)

    assert rig.held() == frozenset()


def test_a_reboot_takes_everything_and_it_comes_back(rig: Rig) -> None:
    """Links, addresses and routes; containers make the rest when they start."""
    network = a_lan(rig)
    rig.run(network, an_endpoint(network))
    wanted = rig.held()
    rig.host.links.pop(shim_name(network.id))
    rig = rig.restarted()

    assert rig.held() == rig.wanted() == wanted


def test_a_parent_that_comes_back(rig: Rig) -> None:
    """The shim went with it, and so did the containers' links."""
    network = a_lan(rig)
    rig.run(network, an_endpoint(network))
    rig.host.delete_link("eth0")
    rig.healer.heal()
    has(rig, "10.1.0.9/24", "fd00:1::9/64")
    rig.healer.heal()

    assert rig.held() == rig.wanted()
    assert sources(rig) == set()
    rig.run(network, an_endpoint(network, 3))
    assert rig.held() == rig.wanted()


def test_parents_that_swap_their_names(rig: Rig) -> None:
    """The shim is made anew on the right one, with all that was on it, in one tick."""
    network = a_lan(rig)
    rig.run(network, an_endpoint(network))
    shim = rig.host.links[shim_name(network.id)]
    assert isinstance(shim.resource, Shim)
    shim.resource = replace(shim.resource, parent=IfName("eth1"))
    rig.healer.heal()

    assert rig.held() == rig.wanted()
    assert rig.health.conditions == ()


def test_a_route_that_nobody_wants_is_swept(rig: Rig) -> None:
    """Left by a process that died."""
    network = a_lan(rig)
    leaked = HostRoute(
        ifname=shim_name(network.id),
        address=ip_address("10.1.0.66"),
        mac_address=an_endpoint(network).mac_address,
        source=ip_address("10.1.0.9"),
    )
    rig.kernel.ensure([leaked], lambda _: None)
    rig.healer.heal()

    assert rig.held() == rig.wanted()


def test_a_route_that_another_program_deleted_comes_back(rig: Rig) -> None:
    """With the next tick."""
    network = a_lan(rig)
    rig.run(network, an_endpoint(network))
    rig.host.links[shim_name(network.id)].routes.clear()
    rig.healer.heal()

    assert rig.held() == rig.wanted()


class TestNoLeaseYet:
    """After a boot, before the host has been given an address."""

    @pytest.fixture
    def rig(self, rig: Rig) -> Rig:
        a_lan(rig)
        has(rig, "fd00:1::9/64")
        rig = rig.restarted()
        rig.host_addresses.follow()
        return rig

    def test_containers_start(self, rig: Rig) -> None:
        """The engine would not start them again; only their routes have to wait, and that is said."""
        (network,) = rig.store.networks()
        rig.run(network, an_endpoint(network))
        rig.healer.heal()

        assert sources(rig) == {"fd00:1::9"}
        (said,) = rig.health.conditions
        assert "this host has lost 10.1.0.9" in said.why

    @pytest.mark.parametrize("address", ["10.1.0.9", "10.1.0.8"])
    def test_the_ways_are_made_when_there_is_one(self, rig: Rig, address: str) -> None:
        """The same as before or another."""
        (network,) = rig.store.networks()
        rig.run(network, an_endpoint(network))
        has(rig, f"{address}/24", "fd00:1::9/64")
        rig.host_addresses.follow()
        rig.healer.heal()

        assert sources(rig) == {address, "fd00:1::9"}
        assert rig.held() == rig.wanted()
        assert rig.health.conditions == ()

    def test_what_fails_otherwise_fails(self, rig: Rig) -> None:
        """And nothing is left of it."""
        (network,) = rig.store.networks()
        before = rig.held()
        rig.host.foreign_routes.add(ip_address("fd00:1::2"))
        with pytest.raises(RefusedError, match="a route to fd00:1::2 exists"):
            rig.run(network, an_endpoint(network))

        assert rig.held() == before


class TestMoves:
    def test_another_lease(self, rig: Rig) -> None:
        """Ways, addresses and published ports follow."""
        network = a_lan(rig)
        rig.run(network, an_endpoint(network), a_binding())
        has(rig, "10.1.0.8/24", "fd00:1::8/64")
        rig.host_addresses.follow()

        assert sources(rig) == {"10.1.0.8", "fd00:1::8"}
        assert rig.held() == rig.wanted()
        moved = Address(ifname=shim_name(network.id), interface=ip_interface("fd00:1::8/128"))
        assert {each for each in rig.held() if isinstance(each, Address)} == {moved}

    def test_another_mac_address(self, rig: Rig) -> None:
        """Of the parent, which ipvlan containers have too."""
        old, new = MacAddress("02:00:00:00:00:e1"), MacAddress("02:00:00:00:00:e2")
        has(rig, "10.1.0.9/24", mac_address=old)
        own = {"host_address": "10.1.0.77,fd00:1::77"}
        network = a_network(
            "lan", *DUAL, mode="ipvlan", options={**OPTIONS, "mode": "ipvlan", **own}
        )
        rig.networks.create(network)
        rig.run(network, replace(an_endpoint(network), mac_address=MacAddress("")))
        assert neighbours(rig) == {old}
        has(rig, "10.1.0.9/24", mac_address=new)
        rig.host_addresses.follow()

        assert neighbours(rig) == {new}
        assert rig.held() == rig.wanted()

    @pytest.mark.parametrize("left", [(), ("fd00:1::9/64",)])
    def test_no_lease_yet(self, rig: Rig, left: tuple[str, ...]) -> None:
        """After a boot the address may take its time: it is the old one until there is another."""
        network = a_lan(rig)
        before = rig.store.network(network.id)
        has(rig, *left)
        rig.host_addresses.follow()

        assert rig.store.network(network.id) == before

    def test_no_parent(self, rig: Rig) -> None:
        """It may come back."""
        network = a_lan(rig)
        before = rig.store.network(network.id)
        rig.host.delete_link("eth0")
        rig.host_addresses.follow()

        assert rig.store.network(network.id) == before

    def test_others_do_not_care(self, rig: Rig) -> None:
        """Networks without the host in them know nothing of its addresses."""
        options = {"mode": "macvlan", "parent": "eth0"}
        rig.networks.create(a_network("lan", *DUAL, mode="macvlan", options=options))
        rig.host_addresses.follow()

        (known,) = rig.store.networks()
        assert known.host_addresses == ()
        assert rig.host.parents[ETH0] == HostLink(
            ifname=ETH0, addresses=(ip_interface("10.1.0.9/24"), ip_interface("fd00:1::9/64"))
        )


def test_networks_of_one_parent_share_what_guards_it(rig: Rig) -> None:
    """Until the last of them goes."""
    has(rig, "192.0.2.9/24", mac_address=MacAddress("02:00:00:00:00:e1"))
    networks = []
    for number in (1, 2):
        subnet = f"10.{number}.0.0/24"
        own = {"mode": "ipvlan", "host_services": "deny", "host_address": f"10.{number}.0.77"}
        network = a_network(f"n{number}", subnet, mode="ipvlan", options={**OPTIONS, **own})
        rig.networks.create(network)
        networks.append(network)
    rig.networks.delete(networks[0].id)

    assert ForgedSource in {type(each) for each in rig.held()}
    assert rig.held() == rig.wanted()
    rig.networks.delete(networks[1].id)
    assert rig.held() == frozenset()
