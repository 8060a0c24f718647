"""One network of hosts whose links have other names: its pool is known by none of the names."""

from dataclasses import replace
from ipaddress import ip_network
from typing import Final

import pytest

from plugin.errors import RefusedError
from plugin.model.ids import NetworkID
from plugin.model.network import Network
from plugin.service.leased_pool import is_leased
from tests.fakes.rig import Rig
from tests.fakes.values import a_network
from tests.unit.service.leasing_pool import FIRST, LAN, ask, create, request, stop

AUTO: Final = "dhcp/auto"
OPEN: Final = {"mode": "macvlan", "dhcp": "true", "parent@lab": "lan0", "parent@other": "eth0"}
SWARM: Final = NetworkID("a" * 25)


def network(network_id: str = LAN.id, **options: str) -> Network:
    return replace(LAN, id=NetworkID(network_id), options={**OPEN, **options})


@pytest.fixture
def on_host(rig: Rig) -> Rig:
    """The host called lab, which has both links."""
    rig.host.name = "lab"
    for parent in ("lan0", "eth0"):
        rig.host.add_parent(parent)
    return rig


@pytest.mark.parametrize("network_id", [LAN.id, SWARM])
def test_the_host_asks_by_its_own_link(on_host: Rig, network_id: str) -> None:
    """Also when the plugin restarts, and when the engine then asks for its pools again."""
    request(on_host, parent="auto")
    on_host.networks.create(network(network_id))

    assert is_leased(AUTO)
    assert ask(on_host, AUTO) == FIRST
    (record,) = on_host.store.leases(NetworkID(network_id))
    on_host.pools.release(AUTO, FIRST.ip)
    after = on_host.restarted()
    after.pools.replay()
    request(after, parent="auto")
    assert ask(after, AUTO, wanted=FIRST.ip) == FIRST
    assert record.lease.address == FIRST
    (use,) = (after.bound.of(each).dhcp_use() for each in after.store.networks())
    assert use
    assert (use.parent, use.pool_parent) == ("lan0", "auto")


def test_killed_between_pool_and_network(on_host: Rig) -> None:
    """A swarm's node asks for no pool again before it makes the network."""
    request(on_host, parent="auto")

    after = on_host.restarted()
    after.networks.create(network(SWARM))

    assert ask(after, AUTO) == FIRST


@pytest.mark.parametrize("asked", ["auto", "lan0"])
def test_killed_between_them_outside_of_a_swarm(on_host: Rig, asked: str) -> None:
    """Nobody knows by which name the engine will ask for addresses; it asks for the pool again with the next try."""
    request(on_host, parent=asked)

    after = on_host.restarted()
    with pytest.raises(RefusedError, match="create the network again"):
        after.networks.create(network())
    request(after, parent=asked)
    after.networks.create(network())

    assert ask(after, f"dhcp/{asked}") == FIRST


def test_a_pool_that_pynet_gives_addresses_of(
    on_host: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was asked for, too, and not for a server of the LAN."""
    monkeypatch.setattr(type(on_host.addresses), "holds", lambda *_: True)
    pool = replace(LAN.pools[0], prefix=ip_network("192.168.50.0/24"))

    with pytest.raises(RefusedError, match="whose addresses its IPAM gives out"):
        on_host.networks.create(replace(network(), pools=(pool,)))


def test_by_the_links_own_name(on_host: Rig) -> None:
    """As on a host whose link is called so, beside a network that has the other pool."""
    request(on_host, parent="auto")
    on_host.networks.create(network())
    options = {"parent@lab": "eth0"}
    request(on_host)
    on_host.networks.create(network(a_network("other").id, **options))

    stop(on_host, create(on_host, "web", ask(on_host, AUTO)))
    assert ask(on_host) != ask(on_host, AUTO)


@pytest.mark.parametrize(
    ("asked", "options", "said"),
    [
        ("auto", {"parent": "lan0"}, r"stands on lan0, .* dhcp=auto; say --ipam-opt dhcp=lan0"),
        ("eth0", {}, r"stands on lan0, .* dhcp=eth0; say .* or dhcp=auto with parent@HOST=LINK"),
        ("auto", {"parent@lab": "auto"}, r"no subnet to find a link by; say the LAN .*@lab"),
    ],
)
def test_refused(on_host: Rig, asked: str, options: dict[str, str], said: str) -> None:
    """With what to do in its place; only an open parent is another on each host."""
    request(on_host, parent=asked)
    wanted = network(**options)
    if "parent" in options:
        wanted = replace(LAN, options={**LAN.options, **options})

    with pytest.raises(RefusedError, match=said):
        on_host.networks.create(wanted)


def test_two_of_them(on_host: Rig) -> None:
    """The engine does not say for which of two it asks."""
    request(on_host, parent="auto")
    on_host.networks.create(network())
    request(on_host, parent="auto")

    with pytest.raises(RefusedError, match="has --ipam-opt dhcp=auto already"):
        on_host.networks.create(network(a_network("other").id, **{"parent@lab": "eth0"}))


def test_no_network_of_it(on_host: Rig) -> None:
    """The remedy has a parent for each host."""
    with pytest.raises(RefusedError, match=r"dhcp=auto; create it with .* -o parent@HOST=LINK"):
        ask(on_host, AUTO)
