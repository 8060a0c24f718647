"""Bytes to structs, and a path in every complaint."""

from collections.abc import Callable
from ipaddress import ip_address, ip_interface, ip_network
from typing import Any

import pytest
from msgspec import Struct

from plugin.wire import decoding
from plugin.wire.errors import WireError


class Inner(Struct):
    Port: int


class Message(Struct):
    Name: str
    Ports: list[Inner] = []
    Options: dict[str, str] | None = None


class TestDecode:
    def test_a_message(self) -> None:
        """Keys that nobody knows are passed over."""
        message = decoding.decode(b'{"Name": "a", "Ports": [{"Port": 1}], "New": {}}', Message)

        assert (message.Name, message.Ports[0].Port, message.Options) == ("a", 1, None)

    @pytest.mark.parametrize(
        ("body", "complaint"),
        [
            (b"", "$: the body is empty; a repeated call comes without what it asks for"),
            (b" \n", "$: the body is empty"),
            (b"{", "$: Input data was truncated"),
            (b"{'Name': 1}", "$: JSON is malformed"),
            (b"null", "$: Expected `object`, got `null`"),
            (b"[]", "$: Expected `object`, got `array`"),
            (b"{}", "$: Object missing required field `Name`"),
            (b'{"Name": 7}', "$.Name: Expected `str`, got `int`"),
            (b'{"Name": "a", "Ports": {}}', "$.Ports: Expected `array`, got `object`"),
            (b'{"Name": "a", "Ports": [{"Port": 1}, {"Port": "x"}]}', "$.Ports[1].Port: Expected"),
            (b'{"Name": "a", "Options": {"x": 1}}', "$.Options[...]: Expected `str`, got `int`"),
            (b'{"Name": "a"} x', "$: JSON is malformed"),
            (b'{"Name": "\xff"}', "$: the body is not UTF-8"),
        ],
    )
    def test_refusals(self, body: bytes, complaint: str) -> None:
        """Where it is wrong, and how."""
        with pytest.raises(WireError) as refusal:
            decoding.decode(body, Message)

        assert str(refusal.value).startswith(complaint)


GOOD: list[tuple[Callable[[str, str], object], str, object]] = [
    (decoding.parse_address, "10.0.0.2", ip_address("10.0.0.2")),
    (decoding.parse_address, "fd00::2", ip_address("fd00::2")),
    (decoding.parse_interface, "10.0.0.2/24", ip_interface("10.0.0.2/24")),
    (decoding.parse_network, "10.0.0.0/24", ip_network("10.0.0.0/24")),
    (decoding.parse_network, "10.0.0.7/24", ip_network("10.0.0.0/24")),
    (decoding.parse_network, "::/64", ip_network("::/64")),
    (decoding.parse_mac, "02:42:0A:00:00:02", "02:42:0a:00:00:02"),
    (decoding.parse_mac, "02-42-0a-00-00-02", "02:42:0a:00:00:02"),
    (decoding.require, "x", "x"),
    (decoding.identifier, "a" * 64, "a" * 64),
    (decoding.identifier, "k1x9zqe0swarm", "k1x9zqe0swarm"),
]
BAD: list[tuple[Callable[[str, str], object], str, str]] = [
    (decoding.parse_address, "10.0.0.2/24", "$.X: '10.0.0.2/24' is not an address"),
    (decoding.parse_address, "fd00::1%x", "$.X: 'fd00::1%x' is not an address"),
    (decoding.parse_interface, "fd00::1%x/64", "is not an address with a prefix length"),
    (decoding.parse_network, "fd00::%x/64", "is not a prefix"),
    (decoding.parse_address, "", "$.X: '' is not an address"),
    (decoding.parse_interface, "10.0.0.2", "$.X: '10.0.0.2' has no prefix length, expected one as"),
    (decoding.parse_interface, "10.0.0.2/33", "is not an address with a prefix length"),
    (decoding.parse_network, "10.0.0.0/33", "$.X: '10.0.0.0/33' is not a prefix"),
    (decoding.parse_network, "ten", "is not a prefix"),
    (decoding.parse_mac, "02:42:0a:00:00", "$.X: '02:42:0a:00:00' is not the address of one host"),
    (decoding.parse_mac, "01:00:5e:00:00:01", "is not the address of one host"),
    (decoding.parse_mac, "02:42:0a:00:00:02:03", "is not the address of one host"),
    (decoding.parse_mac, "", "is not the address of one host"),
    (decoding.require, "", "$.X: is empty"),
    (decoding.identifier, "", "$.X: is empty"),
    (decoding.identifier, "a" * 65, "is not an id: 1 to 64 letters, digits"),
    (decoding.identifier, "a/b", "$.X: 'a/b' is not an id"),
    (decoding.identifier, "a\0", "is not an id"),
]


@pytest.mark.parametrize(("parse", "text", "value"), GOOD)
def test_good_text(parse: Callable[[str, str], object], text: str, value: object) -> None:
    """Parsed once, here."""
    assert parse(text, "$.X") == value


@pytest.mark.parametrize(("parse", "text", "complaint"), BAD)
def test_bad_text(parse: Callable[[str, str], Any], text: str, complaint: str) -> None:
    """The value, and what it is not."""
    with pytest.raises(WireError) as refusal:
        parse(text, "$.X")

    assert complaint in str(refusal.value)
