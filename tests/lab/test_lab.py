"""The lab itself: hosts come up, runs do not collide, the dead are swept."""

import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab.clients import http_get
from tests.lab.commands import wait_until
from tests.lab.installed import CAPABILITIES
from tests.lab.lab import Lab
from tests.lab.roots import ENGINES
from tests.lab.runs import CGROUPS, LAB, marked_processes, sweep
from tests.lab.servers import serve_address, serve_dns
from tests.lab.traces import take

REPOSITORY = Path(__file__).parents[2]

# Brings a host with a container up, says which run it is, and never ends by itself.
VICTIM = """
import signal
from tests.lab.lab import Lab
lab = Lab()
host = lab.host("28")
host.docker("run", "-d", "busybox:local", "sleep", "3600")
print(lab.run.name, flush=True)
signal.pause()
"""

# A containerd that is slow the first time.
SLOW = """#!/bin/sh
mkdir /run/slow 2>/dev/null && sleep 20
exec /usr/bin/containerd "$@"
"""


@pytest.fixture
def lab() -> Iterator[Lab]:
    with Lab() as lab:
        yield lab


@pytest.fixture
def victim() -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Another process with a run of its own, and the run's name."""
    with subprocess.Popen(
        [sys.executable, "-c", VICTIM], cwd=REPOSITORY, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        yield process, process.stdout.readline().strip()
        process.kill()


@pytest.mark.parametrize("version", ENGINES)
def test_host_runs_its_engine(lab: Lab, version: str) -> None:
    """A host has the engine asked for, and containers run on it."""
    host = lab.host(version)

    said = host.docker("run", "--rm", "busybox:local", "echo", "hello")

    assert said == "hello"
    assert host.client.version()["Version"].startswith(version)


def test_hosts_and_peers_share_a_wire(lab: Lab) -> None:
    """A peer answers a container of a host, and sees the host's address."""
    host, peer = lab.host("28", "--dns=10.99.0.200"), lab.peer()
    with serve_address(peer.netns, 80), serve_dns(peer.netns, {"peer.test": peer.address}):
        said = host.docker("run", "--rm", "busybox:local", "wget", "-qO-", "http://peer.test/")

    assert said == str(host.address)


def test_engine_comes_back_after_a_kill(lab: Lab) -> None:
    """dockerd killed and started again knows its containers."""
    host = lab.host("28")
    host.docker("create", "--name", "kept", "busybox:local")

    host.restart_docker(signal.SIGKILL)

    assert host.client.containers.get("kept").status == "created"


@pytest.mark.nightly
@pytest.mark.parametrize("version", ENGINES)
def test_an_engine_without_patience_is_started_again(lab: Lab, version: str) -> None:
    """It gives its containerd 15 s, whatever the machine has to do."""
    host = lab.host(version)
    host.dockerd.end(signal.SIGTERM)
    slow = host.path("/usr/local/bin/containerd")
    slow.write_text(SLOW)
    slow.chmod(0o755)

    host.dockerd.start(host.leader)

    assert host.client.version()["Version"].startswith(version)
    assert any("timeout waiting for containerd" in line for line in host.dockerd.lines())


def test_containers_outlive_their_engine(lab: Lab) -> None:
    """With live-restore a killed dockerd leaves containers running."""
    host = lab.host("28", "--live-restore")
    host.docker("run", "-d", "--name", "kept", "busybox:local", "sleep", "3600")
    before = host.client.containers.get("kept").attrs["State"]["Pid"]

    host.restart_docker(signal.SIGKILL)

    assert host.client.containers.get("kept").attrs["State"]["Pid"] == before


def test_reboot_keeps_only_the_disk(lab: Lab) -> None:
    """After a reboot the network is as after the first boot, the containers are known."""
    host = lab.host("28")
    before = take(host.netns)
    host.run("ip", "link", "add", "br9", "type", "bridge")
    host.docker("create", "--name", "kept", "busybox:local")

    host.reboot()

    assert take(host.netns) == before
    assert host.client.containers.get("kept").status == "created"


def test_two_runs_do_not_collide(lab: Lab, victim: tuple[subprocess.Popen[str], str]) -> None:
    """Two runs have equal addresses and names, and neither sees the other."""
    _, other = victim
    host, peer = lab.host("28"), lab.peer()
    host.docker("run", "-d", "--name", "web", "-p", "80:80", "busybox:local", "httpd", "-f")

    assert marked_processes(other)
    assert [container.name for container in host.client.containers.list()] == ["web"]
    with pytest.raises(OSError, match="404"):
        raise OSError(http_get(peer.netns, host.address, 80))


def test_a_killed_run_is_swept(victim: tuple[subprocess.Popen[str], str]) -> None:
    """What kill -9 left is gone after the next sweep; living runs are left alone."""
    process, name = victim
    assert name not in sweep()

    process.send_signal(signal.SIGKILL)
    process.wait()

    assert marked_processes(name)
    assert name in sweep()
    assert not marked_processes(name)
    assert not (LAB / name).exists()
    assert not list(CGROUPS.glob(f"**/pynet-lab-{name}*"))


def test_closing_leaves_nothing() -> None:
    """A run that ends has no process, directory or mount left."""
    with Lab() as lab:
        lab.host("28")
        name = lab.run.name

    wait_until(lambda: not marked_processes(name), "the end of all processes")
    assert not (LAB / name).exists()
    assert name not in Path("/proc/self/mountinfo").read_text()


def test_plugin_has_the_capabilities_of_its_unit() -> None:
    """pynet runs in the lab with what the systemd unit grants, no more and no less."""
    unit = (REPOSITORY / "packaging/systemd/pynet.service").read_text()
    granted = re.search(r"^CapabilityBoundingSet=(.*)$", unit, re.MULTILINE)

    assert granted is not None
    assert granted[1].lower().split() == [f"cap_{name}" for name in CAPABILITIES]
