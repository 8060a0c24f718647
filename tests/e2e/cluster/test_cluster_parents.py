"""One LAN whose link is called otherwise on each host, and one command for all of them."""

from collections.abc import Iterator

import pytest

from tests.e2e.clustered import Clustered
from tests.e2e.renamed import named
from tests.lab.commands import CommandError
from tests.lab.namespace import SUBNET4

SHARED = ("-o=mode=macvlan", "--ipam-opt=cluster=lan", f"--subnet={SUBNET4}")
FREE = ("--ipam-opt=exclude=10.99.0.0/25", "--gateway=10.99.0.1")


@pytest.fixture
def unlike(hosts: Clustered) -> Iterator[Clustered]:
    """The hosts, of which the second has lan0 in the place of eth0."""
    with named(hosts.sites[1].host, "lan0"):
        yield hosts
        hosts.clear()


def test_the_link_on_the_lan(unlike: Clustered) -> None:
    """The same command finds it on each host."""
    networks = unlike.network("-o=parent=auto", *SHARED, *FREE)
    containers = unlike.run(networks, each=2)
    addresses = unlike.addresses(networks, containers)

    assert len(set(addresses)) == 4
    assert unlike.sites[0].pings(containers[0][0], addresses[-1])
    assert unlike.sites[1].pings(containers[1][0], addresses[0])


@pytest.mark.nightly
def test_a_link_for_each_host(unlike: Clustered) -> None:
    """By its name; a host that has none is told what to add, and has no network."""
    one, two = (site.host.name for site in unlike.sites)
    for said, options in {
        f"this host is {two}, .* for {one} only; .* parent@{two}=LINK": [f"parent@{one}=eth0"],
        f"no link eth0 on this host; .* -o parent@{two}=LINK": ["parent=eth0"],
    }.items():
        with pytest.raises(CommandError, match=said):
            unlike.sites[1].network(*(f"-o={each}" for each in options), *SHARED, *FREE)
    networks = unlike.network("-o=parent=eth0", f"-o=parent@{two}=lan0", *SHARED, *FREE)
    containers = unlike.run(networks)

    assert unlike.sites[0].pings(containers[0][0], unlike.addresses(networks, containers)[1])
