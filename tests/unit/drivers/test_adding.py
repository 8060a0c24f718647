"""A mode and an option are added where docs/design/architecture.md says, and nowhere else."""

from dataclasses import replace

import pytest

from plugin.drivers import registry
from plugin.drivers.base import BoundNetwork, Driver
from plugin.drivers.bridge import BRIDGE, BridgeNetwork
from plugin.drivers.options import Option, boolean
from plugin.drivers.registry import check_network
from plugin.errors import InvalidOptionError
from plugin.model.ids import IfName, MacAddress, dummy_name, handoff_name
from plugin.model.links import Dummy, Macvlan, MacvlanMode
from plugin.model.network import (
    Attachment,
    Endpoint,
    GatewayNeeds,
    IPNetwork,
    PortBinding,
    PortTarget,
)
from plugin.model.plan import Plan
from tests.fakes.rig import Rig
from tests.fakes.values import a_network, an_endpoint
from tests.golden.options_tables import render

LOUD = Option(
    name="loud",
    parse=boolean,
    default=False,
    expected="true or false",
    meaning="Let containers shout.",
)
PAGE = "<!-- options of a network, made by tests/golden -->\n<!-- end -->"


class TestOption:
    """Its constant, and its line among the mode's options."""

    @pytest.fixture(autouse=True)
    def driver(self, monkeypatch: pytest.MonkeyPatch) -> Driver:
        """Bridge mode, with one more option."""
        driver = replace(BRIDGE, options=(*BRIDGE.options, LOUD))
        monkeypatch.setitem(registry.DRIVERS, BRIDGE.mode, driver)
        return driver

    def test_it_is_read(self) -> None:
        """Where the mode asks for it, or else it is the default."""
        assert check_network(a_network(options={"loud": "true"})).options[LOUD] is True
        assert check_network(a_network()).options[LOUD] is False

    def test_it_is_refused_when_it_is_wrong(self, rig: Rig) -> None:
        """Before anything is made."""
        with pytest.raises(
            InvalidOptionError, match="option loud is 'perhaps', expected true or false"
        ):
            rig.networks.create(a_network(options={"loud": "perhaps"}))

        assert rig.store.networks() == ()

    def test_it_is_in_the_table_of_the_page(self) -> None:
        """With its default and its meaning."""
        row = "| `loud` |  | `false` | Let containers shout. Expected: true or false. |"

        assert row in render("bridge", PAGE)


class Whisper(BoundNetwork):
    """Links on a link that leads nowhere: the least that a mode can be."""

    @property
    def _parent(self) -> IfName:
        return dummy_name(self.network.id)

    def check_endpoint(self, endpoint: Endpoint) -> None:
        """Accept every endpoint."""

    def gateway_needs(self) -> GatewayNeeds:
        return GatewayNeeds(skip_ipv4=True, skip_ipv6=True)

    def host_subnets(self) -> tuple[IPNetwork, ...]:
        return ()

    def network_plan(self) -> Plan:
        dummy = Dummy(ifname=self._parent, mtu=self.network.uplink_mtu, owner=self.network.id)
        return Plan(resources=frozenset({dummy}))

    def mac_address(self, endpoint: Endpoint) -> MacAddress:
        return MacAddress("02:00:00:00:00:99")

    def endpoint_plan(self, endpoint: Endpoint) -> Plan:
        link = Macvlan(
            ifname=handoff_name(endpoint.id),
            parent=self._parent,
            mode=MacvlanMode.BRIDGE,
            mac_address=endpoint.mac_address,
            mtu=self.network.uplink_mtu,
            owner=f"{self.network.id}/{endpoint.id}",
        )
        required = frozenset({self._parent})
        return Plan(resources=frozenset({link}), requires=required, handoff=link.ifname)

    def port_targets(self, endpoint: Endpoint, binding: PortBinding) -> tuple[PortTarget, ...]:
        return ()

    def attachment(self, endpoint: Endpoint) -> Attachment:
        return Attachment(src_name=handoff_name(endpoint.id), disable_gateway_service=True)


def test_a_mode_lives_from_its_file_and_a_line_in_the_registry(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Made, joined, healed, left and deleted; nothing is left over."""
    whisper = Driver(mode="whisper", options=(LOUD,), bind=Whisper)
    monkeypatch.setitem(registry.DRIVERS, whisper.mode, whisper)
    network = a_network(mode="whisper", options={"mode": "whisper", "loud": "true"})
    endpoint = an_endpoint(network, mac_address=MacAddress(""))

    rig.networks.create(network)
    created = rig.endpoints.create(endpoint)
    rig.join(network, created)
    assert created.mac_address == "02:00:00:00:00:99"
    assert rig.held() == rig.wanted() != frozenset()

    rig.host.delete_link(dummy_name(network.id))
    rig.healer.heal()
    assert dummy_name(network.id) in rig.host.links

    rig.endpoints.leave(network.id, endpoint.id)
    rig.endpoints.delete(network.id, endpoint.id)
    rig.networks.delete(network.id)
    assert rig.held() == frozenset()


class Overlay(BridgeNetwork):
    """A bridge of its own whose packets take a link of the host's."""

    def mtu_link(self) -> IfName | None:
        return IfName("eth0")


def test_whose_mtu_a_network_takes_says_nothing_of_bridges(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two such networks may take the MTU of the same link, which neither has for its bridge."""
    monkeypatch.setitem(registry.DRIVERS, "bridge", replace(BRIDGE, bind=Overlay))
    rig.host.add_parent("eth0", mtu=1400)

    for name, subnet in (("blue", "10.1.0.0/24"), ("red", "10.2.0.0/24")):
        rig.networks.create(a_network(name, subnet))

    assert not any(each.foreign_parent for each in rig.store.networks())
