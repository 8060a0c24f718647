"""Next to a Docker that uses the legacy tables, which packets pass beside nftables' own."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from plugin.firewall.removal import FirewallTraces
from plugin.kernel.netlink.nf_transactions import NfTables
from tests.fakes.values import a_binding
from tests.kernel.site import HOST4, HOST6, OUTSIDE4, Site
from tests.kernel.talk import tcp

pytestmark = pytest.mark.vm

SUBNETS: Final = ("10.1.0.0/24", "fd00:1::/64")
DOCKER: Final = ("-N DOCKER-USER", "-A FORWARD -j DOCKER-USER", "-P FORWARD DROP")
FAMILIES: Final = ("iptables-legacy", "ip6tables-legacy")


@pytest.fixture(params=[True, False], ids=["filtered", "unfiltered"])
def site(request: pytest.FixtureRequest) -> Iterator[Site]:
    """A host whose Docker drops in its legacy tables what nobody has accepted."""
    made = Site(br_netfilter=request.param)
    for command in FAMILIES:
        for rule in DOCKER:
            made.host.run(command, *rule.split())
    with made.host.entered():
        made.healer.heal()
        yield made
        made.close()


def test_a_published_port_is_reached(site: Site) -> None:
    """By both families."""
    server = site.container(site.network("blue", *SUBNETS), 2, [a_binding(80, 8080)])

    tcp(server.netns, ("0.0.0.0", 80), site.outside, (HOST4, 8080))
    tcp(server.netns, ("::", 80), site.outside, (HOST6, 8080))


def test_containers_reach_out_and_each_other(site: Site) -> None:
    """Masqueraded on the way out."""
    network = site.network("blue", *SUBNETS)
    one, other = (site.container(network, number) for number in (2, 3))

    assert tcp(site.outside, ("0.0.0.0", 90), one.netns, (OUTSIDE4, 90)) == HOST4
    assert tcp(other.netns, ("0.0.0.0", 90), one.netns, (str(other.address4), 90)) == str(
        one.address4
    )


def test_rules_that_docker_left_in_nftables_are_answered(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The host was switched to the legacy commands, and nftables still has a policy of DROP."""
    for family in ("iptables", "ip6tables"):
        site.host.run(f"{family}-nft", "-F", "FORWARD")  # the host's plain command was nftables'
        site.host.run(f"{family}-nft", "-P", "FORWARD", "DROP")
        (tmp_path / family).symlink_to("/usr/sbin/xtables-legacy-multi")
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    site.healer.heal()
    server = site.container(site.network("blue", *SUBNETS), 2, [a_binding(80, 8080)])

    tcp(server.netns, ("0.0.0.0", 80), site.outside, (HOST4, 8080))
    tcp(server.netns, ("::", 80), site.outside, (HOST6, 8080))
    FirewallTraces((), NfTables()).remove()
    for family in ("iptables", "ip6tables"):
        for variant in ("legacy", "nft"):
            assert "pynet" not in site.host.run(f"{family}-{variant}-save")


@pytest.mark.parametrize("command", FAMILIES)
def test_the_rule_is_where_docker_leaves_others_a_place(site: Site, command: str) -> None:
    """And it is taken back in the end."""
    before = site.host.run(command, "-S", "DOCKER-USER")
    FirewallTraces((), NfTables()).remove()

    assert "--comment pynet -j ACCEPT" in before
    assert "pynet" not in site.host.run(f"{command}-save")
