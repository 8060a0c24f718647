"""The labs of docs/labs, run as they are printed, on hosts where the package was installed."""

import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest

from tests.lab.commands import wait_until
from tests.lab.dhcp import Dnsmasq
from tests.lab.host import IMAGE, Host
from tests.lab.namespace import Peer
from tests.lab.process import Process
from tests.lab.systemd_host import SystemdHost
from tests.labs import blocks, pages
from tests.packages.conftest import apt, put

VLANS = Path("/proc/net/vlan")


@dataclass(frozen=True, slots=True)
class Classroom:
    """Two hosts with pynet, one of each engine."""

    older: Host
    newer: Host

    def host(self, where: str, *, first: Host) -> Host:
        """Whom a block is for, if the page is begun on one of them."""
        second = self.newer if first is self.older else self.older
        return second if where == "host2" else first


@pytest.fixture(scope="module")
def classroom(machine: SystemdHost, plain: Host, deb: Callable[[int], Path]) -> Iterator[Classroom]:
    for host in (machine, plain):
        apt(host, "install", put(host, deb(1)))
        host.docker("tag", IMAGE, "busybox:latest")
    serving = Process(
        plain.enter("pynet", "serve"), log=plain.directory / "pynet.log", lab=plain.lab
    )
    for host in (machine, plain):
        wait_until(partial(_is_well, host), f"pynet on {host.name}")
    yield Classroom(machine, plain)
    assert serving.running


@pytest.mark.parametrize("engine", ["20.10", "28"])
@pytest.mark.parametrize("page", pages("en"), ids=lambda page: page.stem)
def test_a_lab(classroom: Classroom, peer: Peer, tmp_path: Path, page: Path, engine: str) -> None:
    """Every command succeeds and shows what the page says; nothing is left."""
    first = classroom.older if engine == "20.10" else classroom.newer
    if "overlay" in page.name and engine == "28":
        pytest.skip("its hosts have both engines, and the page names host 1")
    with ExitStack() as undo:
        undo.callback(_clear, classroom)
        if "dhcp" in page.name:
            router = Dnsmasq(peer, tmp_path, "--dhcp-option=3,10.99.0.254")
            undo.callback(router.close)
        for block in blocks(page):
            if block.where == "vlan" and not VLANS.exists():
                continue  # this kernel has none
            host = classroom.host(block.where, first=first)
            said = host.run("sh", "-ec", f"exec 2>&1\n{block.commands}")
            assert block.missing(said) == [], said
        for host in (classroom.older, classroom.newer):
            assert host.docker("ps", "-aq") == ""
            assert host.docker("network", "ls", "-qf", "driver=pynet") == ""
            assert _is_well(host)


def _is_well(host: Host) -> bool:
    done = subprocess.run(host.enter("pynet", "status"), capture_output=True, check=False)
    return done.returncode == 0


def _clear(classroom: Classroom) -> None:
    for host in (classroom.older, classroom.newer):
        for container in host.docker("ps", "-aq").split():
            host.docker("rm", "-f", container)
        for network in host.docker("network", "ls", "-qf", "driver=pynet").split():
            host.docker("network", "rm", network)
