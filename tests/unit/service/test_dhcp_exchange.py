"""What a network says to DHCP servers and takes of them, by a server in memory."""

import time
from dataclasses import replace
from ipaddress import IPv4Address
from typing import Final

import pytest

from plugin.deadline import within
from plugin.dhcp.base import AddressInUseError, NoLeaseError
from plugin.dhcp.messages4 import Kind, Message, Option
from plugin.errors import RefusedError
from plugin.model.ids import MacAddress, NetworkID
from plugin.model.network import Endpoint, Network
from plugin.telemetry import DHCP_SECONDS
from tests.fakes.dhcp import SERVER
from tests.fakes.rig import Rig
from tests.fakes.values import SANDBOX
from tests.unit.service.leasing import LAN, wanted

STRANGER: Final = MacAddress("02:00:00:00:00:99")
FIRST: Final = IPv4Address("192.168.50.100")
_LOOKS: Final = 0.05


@pytest.fixture
def on_host(rig: Rig) -> Rig:
    """A host on the LAN."""
    rig.host.add_parent("eth0")
    return rig


def lan(network_id: str = LAN.id, **options: str) -> Network:
    return replace(LAN, id=NetworkID(network_id), options={**LAN.options, **options})


def start(rig: Rig, container: str, network_id: str = LAN.id, **options: str) -> Endpoint:
    endpoint = replace(wanted(container), network_id=NetworkID(network_id), options=options)
    return rig.endpoints.create(endpoint)


def test_the_server_is_told_class_and_name(on_host: Rig) -> None:
    """By options 60, 77 and 81, and the name by no other (RFC 4702 section 3.1)."""
    options = {"vendor_class": "docker net", "user_class": "lab, printer", "use_mtu": "false"}
    on_host.networks.create(lan(fqdn="server", use_routes="false", **options))
    on_host.lan.server.heard.clear()

    start(on_host, "web", name="web")

    for each in on_host.lan.server.heard:
        assert each.option(Option.VENDOR_CLASS) == b"docker net"
        assert each.option(Option.USER_CLASS) == b"\3lab\7printer"
        assert not {Option.MTU, Option.CLASSLESS_ROUTES} & {
            *(each.option(Option.PARAMETERS) or b"")
        }
        assert each.option(Option.CLIENT_FQDN) == b"\5\0\0\3web"
        assert each.option(Option.HOST_NAME) is None
    assert on_host.lan.server.kinds() == [Kind.DISCOVER, Kind.REQUEST]


@pytest.mark.parametrize("options", [{"deny_servers": str(SERVER)}, {"servers": "192.168.50.2"}])
def test_a_server_that_is_not_to_be_listened_to(on_host: Rig, options: dict[str, str]) -> None:
    """No address is taken of it, and why is told."""
    with within(0.3):
        on_host.networks.create(lan(**options))

    with (
        within(0.3),
        pytest.raises(NoLeaseError, match=rf"server {SERVER} is not one of those that may be"),
    ):
        start(on_host, "web")
    assert on_host.lan.server.leases == {}


def test_an_identity_outlives_its_network(on_host: Rig) -> None:
    """Created again, it has the MAC addresses that it had; without one, others."""

    def macs(network_id: str, **options: str) -> list[MacAddress]:
        on_host.networks.create(lan(network_id, **options))
        made = [
            start(on_host, network_id + "a", network_id).mac_address,
            start(on_host, network_id + "b", network_id, name="web").mac_address,
        ]
        on_host.networks.delete(NetworkID(network_id))
        return made

    assert macs("one", identity="lan") == macs("two", identity="lan")
    assert not set(macs("one")) & set(macs("two"))


def test_an_identity_is_one_networks(on_host: Rig) -> None:
    """Containers of two would have each other's addresses."""
    on_host.networks.create(lan(identity="lan"))

    with pytest.raises(RefusedError, match=r"identity is lan, and network .* has the same"):
        on_host.networks.create(lan("other", identity="lan"))

    on_host.networks.create(lan("other", identity="lan2"))


def test_another_machine_has_the_address(on_host: Rig) -> None:
    """The start fails when it joins, and the server hears of it."""
    on_host.networks.create(LAN)
    on_host.lan.hosts[FIRST] = STRANGER
    endpoint = start(on_host, "web")

    with pytest.raises(AddressInUseError, match=f"{FIRST}.* is in use by {STRANGER}"):
        on_host.endpoints.join(LAN.id, endpoint.id, SANDBOX)

    assert on_host.lan.server.declined == {FIRST}


def test_another_is_asked_for_at_once(on_host: Rig) -> None:
    """With conflict=wait the start has another address."""
    on_host.networks.create(lan(conflict="wait"))
    on_host.lan.hosts[FIRST] = STRANGER

    endpoint = start(on_host, "web")

    assert endpoint.ipv4
    assert endpoint.ipv4.ip == FIRST + 1
    assert on_host.lan.server.declined == {FIRST}
    (record,) = on_host.store.leases(LAN.id)
    assert record.lease.address == endpoint.ipv4
    on_host.endpoints.join(LAN.id, endpoint.id, SANDBOX)


def test_nobody_looks(on_host: Rig) -> None:
    """With conflict=off."""
    on_host.networks.create(lan(conflict="off"))
    on_host.lan.hosts[FIRST] = STRANGER
    endpoint = start(on_host, "web")

    on_host.endpoints.join(LAN.id, endpoint.id, SANDBOX)

    assert endpoint.ipv4
    assert endpoint.ipv4.ip == FIRST


def test_a_new_network_sees_whether_a_server_answers(on_host: Rig) -> None:
    """It asks as its first container will, takes nothing, and has a hint if none does."""
    on_host.networks.create(LAN)
    assert on_host.lan.server.kinds() == [Kind.DISCOVER]
    assert on_host.lan.server.leases == {}
    assert start(on_host, "web").mac_address == on_host.lan.server.heard[0].mac
    on_host.networks.delete(LAN.id)

    on_host.lan.server.silent = True
    with within(0.3):
        on_host.networks.create(LAN)
    on_host.leases.look_after()

    assert any(
        "no DHCP server has given an address on eth0" in each for each in on_host.health.hints
    )


def test_a_network_that_requires_a_server(on_host: Rig) -> None:
    """It is not there if none answers, and says what to do."""
    on_host.lan.server.silent = True

    with (
        within(0.3),
        pytest.raises(RefusedError, match=r"require is true, and no DHCP .* or leave out require"),
    ):
        on_host.networks.create(lan(require="true"))

    assert not on_host.store.networks()
    on_host.lan.server.silent = False
    on_host.networks.create(lan(require="true"))


@pytest.mark.parametrize(
    ("gateway", "taken"),
    [("server", SERVER), ("none", None), ("192.168.50.9", IPv4Address("192.168.50.9"))],
)
def test_whose_default_route_containers_have(
    on_host: Rig, gateway: str, taken: IPv4Address | None
) -> None:
    """That of the server's router, none (nor one on the link), or the user's."""
    on_host.networks.create(lan(gateway=gateway))
    endpoint = start(on_host, "web")

    attachment = on_host.endpoints.join(LAN.id, endpoint.id, SANDBOX)

    assert (attachment.gateway4, attachment.routes) == (taken, ())


@pytest.mark.parametrize("options", [{"gateway": "10.0.0.1"}, {"routes": "0.0.0.0/0 via 10.0.0.1"}])
def test_a_gateway_of_another_lan(on_host: Rig, options: dict[str, str]) -> None:
    """No address is of use then; it is said when the network is created, and by each start."""
    with pytest.raises(
        RefusedError, match=r"require is true.*gateway 10\.0\.0\.1 is not of that LAN"
    ):
        on_host.networks.create(lan(require="true", **options))

    on_host.networks.create(lan(**options))
    with within(0.3), pytest.raises(NoLeaseError, match=r"gateway 10\.0\.0\.1 is not of that LAN"):
        start(on_host, "web")


def test_the_wait_for_an_offer_counts(on_host: Rig) -> None:
    """A server that looks whether the address is free takes its time before it offers."""
    on_host.networks.create(LAN)

    def looks(said: Message) -> list[Message]:
        if said.kind is Kind.OFFER:
            time.sleep(_LOOKS)  # in place of a ping
        return [said]

    on_host.lan.server.twist = looks
    before = _seconds_for_new_ones()

    start(on_host, "web")

    assert _seconds_for_new_ones() - before >= _LOOKS


def _seconds_for_new_ones() -> float:
    (metric,) = DHCP_SECONDS.labels(path="new").collect()
    return next(each.value for each in metric.samples if each.name.endswith("_sum"))
