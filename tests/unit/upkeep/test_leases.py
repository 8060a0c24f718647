"""What people are told of leases, and what is done for those that change."""

from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import replace
from pathlib import Path
from threading import Event

import pytest

from plugin.deadline import within
from plugin.dhcp.local_server import listens_here
from plugin.dhcp.states import Leased
from plugin.errors import HostError
from plugin.model.ids import EndpointID, IfName, MacAddress, NetworkID
from plugin.model.network import Endpoint, Network
from plugin.upkeep import leases
from tests.fakes.rig import Rig
from tests.fakes.values import a_network, a_pool

LAN: Network = replace(
    a_network("lan", mode="macvlan", options={"mode": "macvlan", "parent": "eth0", "dhcp": "true"}),
    pools=(a_pool("0.0.0.0/0", gateway=None),),
)

PARENT = IfName("eth0")


@pytest.fixture
def on_lan(rig: Rig) -> Rig:
    """A network of the LAN's."""
    rig.host.add_parent("eth0")
    rig.networks.create(LAN)
    return rig


def start(rig: Rig, name: str) -> Endpoint:
    return rig.endpoints.create(
        Endpoint(id=EndpointID(name * 8), network_id=LAN.id, mac_address=MacAddress(""))
    )


def hints(rig: Rig) -> tuple[str, ...]:
    rig.leases.look_after()
    return rig.health.hints


@pytest.mark.parametrize("here", [False, True])
def test_a_parent_without_a_server_is_a_hint(
    on_lan: Rig, monkeypatch: pytest.MonkeyPatch, *, here: bool
) -> None:
    """Until an address is given there; a server on the host is named."""
    monkeypatch.setattr(leases, "listens_here", lambda: here)
    on_lan.lan.server.silent = True
    with within(0.2), pytest.raises(HostError):
        start(on_lan, "web")

    (hint,) = hints(on_lan)
    assert hint.startswith("no DHCP server has given an address on eth0 since ")
    assert ("one listens on this host" in hint) is here

    on_lan.lan.server.silent = False
    start(on_lan, "web")
    assert hints(on_lan) == ()


def test_a_renewal_is_not_written_over(on_lan: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """A call that has read the lease before writes it back whole."""
    endpoint = start(on_lan, "web")
    on_lan.leases.look_after()
    (known,) = on_lan.store.leases(LAN.id)
    longer = replace(known.lease, seconds=7200)
    said = (PARENT, longer.identity.client_id, Leased(lease=longer, before=known.lease))
    monkeypatch.setattr(leases.LeaseNews, "take", lambda _: [said])

    with ThreadPoolExecutor(1) as pool:
        with on_lan.locks.hold(LAN.id):
            looking = pool.submit(on_lan.leases.look_after)
            wait([looking], timeout=0.1)
            on_lan.store.save_lease(replace(known, endpoint_id=endpoint.id))
        looking.result(timeout=10)

    (record,) = on_lan.store.leases(LAN.id)
    assert record.lease == longer


def test_a_parent_that_no_network_is_on_any_more_is_none(on_lan: Rig) -> None:
    """Nobody asks there."""
    on_lan.lan.server.silent = True
    with within(0.2), pytest.raises(HostError):
        start(on_lan, "web")
    assert hints(on_lan)

    on_lan.networks.delete(LAN.id)

    assert hints(on_lan) == ()


def test_many_that_rest_are_a_hint(on_lan: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """They fill a small pool."""
    monkeypatch.setattr(leases, "_MANY_RESTING", 1)
    for each in (start(on_lan, "web"), start(on_lan, "db")):
        on_lan.endpoints.delete(LAN.id, each.id)

    (hint,) = hints(on_lan)

    assert hint.startswith("2 addresses of the LAN rest for containers of network")


def test_another_address_is_told_until_the_container_is_connected_again(on_lan: Rig) -> None:
    """Also by a plugin that was restarted meanwhile."""
    web = start(on_lan, "web")
    (record,) = on_lan.store.leases(LAN.id)
    lease = replace(record.lease, address=type(record.lease.address)("192.168.50.140/24"))
    on_lan.store.save_lease(replace(record, lease=lease))

    after = on_lan.restarted()
    after.leases.look_after()

    (condition,) = after.health.conditions
    assert "192.168.50.100 is the container's no more: server 192.168.50.1 gave it" in condition.why
    assert "docker network disconnect" in condition.remedy
    after.endpoints.delete(LAN.id, web.id)
    after.leases.look_after()
    assert after.health.conditions == ()


def test_a_container_that_was_connected_again_is_well(on_lan: Rig) -> None:
    """It has the address that the server gave it, whatever its client told meanwhile."""
    web = start(on_lan, "web")
    on_lan.leases.look_after()
    (record,) = on_lan.store.leases(LAN.id)
    address = type(record.lease.address)("192.168.50.140/24")
    on_lan.store.save_lease(replace(record, lease=replace(record.lease, address=address)))
    on_lan.leases.look_after()
    assert on_lan.health.conditions

    on_lan.store.save_endpoint(replace(web, ipv4=address))
    on_lan.leases.look_after()

    assert on_lan.health.conditions == ()


def test_a_server_on_this_host(tmp_path: Path) -> None:
    """As the kernel lists its sockets."""
    head = "  sl  local_address rem_address   st tx_queue rx_queue\n"
    assert not listens_here(tmp_path)
    (tmp_path / "udp").write_text(head + "   1: 00000000:0044 00000000:0000 07\n")
    assert not listens_here(tmp_path)
    (tmp_path / "udp6").write_text(head + "   1: 00000000000000000000000000000000:0043 0:0 07\n")
    assert listens_here(tmp_path)


def test_a_network_that_is_busy_keeps_no_other(on_lan: Rig) -> None:
    """What nobody came back for on another goes back all the same."""
    options = {**LAN.options, "release_after": "0s"}
    other = replace(LAN, id=NetworkID("e" * 64), options=options)
    on_lan.networks.create(other)
    start(on_lan, "web")
    (record,) = on_lan.store.leases(LAN.id)
    resting = replace(record, network_id=other.id, endpoint_id=None, granted=False)
    on_lan.store.save_lease(resting)
    held, done = Event(), Event()

    def hold() -> None:
        with on_lan.locks.hold(LAN.id):
            held.set()
            done.wait(60)

    with ThreadPoolExecutor() as pool:
        pool.submit(hold)
        held.wait(60)
        with within(0.05), pytest.raises(ExceptionGroup, match="not every lease"):
            on_lan.leases.look_after()
        done.set()

    assert not on_lan.store.leases(other.id)
    assert len(on_lan.store.leases(LAN.id)) == 1
