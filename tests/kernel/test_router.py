"""The host is no more of a router for others than it was before pynet came."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from plugin.errors import FirewallError
from tests.kernel.netns import Netns
from tests.kernel.site import HOST4, HOST6, OUTSIDE4, OUTSIDE6, Site
from tests.kernel.talk import pings

DUAL = ("10.1.0.0/24", "fd00:1::/64")
COMMANDS = {4: "iptables", 6: "ip6tables"}
SWITCHES = {4: "net/ipv4/ip_forward", 6: "net/ipv6/conf/all/forwarding"}


@dataclass(frozen=True, slots=True)
class Crossing:
    """A host with a second LAN, whose machine asks those of the first."""

    site: Site
    second: Netns

    def passes(self) -> dict[int, bool]:
        """By family."""
        asked = {4: (self.second, OUTSIDE4), 6: (self.second, OUTSIDE6)}
        return pings(asked, {})

    def policies(self) -> dict[int, str]:
        return {
            version: self.site.host.run(command, "-S", "FORWARD").split()[2]
            for version, command in COMMANDS.items()
        }


@pytest.fixture
def crossing() -> Iterator[Crossing]:
    """It forwards nothing yet."""
    site = Site()
    second = Netns()
    for name in SWITCHES.values():
        site.host.sysctl(name, 0)
    site.host.ip(
        f"link add two type veth peer name eth0 netns {second.path}",
        "address add 198.51.100.1/24 dev two",
        "address add fd00:98::1/64 dev two nodad",
        "link set two up",
    )
    second.ip(
        "address add 198.51.100.2/24 dev eth0",
        "address add fd00:98::2/64 dev eth0 nodad",
        "link set eth0 up",
        "route add default via 198.51.100.1",
        "route add default via fd00:98::1",
    )
    second.wait_for_carrier("eth0")
    site.outside.ip(f"route add 198.51.100.0/24 via {HOST4}", f"route add fd00:98::/64 via {HOST6}")
    with site.host.entered():
        yield Crossing(site, second)
        site.close()
        second.close()


def test_it_stays_closed_to_others(crossing: Crossing) -> None:
    """With the first container, after a restart of pynet, and when everything is gone again."""
    site = crossing.site
    network = site.network("blue", *DUAL)
    one = site.container(network)

    assert crossing.passes() == {4: False, 6: False}
    assert crossing.policies() == {4: "DROP", 6: "DROP"}
    out = {4: (one.netns, OUTSIDE4), 6: (one.netns, OUTSIDE6)}
    reached = {4: True, 6: True}
    assert pings(out, reached) == reached
    site.restart()
    assert crossing.passes() == {4: False, 6: False}
    site.stop(one)
    site.networks.delete(network.id)
    assert crossing.passes() == {4: False, 6: False}


def test_by_family(crossing: Crossing) -> None:
    """What no container needed is as it was."""
    crossing.site.container(crossing.site.network("blue", DUAL[0]))

    assert crossing.policies() == {4: "DROP", 6: "ACCEPT"}


def test_a_router_stays_one(crossing: Crossing) -> None:
    """It forwarded before."""
    site = crossing.site
    site.host.sysctl(SWITCHES[4], 1)
    site.container(site.network("blue", *DUAL))

    assert crossing.policies() == {4: "ACCEPT", 6: "DROP"}
    assert crossing.passes() == {4: True, 6: False}


def test_the_owner_decides(crossing: Crossing) -> None:
    """By rules, and by a policy that pynet leaves as it is."""
    site = crossing.site
    network = site.network("blue", *DUAL)
    site.container(network)
    for command in COMMANDS.values():
        for way in (("-i", "two"), ("-o", "two")):
            site.host.run(command, "-A", "FORWARD", *way, "-j", "ACCEPT")

    assert crossing.passes() == {4: True, 6: True}
    for command in COMMANDS.values():
        site.host.run(command, "-F", "FORWARD")
        site.host.run(command, "-P", "FORWARD", "ACCEPT")
    site.healer.heal()
    site.container(network, 3)
    assert crossing.policies() == {4: "ACCEPT", 6: "ACCEPT"}


def test_no_container_where_it_cannot_be_closed(
    crossing: Crossing, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The host would forward for all, and the user would not know."""
    network = crossing.site.network("blue", *DUAL)
    (tmp_path / "ip").symlink_to(shutil.which("ip") or "")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(FirewallError, match=r"switch forwarding on yourself \(sysctl -w net\.ipv"):
        crossing.site.container(network)

    assert crossing.passes() == {4: False, 6: False}
