"""Options are read once for each network and container, however often they are asked for."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from ipaddress import ip_interface
from typing import Any

import pytest

from plugin.drivers.endpoint_mac import MAC
from plugin.drivers.options import Option
from plugin.drivers.registry import driver_for, modes
from plugin.model.ids import MacAddress
from plugin.model.network import Network, NetworkState
from plugin.service.bound_networks import BoundNetworks
from tests.fakes.rig import Rig
from tests.fakes.values import a_binding, a_network, an_endpoint

CONTAINERS = 20
OPTIONS: Mapping[str, dict[str, str]] = {
    "bridge": {"icc": "false", "gateway_container": "10.1.0.200"},
    "overlay": {"peers": "192.0.2.2,192.0.2.3"},
    "macvlan": {"parent": "eth0", "host_access": "true"},
    "ipvlan": {"parent": "eth1", "host_access": "true"},
    "null": {},
}
OF_CONTAINERS = {"bridge": {"rate_to": "10mbit"}}


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> Counter[Option[Any]]:
    """How often each option's text was looked at."""
    counted: Counter[Option[Any]] = Counter()
    read = Option.of

    def count(option: Option[Any], texts: Mapping[str, str]) -> object:
        counted[option] += 1
        return read(option, texts)

    monkeypatch.setattr(Option, "of", count)
    return counted


@pytest.fixture
def rig() -> Rig:
    """On a host with links for parents."""
    made = Rig()
    for parent in ("eth0", "eth1"):
        made.host.add_parent(
            parent,
            mac_address=MacAddress("02:00:00:00:00:ee"),
            addresses=(ip_interface("10.1.0.99/24"),),
        )
    made.host.add_parent("eth2", addresses=(ip_interface("192.0.2.2/24"),))
    return made


def run(rig: Rig, network: Network, number: int, **changes: Any) -> None:
    """One container, with a port."""
    mac = {"mac_address": MacAddress("")} if network.mode in {"ipvlan", "null"} else {}
    options = OF_CONTAINERS.get(network.mode, {})
    endpoint = an_endpoint(network, number, options=options, **mac, **changes)
    ports = () if network.mode == "null" else (a_binding(host_port=8000 + number),)
    rig.run(network, endpoint, *ports)


def a_network_of(rig: Rig, mode: str) -> Network:
    """With containers."""
    network = a_network("blue", mode=mode, options={"mode": mode, **OPTIONS[mode]})
    rig.networks.create(network)
    for number in range(2, 2 + CONTAINERS):
        run(rig, network, number)
    return network


@pytest.mark.parametrize("mode", modes())
def test_a_creation_reads_each_option_once(
    rig: Rig, reads: Counter[Option[Any]], mode: str
) -> None:
    """Whatever is looked at on the host before the network is made."""
    rig.networks.create(a_network("blue", mode=mode, options={"mode": mode, **OPTIONS[mode]}))

    driver = driver_for(mode)
    assert reads >= Counter(driver.options)
    # A container that nobody wants is rehearsed.
    assert reads - Counter(driver.options) <= Counter(driver.endpoint_options)


@pytest.mark.parametrize("mode", modes())
def test_neither_a_container_nor_a_tick_reads_anything(
    rig: Rig, reads: Counter[Option[Any]], mode: str
) -> None:
    """They ask the network, whose options have been read; so have those of such a container."""
    network = a_network_of(rig, mode)
    reads.clear()

    rig.healer.heal()
    rig.parents.look_after()
    rig.host_addresses.follow()
    run(rig, network, 90)
    for endpoint in rig.store.endpoints(network.id)[:3]:
        rig.endpoints.revoke(network.id, endpoint.id)
        rig.endpoints.leave(network.id, endpoint.id)
        rig.endpoints.delete(network.id, endpoint.id)

    reads.pop(MAC, None)  # what a container asks for, looked at before it is one of the network's
    assert reads == {}


def test_a_start_reads_each_option_once(rig: Rig, reads: Counter[Option[Any]]) -> None:
    """For all containers of the network."""
    a_network_of(rig, "bridge")
    reads.clear()

    rig.restarted()

    assert reads == Counter(driver_for("bridge").options)


def test_other_options_are_read_anew(reads: Counter[Option[Any]]) -> None:
    """Another record with the same ones takes what was read."""
    bound = BoundNetworks()
    network = a_network(options={"mtu": "1400"})

    assert bound.of(network) is bound.of(replace(network))
    active = bound.of(replace(network, state=NetworkState.ACTIVE))
    assert active.network.state is NetworkState.ACTIVE
    assert set(reads.values()) == {1}

    assert bound.of(replace(network, options={"mtu": "1300"})).options is not active.options
    assert set(reads.values()) == {2}


def test_nothing_is_remembered_of_a_network_that_is_gone(rig: Rig) -> None:
    """Nor of one that a call bound while it went: the next tick forgets it."""
    network = a_network()
    rig.networks.create(network)
    assert len(rig.bound) == 1

    rig.networks.delete(network.id)
    assert len(rig.bound) == 0

    rig.bound.of(network)
    rig.healer.heal()
    assert len(rig.bound) == 0


class TestOfAnEarlierPynet:
    """Which took texts that this one refuses."""

    NETWORK = a_network(options={"mtu": "1400", "rate_to": "10mbit", "icc": "false"})

    def old(self, rig: Rig) -> Network:
        """A network with a container whose options cannot be read any more."""
        rig.networks.create(self.NETWORK)
        endpoint = an_endpoint(self.NETWORK, options={"rate_from": "10mbit"})
        rig.run(self.NETWORK, endpoint, a_binding())
        network = rig.store.network(self.NETWORK.id)
        joined = rig.store.endpoint(endpoint.id)
        assert network is not None
        assert joined is not None
        changed = {**self.NETWORK.options, "mtu": "1_400", "rate_to": "1_0mbit"}
        rig.store.save_network(replace(network, options=changed))
        rig.store.save_endpoint(replace(joined, options={"rate_from": "1_0mbit"}))
        return network

    def test_it_is_removed_like_any_other(self, rig: Rig) -> None:
        """With what such an option alone had brought."""
        network = self.old(rig)

        rig.networks.delete(network.id)
        rig.healer.heal()

        assert rig.held() == frozenset()
        assert rig.health.conditions == ()

    def test_its_container_is_removed(self, rig: Rig) -> None:
        """The network is said not to be healed, and stays."""
        network = self.old(rig)
        (endpoint,) = rig.store.endpoints(network.id)

        rig.endpoints.delete(network.id, endpoint.id)

        assert rig.store.endpoints(network.id) == ()
        rig.healer.heal()
        (condition,) = rig.health.conditions
        assert "option mtu is '1_400', expected a number of bytes" in condition.why
