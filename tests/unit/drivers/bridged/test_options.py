"""What a user can say about a bridge network, and every way to say it wrong."""

from typing import Any

import pytest

from plugin.drivers.bridged.options import (
    ENDPOINT_OPTIONS,
    GATEWAY_MODE_IPV4,
    GATEWAY_MODE_IPV6,
    ICC,
    MASQUERADE,
    OPTIONS,
    SPOOF_GUARD,
)
from plugin.drivers.host_services import HOST_SERVICES
from plugin.drivers.registry import bind
from plugin.errors import InvalidOptionError, RefusedError
from plugin.model.network import Network
from tests.fakes.values import a_network, an_endpoint
from tests.unit.drivers.bridged.plans import DUAL

GOOD = {
    "mode": "bridge",
    "mtu": "1400",
    "bridge_name": "br0",
    "masquerade": "false",
    "icc": "false",
    "host_binding": "::1",
    "gateway_mode_ipv4": "nat-unprotected",
    "gateway_mode_ipv6": "routed",
    "inhibit_ipv4": "true",
    "trusted_interfaces": "eth0:eth1",
    "host_ipv4": "192.0.2.2",
    "iface_prefix": "net",
    "isolation": "strict",
    "host_services": "53/udp,80",
    "spoof_guard": "false",
    "routes": "10.9.0.0/16 via 10.1.0.9; 10.8.0.0/16",
    "no_default_route": "false",
    "gateway_container": "10.1.0.5,fd00:1::5",
    "rate_to": "10mbit",
    "rate_from": "1.5gbit",
    "publish": "pynet",
    "userland_proxy": "false",
}


def check_endpoint(options: dict[str, str], **changes: Any) -> None:
    """One container's, on a network with ``icc=false`` unless told otherwise."""
    own = {"icc": "false", "gateway_container": "10.1.0.5"}
    network = a_network("blue", *DUAL, options=own, **changes)
    number = 5 if "gateway" in options else 2
    bind(network).check_endpoint(an_endpoint(network, number, options=options))


def ask(asked: str, network: Network) -> str:
    """Why the driver refuses."""
    with pytest.raises(RefusedError) as refusal:
        getattr(bind(network), asked)()
    return str(refusal.value)


class TestNetwork:
    def test_all_that_there_are(self) -> None:
        """With good values; a new option belongs into the table."""
        assert {option.name for option in OPTIONS} | {"mode", "host_ipv6"} == {*GOOD, "host_ipv6"}
        bind(a_network("blue", *DUAL, options=GOOD)).check_options()

    @pytest.mark.parametrize("options", [{"mtu": "big"}, {"routes": "x"}])
    def test_what_cannot_be_read_is_refused(self, options: dict[str, str]) -> None:
        """Before anything is made."""
        (name,) = options

        assert ask("check_options", a_network(options=options)).startswith(f"option {name} is ")

    def test_what_cannot_be_read_any_more_is_missed_where_it_is_needed_only(self) -> None:
        """An earlier pynet may have taken it, and the network is there."""
        old = bind(a_network(options={"routes": "x"}))

        assert old.network_plan().resources
        with pytest.raises(InvalidOptionError, match="option routes is 'x'"):
            old.attachment(an_endpoint(old.network))

    def test_a_gateway_container_is_not_compared_before_the_subnets_are_known(self) -> None:
        """The engine asks about gateways before addresses are given out."""
        network = a_network(options={"gateway_container": "10.9.0.1"}, pools=(), ipv6=False)

        assert bind(network).gateway_needs() is not None

    def test_an_mtu_that_is_too_small_for_ipv6_may_come_from_the_uplink(self) -> None:
        """The user hears of the option that fixes it."""
        refusal = ask("network_plan", a_network("blue", *DUAL, uplink_mtu=1000))

        assert "option mtu is '1000', expected at least 1280 bytes" in refusal

    def test_nothing_chosen_is_dockers_default(self) -> None:
        """Translated, open inside, closed outside."""
        options = bind(a_network()).options
        modes = (options[GATEWAY_MODE_IPV4], options[GATEWAY_MODE_IPV6])

        assert (options[MASQUERADE], options[ICC], options[SPOOF_GUARD]) == (True, True, True)
        assert {mode.value for mode in modes} == {"nat"}
        assert options[HOST_SERVICES] is None


class TestEndpoint:
    def test_none_are_fine(self) -> None:
        """Most containers have none."""
        check_endpoint({})

    def test_all_that_there_are(self) -> None:
        """With good values."""
        good = {
            "mac": "02-11-22-33-44-5A",
            "spoof_guard": "false",
            "gateway": "true",
            "icc_allow": "10.1.0.3, fd00:1::3",
            "rate_to": "8kbit",
            "rate_from": "32gbit",
        }

        assert set(good) == {option.name for option in ENDPOINT_OPTIONS}
        check_endpoint(good)

    def test_an_invalid_option_is_the_users_fault(self) -> None:
        """Not the host's."""
        with pytest.raises(InvalidOptionError):
            check_endpoint({"rate_to": "x"})
