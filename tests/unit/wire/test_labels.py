"""Docker's names, and what becomes of them."""

from typing import Any

import pytest

from plugin.errors import RefusedError, UnknownOptionError
from plugin.wire import labels
from plugin.wire.errors import WireError

LABEL = "com.docker.network."
GENERIC = "com.docker.network.generic"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, False),
        ("net.ipv6.conf.IFNAME.disable_ipv6=1", True),
        ("net.ipv4.conf.IFNAME.log_martians=1,net.ipv6.conf.IFNAME.disable_ipv6=1", True),
        ("net.ipv6.conf.IFNAME.disable_ipv6=0", False),
        ("net.ipv6.conf.IFNAME.forwarding=1", False),
    ],
)
def test_ipv6_that_an_endpoint_has_off(value: str | None, *, expected: bool) -> None:
    """By a setting that the engine makes on its link."""
    assert labels.has_ipv6_off({labels.SYSCTLS: value}) is expected


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

    @pytest.mark.parametrize(
        ("label", "hint"),
        [
            ("bridge.enable_iccc", "did you mean com.docker.network.bridge.enable_icc?"),
            ("bridge.enable_masquerade", "did you mean com.docker.network.bridge.enable_ip_masq"),
            ("drivr.mtu", "did you mean com.docker.network.driver.mtu?"),
            ("advertise_addr_msgs", "did you mean com.docker.network.advertise_addr_nmsgs?"),
            # None that is merely alike is proposed if it opens or closes something.
            ("bridge.enable_ipv6", "did you mean com.docker.network.enable_ipv6?"),
            ("bridge.enable_ip6tables", "com.docker.network. is followed by driver.mtu, bridge"),
            ("bridge.host_binding", "did you mean com.docker.network.bridge.host_binding_ipv4? It"),
            ("zzz", "com.docker.network. is followed by driver.mtu, bridge.name, bridge.enable_"),
        ],
    )
    def test_dockers_names_that_do_not_exist(self, label: str, hint: str) -> None:
        """Docker's own driver would pass over them."""
        with pytest.raises(UnknownOptionError) as refusal:
            labels.network_options({GENERIC: {LABEL + label: "1"}}, "$.Options")

        assert str(refusal.value).startswith(f"option {LABEL}{label} is unknown to pynet; {hint}")

    def test_a_parent_of_one_host(self) -> None:
        """Its name may have dots, as labels of other tools do."""
        given = {"parent@web1.example.com": "eth1"}

        assert labels.network_options({labels.GENERIC: given}, "$") == given

    def test_what_says_nothing_to_a_driver(self) -> None:
        """Labels of other tools, of Docker on Windows, and that it is not the default bridge."""
        given = {
            "com.docker.network.bridge.default_bridge": "false",
            "com.docker.network.windowsshim.networkname": "nat",
            "com.docker.compose.network": "web",
            "io.drone.network.pod": "7",
            "mtu": "1400",
        }

        assert labels.network_options({GENERIC: given}, "$.Options") == {"mtu": "1400"}

    @pytest.mark.parametrize(
        ("name", "said"),
        [
            (f"{LABEL}bridge.default_bridge", "and the default bridge is one, and Docker's own"),
            (
                f"{LABEL}endpoint.sysctls",
                f"option of a container: --network name=NETWORK,driver-opt={LABEL}endpoint.sysctls=",
            ),
            ("com.dokcer.network.bridge.enable_icc", f"is called {LABEL}bridge.enable_icc"),
            ("bridge.enable_icc", f"the option is called {LABEL}bridge.enable_icc"),
            ("pynet.isolation", "the option is called isolation"),
            ("org.example.spoof_guard", "the option is called spoof_guard"),
            ("bridge.enable_ic", f"begin with {LABEL}, and pynet's have no dot"),
        ],
    )
    def test_what_was_to_say_something(self, name: str, said: str) -> None:
        """Docker's own driver would pass over most of it."""
        with pytest.raises(RefusedError) as refusal:
            labels.network_options({GENERIC: {name: "true"}}, "$.Options")

        assert said in str(refusal.value)

    @pytest.mark.parametrize(
        "given",
        [
            {"advertise_addr_nmsgs": "0"},
            {"advertise_addr_nmsgs": "3", "advertise_addr_ms": "100"},
            {"advertise_addr_ms": "2000"},
            {"enable_ipv6": "true"},
            {"enable_ipv6": "1", "enable_ipv4": "T"},
        ],
    )
    def test_what_the_engine_does_itself(self, given: dict[str, str]) -> None:
        """No driver hears of it; a swarm's nodes want to."""
        generic = {LABEL + name: value for name, value in given.items()}
        options = {GENERIC: {**generic, "mtu": "1400"}, LABEL + "enable_ipv6": True}

        assert labels.network_options(options, "$.Options") == {"mtu": "1400"}
        assert labels.engine_options(options, "$.Options") == generic

    @pytest.mark.parametrize(
        ("label", "value", "expected"),
        [
            ("advertise_addr_nmsgs", "4", "is '4', expected a number from 0 to 3"),
            ("advertise_addr_nmsgs", "-1", "is '-1', expected a number from 0 to 3"),
            ("advertise_addr_ms", "99", "is '99', expected a number from 100 to 2000"),
            ("advertise_addr_ms", "1s", "is '1s', expected a number from 100 to 2000"),
            (
                "enable_ipv6",
                "true",
                "is 'true', which this engine (before 28) does not know; use --ip",
            ),
            ("enable_ipv4", "false", "is 'false', which this engine (before 28) does not know"),
        ],
    )
    def test_what_an_engine_before_28_passes_over(
        self, label: str, value: str, expected: str
    ) -> None:
        """Later ones say so themselves, or do it."""
        options = {
            GENERIC: {LABEL + label: value},
            LABEL + "enable_ipv6": False,
            LABEL + "enable_ipv4": True,
        }
        with pytest.raises(RefusedError) as refusal:
            labels.network_options(options, "$.Options")

        assert str(refusal.value).startswith(f"option {LABEL}{label} {expected}")

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
                "com.docker.network.driver.mtu is '1500' and mtu is '1400'; set only one of them",
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

    @pytest.mark.parametrize(
        ("label", "near"),
        [
            ("ifnme", "ifname"),
            ("ifnames", "ifname"),
            ("sysctl", "sysctls"),
            ("sysctlss", "sysctls"),
        ],
    )
    def test_the_users_labels_misspelt(self, label: str, near: str) -> None:
        """The engine passes over them."""
        with pytest.raises(UnknownOptionError, match=f"did you mean {LABEL}endpoint.{near}") as no:
            labels.endpoint_options({f"{LABEL}endpoint.{label}": "x"}, "$.Options")

        assert str(no.value).startswith(
            f"option {LABEL}endpoint.{label} is unknown for a container"
        )

    @pytest.mark.parametrize(
        "label",
        ["name", "dnsservers", "macaddress", "exposedports", "sysctls", "ifname", "ifindex"],
    )
    def test_labels_of_engines_are_not_taken_for_misspelt(self, label: str) -> None:
        """Nor those of engines to come."""
        assert labels.endpoint_options({f"{LABEL}endpoint.{label}": "x"}, "$.Options") == {}

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
