"""Hosts of both engines that share subnets by etcd: the same command on each, and no address twice."""

from functools import partial
from typing import Final

import pytest

from tests.e2e.clustered import Clustered, clustered
from tests.lab.commands import CommandError, wait_until
from tests.lab.lab import Lab
from tests.lab.site import Site

LAN: Final = ("-o", "parent=eth0", "--ipam-opt", "cluster=lan", "--subnet=10.99.1.0/24")


@pytest.mark.nightly
def test_one_lan(hosts: Clustered) -> None:
    """Containers of a macvlan network reach those of the other host, and have addresses of their own."""
    _meet(hosts, hosts.network("-o", "mode=macvlan", "--gateway=10.99.1.1", *LAN))


def test_one_lan_of_dockers_macvlan(hosts: Clustered) -> None:
    """With pynet as IPAM alone."""
    _meet(hosts, hosts.network("--gateway=10.99.1.1", *LAN, driver="macvlan"))


@pytest.mark.nightly
def test_one_lan_on_three_hosts(lab: Lab) -> None:
    """Under either driver; where each host chooses by itself, all begin with the same address."""
    with clustered(lab, "28", "20.10", "28") as three:
        _meet(three, three.network("-o", "mode=macvlan", "--gateway=10.99.1.1", *LAN))
        three.clear()
        wait_until(lambda: not three.etcd.keys("pools/"), "the end of the subnet")
        _meet(three, three.network("--gateway=10.99.1.1", *LAN, driver="macvlan"))
        three.clear()


def _meet(hosts: Clustered, networks: list[str]) -> None:
    containers = hosts.run(networks, each=3)
    addresses = hosts.addresses(networks, containers)

    assert len(set(addresses)) == len(addresses) == 3 * len(hosts.sites)
    for site, own in zip(hosts.sites, containers, strict=True):
        assert all(site.pings(own[0], each) for each in addresses)


@pytest.mark.nightly
def test_a_bridge_of_dockers(hosts: Clustered) -> None:
    """With pynet as IPAM alone: no address is on both hosts, though the bridges are apart."""
    networks = hosts.network("--subnet=10.58.0.0/24", driver="bridge")
    addresses = hosts.addresses(networks, hosts.run(networks, each=3))

    assert len(set(addresses)) == 6


@pytest.mark.nightly
def test_subnets_of_the_ranges(hosts: Clustered) -> None:
    """Both families, without an option; a restart of pynet changes nothing."""
    both = ("--ipv6", "--subnet=10.50.0.0/16", "--subnet=fd00:48:0:1::/64")
    networks = hosts.network(*both)
    containers = hosts.run(networks, each=2)
    before = hosts.addresses(networks, containers)
    for process in hosts.processes:
        process.restart()
    containers = [own + new for own, new in zip(containers, hosts.run(networks), strict=True)]
    addresses = hosts.addresses(networks, containers)
    six = {
        site.address6(container, network)
        for site, network, own in zip(hosts.sites, networks, containers, strict=True)
        for container in own
    }

    assert len(set(addresses)) == len(six) == 6
    assert set(before) < set(addresses)


REFUSED: Final = (
    (("--subnet=10.50.0.0/16", "--ipv6", "--subnet=fd00:7::/64"), "is this host's own"),
    (("--subnet=10.0.0.0/8",), "over the edge of the cluster's"),
    (("--ipam-opt=cluster=lan",), "give a subnet as well"),
    (("--subnet=10.50.0.0/16", "--ip-range=10.50.1.0/24"), "cannot have --ip-range"),
    (("--subnet=10.50.0.0/16", "--gateway=10.50.0.9"), "give the option exclude=10.50.0.9"),
)


def test_refused(hosts: Clustered) -> None:
    """With a sentence, and nothing is left."""
    for options, said in REFUSED:
        for site in hosts.sites:
            with pytest.raises(CommandError, match=said):
                site.network(*options)


def test_other_options_than_the_cluster_has(hosts: Clustered) -> None:
    """Refused with both values."""
    one, two = hosts.sites
    one.network("--subnet=10.51.0.0/24", "--ipam-opt=exclude=10.51.0.9")

    with pytest.raises(
        CommandError, match=r"exclude of .* is '10\.51\.0\.9' in the cluster and ''"
    ):
        two.network("--subnet=10.51.0.0/24")


BRIDGED: Final = ("--subnet=10.52.0.0/24", "-o=icc=false", "-o=bridge_name=br-one")
DIFFERENT: Final = (
    (("--subnet=10.52.0.0/24",), "icc of .* is 'false' in the cluster and not set here"),
    ((*BRIDGED, "--internal"), "internal of .* is not set in the cluster and 'true' here"),
    ((*BRIDGED, "-o=mode=overlay"), "mode of .* is 'bridge' in the cluster and 'overlay' here"),
)


def test_other_options_than_another_host_has(hosts: Clustered) -> None:
    """Refused with both values, but for options about a host; the only host may change them."""
    one, two = hosts.sites
    one.remove_network(one.network("--subnet=10.52.0.0/24", "-o=mtu=1400"))
    one.network(*BRIDGED)

    for options, said in DIFFERENT:
        with pytest.raises(CommandError, match=said):
            two.network(*options)
    two.network(*BRIDGED, "-o=bridge_name=br-two", "-o=icc=0")


@pytest.mark.nightly
def test_a_member_that_stops(etcd: Clustered) -> None:
    """The leader, even: another one is asked, and what is new goes on."""
    etcd.etcd.stop(etcd.etcd.leader())

    networks = [wait_until(partial(_created, site), "the network") for site in etcd.sites]
    addresses = etcd.addresses(networks, etcd.run(networks))

    assert len(set(addresses)) == 2


def _created(site: Site) -> str:
    """The name, or nothing if it was refused: the call that met the member may be."""
    try:
        return site.network("--subnet=10.54.0.0/16")
    except CommandError:
        return ""


KEPT: Final = "10.55.200.11"


def test_reserved_on_all_hosts(hosts: Clustered) -> None:
    """The address is had on either host, on one at a time, and by nothing else."""
    networks = hosts.network("--subnet=10.55.0.0/16")
    one, two = hosts.sites
    hosts.processes[0].command("reserve", f"web={KEPT}")
    first = one.run("--network", networks[0], f"--ip={KEPT}")
    with pytest.raises(CommandError, match="in use on host"):
        two.run("--network", networks[1], f"--ip={KEPT}")
    wait_until(lambda: KEPT in hosts.processes[1].command("reservations"), "the copy")
    one.remove(first)

    second = wait_until(partial(_started, two, networks[1]), "the container")
    assert str(two.address(second, networks[1])) == KEPT
    hosts.processes[1].command("unreserve", KEPT)
    wait_until(lambda: KEPT not in hosts.processes[0].command("reservations"), "its end")
    assert not hosts.etcd.keys("kept/")


def _started(site: Site, network: str) -> str:
    """The name, or nothing while the other host has the address."""
    try:
        return site.run("--network", network, f"--ip={KEPT}")
    except CommandError:
        return ""
