"""The messages of IpamDriver."""

import json
from ipaddress import ip_address, ip_interface, ip_network
from typing import Any

import pytest

from plugin.config import Role
from plugin.wire import ipam_driver as wire
from plugin.wire.decoding import decode
from plugin.wire.errors import WireError
from plugin.wire.handshake import activation_answer

MAC = "com.docker.network.endpoint.macaddress"


def read(kind: Any, **message: Any) -> Any:
    """Through bytes, as it comes."""
    return decode(json.dumps(message).encode(), kind)


def wanted(kind: Any, message: dict[str, Any], *names: str) -> list[Any]:
    """What is meant by a message, which is read when it is asked for."""
    request = read(kind, **message)
    return [getattr(request, name) for name in names]


class TestRequestPool:
    @pytest.mark.parametrize("options", [{}, {"Options": None}, {"Options": {}}])
    def test_any_pool(self, options: dict[str, Any]) -> None:
        """Missing, null and empty options."""
        request = read(
            wire.RequestPoolRequest, AddressSpace="L", Pool="", SubPool="", V6=True, **options
        )

        assert (request.prefix, request.sub_prefix, request.options) == (None, None, {})
        assert (request.AddressSpace, request.V6) == ("L", True)

    def test_this_pool(self) -> None:
        """With a range of it."""
        request = read(
            wire.RequestPoolRequest,
            Pool="10.1.0.0/16",
            SubPool="10.1.5.0/24",
            Options={"size": "24", "RequestAddressType": "x"},
        )

        assert request.prefix == ip_network("10.1.0.0/16")
        assert request.sub_prefix == ip_network("10.1.5.0/24")
        assert request.options == {"size": "24"}

    def test_any_pool_of_a_size(self) -> None:
        """From engine 29 on."""
        assert read(wire.RequestPoolRequest, Pool="0.0.0.0/28").prefix == ip_network("0.0.0.0/28")

    @pytest.mark.parametrize(
        ("message", "complaint"),
        [
            ({"Pool": "x"}, "$.Pool: 'x' is not a prefix"),
            ({"SubPool": "10.0.0.0/40"}, "$.SubPool: '10.0.0.0/40' is not a prefix"),
            ({"V6": "true"}, "$.V6: Expected `bool`, got `str`"),
            ({"Options": []}, "$.Options: Expected `object | null`"),
        ],
    )
    def test_refusals(self, message: dict[str, Any], complaint: str) -> None:
        """With the path to it."""
        with pytest.raises(WireError) as refusal:
            wanted(wire.RequestPoolRequest, message, "prefix", "sub_prefix")

        assert str(refusal.value).startswith(complaint)


class TestRequestAddress:
    @pytest.mark.parametrize("options", [{}, {"Options": None}, {"Options": {}}])
    def test_any_address(self, options: dict[str, Any]) -> None:
        """For an endpoint that nothing is known of."""
        request = read(wire.RequestAddressRequest, PoolID="p", Address="", **options)

        assert (request.pool_id, request.address, request.is_gateway) == ("p", None, False)
        assert (request.mac_address, request.name) == (None, None)

    def test_for_the_gateway(self) -> None:
        """The user's choice, with or without a length."""
        for text in ("10.1.0.1", "10.1.0.1/24"):
            request = read(
                wire.RequestAddressRequest,
                PoolID="p",
                Address=text,
                Options={"RequestAddressType": "com.docker.network.gateway"},
            )
            assert (request.address, request.is_gateway) == (ip_address("10.1.0.1"), True)

    def test_for_a_container_that_is_known(self) -> None:
        """Engine 29 says the name."""
        options = {MAC: "02:42:0a:00:00:02", "com.docker.network.endpoint.name": "web"}
        request = read(wire.RequestAddressRequest, PoolID="p", Options=options)

        assert (request.mac_address, request.name) == ("02:42:0a:00:00:02", "web")

    @pytest.mark.parametrize(
        ("message", "complaint"),
        [
            ({}, "$: Object missing required field `PoolID`"),
            ({"PoolID": ""}, "$.PoolID: is empty"),
            ({"PoolID": "p", "Address": "x"}, "$.Address: 'x' is not an address"),
        ],
    )
    def test_refusals(self, message: dict[str, Any], complaint: str) -> None:
        """With the path to it."""
        with pytest.raises(WireError) as refusal:
            wanted(wire.RequestAddressRequest, message, "pool_id", "address")

        assert str(refusal.value).startswith(complaint)


class TestReleaseAddress:
    def test_an_address(self) -> None:
        """With or without a length."""
        request = read(wire.ReleaseAddressRequest, PoolID="p", Address="fd00::2/64")

        assert (request.pool_id, request.address) == ("p", ip_address("fd00::2"))

    @pytest.mark.parametrize("text", ["", "x"])
    def test_refusals(self, text: str) -> None:
        """With the path to it."""
        with pytest.raises(WireError, match=r"^\$\.Address: "):
            _ = read(wire.ReleaseAddressRequest, PoolID="p", Address=text).address


class TestAnswers:
    def test_they_have_the_names_that_the_engine_reads(self) -> None:
        """All of them, exactly."""
        assert wire.address_spaces_answer("a", "b") == {
            "LocalDefaultAddressSpace": "a",
            "GlobalDefaultAddressSpace": "b",
        }
        assert wire.capabilities(requires_mac=False, requires_replay=True) == {
            "RequiresMACAddress": False,
            "RequiresRequestReplay": True,
        }
        assert wire.pool_answer("p", ip_network("10.1.0.0/24"), {}) == {
            "PoolID": "p",
            "Pool": "10.1.0.0/24",
            "Data": {},
        }
        assert wire.address_answer(ip_interface("10.1.0.2/24")) == {
            "Address": "10.1.0.2/24",
            "Data": {},
        }

    @pytest.mark.parametrize(
        ("roles", "names"),
        [
            ({Role.NETWORK, Role.IPAM}, ["NetworkDriver", "IpamDriver"]),
            ({Role.NETWORK}, ["NetworkDriver"]),
            ({Role.IPAM}, ["IpamDriver"]),
        ],
    )
    def test_activation(self, roles: set[Role], names: list[str]) -> None:
        """In an order that never changes: the engine registers in it."""
        assert activation_answer(frozenset(roles)) == {"Implements": names}
