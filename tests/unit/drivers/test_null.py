"""Mode null: nothing is made, and nothing handed over."""

import pytest

from plugin.drivers.registry import bind, check_endpoint, check_network
from plugin.errors import UnknownOptionError
from plugin.model.plan import Plan
from tests.fakes.values import a_network, an_endpoint

NETWORK = a_network(mode="null", options={"mode": "null"})
ENDPOINT = an_endpoint(NETWORK)


def test_the_host_holds_nothing() -> None:
    """For the network and for containers on it."""
    plans = (
        bind(NETWORK).network_plan(),
        bind(NETWORK).shared_plan([ENDPOINT]),
        bind(NETWORK).endpoint_plan(ENDPOINT),
        bind(NETWORK).ports_plan(ENDPOINT),
    )

    assert set(plans) == {Plan()}
    assert bind(NETWORK).mtu_link() is None
    assert bind(NETWORK).parent_use() is None
    assert bind(NETWORK).mac_address(ENDPOINT) == ""


def test_the_sandbox_keeps_its_loopback_alone() -> None:
    """Without a gateway the engine would add a bridge of its own, unless it is told not to."""
    attachment = bind(NETWORK).attachment(ENDPOINT)

    assert attachment.src_name is None
    assert attachment.disable_gateway_service
    assert bind(NETWORK).gateway_needs().skip_ipv4
    assert bind(NETWORK).gateway_needs().skip_ipv6


def test_it_has_no_options() -> None:
    """Of the network or a container."""
    with pytest.raises(UnknownOptionError, match="option parent is unknown in mode null"):
        check_network(a_network(mode="null", options={"parent": "eth0"}))
    with pytest.raises(
        UnknownOptionError, match=r"rate_to is unknown .* in mode null; it has none"
    ):
        check_endpoint(bind(NETWORK), an_endpoint(NETWORK, options={"rate_to": "1mbit"}))
