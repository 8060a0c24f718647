"""Beside tables that a newer nft has made, and that this host's nft dies of.

They are made by the nft of the newest engine's root.
"""

import subprocess
from collections.abc import Iterator
from typing import Final

import pytest

from tests.contract.test_firewall import EVERY_KIND
from tests.fakes.values import a_binding
from tests.kernel.netns import Netns
from tests.kernel.site import HOST4, OUTSIDE4, Site
from tests.kernel.talk import sender, tcp, udp_reaches
from tests.lab.roots import ENGINES, ensure

# As Docker 29 makes them with its nftables backend: maps of verdicts, by links.
# As Docker 29 makes them with its nftables backend (moby, integration/network/bridge/nftablesdoc).
TABLES: Final = """
table FAMILY docker-bridges {
    map filter-forward-in-jumps {
        type ifname : verdict
        elements = { "docker0" : jump filter-forward-in__docker0 }
    }
    map filter-forward-out-jumps {
        type ifname : verdict
        elements = { "docker0" : jump filter-forward-out__docker0 }
    }
    chain filter-FORWARD {
        type filter hook forward priority filter; policy accept;
        oifname vmap @filter-forward-in-jumps
        iifname vmap @filter-forward-out-jumps
    }
    chain filter-forward-in__docker0 {
        ct state established,related counter accept
        iifname "docker0" counter accept comment "ICC"
        counter drop comment "UNPUBLISHED PORT DROP"
    }
    chain filter-forward-out__docker0 {
        ct state established,related counter accept
        counter accept comment "OUTGOING"
    }
    chain nat-PREROUTING {
        type nat hook prerouting priority dstnat; policy accept;
        fib daddr type local counter jump nat-prerouting-and-output
    }
    chain nat-prerouting-and-output {
    }
    chain raw-PREROUTING {
        type filter hook prerouting priority raw; policy accept;
    }
}
"""

CONTAINER: Final = ("10.1.0.2", 7000)


@pytest.fixture(scope="module")
def newer_nft() -> str:
    """The root of the newest engine, whose nft is newer than this host's."""
    return str(ensure(ENGINES["28"]))


@pytest.fixture
def site(newer_nft: str) -> Iterator[Site]:
    """A host with Docker's tables, on which pynet then starts."""
    made = Site()
    with made.host.entered():
        made.host.run("nft", "flush", "ruleset")
        add_tables(made.host, newer_nft)
        made.restart()
        yield made
        made.close()


def add_tables(host: Netns, root: str) -> None:
    for family in ("ip", "ip6"):
        host.run("chroot", root, "nft", "-f", "-", stdin=TABLES.replace("FAMILY", family))


def test_everything_is_kept_beside_them(site: Site, newer_nft: str) -> None:
    """Who reads the tables of others may die of them; the skeleton and every kind of element."""
    assert subprocess.run(["nft", "list", "ruleset"], capture_output=True, check=False).returncode

    site.firewall.ensure(EVERY_KIND)
    assert site.firewall.read() == frozenset(EVERY_KIND)

    site.firewall.remove(EVERY_KIND[1:])
    assert site.firewall.read() == {EVERY_KIND[0]}

    site.host.run("nft", "flush", "ruleset")
    add_tables(site.host, newer_nft)
    site.firewall.ensure(EVERY_KIND)
    assert site.firewall.read() == frozenset(EVERY_KIND)


def test_who_reaches_whom_beside_them(site: Site) -> None:
    """Docker's chains know no bridge of pynet's, and pynet's keep Docker's containers apart."""
    docker = site.stranger("docker0", "172.17.0.1/16")
    container = site.container(site.network("blue", "10.1.0.0/24"), 2, [a_binding(CONTAINER[1])])

    assert tcp(container.netns, CONTAINER, site.outside, (HOST4, 8080)) == OUTSIDE4
    assert tcp(container.netns, CONTAINER, docker, (HOST4, 8080)) == "172.17.0.2"
    assert tcp(site.outside, (OUTSIDE4, 7000), container.netns, (OUTSIDE4, 7000)) == HOST4
    for server, at, client in (
        (container.netns, CONTAINER, docker),
        (docker, ("172.17.0.2", 7000), container.netns),
    ):
        assert not udp_reaches(site, server, at, sender(client, at))
