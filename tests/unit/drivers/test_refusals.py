"""Every wrong option of every mode: option, value and remedy are in the sentence."""

import json
from ipaddress import ip_interface
from typing import Any

import pytest

from plugin.drivers.registry import bind, driver_for, modes
from plugin.errors import RefusedError
from plugin.wire import labels
from tests import refusals
from tests.conformance.plugin import Plugin
from tests.fakes.values import a_network, an_endpoint, an_id
from tests.refusals.case import DUAL, IPV4, LABEL, Refusal

OF_NETWORKS = list(refusals.of_networks())
OF_CONTAINERS = list(refusals.of_containers())
NETWORK, ENDPOINT = an_id("network"), an_id("endpoint")


def network(case: Refusal) -> dict[str, Any]:
    """As an engine asks for it."""
    pools = [
        {"Pool": subnet, "Gateway": f"{first}/{subnet.partition('/')[2]}"}
        for subnet, first in case.gateways.items()
    ]
    return {
        "NetworkID": NETWORK,
        "Options": {
            LABEL + "enable_ipv6": len(case.subnets) > 1,
            LABEL + "internal": case.internal,
            LABEL + "generic": {"mode": case.mode, **case.options},
        },
        "IPv4Data": pools[:1],
        "IPv6Data": pools[1:],
    }


@pytest.fixture
def plugin() -> Plugin:
    """On a host with a link for parents."""
    made = Plugin()
    made.rig.host.add_parent("eth0", addresses=(ip_interface("10.99.0.1/24"),))
    return made


@pytest.mark.parametrize("case", OF_NETWORKS, ids=[each.name for each in OF_NETWORKS])
def test_networks(plugin: Plugin, case: Refusal) -> None:
    """Nothing is made, and nothing remembered."""
    before = plugin.rig.held()
    _, answer = plugin.ask("NetworkDriver.CreateNetwork", network(case))

    assert case.said in answer["Err"], json.dumps(case.options)
    assert plugin.rig.held() == before
    assert plugin.rig.store.networks() == ()


@pytest.mark.parametrize("case", OF_CONTAINERS, ids=[each.name for each in OF_CONTAINERS])
def test_containers(plugin: Plugin, case: Refusal) -> None:
    """The network is fine, and stays as it is."""
    plugin.call("NetworkDriver.CreateNetwork", network(case))
    before = plugin.rig.held()
    body = {
        "NetworkID": NETWORK,
        "EndpointID": ENDPOINT,
        "Interface": {"Address": "10.50.0.2/24", "AddressIPv6": "fd00:50::2/64"},
        "Options": case.container,
    }
    _, answer = plugin.ask("NetworkDriver.CreateEndpoint", body)

    assert case.said in answer["Err"], json.dumps(case.container)
    assert plugin.rig.held() == before
    assert plugin.rig.store.endpoints(plugin.rig.store.networks()[0].id) == ()


@pytest.mark.parametrize("mode", modes())
def test_every_option_has_its_cases(mode: str) -> None:
    """A new one belongs there, with more than one value."""
    driver = driver_for(mode)
    for options, values in (
        (driver.options, refusals.VALUES[mode]),
        (driver.endpoint_options, refusals.FOR_CONTAINERS[mode]),
    ):
        assert {option.name for option in options} == set(values)
        assert all(len(wrong) > 1 for _, wrong in values.values())


def test_every_name_of_dockers_has_a_case() -> None:
    """Under the name that Docker has for it."""
    named = {LABEL + label: short for label, short, _, _ in refusals.DOCKERS_NAMES}

    assert named == labels.SHORT_NAMES


@pytest.mark.parametrize("internal", [False, True])
def test_options_that_do_no_harm_are_taken(plugin: Plugin, *, internal: bool) -> None:
    """They may be an engine's defaults for all networks, and its own driver takes them."""
    given = {
        "bridge.host_binding_ipv4": "127.0.0.1",
        "bridge.enable_icc": "false",
        "bridge.enable_ip_masquerade": "false",
        "bridge.gateway_mode_ipv6": "routed",
        "host_ipv4": "192.0.2.2",
    }
    case = Refusal(
        mode="bridge",
        said="",
        options={LABEL + name: value for name, value in given.items()},
        internal=internal,
        subnets=IPV4,
    )

    plugin.call("NetworkDriver.CreateNetwork", network(case))


def test_a_network_of_an_earlier_pynet_is_served_all_the_same() -> None:
    """What is refused today may be there since yesterday."""
    options = {"publish": "docker", "isolation": "strict", "host_services": "deny"}
    old = a_network("old", *DUAL, options=options)

    with pytest.raises(RefusedError):
        bind(old).check_options()
    assert bind(old).network_plan().resources
    assert bind(old).endpoint_plan(an_endpoint(old)).resources
