"""What containers sent and received is counted at their links, wherever these are."""

import socket
from pathlib import Path

import pytest

from plugin.cli.byte_counts import Counted, sample
from plugin.model.ids import EndpointID, port_name
from plugin.operator.doctor.host import UnseenError
from plugin.operator.doctor.probes import within
from tests.kernel.doctored import ADDRESS, BRIDGE, MAC, SITE, Doctored
from tests.kernel.netns import Netns

SIZE = 1000
HEADERS = 14 + 20 + 8  # Ethernet, IPv4, UDP


def told(doctored: Doctored, inside: Netns) -> tuple[Counted, Counted]:
    """What is counted before and after the container sends ten datagrams."""
    with doctored.netns.entered():
        before = sample(doctored.host()).endpoints[SITE]
    with inside.socket(socket.AF_INET, socket.SOCK_DGRAM) as mouth:
        for _ in range(10):
            mouth.sendto(bytes(SIZE), ("10.1.0.1", 9))
    with doctored.netns.entered():
        return before, sample(doctored.host()).endpoints[SITE]


@pytest.mark.parametrize("at_host", [True, False])
def test_a_container(
    doctored: Doctored, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, at_host: bool
) -> None:
    """By the host's end of its link; or within, by its MAC address."""
    inside = Netns()
    name = port_name(EndpointID(SITE)) if at_host else "another"
    doctored.netns.ip(
        f"link add {name} type veth peer name eth0 address {MAC} netns {inside.path}",
        f"link set {name} master {BRIDGE} up",
    )
    inside.ip(f"address add {ADDRESS}/24 dev eth0", "link set eth0 up")
    doctored.netns.wait_for_carrier(name)
    process = tmp_path / "process"
    (process / "ns").mkdir(parents=True)
    (process / "ns/net").symlink_to(inside.path)
    monkeypatch.setattr("plugin.operator.doctor.host.Host.process_of", lambda *_: process)
    before, after = told(doctored, inside)
    inside.close()

    assert after.sent - before.sent >= 10 * (SIZE + HEADERS)
    assert after.received < after.sent


def test_one_that_cannot_be_seen(doctored: Doctored) -> None:
    """It is left out."""
    assert sample(doctored.host()).endpoints == {}


def test_a_link_with_a_strange_name(
    doctored: Doctored, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A container may name its links, with any bytes: it is counted, and no other is missed."""
    inside = Netns()
    doctored.netns.ip(f"link add other type veth peer name eth0 address {MAC} netns {inside.path}")
    inside.run("ip", "link", "set", "eth0", "name", "\udcff")
    (tmp_path / "ns").mkdir()
    (tmp_path / "ns/net").symlink_to(inside.path)
    monkeypatch.setattr("plugin.operator.doctor.host.Host.process_of", lambda *_: tmp_path)
    found = sample(doctored.host()).endpoints
    inside.close()

    assert found == {SITE: Counted(received=0, sent=0)}


def test_what_fails_within(doctored: Doctored, tmp_path: Path) -> None:
    """It is raised where it was asked for."""
    (tmp_path / "ns").mkdir()
    (tmp_path / "ns/net").symlink_to("/proc/thread-self/ns/net")

    def fail() -> None:
        raise UnseenError("the link is gone")

    with pytest.raises(UnseenError, match="the link is gone"):
        within(tmp_path, fail)
