"""DHCP clients on a wire: the fake and a packet socket, a fake server, dnsmasq and Kea."""

from collections.abc import Iterator
from dataclasses import replace
from ipaddress import IPv4Address
from pathlib import Path
from typing import Final

import pytest

from plugin.dhcp.base import AddressInUseError, NoLeaseError
from plugin.dhcp.identity import identity_of_text
from plugin.dhcp.loop import Loop, boottime
from plugin.dhcp.states import Event, Leased, Refused
from plugin.dhcp.values import Wish
from plugin.model.ids import IfName
from plugin.model.leases import Lease
from tests.contract.lans import PARENT, STRANGER, DnsmasqLan, KeaLan, Lan, MemoryLan
from tests.fakes.dhcp import SERVER
from tests.kernel.netns import Netns, wait_until

PATIENCE: Final = 30.0
WEB: Final = Wish(identity=identity_of_text("lan", "web", name="web"))
DB: Final = Wish(identity=identity_of_text("lan", "db", name="db"))


SERVERS: Final = {"dnsmasq": DnsmasqLan, "kea": KeaLan}


@pytest.fixture(
    params=[
        "fake",
        pytest.param("dnsmasq", marks=pytest.mark.root),
        pytest.param("kea", marks=[pytest.mark.root, pytest.mark.nightly]),
    ]
)
def lan(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Lan]:
    """A LAN with a server that nobody has asked yet."""
    made: Lan = MemoryLan()
    if request.param in SERVERS:
        host: Netns = request.getfixturevalue("netns")
        made = SERVERS[request.param](host, tmp_path)
    yield made
    made.close()


@pytest.fixture
def told() -> list[Event]:
    """What the clients said."""
    return []


@pytest.fixture
def clients(lan: Lan, told: list[Event]) -> Iterator[Loop]:
    """Clients of a plugin that has just started."""
    made = Loop(lan.wires, lambda _parent, _key, event: told.append(event))
    yield made
    made.close()


def acquire(clients: Loop, wish: Wish, remembered: Lease | None = None) -> Lease:
    lease = clients.acquire(PARENT, wish, remembered, seconds=PATIENCE)
    clients.confirm(PARENT, wish.identity.client_id, seconds=PATIENCE)
    return lease


def test_a_life(lan: Lan, clients: Loop, told: list[Event]) -> None:
    """Looked at, obtained, renewed late by a plugin that restarted, remembered, given back."""
    offer = clients.look(PARENT, WEB, seconds=PATIENCE)
    assert (offer.server, offer.facts.router) == (SERVER, SERVER)
    wait_until(lambda: lan.listeners() == 0, "a socket is open and nothing is asked")

    lease = acquire(clients, WEB)

    assert lan.leased()[WEB.identity.mac] == lease.address.ip
    assert lease.address.network.prefixlen == 24
    assert lease.seconds == 120
    wait_until(lambda: lan.listeners() == 0, "a socket is open and nothing is asked")
    lan.live(lease)
    told.clear()

    clients.rest(PARENT, WEB.identity.client_id)
    clients.adopt(PARENT, WEB, replace(lease, obtained=boottime() - 70))

    wait_until(lambda: any(isinstance(each, Leased) for each in told), "not renewed")
    renewed = next(each.lease for each in told if isinstance(each, Leased))
    assert renewed.address == lease.address
    assert renewed.obtained > lease.obtained
    wait_until(lambda: lan.listeners() == 0, "a socket is open and nothing is asked")

    clients.rest(PARENT, WEB.identity.client_id)
    assert acquire(clients, WEB, renewed).address == lease.address

    clients.release(PARENT, lease)

    wait_until(lambda: WEB.identity.mac not in lan.leased(), "not released")
    wait_until(lambda: lan.listeners() == 0, "a socket is open and nothing is asked")


def test_static_routes_of_old_servers(lan: Lan, clients: Loop) -> None:
    """Beside the router, and not where the network does not want routes (RFC 2132 section 5.8)."""
    old = replace(WEB, user_classes=("old",))
    lease = acquire(clients, old)
    without = acquire(clients, replace(old, identity=DB.identity, routes=False))

    (route,) = lease.facts.routes
    assert (str(route.destination), route.gateway) == ("172.20.0.0/16", SERVER)
    assert lease.facts.router == without.facts.router == SERVER
    assert without.facts.routes == ()


def test_two_have_two_addresses(lan: Lan, clients: Loop) -> None:
    """And who asks again is answered at once."""
    web, db = acquire(clients, WEB), acquire(clients, DB)

    assert web.address != db.address
    assert acquire(clients, WEB).address == web.address
    assert lan.leased() == {
        WEB.identity.mac: web.address.ip,
        DB.identity.mac: db.address.ip,
    }


def test_an_address_that_the_server_refuses(lan: Lan, clients: Loop, told: list[Event]) -> None:
    """One that another client has, remembered after a stop or renewed: the own one is had instead."""
    web, db = acquire(clients, WEB), acquire(clients, DB)
    wrong = replace(web, identity=DB.identity)
    no = Refused(address=web.address.ip)

    clients.rest(PARENT, DB.identity.client_id)
    assert acquire(clients, DB, wrong).address == db.address
    assert no in told

    clients.rest(PARENT, DB.identity.client_id)
    told.clear()
    clients.adopt(PARENT, DB, replace(wrong, obtained=boottime() - 70))
    wait_until(lambda: any(isinstance(each, Leased) for each in told), "nothing instead")
    assert no in told
    assert next(each for each in told if isinstance(each, Leased)).lease.address == db.address
    assert lan.leased() == {WEB.identity.mac: web.address.ip, DB.identity.mac: db.address.ip}


def test_an_offer_is_known_before_it_is_a_lease(lan: Lan, clients: Loop) -> None:
    """Nothing is leased until it is acquired; who asks again for an offer has the lease."""
    offer = clients.offer(PARENT, WEB, seconds=PATIENCE)
    assert lan.leased() == {}

    lease = acquire(clients, WEB)

    assert lease.address == offer.address
    assert lan.leased() == {WEB.identity.mac: lease.address.ip}
    assert clients.offer(PARENT, WEB, seconds=PATIENCE) == lease


def test_an_address_that_a_stranger_has(lan: Lan, clients: Loop) -> None:
    """The server is told, and the container has another address when it is started again."""
    taken = IPv4Address("192.168.50.100")
    lan.squat(taken)
    wish = replace(WEB, address=taken)
    clients.acquire(PARENT, wish, seconds=PATIENCE)

    with pytest.raises(AddressInUseError, match=f"{taken}.* is in use by {STRANGER}"):
        clients.confirm(PARENT, wish.identity.client_id, seconds=PATIENCE)

    assert acquire(clients, wish).address.ip != taken


def test_a_server_that_comes_late(lan: Lan, clients: Loop) -> None:
    """The exchange goes on when its caller has left, and its lease waits."""
    lan.silence()
    with pytest.raises(NoLeaseError, match=r"on eth0 in 0 s \(1 DISCOVER, 0 OFFER, 0 NAK\)"):
        clients.acquire(PARENT, WEB, seconds=0.4)

    lan.speak()

    wait_until(lambda: WEB.identity.mac in lan.leased(), "nobody asks any more")
    assert acquire(clients, WEB).address.ip == lan.leased()[WEB.identity.mac]


def test_a_parent_that_is_not_there(clients: Loop) -> None:
    """It is said which."""
    with pytest.raises(NoLeaseError, match="nolink is down or gone"):
        clients.acquire(IfName("nolink"), WEB, seconds=0.4)


def test_nothing_is_done_when_nothing_is_asked(lan: Lan, clients: Loop) -> None:
    """No thread, no socket."""
    assert lan.listeners() == 0
    clients.close()
