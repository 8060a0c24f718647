"""Who a host is: a copy, a host whose state was lost, and one that runs are refused with a sentence."""

import re
import shutil
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Final

import pytest

from tests.e2e.clustered import Clustered
from tests.lab.commands import CommandError, wait_until

SUBNET: Final = "--subnet=10.60.0.0/16"
SESSION: Final = 90.0  # seconds that a host's session may last, and a round after it


@pytest.fixture
def other(hosts: Clustered, tmp_path: Path) -> Iterator[Clustered]:
    """The second host's state is as it was afterwards."""
    process = hosts.processes[1]
    shutil.copytree(process.state, tmp_path / "state")
    yield hosts
    hosts.clear()
    _with_state(hosts, tmp_path / "state")
    wait_until(lambda: not hosts.conditions(1), "the health", deadline=SESSION)


def _with_state(hosts: Clustered, state: Path | None, host_id: str = "") -> None:
    """Start the second host's pynet on another state, or with none of its addresses and blocks."""
    process = hosts.processes[1]
    process.end()
    if state is not None:
        shutil.rmtree(process.state)
        shutil.copytree(state, process.state)
    else:
        for file in process.state.glob("ipam.db*"):
            file.unlink()
    if host_id:
        (process.state / "host-id").write_text(f"{host_id}\n")
    process.start()


def _refused(hosts: Clustered, said: str) -> None:
    wait_until(lambda: re.search(said, hosts.conditions(1).get("cluster", "")), said)
    with pytest.raises(CommandError, match=said):
        hosts.sites[1].network(SUBNET)


@pytest.mark.nightly
def test_a_copy_of_a_host(other: Clustered) -> None:
    """It gives nothing while the original runs, whether it has its state or only its name."""
    one, two = other.sites
    networks = [one.network(SUBNET)]
    address = one.address(one.run("--network", networks[0]), networks[0])
    name = (other.processes[0].state / "host-id").read_text().split()[0]
    _with_state(other, None, name)
    _refused(other, "another machine is host|is running, or was until a moment ago")

    assert one.address(one.run("--network", networks[0]), networks[0]) != address
    assert not other.conditions(0)
    assert two.docker("ps", "-q") == ""


@pytest.mark.nightly
def test_a_host_whose_state_was_lost(hosts: Clustered) -> None:
    """It gives nothing until it is forgotten, which is refused while it is heard; then it begins anew."""
    name = (hosts.processes[1].state / "host-id").read_text().split()[0]
    with pytest.raises(CommandError, match="is running, or was until a moment ago"):
        hosts.processes[0].command("cluster", "forget", name)
    _with_state(hosts, None)
    _refused(hosts, "this one's state was lost")

    wait_until(lambda: _forgotten(hosts, name), "the end of its session", deadline=SESSION)
    wait_until(lambda: not hosts.conditions(1), "the health", deadline=SESSION)
    networks = hosts.network(SUBNET)
    given = hosts.addresses(networks, hosts.run(networks, each=2))
    assert len(set(given)) == 4


@pytest.mark.nightly
def test_an_etcd_that_lost_everything(hosts: Clustered) -> None:
    """Hosts say so and their containers run on, by an overlay too; made anew, networks are shared as before."""
    overlay = ("-o", "mode=overlay", SUBNET)
    networks = hosts.network(*overlay)
    (one,), (other,) = hosts.run(networks)
    target = hosts.sites[1].address(other, networks[1])
    wait_until(lambda: hosts.sites[0].pings(one, target), "the other host")
    hosts.etcd.lose_everything()
    for host in (0, 1):
        wait_until(partial(_says_forgotten, hosts, host), "what is said", deadline=SESSION)
    with pytest.raises(CommandError, match="forgotten"):
        hosts.sites[0].network("--subnet=10.61.0.0/16")
    assert hosts.sites[0].pings(one, target)

    hosts.clear()
    wait_until(lambda: not any(map(hosts.conditions, (0, 1))), "the health", deadline=SESSION)
    networks = hosts.network(*overlay)
    containers = hosts.run(networks, each=2)
    given = hosts.addresses(networks, containers)
    assert len(set(given)) == 4
    wait_until(lambda: hosts.sites[0].pings(containers[0][0], given[-1]), "the other host")


def _says_forgotten(hosts: Clustered, host: int) -> bool:
    return "forgotten" in hosts.conditions(host).get("cluster", "")


def _forgotten(hosts: Clustered, name: str) -> bool:
    try:
        hosts.processes[0].command("cluster", "forget", name)
    except CommandError:
        return False
    return True
