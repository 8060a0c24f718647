"""What a user can say about a bridge network, and every way to say it wrong."""

from typing import Any

import pytest

from plugin.drivers.bridge.options import ENDPOINT_OPTIONS, OPTIONS
from plugin.drivers.bridge.reading import check_endpoint_options, read_options
from plugin.errors import InvalidOptionError, RefusedError
from plugin.model.network import Network
from tests.fakes.values import a_network, a_pool
from tests.unit.drivers.bridge.plans import DRIVER, DUAL

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
    "gateway_container": "10.1.0.5,fd00:1::5",
    "rate_to": "10mbit",
    "rate_from": "1.5gbit",
    "publish": "pynet",
    "userland_proxy": "false",
}
NAT_MODES = "expected nat, nat-unprotected, routed or isolated"
RATES = "expected bits per second from 8kbit to 32gbit, as 10mbit"
WRONG_VALUES = [
    ("mtu", "big", "expected a number of bytes from 68 to 65535"),
    ("mtu", "67", "expected a number of bytes from 68 to 65535"),
    ("bridge_name", "a/b", "expected a link name of 1 to 15 bytes without '/', ':' or spaces"),
    ("bridge_name", 'a"b', "expected a link name of 1 to 15 bytes"),
    ("bridge_name", "a-name-too-long-", "expected a link name of 1 to 15 bytes"),
    ("masquerade", "no", "expected true or false"),
    ("icc", "", "expected true or false"),
    ("host_binding", "lan", "expected an address of the host"),
    ("host_binding", "192.0.2.0/24", "expected an address of the host"),
    ("gateway_mode_ipv4", "NAT", NAT_MODES),
    ("gateway_mode_ipv4", "", NAT_MODES),
    ("gateway_mode_ipv6", "nat66", NAT_MODES),
    ("inhibit_ipv4", "2", "expected true or false"),
    ("trusted_interfaces", "eth*", "expected link names with ':' between"),
    ("trusted_interfaces", "eth0::eth1", "expected link names with ':' between"),
    ("trusted_interfaces", "eth0,eth1", "expected link names with ':' between"),
    ("trusted_interfaces", "", "expected link names with ':' between"),
    ("host_ipv4", "fd00::1", "expected an IPv4 address of the host"),
    ("host_ipv6", "192.0.2.1", "expected an IPv6 address of the host"),
    ("iface_prefix", "x" * 14, "expected a link name of 1 to 13 bytes"),
    ("iface_prefix", "", "expected a link name of 1 to 13 bytes"),
    ("isolation", "none", "expected off, on or strict"),
    ("host_services", "", "expected allow, deny, or ports as 53/udp,80"),
    ("host_services", "0", "expected allow, deny, or ports as 53/udp,80"),
    ("host_services", "65536/tcp", "expected allow, deny, or ports as 53/udp,80"),
    ("host_services", "53/UDP", "expected allow, deny, or ports as 53/udp,80"),
    ("host_services", "53/icmp", "expected allow, deny, or ports as 53/udp,80"),
    ("host_services", "ssh", "expected allow, deny, or ports as 53/udp,80"),
    ("spoof_guard", "on", "expected true or false"),
    ("routes", "", "expected routes as '10.0.0.0/8 via 10.1.0.2; 10.2.0.0/16'"),
    ("routes", "0.0.0.0/0 via 10.1.0.2", "expected routes as"),
    ("routes", "10.9.0.0/16 via fd00::1", "expected routes as"),
    ("routes", "10.9.0.0/16 to 10.1.0.2", "expected routes as"),
    ("routes", "10.9.0.1/16", "expected routes as"),
    ("routes", "10.9.0.0/16 via", "expected routes as"),
    ("gateway_container", "router", "expected an address of the network, or one of each family"),
    ("gateway_container", "10.9.0.1", "expected an address of the network, or one of each family"),
    ("rate_to", "fast", RATES),
    ("rate_to", "7kbit", RATES),
    ("rate_to", "33gbit", RATES),
    ("rate_to", "-1mbit", RATES),
    ("rate_to", "nan", RATES),
    ("rate_to", "inf", RATES),
    ("rate_from", "", RATES),
    ("rate_from", "10mb", RATES),
    ("publish", "both", "expected pynet or docker"),
    ("userland_proxy", "off", "expected true or false"),
]
CONTRADICTIONS: list[tuple[dict[str, str], dict[str, Any], str]] = [
    (
        {"gateway_mode_ipv4": "isolated"},
        {},
        "which a network can be with --internal only; add --internal or choose another mode",
    ),
    ({"gateway_mode_ipv6": "isolated"}, {}, "option gateway_mode_ipv6 is isolated, which a"),
    (
        {"gateway_mode_ipv4": "routed", "host_ipv4": "192.0.2.2"},
        {},
        "option host_ipv4 translates addresses and gateway_mode_ipv4=routed does not",
    ),
    (
        {"gateway_mode_ipv6": "routed", "host_ipv6": "fd00:99::2"},
        {},
        "option host_ipv6 translates addresses and gateway_mode_ipv6=routed does not",
    ),
    (
        {"publish": "docker"},
        {"internal": True},
        "option publish is docker, and an internal network publishes nothing",
    ),
    (
        {"gateway_container": "10.1.0.5", "publish": "docker"},
        {},
        "option gateway_container names a gateway, and containers have none of this network",
    ),
    (
        {"gateway_container": "10.1.0.5"},
        {"internal": True},
        "have none of this network with --internal or publish=docker; leave out one of them",
    ),
    (
        {"routes": "10.9.0.0/16 via 10.2.0.2"},
        {},
        "option routes is 'via 10.2.0.2', expected a next hop in a subnet of the network",
    ),
    (
        {"routes": "fd00:9::/64"},
        {},
        "option routes is 'fd00:9::/64', expected routes of families that the network has",
    ),
    (
        {"mtu": "1279"},
        {"pools": tuple(a_pool(each) for each in DUAL), "ipv6": True},
        "option mtu is '1279', expected at least 1280 bytes on a network with IPv6",
    ),
]
WRONG_ENDPOINT_VALUES = [
    ("spoof_guard", "off", "option spoof_guard is 'off', expected true or false"),
    ("icc_allow", "web", "option icc_allow is 'web', expected addresses with ';' or ',' between"),
    ("icc_allow", "10.1.0.3:10.1.0.4", "expected addresses with ';' or ',' between"),
    ("icc_allow", "", "expected addresses with ';' or ',' between"),
    ("rate_to", "1", RATES),
    ("rate_from", "fast", RATES),
    ("mac", "02:11:22:33:44", "expected the MAC address of one host, as 02:42:0a:00:00:02"),
    ("mac", "01:00:5e:00:00:01", "expected the MAC address of one host, as 02:42:0a:00:00:02"),
]
ASKED = ["check_options", "gateway_needs", "parent", "network_plan"]


def ask(asked: str, network: Network) -> str:
    """Why the driver refuses."""
    with pytest.raises(RefusedError) as refusal:
        getattr(DRIVER, asked)(network)
    return str(refusal.value)


class TestNetwork:
    def test_all_that_there_are(self) -> None:
        """With good values; a new option belongs into the table."""
        assert {option.name for option in OPTIONS} | {"mode", "host_ipv6"} == {*GOOD, "host_ipv6"}
        DRIVER.check_options(a_network("blue", *DUAL, options=GOOD))

    @pytest.mark.parametrize(("name", "value", "message"), WRONG_VALUES)
    def test_a_wrong_value_is_refused_with_what_would_be_right(
        self, name: str, value: str, message: str
    ) -> None:
        """Option, value and remedy are in the sentence."""
        refusal = ask("check_options", a_network(options={name: value}))

        assert message in refusal
        assert refusal.startswith(f"option {name} is '{value}', expected ")

    def test_every_option_has_a_wrong_value(self) -> None:
        """In the table above."""
        assert {name for name, _, _ in WRONG_VALUES} == {option.name for option in OPTIONS}

    @pytest.mark.parametrize(("options", "changes", "message"), CONTRADICTIONS)
    def test_contradictions(
        self, options: dict[str, str], changes: dict[str, Any], message: str
    ) -> None:
        """Each value by itself would do."""
        network = a_network(options=options, **changes)

        assert message in ask("check_options", network)

    @pytest.mark.parametrize("asked", ASKED)
    @pytest.mark.parametrize("options", [{"mtu": "big"}, {"gateway_mode_ipv4": "isolated"}])
    def test_whichever_call_comes_first_says_no(self, options: dict[str, str], asked: str) -> None:
        """Before anything is made."""
        (name,) = options

        assert ask(asked, a_network(options=options)).startswith(f"option {name} is ")

    def test_a_gateway_container_is_not_compared_before_the_subnets_are_known(self) -> None:
        """The engine asks about gateways before addresses are given out."""
        network = a_network(options={"gateway_container": "10.9.0.1"}, pools=(), ipv6=False)

        assert DRIVER.gateway_needs(network) is not None

    def test_an_mtu_that_is_too_small_for_ipv6_may_come_from_the_uplink(self) -> None:
        """The user hears of the option that mends it."""
        refusal = ask("network_plan", a_network("blue", *DUAL, uplink_mtu=1000))

        assert "option mtu is '1000', expected at least 1280 bytes" in refusal

    def test_nothing_chosen_is_dockers_default(self) -> None:
        """Translated, open inside, closed outside."""
        options = read_options(a_network())

        assert (options.masquerade, options.icc, options.spoof_guard) == (True, True, True)
        assert {mode.value for mode in options.modes.values()} == {"nat"}
        assert not options.isolated
        assert options.host_services is None


class TestEndpoint:
    def test_none_are_fine(self) -> None:
        """Most containers have none."""
        check_endpoint_options({})

    def test_all_that_there_are(self) -> None:
        """With good values."""
        good = {
            "mac": "02-11-22-33-44-5A",
            "spoof_guard": "false",
            "icc_allow": "10.1.0.3, fd00:1::3",
            "rate_to": "8kbit",
            "rate_from": "32gbit",
        }

        assert set(good) == {option.name for option in ENDPOINT_OPTIONS}
        check_endpoint_options(good)

    @pytest.mark.parametrize(("name", "value", "message"), WRONG_ENDPOINT_VALUES)
    def test_refusals(self, name: str, value: str, message: str) -> None:
        """``docker network connect --driver-opt``."""
        with pytest.raises(RefusedError) as refusal:
            check_endpoint_options({name: value})

        assert message in str(refusal.value)

    def test_an_invalid_option_is_the_users_fault(self) -> None:
        """Not the host's."""
        with pytest.raises(InvalidOptionError):
            check_endpoint_options({"rate_to": "x"})
