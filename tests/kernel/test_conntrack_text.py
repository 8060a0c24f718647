"""What the kernel's file tells cheaply: that there is no connection to forget."""

import socket
from collections.abc import Collection
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest

from plugin.kernel.netlink import conntrack
from tests.kernel.netns import Netns
from tests.kernel.tracked import TRACKING, a_port, entries

pytestmark = pytest.mark.kernels

GONE = ip_address("127.0.0.9")


@pytest.fixture(autouse=True)
def looks(netns: Netns, monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The dear looks, with three connections to begin with."""
    netns.run("nft", TRACKING)
    speak(range(50, 53))
    looks: list[Any] = []

    delete_all = conntrack._delete_all  # noqa: SLF001

    def counted(sock: socket.socket, filters: Collection[bytes]) -> bool:
        looks.append(filters)
        return delete_all(sock, filters)

    monkeypatch.setattr(conntrack, "_delete_all", counted)
    return looks


def speak(ports: range) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        for port in ports:
            sock.sendto(b"?", ("127.0.0.1", port))


def test_few_and_none_wanted_need_no_look(looks: list[Any]) -> None:
    """As of most containers that end, on a host that does little else."""
    conntrack.Connections().forget_addresses([GONE, ip_address("::9")])
    conntrack.Connections().forget([a_port(49)])

    assert not looks


def test_one_is_wanted(looks: list[Any]) -> None:
    """It goes, and the others stay."""
    conntrack.Connections().forget([a_port(51)])

    assert looks
    assert {port for _, _, port in entries()} & {"50", "51", "52"} == {"50", "52"}


def test_an_ipv6_address_is_found(netns: Netns, looks: list[Any]) -> None:
    """The kernel writes it with all its digits."""
    netns.ip("address add fd00:7::2/128 dev lo nodad")
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as sock:
        sock.bind(("fd00:7::2", 0))
        sock.sendto(b"?", ("::1", 54))
    conntrack.Connections().forget_addresses([ip_address("fd00:7::2")])

    assert looks
    assert ("udp", "ipv6", "54") not in entries()


def test_more_than_a_page_is_not_believed(
    looks: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A second page may lack what is there."""
    monkeypatch.setattr(conntrack, "_LINES", 1000)
    speak(range(100, 160))
    conntrack.Connections().forget_addresses([GONE])

    assert looks


def test_many_are_not_read_at_all(looks: list[Any]) -> None:
    """A part of them could only be thrown away."""
    speak(range(100, 160))
    conntrack.Connections().forget_addresses([GONE])

    assert looks


@pytest.mark.parametrize("text", ["/proc/none", "/proc/self/mem"])
def test_a_kernel_that_does_not_tell(
    looks: list[Any], monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    """The file is an option that distributions may leave out; and a read of it may fail."""
    monkeypatch.setattr(conntrack, "_TEXT", Path(text))
    conntrack.Connections().forget_addresses([GONE])

    assert looks
