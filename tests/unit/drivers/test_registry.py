"""Which modes there are."""

import pytest

from plugin.drivers.registry import (
    DEFAULT_MODE,
    bind,
    check_endpoint,
    check_network,
    driver_for,
    modes,
)
from plugin.errors import InvalidOptionError, UnknownOptionError
from tests.fakes.values import a_network, an_endpoint

BRIDGES = [option.name for option in driver_for("bridge").options]


def test_each_mode_has_its_driver() -> None:
    """The default among them."""
    assert DEFAULT_MODE == "bridge"
    assert DEFAULT_MODE in modes()
    assert [driver_for(mode).mode for mode in modes()] == list(modes())


def test_an_unknown_mode_is_refused_with_those_there_are() -> None:
    """``-o mode=brigde``."""
    with pytest.raises(
        InvalidOptionError,
        match=r"option mode is 'brigde', expected one of bridge.*did you mean bridge",
    ):
        driver_for("brigde")


class TestNames:
    """What a mode does not have is refused; who has it, or what is near, is said."""

    @pytest.mark.parametrize(
        ("mode", "name", "hint"),
        [
            ("bridge", "mtuu", "did you mean mtu?"),
            ("bridge", "mut", "did you mean mtu?"),
            ("bridge", "bridge-name", "did you mean bridge_name?"),
            ("bridge", "masquerad", "did you mean masquerade? It decides who reaches whom"),
            (
                "bridge",
                "gateway_mode",
                "did you mean gateway_mode_ipv6? It decides who reaches whom",
            ),
            (
                "bridge",
                "mac",
                "it is an option of a container: --network name=NETWORK,driver-opt=mac=...",
            ),
            ("bridge", "zzz", f"it has mode, {', '.join(BRIDGES)}"),
            (
                "bridge",
                "parent",
                "it belongs to mode macvlan or ipvlan: add -o mode=macvlan, or leave it out",
            ),
            (
                "bridge",
                "ipvlan_mode",
                "it belongs to mode ipvlan: add -o mode=ipvlan, or leave it out",
            ),
            (
                "macvlan",
                "icc",
                "it belongs to mode bridge or overlay: add -o mode=bridge, or leave it out",
            ),
            ("macvlan", "parnet", "did you mean parent?"),
            ("null", "parnet", "it has mode"),
        ],
    )
    def test_of_a_network(self, mode: str, name: str, hint: str) -> None:
        """``docker network create -o``."""
        with pytest.raises(UnknownOptionError) as refusal:
            check_network(a_network(mode=mode, options={"mode": mode, name: "1"}))

        assert str(refusal.value) == f"option {name} is unknown in mode {mode}; {hint}"

    @pytest.mark.parametrize(
        ("name", "hint"),
        [
            ("icc_alow", "did you mean icc_allow? It decides who reaches whom"),
            ("iccs", "it has mac, spoof_guard, icc_allow, gateway, rate_to, rate_from, name"),
            ("zzz", "it has mac, spoof_guard, icc_allow, gateway, rate_to, rate_from, name"),
            ("mtu", "it belongs to a network: docker network create -o mtu=..."),
            ("mode", "it has mac, spoof_guard, icc_allow, gateway, rate_to, rate_from, name"),
        ],
    )
    def test_of_a_container(self, name: str, hint: str) -> None:
        """``docker network connect --driver-opt``."""
        network = a_network()
        with pytest.raises(UnknownOptionError) as refusal:
            check_endpoint(bind(network), an_endpoint(network, options={name: "1"}))

        assert str(refusal.value).endswith(f"is unknown for a container in mode bridge; {hint}")

    def test_what_the_mode_has_is_taken(self) -> None:
        """The mode itself among it."""
        network = a_network(options={"mode": "bridge", "mtu": "1400"})
        endpoint = an_endpoint(network, options={"rate_to": "1mbit"})

        bound = check_network(network)
        check_endpoint(bound, endpoint)

        assert bound.network == network
