"""Networks of mode overlay on hosts that know each other by etcd: nothing but the subnet is said."""

from itertools import permutations
from typing import Final

import pytest

from plugin.kernel.wireguard.own_key import OWN_FILE
from plugin.kernel.wireguard.x25519 import KEY_BYTES
from plugin.model.ids import NetworkID, vxlan_name
from tests.e2e.clustered import Clustered, clustered
from tests.e2e.spanning import EVERYBODY, WIREGUARD_PORT
from tests.lab.commands import CommandError, run, wait_until
from tests.lab.lab import Lab
from tests.lab.namespace import enter

OVERLAY: Final = ("-o", "mode=overlay", "--subnet=10.56.0.0/16")
BOTH: Final = ("--ipv6", "--subnet=fd00:48:0:56::/64")
ENCRYPTED: Final = ("-o", "encrypted", "-o", f"wireguard_port={WIREGUARD_PORT}")
SOON: Final = 2.0


def _reach(hosts: Clustered, networks: list[str], containers: list[list[str]]) -> list[bool]:
    """Whether the first container of each host reaches the first of every other, by each family."""
    found = []
    for (here, _, own), (there, network, others) in permutations(
        zip(hosts.sites, networks, containers, strict=True), 2
    ):
        addresses = (find(others[0], network) for find in (there.address, there.address6))
        found += [here.pings(own[0], address) for address in addresses]
    return found


def _flooded(hosts: Clustered, host: int, network: str) -> set[str]:
    """To whom the host sends what is for everybody."""
    found = hosts.sites[host].inspect("network", network)
    device = vxlan_name(NetworkID(found["Id"]))
    table = run(enter(hosts.sites[host].host.netns, "bridge", "fdb", "show", "dev", device))
    lines = [line.split() for line in table.splitlines() if line.startswith(EVERYBODY)]
    return {line[line.index("dst") + 1] for line in lines}


def test_hosts_find_each_other(etcd: Clustered) -> None:
    """Without a list of peers; and go on, and come back, while etcd is away."""
    _find_each_other(etcd)


@pytest.mark.nightly
def test_hosts_find_each_other_encrypted(etcd: Clustered) -> None:
    """By the secret that they have in common."""
    _find_each_other(etcd, *ENCRYPTED)


@pytest.mark.nightly
def test_hosts_tell_each_other_their_keys(lab: Lab) -> None:
    """Without a secret; also one that has lost its key, and has another from then on."""
    with clustered(lab, "28", "20.10", secret="") as two:
        try:
            networks, containers = _find_each_other(two, *ENCRYPTED)
            two.etcd.go_on()
            process = two.processes[1]
            before = (process.state / OWN_FILE).read_bytes()
            process.end()
            (process.state / OWN_FILE).unlink()
            process.start()
            wait_until(lambda: all(_reach(two, networks, containers)), "the way")

            assert len(before) == len((process.state / OWN_FILE).read_bytes()) == KEY_BYTES
            assert before != (process.state / OWN_FILE).read_bytes()
            peers = ",".join(str(site.host.address) for site in two.sites)
            named = ("-o", "mode=overlay", "-o", f"peers={peers}", *ENCRYPTED)
            with pytest.raises(CommandError, match="pynet has no secret to make keys of"):
                two.sites[0].network(*named, "--subnet=10.49.0.0/24")
        finally:
            two.etcd.go_on()
            two.clear()


def _find_each_other(etcd: Clustered, *options: str) -> tuple[list[str], list[list[str]]]:
    networks = etcd.network(*OVERLAY, *BOTH, *options)
    containers = etcd.run(networks)
    wait_until(lambda: all(_reach(etcd, networks, containers)), "the way", deadline=SOON)

    etcd.etcd.stop(0, 1, 2)
    for process in etcd.processes:
        process.restart()
    containers = etcd.run(networks)
    assert all(_reach(etcd, networks, containers))
    return networks, containers


@pytest.mark.nightly
def test_three_hosts(lab: Lab) -> None:
    """The third one comes later; then every container reaches every other."""
    with clustered(lab, "28", "20.10", "28") as three:
        networks = [site.network(*OVERLAY, *BOTH) for site in three.sites[:2]]
        containers = [
            [site.run("--network", each)] for site, each in zip(three.sites, networks, strict=False)
        ]
        networks.append(three.sites[2].network(*OVERLAY, *BOTH))
        containers.append([three.sites[2].run("--network", networks[2])])
        wait_until(lambda: all(_reach(three, networks, containers)), "the way", deadline=SOON)
        addresses = [str(site.host.address) for site in three.sites]
        for host, own in enumerate(addresses):
            assert _flooded(three, host, networks[host]) == set(addresses) - {own}
        three.clear()


def test_a_host_that_joins_and_leaves(hosts: Clustered) -> None:
    """It is seen at once."""
    one, two = hosts.sites
    address = str(two.host.address)
    first = one.network(*OVERLAY)
    assert _flooded(hosts, 0, first) == set()
    for _ in range(2):
        second = two.network(*OVERLAY)
        wait_until(lambda: _flooded(hosts, 0, first) == {address}, "the host", deadline=SOON)
        assert _flooded(hosts, 1, second) == {str(one.host.address)}
        two.remove_network(second)
        wait_until(lambda: _flooded(hosts, 0, first) == set(), "its end", deadline=SOON)


OTHERWISE: Final = (
    (("-o", "vni=77"), r"vni of 10\.56\.0\.0/16 is '\d+' in the cluster and '77' here"),
    (("-o", "encrypted"), r"encrypted of .* is 'false' in the cluster and 'true' here"),
    (("-o", "vxlan_port=4790"), "vxlan_port of .* is '4789' in the cluster and '4790' here"),
    (("-o", "mtu=1300"), "mtu of .* is 'default' in the cluster and '1300' here"),
    (BOTH, "subnets of .* in the cluster and .*fd00:48:0:56::/64' here"),
)


def test_options_that_differ(hosts: Clustered) -> None:
    """Refused with both values, and the host is nobody's peer then."""
    one, two = hosts.sites
    first = one.network(*OVERLAY)
    for options, said in OTHERWISE:
        with pytest.raises(CommandError, match=said):
            two.network(*OVERLAY, *options)
    with pytest.raises(CommandError, match="is not the cluster's on this host"):
        two.network("-o", "mode=overlay", "--subnet=10.200.0.0/24")

    wait_until(lambda: _flooded(hosts, 0, first) == set(), "nobody")
