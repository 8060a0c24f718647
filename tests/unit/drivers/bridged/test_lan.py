"""A bridge that leads to a LAN: what pynet does there, and what it leaves alone."""

from dataclasses import replace
from ipaddress import IPv4Interface, ip_interface

import pytest

from plugin.dhcp.messages4 import Option
from plugin.errors import MissingLinkError, RefusedError
from plugin.model.addresses import Address
from plugin.model.ids import EndpointID, MacAddress
from plugin.model.links import Bridge, Veth
from plugin.model.nat import Masquerade
from plugin.model.network import Endpoint, Network
from plugin.model.speakers import SpeaksFrom
from plugin.model.sysctls import Sysctl
from plugin.model.traffic import Subnet
from tests.fakes.dhcp import SERVER
from tests.fakes.rig import Rig
from tests.fakes.values import SANDBOX, a_network, a_pool

LAN: Network = replace(
    a_network("lan", options={"bridge_name": "br-lan", "dhcp": "true"}),
    pools=(a_pool("0.0.0.0/0", gateway=None),),
)
WEB = Endpoint(id=EndpointID("web" * 8), network_id=LAN.id, mac_address=MacAddress(""))


@pytest.fixture
def on_lan(rig: Rig) -> Rig:
    """The bridge, with the host's own address, and a network on it."""
    own = (ip_interface("192.168.50.7/24"),)
    rig.host.add_parent("br-lan", kind="bridge", addresses=own, mtu=1500)
    rig.networks.create(LAN)
    return rig


def test_the_bridge_stays_its_owners(on_lan: Rig) -> None:
    """No address, no setting, no subnet, nothing translated."""
    plan = on_lan.bound.of(LAN).network_plan()

    kinds = (Bridge, Address, Sysctl, Subnet, Masquerade)
    assert not [each for each in plan.resources if isinstance(each, kinds)]
    assert plan.requires == {"br-lan"}
    on_lan.networks.delete(LAN.id)
    assert "br-lan" in on_lan.host.links


def test_a_container_is_a_neighbour_of_the_lan(on_lan: Rig) -> None:
    """With the server's address, router and MTU, and no other address to speak from."""
    on_lan.lan.server.options += ((Option.MTU, b"\5\x78"),)
    endpoint = on_lan.endpoints.create(WEB)
    attachment = on_lan.endpoints.join(LAN.id, WEB.id, SANDBOX)

    assert endpoint.ipv4 == IPv4Interface("192.168.50.100/24")
    assert attachment.gateway4 == SERVER
    plan = on_lan.bound.of(LAN).endpoint_plan(endpoint)
    (port,) = (each for each in plan.resources if isinstance(each, Veth))
    assert (port.master, port.mtu, port.peer_mac_address) == ("br-lan", 1400, endpoint.mac_address)
    speaks = {str(each.address) for each in plan.resources if isinstance(each, SpeaksFrom)}
    assert "192.168.50.100" in speaks
    assert not [each for each in plan.resources if isinstance(each, Sysctl)]


def test_it_is_there_before(rig: Rig) -> None:
    """pynet makes none that would lead nowhere."""
    with pytest.raises(MissingLinkError, match="there is no link br-lan"):
        rig.networks.create(LAN)


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        ({"kind": "veth"}, "option bridge_name is 'br-lan', expected a bridge"),
        ({"kind": "bridge", "ours": True}, "bridge br-lan is pynet's own, and leads to no LAN"),
    ],
)
def test_what_leads_to_no_lan_is_refused(rig: Rig, facts: dict[str, object], said: str) -> None:
    """By the name of the option."""
    rig.host.add_parent("br-lan", **facts)

    with pytest.raises(RefusedError, match=said):
        rig.networks.create(LAN)


def test_one_network_is_on_a_bridge(on_lan: Rig) -> None:
    """Of either kind; macvlan links may stand on it besides."""
    other = replace(LAN, id=a_network("other").id)
    with pytest.raises(RefusedError, match="bridge br-lan is used by network"):
        on_lan.networks.create(other)

    options = {"mode": "macvlan", "parent": "br-lan"}
    on_lan.networks.create(a_network("beside", mode="macvlan", options=options))
