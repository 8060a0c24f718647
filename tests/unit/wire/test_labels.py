"""Docker's names, and what becomes of them."""

from typing import Any

import pytest

from plugin.wire import labels
from plugin.wire.errors import WireError

GENERIC = "com.docker.network.generic"


class TestNetworkOptions:
    @pytest.mark.parametrize("options", [{}, {GENERIC: None}, {GENERIC: {}}])
    def test_none(self, options: dict[str, Any]) -> None:
        """A missing, a null and an empty map are all the same."""
        assert labels.network_options(options, "$.Options") == {}

    def test_dockers_names_become_ours(self) -> None:
        """So that a compose file for the built-in driver works."""
        given = {
            "com.docker.network.driver.mtu": "1400",
            "com.docker.network.bridge.name": "br0",
            "com.docker.network.bridge.enable_ip_masquerade": "false",
            "com.docker.network.bridge.host_binding_ipv4": "127.0.0.1",
            "com.docker.network.container_iface_prefix": "net",
            "mode": "bridge",
            "foo": "bar",
        }

        assert labels.network_options({GENERIC: given}, "$.Options") == {
            "mtu": "1400",
            "bridge_name": "br0",
            "masquerade": "false",
            "host_binding": "127.0.0.1",
            "iface_prefix": "net",
            "mode": "bridge",
            "foo": "bar",
        }

    def test_one_option_by_two_names_is_fine_if_they_agree(self) -> None:
        """A network from a template."""
        both = {"mtu": "1400", "com.docker.network.driver.mtu": "1400"}

        assert labels.network_options({GENERIC: both}, "$.Options") == {"mtu": "1400"}

    def test_values_that_are_no_text_become_it(self) -> None:
        """The API takes what the command line would not send."""
        given = {"mtu": 1400, "masquerade": False}

        assert labels.network_options({GENERIC: given}, "$.Options") == {
            "mtu": "1400",
            "masquerade": "false",
        }

    @pytest.mark.parametrize(
        ("generic", "complaint"),
        [
            ("x", "$.Options[com.docker.network.generic]: expected an object of options"),
            ({"mtu": []}, "$.Options[com.docker.network.generic][mtu]: expected text, got []"),
            ({"mtu": None}, "expected text, got None"),
            (
                {"mtu": "1400", "com.docker.network.driver.mtu": "1500"},
                "com.docker.network.driver.mtu is '1500' and mtu is '1400': say it once",
            ),
        ],
    )
    def test_refusals(self, generic: object, complaint: str) -> None:
        """With the path to it."""
        with pytest.raises(WireError) as refusal:
            labels.network_options({GENERIC: generic}, "$.Options")

        assert complaint in str(refusal.value)


class TestEndpointOptions:
    def test_the_engines_own_labels_are_left_out(self) -> None:
        """It puts the user's among them."""
        given = {
            "com.docker.network.portmap": [],
            "com.docker.network.endpoint.ifname": "foo0",
            "foo": "bar",
        }

        assert labels.endpoint_options(given, "$.Options") == {"foo": "bar"}

    def test_what_is_no_text_is_refused(self) -> None:
        """With the path to it."""
        with pytest.raises(WireError, match=r"\$\.Options\[foo\]: expected text"):
            labels.endpoint_options({"foo": {}}, "$.Options")


class TestPoolOptions:
    def test_the_engines_own_words_are_left_out(self) -> None:
        """Swarm leaves some of other calls there."""
        given = {
            "RequestAddressType": "com.docker.network.gateway",
            "com.docker.network.ipam.serial": "true",
            "size": "28",
        }

        assert labels.pool_options(given) == {"size": "28"}


class TestFlag:
    @pytest.mark.parametrize(
        ("options", "value"),
        [
            ({}, True),
            ({"x": None}, True),
            ({"x": True}, True),
            ({"x": False}, False),
            ({"x": "false"}, False),
            ({"x": "True"}, True),
        ],
    )
    def test_good_values(self, options: dict[str, Any], value: bool) -> None:
        """An absent one takes the default."""
        assert labels.flag(options, "x", default=True, path="$") is value

    @pytest.mark.parametrize("value", [1, "yes", [], {}])
    def test_refusals(self, value: object) -> None:
        """Guessing could cut a network off, or open it."""
        with pytest.raises(WireError, match=r"\$\[x\]: expected true or false, got"):
            labels.flag({"x": value}, "x", default=True, path="$")
