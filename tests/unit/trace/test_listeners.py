"""Sockets as ss prints them, whatever their processes are called."""

import pytest

from plugin.trace import listeners
from tests.unit.trace.rules import packet

# A process named "\ntcp a b c x:1 ", and one that looks like two.
LISTED = """\
udp UNCONN 0 0                     0.0.0.0%d0:67  0.0.0.0:* users:(("
tcp a b c x:1 ",pid=7,fd=5))
udp UNCONN 0 0 [fe80::e017:2fff:fe80:59a9]%d0:546    [::]:* users:(("dhclient",pid=8,fd=3))
tcp LISTEN 0 128                          *:80          *:* users:(("nginx",pid=9,fd=4),("nginx",pid=10,fd=4))
tcp LISTEN 0 128                       [::]:81       [::]:*
"""


def test_sockets() -> None:
    """By address, port and link; what is no socket is left out."""
    found = list(listeners.read(LISTED))

    assert [(each.protocol, each.address, each.link, each.port) for each in found] == [
        ("udp", "0.0.0.0", "d0", 67),
        ("udp", "fe80::e017:2fff:fe80:59a9", "d0", 546),
        ("tcp", "*", "", 80),
        ("tcp", "::", "", 81),
    ]
    assert found[2].processes == (("nginx", 9), ("nginx", 10))


@pytest.mark.parametrize(("link", "heard"), [("d0", True), ("eth0", False)])
def test_a_socket_of_one_link(link: str, *, heard: bool) -> None:
    """It hears what comes by that link."""
    asked = packet(protocol="udp", dport=67, iif=link)

    assert next(listeners.read(LISTED)).hears(asked) is heard


@pytest.mark.parametrize(("port", "heard"), [(80, True), (81, False)])
def test_families(port: int, *, heard: bool) -> None:
    """One socket may hear both, another IPv6 alone."""
    found = listeners.read(LISTED)

    assert any(each.hears(packet(dport=port)) for each in found) is heard
