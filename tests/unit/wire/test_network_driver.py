"""What NetworkDriver is asked to make: tolerant of what engines send, strict in what is meant."""

from ipaddress import ip_interface, ip_network
from typing import Any

import pytest

from plugin.errors import InvalidOptionError
from plugin.model.network import GatewayNeeds, NetworkState
from plugin.wire import network_answers as answers
from plugin.wire import network_driver as wire
from plugin.wire.errors import WireError
from tests.fakes.values import a_network, an_endpoint
from tests.unit.wire.bodies import LABEL, POOL, read


class TestCreateNetwork:
    def test_all_of_it(self) -> None:
        """As engine 28 sends it."""
        network = read(
            wire.CreateNetworkRequest,
            NetworkID="n" * 64,
            Options={
                LABEL + "enable_ipv4": True,
                LABEL + "enable_ipv6": True,
                LABEL + "internal": True,
                LABEL + "generic": {"mode": "macvlan", LABEL + "driver.mtu": "1400"},
            },
            IPv4Data=[{**POOL, "AuxAddresses": {"printer": "10.1.0.9/24"}}],
            IPv6Data=[{"AddressSpace": "L", "Pool": "fd00:1::/64"}],
        ).network("bridge")

        assert (network.id, network.mode) == ("n" * 64, "macvlan")
        assert network.options == {"mode": "macvlan", "mtu": "1400"}
        assert (network.internal, network.ipv6) == (True, True)
        assert network.state is NetworkState.PENDING
        four, six = network.pools
        assert (four.space, four.prefix) == ("L", ip_network("10.1.0.0/24"))
        assert four.gateway == ip_interface("10.1.0.1/24")
        assert four.auxiliary == {"printer": ip_interface("10.1.0.9/24")}
        assert (six.prefix, six.gateway) == (ip_network("fd00:1::/64"), None)

    @pytest.mark.parametrize(
        "message",
        [
            {},
            {"Options": None, "IPv4Data": None, "IPv6Data": None},
            {"Options": {}, "IPv4Data": [], "IPv6Data": []},
            {"Options": {LABEL + "generic": None}, "Future": [1]},
        ],
    )
    def test_what_is_not_there_is_nothing(self, message: dict[str, Any]) -> None:
        """Missing, null and empty, as engines please."""
        network = read(wire.CreateNetworkRequest, NetworkID="n", **message).network("bridge")

        assert (network.mode, network.options, network.pools) == ("bridge", {}, ())
        assert (network.internal, network.ipv6) == (False, False)

    def test_engines_that_announce_addresses(self) -> None:
        """Those from 28 on, which say of every network whether it has IPv4."""
        bare: dict[str, Any] = {"NetworkID": "n", "Options": {}}
        told = {**bare, "Options": {LABEL + "enable_ipv4": True}}

        assert read(wire.CreateNetworkRequest, **told).network("bridge").announced
        assert not read(wire.CreateNetworkRequest, **bare).network("bridge").announced

    @pytest.mark.parametrize("gateway", [{}, {"Gateway": None}, {"Gateway": ""}])
    @pytest.mark.parametrize("aux", [{}, {"AuxAddresses": None}, {"AuxAddresses": {}}])
    def test_a_subnet_without_gateway_or_auxiliary_addresses(
        self, gateway: dict[str, Any], aux: dict[str, Any]
    ) -> None:
        """Engine 29 sends an empty map, earlier ones nothing."""
        pool = {"AddressSpace": "L", "Pool": "10.1.0.0/24", **gateway, **aux}
        network = read(wire.CreateNetworkRequest, NetworkID="n", IPv4Data=[pool]).network("bridge")

        assert network.pools[0].gateway is None
        assert network.pools[0].auxiliary == {}

    def test_a_subnet_of_ipv6_makes_a_network_of_ipv6(self) -> None:
        """Swarm leaves the label out."""
        network = read(
            wire.CreateNetworkRequest, NetworkID="n", IPv6Data=[{"Pool": "fd00::/64"}]
        ).network("bridge")

        assert network.ipv6

    @pytest.mark.parametrize(
        ("message", "complaint"),
        [
            ({}, "$: Object missing required field `NetworkID`"),
            ({"NetworkID": ""}, "$.NetworkID: is empty"),
            ({"NetworkID": 7}, "$.NetworkID: Expected `str`, got `int`"),
            ({"NetworkID": "n", "Options": []}, "$.Options: Expected `object | null`"),
            ({"NetworkID": "n", "IPv4Data": {}}, "$.IPv4Data: Expected `array | null`"),
            ({"NetworkID": "n", "IPv4Data": [{}]}, "$.IPv4Data[0].Pool: '' is not a prefix"),
            (
                {"NetworkID": "n", "IPv4Data": [POOL, {"Pool": "10.0.0.0/33"}]},
                "$.IPv4Data[1].Pool: '10.0.0.0/33' is not a prefix",
            ),
            (
                {"NetworkID": "n", "IPv6Data": [{"Pool": "fd00::/64", "Gateway": "fd00::1"}]},
                "$.IPv6Data[0].Gateway: 'fd00::1' has no prefix length",
            ),
            (
                {"NetworkID": "n", "IPv4Data": [{**POOL, "AuxAddresses": {"a": "x/24"}}]},
                "$.IPv4Data[0].AuxAddresses[a]: 'x/24' is not an address with a prefix length",
            ),
            (
                {"NetworkID": "n", "Options": {LABEL + "internal": "maybe"}},
                "$.Options[com.docker.network.internal]: expected true or false, got 'maybe'",
            ),
            (
                {"NetworkID": "n", "Options": {LABEL + "enable_ipv6": 1}},
                "$.Options[com.docker.network.enable_ipv6]: expected true or false",
            ),
        ],
    )
    def test_refusals(self, message: dict[str, Any], complaint: str) -> None:
        """With the path to it."""
        with pytest.raises(WireError) as refusal:
            read(wire.CreateNetworkRequest, **message).network("bridge")

        assert str(refusal.value).startswith(complaint)


class TestGwAllocCheck:
    def test_options_alone(self) -> None:
        """The network has no id yet."""
        options = {LABEL + "generic": {"mtu": "1400"}}

        assert read(wire.GwAllocCheckRequest, Options=options).network("bridge").options == {
            "mtu": "1400"
        }

    def test_answer(self) -> None:
        """Both families."""
        assert answers.gateway_answer(GatewayNeeds(skip_ipv4=True)) == {
            "SkipIPv4": True,
            "SkipIPv6": False,
        }


class TestCreateEndpoint:
    def test_all_of_it(self) -> None:
        """With a MAC address from the IPAM, and a driver option."""
        endpoint = read(
            wire.CreateEndpointRequest,
            NetworkID="n",
            EndpointID="e",
            Interface={
                "Address": "10.1.0.2/24",
                "AddressIPv6": "fd00:1::2/64",
                "MacAddress": "02:42:0A:00:00:02",
            },
            Options={LABEL + "portmap": [], LABEL + "endpoint.exposedports": [], "foo": "bar"},
        ).endpoint()

        assert (endpoint.id, endpoint.network_id) == ("e", "n")
        assert endpoint.ipv4 == ip_interface("10.1.0.2/24")
        assert endpoint.ipv6 == ip_interface("fd00:1::2/64")
        assert (endpoint.mac_address, endpoint.mac_chosen) == ("02:42:0a:00:00:02", False)
        assert endpoint.options == {"foo": "bar"}

    @pytest.mark.parametrize("interface", [{}, {"Interface": None}, {"Interface": {}}])
    def test_what_is_not_there_is_ours_to_choose(self, interface: dict[str, Any]) -> None:
        """Missing, null and empty."""
        request = read(wire.CreateEndpointRequest, NetworkID="n", EndpointID="e", **interface)
        endpoint = request.endpoint()

        assert (endpoint.mac_address, endpoint.ipv4, endpoint.ipv6) == ("", None, None)
        assert not request.chose_mac

    def test_the_users_mac_address_comes_in_base64(self) -> None:
        """It is Go's form of six bytes."""
        request = read(
            wire.CreateEndpointRequest,
            NetworkID="n",
            EndpointID="e",
            Options={LABEL + "endpoint.macaddress": "AhEiM0RV"},
        )
        endpoint = request.endpoint()

        assert (endpoint.mac_address, endpoint.mac_chosen) == ("02:11:22:33:44:55", True)
        assert not request.chose_mac

    @pytest.mark.parametrize(("label", "ifname"), [("wan0", "wan0"), ("", None)])
    def test_the_users_name_for_the_link(self, label: str, ifname: str | None) -> None:
        """Engines before 29.8 do not pass it on to the part that names the link."""
        endpoint = read(
            wire.CreateEndpointRequest,
            NetworkID="n",
            EndpointID="e",
            Options={LABEL + "endpoint.ifname": label},
        ).endpoint()

        assert endpoint.ifname == ifname

    @pytest.mark.parametrize("name", ["a/b", "sixteen-bytes-xx", "a b", "..", "eth%d"])
    def test_what_is_no_name_for_a_link(self, name: str) -> None:
        """The kernel would refuse it when the container starts."""
        request = read(
            wire.CreateEndpointRequest,
            NetworkID="n",
            EndpointID="e",
            Options={LABEL + "endpoint.ifname": name},
        )

        with pytest.raises(InvalidOptionError, match="expected a link name of 1 to 15 bytes"):
            request.endpoint()

    @pytest.mark.parametrize(
        ("message", "complaint"),
        [
            ({"NetworkID": "n"}, "$: Object missing required field `EndpointID`"),
            ({"NetworkID": "n", "EndpointID": ""}, "$.EndpointID: is empty"),
            ({"NetworkID": "", "EndpointID": "e"}, "$.NetworkID: is empty"),
            (
                {"Interface": {"Address": "10.1.0.2"}},
                "$.Interface.Address: '10.1.0.2' has no prefix length",
            ),
            (
                {"Interface": {"Address": "fd00::2/64"}},
                "$.Interface.Address: 'fd00::2/64' is not an IPv4 address",
            ),
            (
                {"Interface": {"AddressIPv6": "10.1.0.2/24"}},
                "$.Interface.AddressIPv6: '10.1.0.2/24' is not an IPv6 address",
            ),
            (
                {"Interface": {"MacAddress": "01:00:5e:00:00:01"}},
                "$.Interface.MacAddress: '01:00:5e:00:00:01' is not the address of one host",
            ),
            (
                {"Options": {LABEL + "endpoint.macaddress": "?"}},
                "$.Options[com.docker.network.endpoint.macaddress]: '?' is not base64 of six",
            ),
            (
                {"Options": {LABEL + "endpoint.macaddress": "\x80"}},
                r"$.Options[com.docker.network.endpoint.macaddress]: '\x80' is not base64 of six",
            ),
            (
                {"Options": {LABEL + "endpoint.macaddress": "AhEi"}},
                "$.Options[com.docker.network.endpoint.macaddress]: '02:11:22' is not the address",
            ),
            ({"Options": {"foo": [1]}}, "$.Options[foo]: expected text, got [1]"),
        ],
    )
    def test_refusals(self, message: dict[str, Any], complaint: str) -> None:
        """With the path to it."""
        ids = {} if "NetworkID" in message else {"NetworkID": "n", "EndpointID": "e"}
        with pytest.raises(WireError) as refusal:
            read(wire.CreateEndpointRequest, **ids, **message).endpoint()

        assert str(refusal.value).startswith(complaint)

    def test_the_answer_has_what_the_engine_left_open(self) -> None:
        """It refuses an answer with anything else."""
        endpoint = an_endpoint(a_network())
        ids = {"NetworkID": "n", "EndpointID": "e"}
        left_open = read(wire.CreateEndpointRequest, **ids, Interface={"Address": "10.1.0.2/24"})
        chosen = read(
            wire.CreateEndpointRequest, **ids, Interface={"MacAddress": "02:42:0a:00:00:02"}
        )

        assert answers.endpoint_answer(left_open, endpoint) == {
            "Interface": {"MacAddress": endpoint.mac_address}
        }
        assert answers.endpoint_answer(chosen, endpoint) == {"Interface": {}}


def test_what_a_leader_accepted_is_told_to_the_next() -> None:
    """And means nothing to the nodes."""
    accepted = read(
        wire.AllocateNetworkRequest,
        NetworkID="n" * 25,
        Options={"pynet.allocated": "true", "mtu": "1400"},
    )

    assert accepted.is_again
    assert accepted.network("overlay").options == {"mtu": "1400"}
    assert not read(wire.AllocateNetworkRequest, NetworkID="n" * 25).is_again
