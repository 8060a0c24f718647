"""Mode null: nothing is made, and nothing handed over."""

import pytest

from plugin.drivers.null import NullDriver
from plugin.drivers.registry import check_endpoint, check_network
from plugin.errors import UnknownOptionError
from plugin.model.plan import Plan
from tests.fakes.values import a_network, an_endpoint

DRIVER = NullDriver()
NETWORK = a_network(mode="null", options={"mode": "null"})
ENDPOINT = an_endpoint(NETWORK)


def test_the_host_holds_nothing() -> None:
    """For the network and for containers on it."""
    plans = (
        DRIVER.network_plan(NETWORK),
        DRIVER.shared_plan(NETWORK, [ENDPOINT]),
        DRIVER.endpoint_plan(NETWORK, ENDPOINT),
        DRIVER.ports_plan(NETWORK, ENDPOINT),
    )

    assert set(plans) == {Plan()}
    assert DRIVER.parent(NETWORK) is None
    assert DRIVER.parent_use(NETWORK) is None
    assert DRIVER.mac_address(NETWORK, ENDPOINT) == ""


def test_the_sandbox_keeps_its_loopback_alone() -> None:
    """Without a gateway the engine would add a bridge of its own, unless it is told not to."""
    attachment = DRIVER.attachment(NETWORK, ENDPOINT)

    assert attachment.src_name is None
    assert attachment.disable_gateway_service
    assert DRIVER.gateway_needs(NETWORK).skip_ipv4
    assert DRIVER.gateway_needs(NETWORK).skip_ipv6


def test_it_has_no_options() -> None:
    """Of the network or a container."""
    with pytest.raises(UnknownOptionError, match="option parent is unknown in mode null"):
        check_network(a_network(mode="null", options={"parent": "eth0"}))
    with pytest.raises(
        UnknownOptionError, match=r"rate_to is unknown .* in mode null; it has none"
    ):
        check_endpoint(NETWORK, an_endpoint(NETWORK, options={"rate_to": "1mbit"}))
