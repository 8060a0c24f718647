"""Sandboxes that endpoints join, and ports that are published."""

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Any

import pytest

from plugin.model.ids import IfName
from plugin.model.network import (
    Attachment,
    PortBinding,
    Protocol,
    StaticRoute,
)
from plugin.wire import network_answers as answers
from plugin.wire import network_driver as wire
from plugin.wire.errors import WireError
from tests.unit.wire.bodies import LABEL, read


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
            dst_name=IfName("wan0"),
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
            "InterfaceName": {"SrcName": "pnc-1", "DstPrefix": "net", "DstName": "wan0"},
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

        assert answer["InterfaceName"] == {"SrcName": "pnc-1", "DstPrefix": "eth", "DstName": ""}
        assert (answer["Gateway"], answer["GatewayIPv6"], answer["StaticRoutes"]) == ("", "", [])


PRIVATE = LABEL + "driver.private."


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

    @pytest.mark.parametrize(
        ("said", "expected"), [({}, False), ({PRIVATE + "no_proxy_6to4": True}, True)]
    )
    def test_whose_ipv6_is(self, said: dict[str, Any], *, expected: bool) -> None:
        """Engine 28 says it each time, 29 when it is so, earlier ones never."""
        request = read(wire.ProgramRequest, NetworkID="n", EndpointID="e", Options=said)

        assert request.no_proxy_6to4 is expected

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

    def test_exact_ports_come_before_ranges_that_hold_them(self) -> None:
        """``-p 8000-8010:80 -p 8000:81``, as in Docker's driver."""
        wishes = [
            {"Proto": 6, "Port": 80, "HostPort": 8000, "HostPortEnd": 8010},
            {"Proto": 6, "Port": 80},
            {"Proto": 6, "Port": 81, "HostPort": 8000, "HostPortEnd": 8000},
            {"Proto": 6, "Port": 82, "HostPort": 8001},
        ]

        found = [(each.container_port, each.host_port) for each in self.bindings(*wishes)]
        assert found == [(81, 8000), (82, 8001), (80, 0), (80, 8000)]

    def test_what_differs_in_the_host_address_only_is_together(self) -> None:
        """It gets one number."""
        wishes = [
            {"Proto": 6, "Port": port, "HostIP": host_ip}
            for host_ip in ("::", "", "0.0.0.0")
            for port in (80, 81)
        ]

        found = [str(each.host_ip or "") for each in self.bindings(*wishes)]
        assert found == ["", "0.0.0.0", "::"] * 2

    @pytest.mark.parametrize(
        ("asked", "complaint"),
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
    def test_refusals(self, asked: dict[str, Any], complaint: str) -> None:
        """With the path to it."""
        with pytest.raises(WireError) as refusal:
            self.bindings(asked)

        assert str(refusal.value).startswith("$.Options[com.docker.network.portmap]")
        assert complaint in str(refusal.value)
