"""IPv6 beside a leased address: asked for as the same container, saved before it is answered, and rested."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from ipaddress import IPv6Interface

import pytest

from plugin.deadline import within
from plugin.dhcp.messages6 import Kind
from plugin.errors import EndpointNotFoundError, HostError
from plugin.model.ids import EndpointID, MacAddress
from plugin.model.network import Endpoint, Network
from tests.fakes.rig import Rig
from tests.fakes.values import SANDBOX
from tests.kernel.netns import wait_until
from tests.unit.service import leasing
from tests.unit.service.leasing import MAC

ADDRESS = IPv6Interface("2001:db8:50::11:22ff:fe33:4455/64")
LAN: Network = replace(leasing.LAN, options={**leasing.LAN.options, "ipv6": "slaac"})


@pytest.fixture
def on_lan(rig: Rig) -> Rig:
    """A network of the LAN's."""
    rig.host.add_parent("eth0")
    rig.networks.create(LAN)
    return rig


def start(rig: Rig, name: str, mac: MacAddress | None = MAC) -> Endpoint:
    return rig.endpoints.create(leasing.wanted(name, mac))


def versions(rig: Rig, network: Network = LAN) -> list[tuple[int, bool]]:
    """Of each lease, and whether it rests."""
    records = rig.store.leases(network.id)
    return sorted((each.lease.address.version, each.is_resting) for each in records)


def test_it_is_saved_before_it_is_answered(on_lan: Rig) -> None:
    """Beside the lease of IPv4, and for the same endpoint."""
    endpoint = start(on_lan, "web")

    assert endpoint.ipv6 == ADDRESS
    assert {each.endpoint_id for each in on_lan.store.leases(LAN.id)} == {endpoint.id}
    assert {each.lease.address for each in on_lan.store.leases(LAN.id)} == {
        *endpoint.interfaces,
    }
    assert start(on_lan, "web") == endpoint


def test_no_default_route_is_given(on_lan: Rig) -> None:
    """The container's kernel has the router of its advertisements, as long as it is there."""
    endpoint = start(on_lan, "web")

    attachment = on_lan.endpoints.join(LAN.id, endpoint.id, SANDBOX)

    assert attachment.gateway4
    assert attachment.gateway6 is None
    assert attachment.routes == ()


def test_without_a_router_of_ipv4_neither(on_lan: Rig) -> None:
    """IPv4 is all on the link then, and IPv6 is as the router says."""
    on_lan.lan.server.options = on_lan.lan.server.options[:1]
    endpoint = start(on_lan, "web")

    attachment = on_lan.endpoints.join(LAN.id, endpoint.id, SANDBOX)

    assert [str(each.destination) for each in attachment.routes] == ["0.0.0.0/0"]


def test_a_size_that_ipv6_does_not_go_through_is_not_taken(on_lan: Rig) -> None:
    """RFC 8200 section 5."""
    on_lan.lan.server.options += ((26, (1000).to_bytes(2, "big")),)
    plan = on_lan.bound.of(LAN).endpoint_plan(start(on_lan, "web"))

    assert {getattr(each, "mtu", None) for each in plan.resources} == {None}


def test_it_rests_and_comes_back(on_lan: Rig) -> None:
    """With the container, and goes with the network."""
    endpoint = start(on_lan, "web")
    on_lan.endpoints.delete(LAN.id, endpoint.id)
    assert versions(on_lan) == [(4, True), (6, True)]

    on_lan.lan.router.silent = True
    assert start(on_lan, "new").ipv6 == ADDRESS
    assert versions(on_lan) == [(4, False), (6, False)]

    on_lan.endpoints.delete(LAN.id, EndpointID("new" * 8))
    on_lan.networks.delete(LAN.id)
    assert versions(on_lan) == []


def test_seats_are_of_ipv4(on_lan: Rig) -> None:
    """What rests of IPv6 is no container's to come back as."""
    first = start(on_lan, "web", None)
    on_lan.endpoints.delete(LAN.id, first.id)

    assert start(on_lan, "new", None).ipv6 == first.ipv6
    assert start(on_lan, "db", None).ipv6 != first.ipv6


def test_it_is_held_after_a_restart(on_lan: Rig) -> None:
    """Nothing is asked, and it is given back with its container."""
    endpoint = start(on_lan, "web")
    asked = on_lan.lan.router.asked

    rig = on_lan.restarted()
    rig.leases.resume()

    assert versions(rig) == [(4, False), (6, False)]
    assert rig.lan.router.asked == asked
    rig.endpoints.delete(LAN.id, endpoint.id)
    assert versions(rig) == [(4, True), (6, True)]


def test_a_lan_without_a_router(on_lan: Rig) -> None:
    """The start fails in time and says why; the lease of IPv4 rests."""
    on_lan.lan.router.silent = True

    with within(0.5), pytest.raises(HostError, match=r"no IPv6 router gave an address on eth0 in"):
        start(on_lan, "web")

    assert versions(on_lan) == [(4, True)]
    assert on_lan.store.endpoints(LAN.id) == ()
    on_lan.leases.look_after()
    assert on_lan.health.hints == ()


def test_another_machine_has_it(on_lan: Rig) -> None:
    """The join fails and says what to do."""
    on_lan.lan.router.hosts[ADDRESS.ip] = MacAddress("02:00:00:00:00:99")
    endpoint = start(on_lan, "web")

    with pytest.raises(HostError, match=r"a router's prefix gives, is in use by 02:00:00:00:00:99"):
        on_lan.endpoints.join(LAN.id, endpoint.id, SANDBOX)

    on_lan.endpoints.delete(LAN.id, endpoint.id)
    del on_lan.lan.router.hosts[ADDRESS.ip]
    on_lan.endpoints.join(LAN.id, start(on_lan, "web").id, SANDBOX)


def test_another_prefix_is_told(on_lan: Rig) -> None:
    """The container's kernel has an address of it by itself; Docker shows the old one until it is connected again."""
    start(on_lan, "web")
    on_lan.leases.look_after()
    (record,) = (e for e in on_lan.store.leases(LAN.id) if e.lease.address.version == 6)
    changed = replace(record.lease, address=IPv6Interface("2001:db8:1::11:22ff:fe33:4455/64"))
    on_lan.store.save_lease(replace(record, lease=changed))

    on_lan.leases.look_after()

    (condition,) = on_lan.health.conditions
    assert f"{ADDRESS.ip} is the container's no more" in str(condition)


def test_ipv6_that_the_user_switched_off(on_lan: Rig) -> None:
    """Nothing is asked for such a container."""
    endpoint = on_lan.endpoints.create(replace(leasing.wanted("web", MAC), ipv6_off=True))

    assert endpoint.ipv6 is None
    assert on_lan.lan.router.asked == 0


def test_deleted_as_its_address_comes(on_lan: Rig) -> None:
    """Another call has the network, and the engine gives the endpoint up meanwhile."""
    on_lan.lan.router.silent = True
    with ThreadPoolExecutor(1) as pool:
        made = pool.submit(start, on_lan, "web")
        wait_until(lambda: on_lan.lan.router.asked > 0, "nobody asks")
        with on_lan.locks.hold(LAN.id):
            on_lan.lan.router.silent = False
            wait_until(lambda: len(on_lan.store.leases(LAN.id)) == 2, "no address")
            on_lan.endpoints.delete(LAN.id, EndpointID("web" * 8))
        with pytest.raises(EndpointNotFoundError):
            made.result(timeout=10)

    assert on_lan.store.endpoints(LAN.id) == ()
    assert versions(on_lan) == [(4, True), (6, True)]


def test_nobody_looks_whether_it_is_free(rig: Rig) -> None:
    """With conflict=off."""
    rig.host.add_parent("eth0")
    rig.networks.create(replace(LAN, options={**LAN.options, "conflict": "off"}))
    rig.lan.router.hosts[ADDRESS.ip] = MacAddress("02:00:00:00:00:99")

    rig.endpoints.join(LAN.id, start(rig, "web").id, SANDBOX)


def test_of_a_prefix_there_is_no_other_address(rig: Rig) -> None:
    """With conflict=wait the start fails as it is asked for, and is not tried until the end of its time."""
    rig.host.add_parent("eth0")
    rig.networks.create(replace(LAN, options={**LAN.options, "conflict": "wait"}))
    rig.lan.router.hosts[ADDRESS.ip] = MacAddress("02:00:00:00:00:99")

    with pytest.raises(HostError, match="a router's prefix gives, is in use by"):
        start(rig, "web")

    assert rig.lan.router.asked == 1


class TestDhcpv6:
    """A server gives the address."""

    @pytest.fixture
    def managed(self, rig: Rig) -> Rig:
        """A network whose containers ask it."""
        rig.host.add_parent("eth0")
        rig.networks.create(replace(LAN, options={**LAN.options, "ipv6": "dhcp"}))
        return rig

    def test_it_comes_back_and_is_given_back(self, managed: Rig) -> None:
        """By CONFIRM, and with the network."""
        server = managed.lan.router.server
        endpoint = start(managed, "web", None)
        assert endpoint.ipv6 == IPv6Interface("fd50::1000/128")
        managed.endpoints.delete(LAN.id, endpoint.id)

        again = start(managed, "new", None)
        assert again.ipv6 == endpoint.ipv6
        assert server.kinds() == [Kind.SOLICIT, Kind.REQUEST, Kind.CONFIRM]
        managed.endpoints.delete(LAN.id, again.id)
        managed.networks.delete(LAN.id)

        wait_until(lambda: Kind.RELEASE in server.kinds(), "not given back")
        assert server.leases == {}

    def test_an_identity_is_of_one_container(self, managed: Rig) -> None:
        """Two that start ask as two."""
        first, second = start(managed, "web", None), start(managed, "db", None)

        assert first.ipv6 != second.ipv6
        assert len(managed.lan.router.server.leases) == 2

    def test_ipvlan_has_its_ipv4_identity(self, rig: Rig) -> None:
        """RFC 4361: one IAID and DUID for both."""
        rig.host.add_parent("eth0", mac_address=MAC)
        options = {"mode": "ipvlan", "parent": "eth0", "dhcp": "true", "ipv6": "dhcp"}
        rig.networks.create(replace(LAN, mode="ipvlan", options=options))
        start(rig, "web", None)

        own, other = (each.lease.identity for each in rig.store.leases(LAN.id))
        assert own.client_id == b"\xff" + other.client_id

    def test_ipvlan_has_addresses_of_a_prefix(self, rig: Rig) -> None:
        """Two containers with one MAC address have two, and have them again."""
        rig.host.add_parent("eth0", mac_address=MAC)
        options = {"mode": "ipvlan", "parent": "eth0", "dhcp": "true", "ipv6": "auto"}
        rig.networks.create(replace(LAN, mode="ipvlan", options=options))
        one, other = start(rig, "web", None), start(rig, "db", None)
        assert one.ipv6
        assert other.ipv6
        assert one.ipv6.network == other.ipv6.network == ADDRESS.network
        assert len({one.ipv6, other.ipv6, ADDRESS}) == 3

        rig.endpoints.delete(LAN.id, one.id)
        assert start(rig, "new", None).ipv6 == one.ipv6

    def test_a_server_that_is_silent(self, managed: Rig) -> None:
        """It is named, and the lease of IPv4 rests."""
        managed.lan.router.server.silent = True

        with (
            within(0.5),
            pytest.raises(HostError, match="no DHCPv6 server gave an address on eth0"),
        ):
            start(managed, "web")

        assert versions(managed) == [(4, True)]
