"""The messages of NetworkDriver: tolerant of what engines send, strict in what is meant."""

import json
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_interface, ip_network
from typing import Any

import pytest

from plugin.config import Scope
from plugin.model.network import (
    Attachment,
    GatewayNeeds,
    NetworkState,
    PortBinding,
    Protocol,
    StaticRoute,
)
from plugin.wire import network_answers as answers
from plugin.wire import network_driver as wire
from plugin.wire.decoding import decode
from plugin.wire.errors import WireError
from tests.fakes.values import a_network, a_published_port, an_endpoint

LABEL = "com.docker.network."
POOL = {"AddressSpace": "L", "Pool": "10.1.0.0/24", "Gateway": "10.1.0.1/24"}


def read(kind: Any, **message: Any) -> Any:
    """Through bytes, as it comes."""
    return decode(json.dumps(message).encode(), kind)


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


class TestJoin:
    def test_the_sandbox(self) -> None:
        """It need not exist yet."""
        request = read(wire.JoinRequest, NetworkID="n", EndpointID="e", SandboxKey="/x/1")

        assert (request.network_id, request.endpoint_id, request.sandbox_key) == ("n", "e", "/x/1")

    def test_without_one_it_is_refused(self) -> None:
        """The endpoint would never count as joined."""
        with pytest.raises(WireError, match=r"^\$\.SandboxKey: is empty$"):
            _ = read(wire.JoinRequest, NetworkID="n", EndpointID="e").sandbox_key

    def test_answer(self) -> None:
        """Gateways without a length: with one the engine refuses them."""
        attachment = Attachment(
            src_name="pnc-1",
            dst_prefix="net",
            gateway4=IPv4Address("10.1.0.1"),
            gateway6=IPv6Address("fd00:1::1"),
            routes=(
                StaticRoute(
                    destination=ip_network("10.9.0.0/16"), next_hop=ip_address("10.1.0.254")
                ),
                StaticRoute(destination=ip_network("10.8.0.0/16")),
            ),
            disable_gateway_service=True,
        )

        assert answers.join_answer(attachment) == {
            "InterfaceName": {"SrcName": "pnc-1", "DstPrefix": "net"},
            "Gateway": "10.1.0.1",
            "GatewayIPv6": "fd00:1::1",
            "StaticRoutes": [
                {"Destination": "10.9.0.0/16", "RouteType": 0, "NextHop": "10.1.0.254"},
                {"Destination": "10.8.0.0/16", "RouteType": 1, "NextHop": ""},
            ],
            "DisableGatewayService": True,
        }

    def test_an_answer_without_a_gateway(self) -> None:
        """An empty text is none to the engine."""
        answer = answers.join_answer(Attachment(src_name="pnc-1"))

        assert (answer["Gateway"], answer["GatewayIPv6"], answer["StaticRoutes"]) == ("", "", [])


class TestProgram:
    def bindings(self, *wishes: dict[str, Any]) -> tuple[PortBinding, ...]:
        request = read(
            wire.ProgramRequest,
            NetworkID="n",
            EndpointID="e",
            Options={LABEL + "portmap": list(wishes)},
        )
        found: tuple[PortBinding, ...] = request.bindings()
        return found

    def test_all_of_it(self) -> None:
        """As the engine sends it; the container's address is not known to it yet."""
        (binding,) = self.bindings(
            {
                "Proto": 17,
                "IP": "",
                "Port": 53,
                "HostIP": "127.0.0.1",
                "HostPort": 9000,
                "HostPortEnd": 9002,
            }
        )

        assert binding == PortBinding(
            protocol=Protocol.UDP,
            container_port=53,
            host_ip=ip_address("127.0.0.1"),
            host_port=9000,
            host_port_end=9002,
        )

    def test_least_of_it(self) -> None:
        """``-p 80``."""
        (binding,) = self.bindings({"Proto": 6, "Port": 80})

        assert binding == PortBinding(protocol=Protocol.TCP, container_port=80)

    @pytest.mark.parametrize(
        "options", [{}, {"Options": None}, {"Options": {}}, {"Options": {LABEL + "portmap": None}}]
    )
    def test_none(self, options: dict[str, Any]) -> None:
        """Most containers publish nothing."""
        request = read(wire.ProgramRequest, NetworkID="n", EndpointID="e", **options)

        assert request.bindings() == ()

    def test_they_come_in_an_order_of_their_own(self) -> None:
        """Engine 29 sends them in any: which port of a range is whose must not be chance."""
        wishes = [
            {"Proto": 6, "Port": 81, "HostPort": 9000, "HostPortEnd": 9001},
            {"Proto": 17, "Port": 80},
            {"Proto": 6, "Port": 80, "HostPort": 9000, "HostPortEnd": 9001},
        ]

        assert self.bindings(*wishes) == self.bindings(*wishes[::-1])
        found = [(each.container_port, each.protocol) for each in self.bindings(*wishes)]
        assert found == [(80, Protocol.TCP), (80, Protocol.UDP), (81, Protocol.TCP)]

    @pytest.mark.parametrize(
        ("wish", "complaint"),
        [
            ({"Port": 80}, "Object missing required field `Proto`"),
            ({"Proto": 6}, "Object missing required field `Port`"),
            (
                {"Proto": 33, "Port": 80},
                "[0].Proto: 33 is not one of 6 (tcp), 17 (udp), 132 (sctp)",
            ),
            ({"Proto": 6, "Port": 0}, "[0].Port: 0 is not a port from 1 to 65535"),
            ({"Proto": 6, "Port": 65536}, "[0].Port: 65536 is not a port from 1 to 65535"),
            ({"Proto": 6, "Port": "80"}, "Expected `int`, got `str`"),
            (
                {"Proto": 6, "Port": 80, "HostPort": 65536},
                "[0].HostPort: 65536 is not a port from 0 to 65535",
            ),
            (
                {"Proto": 6, "Port": 80, "HostPortEnd": -1},
                "[0].HostPortEnd: -1 is not a port from 0 to 65535",
            ),
            ({"Proto": 6, "Port": 80, "HostIP": "x"}, "[0].HostIP: 'x' is not an address"),
        ],
    )
    def test_refusals(self, wish: dict[str, Any], complaint: str) -> None:
        """With the path to it."""
        with pytest.raises(WireError) as refusal:
            self.bindings(wish)

        assert str(refusal.value).startswith("$.Options[com.docker.network.portmap]")
        assert complaint in str(refusal.value)


class TestOtherAnswers:
    @pytest.mark.parametrize("scope", list(Scope))
    def test_capabilities(self, scope: Scope) -> None:
        """Any other word, and the engine does not register the driver."""
        assert answers.capabilities(scope) == {
            "Scope": scope.value,
            "ConnectivityScope": scope.value,
            "GwAllocChecker": True,
        }

    def test_operational_info(self) -> None:
        """The ports as they were published."""
        endpoint = an_endpoint(
            a_network(), published=(a_published_port(), a_published_port("127.0.0.1", 9000))
        )

        assert answers.oper_info_answer(endpoint) == {
            "Value": {
                LABEL + "portmap": [
                    {
                        "Proto": 6,
                        "IP": "10.1.0.2",
                        "Port": 80,
                        "HostIP": "0.0.0.0",
                        "HostPort": 8080,
                        "HostPortEnd": 8080,
                    },
                    {
                        "Proto": 6,
                        "IP": "10.1.0.2",
                        "Port": 80,
                        "HostIP": "127.0.0.1",
                        "HostPort": 9000,
                        "HostPortEnd": 9000,
                    },
                ],
                LABEL + "endpoint.exposedports": [{"Proto": 6, "Port": 80}],
                LABEL + "endpoint.macaddress": endpoint.mac_address,
            }
        }

    def test_an_allocation_gives_the_options_back(self) -> None:
        """Every node of the swarm gets them so."""
        assert answers.allocation_answer({"mtu": "1400"}) == {"Options": {"mtu": "1400"}}

    @pytest.mark.parametrize("message", [{}, {"DiscoveryType": 1, "DiscoveryData": {"Self": True}}])
    def test_discovery_is_read(self, message: dict[str, Any]) -> None:
        """And what it means is for other modes."""
        assert read(wire.DiscoveryNotification, **message).DiscoveryType in (0, 1)
