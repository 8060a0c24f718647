"""One suite, two stores: what a caller of plugin.store may rely on."""

from dataclasses import replace
from ipaddress import IPv4Interface, IPv6Interface, ip_interface

import pytest

from plugin.errors import StoreError
from plugin.model.ids import EndpointID, MacAddress, NetworkID
from plugin.model.network import (
    Endpoint,
    Network,
    NetworkState,
    Protocol,
)
from plugin.store.base import Store
from tests.fakes.values import (
    SANDBOX,
    a_binding,
    a_network,
    a_pool,
    a_published_port,
    an_endpoint,
)

BLUE = Network(
    id=NetworkID("b" * 64),
    mode="bridge",
    options={"mtu": "1400", "bridge_name": "blue"},
    pools=(
        a_pool("10.1.0.0/24", auxiliary={"printer": ip_interface("10.1.0.9/24")}),
        a_pool("10.2.0.0/24", gateway=None),
        a_pool("fd00:1::/64"),
    ),
    internal=True,
    ipv6=True,
    uplink_mtu=1380,
    state=NetworkState.ACTIVE,
)
WEB = Endpoint(
    id=EndpointID("e" * 64),
    network_id=BLUE.id,
    mac_address=MacAddress("02:00:00:00:00:02"),
    mac_chosen=True,
    ipv4=IPv4Interface("10.1.0.2/24"),
    ipv6=IPv6Interface("fd00:1::2/64"),
    options={"a": "b"},
    sandbox_key="/var/run/docker/netns/1",
    bindings=(a_binding(), a_binding(53, 0, protocol=Protocol.UDP, host_ip="::1")),
    published=(a_published_port(), a_published_port("::", 8080, "fd00:1::2")),
)
RED = a_network("red", "10.3.0.0/24")


class TestNetworks:
    def test_what_was_saved_is_found(self, store: Store) -> None:
        """With every field."""
        store.save_network(BLUE)

        assert store.network(BLUE.id) == BLUE

    def test_all_of_them(self, store: Store) -> None:
        """In whatever state."""
        pending = replace(RED, state=NetworkState.PENDING)
        store.save_network(BLUE)
        store.save_network(pending)

        assert set(map(repr, store.networks())) == {repr(BLUE), repr(pending)}

    def test_saving_again_replaces(self, store: Store) -> None:
        """And keeps the endpoints."""
        store.save_network(BLUE)
        store.save_endpoint(WEB)
        store.save_network(replace(BLUE, state=NetworkState.DELETING))

        assert store.networks() == (replace(BLUE, state=NetworkState.DELETING),)
        assert store.endpoints(BLUE.id) == (WEB,)

    def test_marked_it_stays_so_whatever_is_saved(self, store: Store) -> None:
        """The engine may forget it while a call of its own is at work on it."""
        store.save_network(BLUE)

        assert store.mark_network_deleting(BLUE.id)
        store.save_network(replace(BLUE, state=NetworkState.ACTIVE))
        assert store.networks() == (replace(BLUE, state=NetworkState.DELETING),)
        assert not store.mark_network_deleting(NetworkID("unknown"))

    def test_deleting_forgets_the_endpoints_too(self, store: Store) -> None:
        """And those of no other network."""
        store.save_network(BLUE)
        store.save_network(RED)
        store.save_endpoint(WEB)
        other = an_endpoint(RED)
        store.save_endpoint(other)
        store.delete_network(BLUE.id)

        assert store.networks() == (RED,)
        assert store.endpoint(WEB.id) is None
        assert store.endpoints(BLUE.id) == ()
        assert store.endpoints(RED.id) == (other,)

    def test_unknown_ids_are_passed_over(self, store: Store) -> None:
        """Deleting twice is deleting once."""
        store.delete_network(BLUE.id)

        assert store.network(BLUE.id) is None
        assert store.networks() == ()


class TestEndpoints:
    def test_what_was_saved_is_found(self, store: Store) -> None:
        """With every field."""
        store.save_network(BLUE)
        store.save_endpoint(WEB)

        assert store.endpoint(WEB.id) == WEB
        assert store.endpoints(BLUE.id) == (WEB,)

    def test_saving_again_replaces(self, store: Store) -> None:
        """A join, a leave and a publication are all the same endpoint."""
        store.save_network(BLUE)
        store.save_endpoint(WEB)
        left = replace(WEB, sandbox_key=None, bindings=(), published=())
        store.save_endpoint(left)

        assert store.endpoints(BLUE.id) == (left,)

    def test_marked_it_stays_so_whatever_is_saved(self, store: Store) -> None:
        """And counts for joined no more."""
        store.save_network(BLUE)
        store.save_endpoint(WEB)

        assert store.mark_endpoint_deleting(WEB.id)
        store.save_endpoint(replace(WEB, sandbox_key=SANDBOX))
        assert store.endpoints(BLUE.id) == (replace(WEB, deleting=True, sandbox_key=None),)
        assert not store.mark_endpoint_deleting(EndpointID("unknown"))

    def test_its_network_must_be_there(self, store: Store) -> None:
        """Nothing could ever find it again."""
        with pytest.raises(StoreError):
            store.save_endpoint(WEB)

        assert store.endpoint(WEB.id) is None

    def test_deleting_forgets_it(self, store: Store) -> None:
        """And nothing else."""
        store.save_network(BLUE)
        store.save_endpoint(WEB)
        other = replace(WEB, id=EndpointID("f" * 64))
        store.save_endpoint(other)
        store.delete_endpoint(WEB.id)
        store.delete_endpoint(WEB.id)

        assert store.endpoints(BLUE.id) == (other,)

    def test_they_are_found_by_address(self, store: Store) -> None:
        """Those of the network that have one of the addresses now, each once."""
        store.save_network(BLUE)
        store.save_endpoint(WEB)
        twin = replace(WEB, id=EndpointID("f" * 64))
        store.save_endpoint(twin)
        found = store.endpoints_at(BLUE.id, WEB.interfaces)
        assert sorted(each.id for each in found) == sorted([WEB.id, twin.id])

        moved = replace(twin, ipv4=IPv4Interface("10.1.0.77/24"))
        store.save_endpoint(moved)
        store.delete_endpoint(WEB.id)

        assert store.endpoints_at(BLUE.id, [moved.interfaces[0]]) == (moved,)
        assert moved not in store.endpoints_at(BLUE.id, [WEB.interfaces[0]])
        assert store.endpoints_at(NetworkID("e" * 64), moved.interfaces) == ()

    def test_they_are_found_by_mac_address(self, store: Store) -> None:
        """The one that they have now; what has none is not found by that."""
        store.save_network(BLUE)
        store.save_endpoint(WEB)
        store.save_endpoint(replace(WEB, id=EndpointID("f" * 64), mac_address=MacAddress("")))
        assert store.endpoints_at(BLUE.id, [WEB.mac_address]) == (WEB,)
        assert store.endpoints_at(BLUE.id, [MacAddress("")]) == ()

        moved = replace(WEB, mac_address=MacAddress("02:00:00:00:00:77"))
        store.save_endpoint(moved)

        assert store.endpoints_at(BLUE.id, [WEB.mac_address]) == ()
        assert store.endpoints_at(BLUE.id, [moved.mac_address]) == (moved,)
        store.delete_endpoint(moved.id)
        assert store.endpoints_at(BLUE.id, [moved.mac_address]) == ()

    def test_they_are_found_by_sandbox(self, store: Store) -> None:
        """On whatever network; what has left, or is being deleted, is in none."""
        twin = replace(WEB, id=EndpointID("f" * 64), network_id=RED.id, sandbox_key="/one")
        for network in (BLUE, RED):
            store.save_network(network)
        store.save_endpoint(replace(WEB, sandbox_key="/one"))
        store.save_endpoint(twin)
        assert {each.id for each in store.endpoints_in("/one")} == {WEB.id, twin.id}

        store.save_endpoint(replace(WEB, sandbox_key=None))
        assert store.endpoints_in("/one") == (twin,)
        store.mark_endpoint_deleting(twin.id)
        assert store.endpoints_in("/one") == ()
        store.delete_endpoint(twin.id)

        assert store.endpoints_in("/one") == ()

    def test_they_are_found_by_a_port_of_the_host(self, store: Store) -> None:
        """As long as their record lists it; one of the container's own is none of the host."""
        own = replace(a_published_port(host_port=0), host_ip=None)
        store.save_network(BLUE)
        listing = replace(WEB, published=(a_published_port(), own))
        store.save_endpoint(listing)
        assert store.endpoints_publishing(Protocol.TCP, 8080) == (listing,)
        assert store.endpoints_publishing(Protocol.UDP, 8080) == ()
        assert store.endpoints_publishing(Protocol.TCP, 0) == ()

        store.save_endpoint(replace(WEB, published=()))

        assert store.endpoints_publishing(Protocol.TCP, 8080) == ()

    def test_a_deleted_networks_are_not_found_by_address(self, store: Store) -> None:
        """The address is free for another."""
        store.save_network(BLUE)
        store.save_endpoint(WEB)
        store.delete_network(BLUE.id)

        assert store.endpoints_at(BLUE.id, WEB.interfaces) == ()

    def test_unknown_networks_have_none(self, store: Store) -> None:
        """Asking is no failure."""
        assert store.endpoints(BLUE.id) == ()
