"""Addresses that the engine asks of pynet's IPAM and a DHCP server gives, by a server in memory."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from ipaddress import IPv4Address, IPv4Interface
from threading import Thread

import pytest

from plugin.deadline import within
from plugin.dhcp.messages4 import Kind, Option
from plugin.errors import HostError, RefusedError
from plugin.model.ids import NetworkID
from plugin.service import leases
from plugin.service.leased_pool import LeasedPool
from tests.fakes.rig import Rig
from tests.fakes.values import SANDBOX
from tests.kernel.netns import wait_until
from tests.unit.service.leasing_pool import FIRST, LAN, POOL, ask, create, request, start, stop


@pytest.fixture
def on_lan(rig: Rig) -> Rig:
    """A network of the LAN's."""
    rig.host.add_parent("eth0")
    request(rig)
    rig.networks.create(LAN)
    return rig


def test_an_address_is_saved_before_it_is_answered(on_lan: Rig) -> None:
    """And the endpoint has the MAC address that asked, and what the server said."""
    address = ask(on_lan)
    (record,) = on_lan.store.leases(LAN.id)
    assert (record.granted, record.endpoint_id, record.lease.address) == (True, None, address)

    endpoint = create(on_lan, "web", address)

    assert endpoint.mac_address == record.lease.identity.mac
    assert endpoint.facts == record.lease.facts
    (record,) = on_lan.store.leases(LAN.id)
    assert record.endpoint_id == endpoint.id
    on_lan.endpoints.join(LAN.id, endpoint.id, SANDBOX)


def test_a_name_has_its_address_again(on_lan: Rig) -> None:
    """Whatever came and went meanwhile; and the server is told the name."""
    web, db = start(on_lan, "web", name="web"), start(on_lan, "db", name="db")
    stop(on_lan, web)
    stop(on_lan, db)
    on_lan.lan.server.heard.clear()

    assert start(on_lan, "db2", name="db").ipv4 == db.ipv4
    assert start(on_lan, "web2", name="web").ipv4 == web.ipv4
    assert on_lan.lan.server.kinds() == [Kind.REQUEST, Kind.REQUEST]
    assert on_lan.lan.server.heard[0].option(Option.HOST_NAME) == b"db"


def test_without_a_name_one_that_is_restarted_has_its_address(on_lan: Rig) -> None:
    """As engines before 29 ask."""
    web, _ = start(on_lan, "web"), start(on_lan, "db")
    stop(on_lan, web)

    assert start(on_lan, "web2").ipv4 == web.ipv4


def test_a_name_takes_over_from_a_container_that_the_engine_forgot(on_lan: Rig) -> None:
    """It has one container of a name, so the earlier one is gone."""
    web = start(on_lan, "web", name="web")
    on_lan.endpoints.join(LAN.id, web.id, SANDBOX)

    again = start(on_lan, "web2", name="web")

    assert again.ipv4 == web.ipv4
    assert [each.id for each in on_lan.store.endpoints(LAN.id)] == [again.id]


def test_what_is_asked_for_is_nobody_elses_until_it_is_released(on_lan: Rig) -> None:
    """Between the two calls of a start, and between those of an end."""
    address = ask(on_lan)
    assert ask(on_lan) != address
    endpoint = create(on_lan, "web", address)
    on_lan.endpoints.delete(LAN.id, endpoint.id)
    assert ask(on_lan) != address
    on_lan.pools.release(POOL, address.ip)
    assert ask(on_lan) == address


def test_two_at_once_have_two(on_lan: Rig) -> None:
    """Each has a seat of its own."""
    with ThreadPoolExecutor(4) as pool:
        made = list(pool.map(lambda _: ask(on_lan), range(4)))

    assert len(set(made)) == 4


def test_what_an_engine_never_used_is_given_back(
    on_lan: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was killed between its calls."""
    ask(on_lan)
    on_lan.leases.look_after()
    assert on_lan.store.leases(LAN.id)[0].granted

    now = leases.moment()
    monkeypatch.setattr(leases, "moment", lambda: replace(now, wall=now.wall + 601))
    on_lan.leases.look_after()
    (record,) = on_lan.store.leases(LAN.id)
    assert record.is_resting
    monkeypatch.setattr(leases, "moment", lambda: replace(now, wall=now.wall + 4300))
    on_lan.leases.look_after()
    wait_until(lambda: not on_lan.lan.server.leases, "not given back")


def test_after_a_restart_it_is_known(on_lan: Rig) -> None:
    """What an engine has, and what it is about to use; nothing is sent."""
    web, address = start(on_lan, "web"), ask(on_lan)
    on_lan.lan.server.heard.clear()

    after = on_lan.restarted()
    after.leases.resume()

    assert create(after, "db", address).ipv4 == address
    assert after.endpoints.get(LAN.id, web.id).ipv4 == web.ipv4
    assert after.lan.server.heard == []


def test_an_address_that_the_server_gave_to_another_is_that_ones(on_lan: Rig) -> None:
    """A router that was reset gives it again, while the lease of who had it rests."""
    web = start(on_lan, "web", name="web")
    stop(on_lan, web)
    on_lan.lan.server.leases.clear()

    db = start(on_lan, "db", name="db")

    assert db.ipv4 == web.ipv4
    assert db.mac_address != web.mac_address
    stop(on_lan, db)
    assert start(on_lan, "new", wanted=FIRST.ip).mac_address == db.mac_address


class TestAsked:
    """For an address by number."""

    def test_the_server_is_asked_for_it(self, on_lan: Rig) -> None:
        """And gives it, or another, which is not taken."""
        on_lan.lan.server.first = 150
        wanted = IPv4Address("192.168.50.150")
        assert ask(on_lan, wanted=wanted).ip == wanted

        with (
            within(0.5),
            pytest.raises(HostError, match=r"192\.168\.50\.151 is given, .*\.33 was asked for"),
        ):
            ask(on_lan, wanted=IPv4Address("192.168.50.33"))

    def test_of_a_container_that_is_being_started_it_is_refused(self, on_lan: Rig) -> None:
        """The engine would let both start with it."""
        on_lan.lan.server.silent = True
        with ThreadPoolExecutor(1) as pool:
            first = pool.submit(ask, on_lan, wanted=FIRST.ip)
            wait_until(on_lan.lan.server.kinds, "nobody asks")
            with pytest.raises(
                RefusedError, match=r"address 192\.168\.50\.100 is .* being started"
            ):
                ask(on_lan, wanted=FIRST.ip)
            on_lan.lan.server.silent = False

            assert first.result(timeout=10) == FIRST

    def test_of_a_running_container_it_is_refused(self, on_lan: Rig) -> None:
        """Docker 28 does not compare."""
        web = start(on_lan, "web")
        on_lan.endpoints.join(LAN.id, web.id, SANDBOX)

        with pytest.raises(RefusedError, match=r"192\.168\.50\.100 is that of a running"):
            ask(on_lan, wanted=FIRST.ip)

    def test_a_server_that_forgot_it_is_asked_for_it_again(self, on_lan: Rig) -> None:
        """It refuses what it does not know, and offers it."""
        stop(on_lan, start(on_lan, "web"))
        on_lan.lan.server.leases.clear()
        on_lan.lan.server.heard.clear()

        assert ask(on_lan, wanted=FIRST.ip) == FIRST
        discover = on_lan.lan.server.heard[1]
        assert discover.option(Option.REQUESTED_ADDRESS) == FIRST.ip.packed

    def test_it_is_no_other_containers_later(self, on_lan: Rig) -> None:
        """One that asks for none would have it first, after all have stopped."""
        db = start(on_lan, "db")
        web = start(on_lan, "web", wanted=IPv4Address("192.168.50.101"))
        stop(on_lan, db)
        stop(on_lan, web)

        assert start(on_lan, "new").ipv4 == db.ipv4
        assert start(on_lan, "newer").ipv4 not in (db.ipv4, web.ipv4)
        assert start(on_lan, "web2", wanted=IPv4Address("192.168.50.101")).ipv4 == web.ipv4

    def test_a_seat_that_is_chosen_is_nobody_elses_any_more(self, on_lan: Rig) -> None:
        """Its user saw the address, and wants it to stay."""
        web = start(on_lan, "web")
        stop(on_lan, web)
        stop(on_lan, start(on_lan, "web2", wanted=FIRST.ip))

        assert start(on_lan, "db").ipv4 != web.ipv4

    def test_a_running_containers_is_not_taken_while_an_engine_replays(self, on_lan: Rig) -> None:
        """The engine may have it, and no other container of its."""
        web = start(on_lan, "web")
        on_lan.endpoints.join(LAN.id, web.id, SANDBOX)
        on_lan.pools.replay()
        address = ask(on_lan, wanted=FIRST.ip)

        with pytest.raises(RefusedError, match=r"192\.168\.50\.100 is that of a running"):
            create(on_lan, "db", address)

        assert on_lan.endpoints.get(LAN.id, web.id).joined

    def test_an_engine_that_replays_is_never_refused(self, on_lan: Rig) -> None:
        """It would end with a panic: of what it has, and of what pynet has lost."""
        web = start(on_lan, "web")
        on_lan.endpoints.join(LAN.id, web.id, SANDBOX)
        on_lan.lan.server.silent = True

        on_lan.pools.replay()

        assert ask(on_lan, wanted=FIRST.ip) == FIRST
        lost = ask(on_lan, wanted=IPv4Address("192.168.50.77"))
        with pytest.raises(
            RefusedError, match=r"192\.168\.50\.77 is not one that a DHCP server gave"
        ):
            create(on_lan, "lost", lost)


def test_a_subnet_is_what_addresses_are_of(rig: Rig) -> None:
    """An offer outside is not taken."""
    rig.host.add_parent("eth0")
    pool = replace(LAN.pools[0], prefix=IPv4Interface("10.9.0.0/24").network)
    request(rig, "10.9.0.0/24")
    rig.networks.create(replace(LAN, pools=(pool,)))

    with (
        within(0.5),
        pytest.raises(HostError, match=r"is not of the network's subnet 10\.9\.0\.0/24"),
    ):
        ask(rig, f"{POOL}/10.9.0.0/24")


def test_a_network_that_goes_gives_all_back(on_lan: Rig) -> None:
    """Nothing of it is left at the server."""
    stop(on_lan, start(on_lan, "web"))

    on_lan.networks.delete(LAN.id)

    wait_until(lambda: not on_lan.lan.server.leases, "not given back")


def test_one_pool_is_asked_for_while_another_is_given_back(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither call fails, and none is forgotten."""
    name: property = vars(LeasedPool)["id"]
    other = Thread(target=lambda: request(rig, parent="eth1"))

    def named(pool: LeasedPool) -> str:
        if other.ident is None:
            other.start()
            other.join(0.05)  # it may have to wait
        found: str = name.__get__(pool)
        return found

    request(rig)
    monkeypatch.setattr(LeasedPool, "id", property(named))
    rig.pools.release_pool(POOL)
    other.join(10)
    monkeypatch.undo()

    lan = replace(LAN, options={**LAN.options, "parent": "eth1"})
    rig.host.add_parent("eth1")
    rig.networks.create(lan)
    with pytest.raises(RefusedError, match="was told --ipam-opt dhcp=eth1"):
        rig.networks.create(replace(LAN, id=NetworkID("0" * 64)))
