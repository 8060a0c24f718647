"""The address of a link, found among those of all."""

from ipaddress import IPv6Address
from pathlib import Path

from plugin.dhcp.link_local import address_of
from plugin.model.ids import IfName

TABLE = (
    b"fe8000000000000000000000000000fe 02 40 20 80     eth0\n"
    b"fe8000000000000000000000000000fd 03 40 20 c0     eth1\n"
)


def test_names_that_are_no_text(tmp_path: Path) -> None:
    """The kernel allows all octets, and what a container names its card the host has after it."""
    table = tmp_path / "if_inet6"
    odd = b"fe8000000000000000000000000000ff 04 40 20 80     a\xe2\x80\x83b\xff\n"
    table.write_bytes(odd + TABLE)

    assert address_of(IfName("eth0"), table) == IPv6Address("fe80::fe")


def test_one_that_is_not_usable_yet(tmp_path: Path) -> None:
    """Or not there."""
    table = tmp_path / "if_inet6"
    assert address_of(IfName("eth1"), table) is None
    table.write_bytes(TABLE)

    assert address_of(IfName("eth1"), table) is None
