"""A plugin that ends anywhere in the life of a lease, and writes that fail: no address is lost for ever."""

from collections.abc import Callable
from dataclasses import replace
from ipaddress import IPv4Interface, IPv6Interface

import pytest

from plugin.dhcp.base import NoLeaseError
from plugin.errors import StoreError
from plugin.model.ids import EndpointID, NetworkID
from plugin.model.leases import LeaseRecord
from plugin.model.network import Endpoint, Network
from plugin.service import leases
from tests.fakes.faults import CrashError
from tests.fakes.rig import Rig
from tests.kernel.netns import wait_until
from tests.unit.service import leasing, leasing_pool

WEB = EndpointID("web" * 8)
Life = Callable[[Rig], None]


def by_null(rig: Rig) -> None:
    """A container of a network without an IPAM, created and deleted."""
    endpoint = leasing.start(rig, "web")
    rig.endpoints.delete(leasing.LAN.id, endpoint.id)


def by_ipam(rig: Rig) -> None:
    """One whose address the engine asks for beforehand, and gives back."""
    endpoint = leasing_pool.start(rig, "web")
    leasing_pool.stop(rig, endpoint)


LAN6: Network = replace(leasing.LAN, options={**leasing.LAN.options, "ipv6": "dhcp"})
POOL6: Network = replace(leasing_pool.LAN, options={**leasing_pool.LAN.options, "ipv6": "dhcp"})
LIVES = [
    pytest.param(by_null, leasing.LAN, id="null"),
    pytest.param(by_null, LAN6, id="null-ipv6"),
    pytest.param(by_ipam, leasing_pool.LAN, id="ipam"),
    pytest.param(by_ipam, POOL6, id="ipam-ipv6"),
]


def on_lan(rig: Rig, network: Network) -> Rig:
    rig.host.add_parent("eth0")
    if network.pools == leasing_pool.LAN.pools:
        leasing_pool.request(rig)
    rig.networks.create(network)
    rig.faults.arm(None)
    return rig


def points(life: Life, network: Network) -> list[str]:
    rig = on_lan(Rig(), network)
    life(rig)
    return list(rig.faults.points)


def hours_later(monkeypatch: pytest.MonkeyPatch, hours: float) -> None:
    now = leases.moment()
    monkeypatch.setattr(leases, "moment", lambda: replace(now, wall=now.wall + hours * 3600))


@pytest.mark.parametrize(("life", "network"), LIVES)
def test_killed_anywhere_the_next_life_gives_all_back(
    life: Life, network: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The engine deletes the endpoint, or has forgotten it; nothing stays at the server."""
    met = points(life, network)
    assert {"save lease", "save endpoint", "delete endpoint"} <= set(met)
    for at, name in enumerate(met):
        rig = on_lan(Rig(), network)
        rig.faults.arm(at, CrashError())
        with pytest.raises(CrashError):
            life(rig)

        after = rig.restarted()
        after.leases.resume()
        after.endpoints.delete(network.id, WEB)
        for hours in (1, 3, 5):  # unused, then resting, then over
            with monkeypatch.context() as clock:
                hours_later(clock, hours)
                after.leases.look_after()

        assert after.store.leases(network.id) == (), f"left by a crash at {at}, {name}"
        wait_until(lambda lan=after.lan: not lan.server.leases, f"left at the server at {name}")
        server6 = after.lan.router.server
        wait_until(lambda it=server6: not it.leases, f"left at the DHCPv6 server at {name}")


@pytest.mark.parametrize(("life", "network"), LIVES)
def test_killed_anywhere_the_container_has_its_address_again(life: Life, network: Network) -> None:
    """What the server granted and no record names it grants again under the same identity."""
    for at, name in enumerate(points(life, network)):
        rig = on_lan(Rig(), network)
        rig.faults.arm(at, CrashError())
        with pytest.raises(CrashError):
            life(rig)

        after = rig.restarted()
        after.leases.resume()
        after.endpoints.delete(network.id, WEB)
        if network.pools == leasing_pool.LAN.pools:
            after.pools.release(leasing_pool.POOL, leasing_pool.FIRST.ip)
        life(after)

        own = {IPv4Interface("192.168.50.100/24")}
        both = own | ({IPv6Interface("fd50::1000/128")} if network in (LAN6, POOL6) else set())
        had = {each.lease.address for each in after.store.leases(network.id)}
        assert had == both, f"another after a crash at {at}, {name}"


class TestOfTheIpam:
    """An address that the engine asks for before it names an endpoint."""

    @pytest.fixture
    def rig(self, rig: Rig) -> Rig:
        return on_lan(rig, leasing_pool.LAN)

    def test_a_start_that_could_not_be_written_is_renewed_no_more(
        self, rig: Rig, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The lease was bound to an endpoint that did not come to be."""
        address = leasing_pool.ask(rig)

        def full(_: Endpoint) -> None:
            raise StoreError("the disk is full")

        with monkeypatch.context() as disk:
            disk.setattr(rig.store, "save_endpoint", full)
            with pytest.raises(StoreError):
                leasing_pool.create(rig, "web", address)
        rig.pools.release(leasing_pool.POOL, address.ip)
        rig.leases.look_after()

        assert_rests(rig)

    def test_what_the_engine_never_used_is_renewed_no_more(
        self, rig: Rig, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Or a lease shorter than release_after would be renewed without a record of it."""
        leasing_pool.ask(rig)
        hours_later(monkeypatch, 0.17)
        rig.leases.look_after()

        assert_rests(rig)

    def test_nor_does_each_renewal_begin_its_time_anew(
        self, rig: Rig, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Or one of a few minutes would never rest."""
        leasing_pool.ask(rig)
        (record,) = rig.store.leases(leasing_pool.LAN.id)
        hours_later(monkeypatch, 0.1)
        rig.teardown.leases.renewed(leasing_pool.LAN.id, record.lease)
        hours_later(monkeypatch, 0.08)
        rig.leases.look_after()

        assert_rests(rig)

    def test_one_that_is_asked_for_meanwhile_is_not_given_back(
        self, rig: Rig, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The call ends between two looks of the keeper's."""
        leasing_pool.stop(rig, leasing_pool.start(rig, "web"))
        read = rig.store.leases
        claim = rig.teardown.leases.claim(rig.bound.of(leasing_pool.LAN), leasing_pool.asker())

        def asked_meanwhile(*network: object) -> tuple[LeaseRecord, ...]:
            found = read(leasing_pool.LAN.id)
            with rig.teardown.leases.asked(claim):
                return found

        with monkeypatch.context() as patched:
            patched.setattr(rig.store, "leases", asked_meanwhile)
            hours_later(patched, 2)
            rig.teardown.leases.give_back_rested(rig.bound.of(leasing_pool.LAN))

        (record,) = rig.store.leases(leasing_pool.LAN.id)
        assert record.granted


def assert_rests(rig: Rig) -> None:
    """No container has it, and no client asks for it again."""
    (record,) = rig.store.leases(leasing_pool.LAN.id)
    assert record.is_resting
    client = record.lease.identity.client_id
    with pytest.raises(NoLeaseError, match="no lease is held"):
        rig.clients.confirm(leasing.PARENT, client, seconds=5)


class TestForgottenByTheEngine:
    """Its calls were lost; what is known by its IPAM tells."""

    def test_an_offer_is_known_before_it_is_a_lease(self) -> None:
        """A process that ends between the two gives it back later, if no container comes for it."""
        met = points(by_null, leasing.LAN)
        second = [at for at, name in enumerate(met) if name == "save lease"][1]
        rig = on_lan(Rig(), leasing.LAN)
        rig.faults.arm(second, CrashError())
        with pytest.raises(CrashError):
            leasing.start(rig, "web")

        after = rig.restarted()
        (record,) = after.store.leases(leasing.LAN.id)
        assert (record.offered, record.is_resting) == (True, True)
        assert leasing.start(after, "web").ipv4 == record.lease.address
        (record,) = after.store.leases(leasing.LAN.id)
        assert (record.offered, record.is_resting) == (False, False)

    def test_a_network_whose_pool_was_given_back(self) -> None:
        """It could not be made, or its deletion never came; what is created next takes its place."""
        rig = on_lan(Rig(), leasing_pool.LAN)
        rig.pools.release_pool(leasing_pool.POOL)
        assert list(rig.teardown.forgotten()) == [leasing_pool.LAN.id]

        leasing_pool.request(rig)
        other = replace(leasing_pool.LAN, id=NetworkID("other" * 8))
        rig.networks.create(other)

        leasing_pool.ask(rig)
        assert [len(rig.store.leases(each)) for each in (leasing_pool.LAN.id, other.id)] == [0, 1]

    def test_a_pool_that_an_engine_asks_for_again_was_not_given_back(self) -> None:
        """It replays what it has."""
        rig = on_lan(Rig(), leasing_pool.LAN)
        rig.pools.release_pool(leasing_pool.POOL)
        rig.pools.replay()

        leasing_pool.request(rig)

        assert list(rig.teardown.forgotten()) == []

    def test_an_endpoint_whose_address_was_given_back(self) -> None:
        """After its deletion, which never came here."""
        rig = on_lan(Rig(), leasing_pool.LAN)
        endpoint = leasing_pool.start(rig, "web")
        assert not rig.teardown.is_forgotten(leasing_pool.LAN, endpoint)
        assert endpoint.ipv4

        rig.pools.release(leasing_pool.POOL, endpoint.ipv4.ip)

        network = rig.store.network(leasing_pool.LAN.id)
        assert network
        assert rig.teardown.is_forgotten(network, endpoint)

    def test_a_process_that_ends_between_pool_and_network(self) -> None:
        """The engine repeats the call for the network alone."""
        rig = Rig()
        rig.host.add_parent("eth0")
        leasing_pool.request(rig)

        after = rig.restarted()
        after.networks.create(leasing_pool.LAN)

        assert leasing_pool.ask(after) == leasing_pool.FIRST
