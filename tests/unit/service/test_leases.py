"""Leases of containers, from the first start to the end of the network, by a server in memory."""

from dataclasses import replace
from ipaddress import IPv4Address, IPv4Interface

import pytest

from plugin.deadline import within
from plugin.dhcp.messages4 import Kind, Option
from plugin.errors import (
    HostError,
    RefusedError,
    StoreError,
)
from plugin.model.ids import MacAddress
from plugin.model.links import Macvlan
from plugin.model.network import Endpoint, Network, StaticRoute
from plugin.service import leases
from tests.fakes.dhcp import SERVER
from tests.fakes.rig import Rig
from tests.fakes.values import SANDBOX
from tests.kernel.netns import wait_until
from tests.unit.service.leasing import LAN, MAC, start, wanted


@pytest.fixture
def on_lan(rig: Rig) -> Rig:
    """A network of the LAN's."""
    rig.host.add_parent("eth0")
    rig.networks.create(LAN)
    return rig


def test_an_address_is_saved_before_it_is_answered(on_lan: Rig) -> None:
    """With what the server said, and whose it is."""
    endpoint = start(on_lan, "web")

    assert endpoint.ipv4 == IPv4Interface("192.168.50.100/24")
    (record,) = on_lan.store.leases(LAN.id)
    assert (record.endpoint_id, record.seat) == (endpoint.id, 0)
    assert record.lease.address == endpoint.ipv4
    assert on_lan.store.endpoint(endpoint.id) == endpoint


def test_the_container_gets_what_the_server_said(on_lan: Rig) -> None:
    """Its router, its routes, its MTU; and the MAC address that it asked with."""
    routes = b"\x10\x0a\x09" + SERVER.packed + b"\0" + SERVER.packed
    on_lan.lan.server.options += ((Option.CLASSLESS_ROUTES, routes), (Option.MTU, b"\5\x78"))
    endpoint = start(on_lan, "web")

    attachment = on_lan.endpoints.join(LAN.id, endpoint.id, SANDBOX)

    assert attachment.gateway4 == SERVER
    assert [str(each.destination) for each in attachment.routes] == ["10.9.0.0/16"]
    assert all(isinstance(each, StaticRoute) for each in attachment.routes)
    plan = on_lan.bound.of(LAN).endpoint_plan(endpoint)
    (link,) = (each for each in plan.resources if isinstance(each, Macvlan))
    assert (link.mtu, link.mac_address) == (1400, endpoint.mac_address)


def test_a_container_that_comes_back_has_its_address(on_lan: Rig) -> None:
    """By one message, and nothing was given back meanwhile."""
    first = start(on_lan, "web")
    on_lan.endpoints.delete(LAN.id, first.id)
    on_lan.lan.server.heard.clear()

    again = start(on_lan, "new")

    assert (again.ipv4, again.mac_address) == (first.ipv4, first.mac_address)
    assert on_lan.lan.server.kinds() == [Kind.REQUEST]


def test_a_chosen_mac_address_is_who_it_is(on_lan: Rig) -> None:
    """Whatever other containers come and go meanwhile."""
    first = start(on_lan, "web", MAC)
    other = start(on_lan, "db")
    on_lan.endpoints.delete(LAN.id, first.id)
    third = start(on_lan, "new")

    again = start(on_lan, "web2", MAC)

    assert again.ipv4 == first.ipv4
    assert again.mac_address == MAC
    assert len({again.ipv4, other.ipv4, third.ipv4}) == 3


def test_a_mac_address_is_one_running_containers(on_lan: Rig) -> None:
    """The second would have the first's address, and take it away."""
    first = start(on_lan, "web", MAC)
    on_lan.endpoints.join(LAN.id, first.id, SANDBOX)

    with pytest.raises(RefusedError, match=f"{MAC} is that of a running container"):
        start(on_lan, "db", MAC)

    assert on_lan.store.endpoint(first.id)
    assert on_lan.store.leases(LAN.id)[0].endpoint_id == first.id


def test_a_name_that_the_user_gave_is_who_it_is(on_lan: Rig) -> None:
    """For engines that tell nobody the container's own."""

    def named(name: str) -> Endpoint:
        return on_lan.endpoints.create(replace(wanted(name), options={"name": "web"}))

    first = named("one")
    on_lan.endpoints.delete(LAN.id, first.id)
    start(on_lan, "other")

    again = named("two")

    assert (again.ipv4, again.mac_address) == (first.ipv4, first.mac_address)
    named_web = [each.option(Option.HOST_NAME) for each in on_lan.lan.server.heard]
    assert named_web.count(b"web") == 3  # DISCOVER and REQUEST, and REQUEST again


def test_a_plugin_that_restarts_sends_nothing(on_lan: Rig) -> None:
    """It goes on with what it held, and rests what nobody holds any more."""
    kept, gone = start(on_lan, "web"), start(on_lan, "db")
    on_lan.store.delete_endpoint(gone.id)
    on_lan.lan.server.heard.clear()

    after = on_lan.restarted()
    after.leases.resume()

    assert after.lan.server.heard == []
    held = {each.endpoint_id for each in after.store.leases(LAN.id)}
    assert held == {kept.id, None}


def test_what_rested_long_enough_is_given_back(
    on_lan: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After an hour, once; while a container runs, never."""
    endpoint, other = start(on_lan, "web"), start(on_lan, "db")
    on_lan.endpoints.delete(LAN.id, endpoint.id)
    on_lan.leases.look_after()
    assert len(on_lan.store.leases(LAN.id)) == 2

    now = leases.moment()
    later = replace(now, wall=now.wall + 3601)
    monkeypatch.setattr(leases, "moment", lambda: later)
    on_lan.leases.look_after()

    wait_until(lambda: Kind.RELEASE in on_lan.lan.server.kinds(), "not given back")
    (record,) = on_lan.store.leases(LAN.id)
    assert record.endpoint_id == other.id


def test_a_network_that_goes_gives_all_back(on_lan: Rig) -> None:
    """Nothing of it is left at the server."""
    endpoint = start(on_lan, "web")
    on_lan.endpoints.delete(LAN.id, endpoint.id)

    on_lan.networks.delete(LAN.id)

    wait_until(lambda: on_lan.lan.server.leases == {}, "not given back")


def test_an_address_that_a_stranger_has_fails_the_start(on_lan: Rig) -> None:
    """And the next start has another."""
    on_lan.lan.hosts[IPv4Address("192.168.50.100")] = MacAddress("02:00:00:00:00:99")
    endpoint = start(on_lan, "web")

    with pytest.raises(HostError, match=r"192\.168\.50\.100.* is in use by 02:00:00:00:00:99"):
        on_lan.endpoints.join(LAN.id, endpoint.id, SANDBOX)

    on_lan.endpoints.delete(LAN.id, endpoint.id)
    again = start(on_lan, "new")
    assert again.ipv4 != endpoint.ipv4
    on_lan.endpoints.join(LAN.id, again.id, SANDBOX)


def test_a_silent_server_is_named_and_nothing_is_left(on_lan: Rig) -> None:
    """No record, no lease; and its answer is not lost when it comes."""
    on_lan.lan.server.silent = True

    with within(0.3), pytest.raises(HostError, match="no DHCP server gave an address on eth0"):
        start(on_lan, "web")

    assert on_lan.store.endpoints(LAN.id) == ()
    assert on_lan.store.leases(LAN.id) == ()
    on_lan.lan.server.silent = False
    wait_until(lambda: on_lan.lan.server.leases, "nobody asks any more")
    assert start(on_lan, "web").ipv4 == IPv4Interface("192.168.50.100/24")


def test_a_state_that_cannot_be_written_leaves_nothing_at_the_server(
    on_lan: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A lease without a record would never be given back."""

    def full(_: object) -> None:
        raise StoreError("the disk is full")

    monkeypatch.setattr(on_lan.store, "save_lease", full)

    with pytest.raises(StoreError):
        start(on_lan, "web")

    assert on_lan.store.leases(LAN.id) == ()
    wait_until(lambda: not on_lan.lan.server.leases, "not given back")


class TestInModeIpvlan:
    """All containers have the parent's MAC address."""

    @pytest.fixture
    def network(self, rig: Rig) -> Network:
        """One on the LAN."""
        rig.host.add_parent("eth0", mac_address=MAC)
        made = replace(LAN, mode="ipvlan", options={**LAN.options, "mode": "ipvlan"})
        rig.networks.create(made)
        return made

    @pytest.mark.usefixtures("network")
    def test_each_has_an_address_of_its_own(self, rig: Rig) -> None:
        """By an identifier that is none of a MAC address; the engine sets no MAC address."""
        one, other = start(rig, "web"), start(rig, "db")

        assert one.ipv4 != other.ipv4
        assert (one.mac_address, other.mac_address) == ("", "")
        assert {each.mac for each in rig.lan.server.heard} == {MAC}
        assert all(client.startswith(b"\xff") for client in rig.lan.server.leases)
        rig.endpoints.delete(LAN.id, one.id)
        assert start(rig, "new").ipv4 == one.ipv4

    @pytest.mark.usefixtures("network")
    def test_a_server_that_goes_by_the_mac_address_is_named(self, rig: Rig) -> None:
        """It gives all the same address, which only the first may have."""
        first = start(rig, "web")
        rig.lan.server.twist = lambda answer: [replace(answer, yours=IPv4Address("192.168.50.100"))]

        with within(0.5), pytest.raises(HostError, match="choose mode=macvlan"):
            start(rig, "db")
        assert [each.id for each in rig.store.endpoints(LAN.id)] == [first.id]


def test_the_hosts_own_address_is_not_taken(rig: Rig) -> None:
    """The host does not hear that its parent asks for it."""
    own = IPv4Interface("192.168.50.100/24")
    rig.host.add_parent("eth0", addresses=(own,))
    rig.networks.create(LAN)

    with (
        within(0.5),
        pytest.raises(HostError, match=r"192\.168\.50\.100 is this host's own address"),
    ):
        start(rig, "web")


def test_an_engine_that_was_killed_deletes_nothing(on_lan: Rig) -> None:
    """Its containers have ended, and come back at once: they have the same addresses, and each its own."""
    before = [start(on_lan, name) for name in ("web", "db", "dns")]
    for each in before:
        on_lan.endpoints.join(LAN.id, each.id, SANDBOX)
    for each in before[1:]:
        on_lan.endpoints.leave(LAN.id, each.id)
    on_lan.lan.server.heard.clear()

    after = [start(on_lan, name) for name in ("db2", "dns2")]

    assert {each.ipv4 for each in after} == {each.ipv4 for each in before[1:]}
    assert Kind.DISCOVER not in on_lan.lan.server.kinds()
    assert {each.id for each in on_lan.store.endpoints(LAN.id)} == {
        before[0].id,
        *(each.id for each in after),
    }
    assert start(on_lan, "more").ipv4 not in {each.ipv4 for each in before}
