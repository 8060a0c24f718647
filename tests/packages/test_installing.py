"""docs/reference/installing.md, run as it is printed: from nothing to a network and to nothing."""

import re
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest

from tests.lab.clients import http_get
from tests.lab.host import IMAGE, Host
from tests.lab.installed import REPOSITORY
from tests.lab.managed import ManagedPlugin
from tests.lab.namespace import Peer
from tests.lab.registry import REFERENCE, serve_plugin
from tests.lab.systemd_host import SystemdHost
from tests.packages.conftest import checkout, for_pip, from_mirror, remains

PAGE = REPOSITORY / "docs/reference/installing.md"
YES = "/etc/apt/apt.conf.d/yes"
WEB = "echo here >/www/index.html; exec httpd -f -h /www"


def commands(heading: str) -> list[str]:
    """The blocks of commands below a heading of the page."""
    section = PAGE.read_text().partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    return re.findall(r"^```sh\n(.*?)^```$", section, re.MULTILINE | re.DOTALL)


@pytest.fixture
def patient(machine: SystemdHost) -> Iterator[SystemdHost]:
    """The host, where apt takes every question as answered with yes."""
    machine.path(YES).write_text('APT::Get::Assume-Yes "true";\n')
    yield machine
    machine.path(YES).unlink()


@pytest.fixture(scope="module")
def clone(deb: Callable[[int], Path]) -> Callable[[Host], str]:
    """Put a checkout on a host: what a shell does first is to go there, where pip works."""

    @cache
    def clone(host: Host) -> str:
        from_mirror(host, "python3-venv")
        return f"cd {checkout(host)}\n{for_pip(deb)}"

    return clone


@pytest.fixture(params=["20.10", "28"])
def either(request: pytest.FixtureRequest) -> Host:
    """A bare host of each engine; systemd started only the older."""
    host: Host = request.getfixturevalue("machine" if request.param == "20.10" else "plain")
    return host


def reaches(host: Host, network: str, peer: Peer) -> bool:
    """Whether a container on the network gets an answer from another machine."""
    ping = ("run", "--rm", "--network", network, IMAGE, "ping", "-c", "1", str(peer.address))
    return "1 packets received" in host.docker(*ping)


def test_the_debian_package(patient: SystemdHost, deb: Callable[[int], Path]) -> None:
    """Two blocks: there is a network after the first, and nothing of pynet after the second."""
    install, remove = commands("The Debian package")
    build, _, install = install.partition("\n")
    assert build.startswith("make deb ")
    package = deb(1)
    folder = patient.path("/root/dist")
    folder.mkdir()
    (folder / package.name).write_bytes(package.read_bytes())
    environment = "export DEBIAN_FRONTEND=noninteractive; cd /root"

    patient.run("sh", "-ec", f"{environment}\n{install}")
    assert "demo" in patient.run("pynet", "networks")
    patient.run("sh", "-ec", f"{environment}\n{remove}")

    (folder / package.name).unlink()
    assert remains(patient) == set()


def test_the_service(machine: SystemdHost, clone: Callable[[Host], str], peer: Peer) -> None:
    """Installed by hand: a network that works, a command that is found, and nothing at the end."""
    cloned = clone(machine)
    install, remove = commands("As a service")

    machine.run("sh", "-ec", f"{cloned}{install}", timeout=300)
    assert reaches(machine, "demo", peer)
    assert "nothing differs" in machine.run("pynet", "status")
    documentation = machine.run("systemctl", "show", "-P", "Documentation", "pynet.service")
    assert machine.path(documentation.strip().removeprefix("file:")).is_file()
    machine.run("sh", "-ec", f"cd /\n{remove.replace('NETWORK...', 'demo')}")

    assert remains(machine) == set()


def test_the_managed_plugin(
    either: Host, clone: Callable[[Host], str], peer: Peer, tmp_path: Path
) -> None:
    """Made, set up, upgraded, looked into and removed, while a container runs on."""
    cloned = clone(either)
    make, settings, upgrade, inside = commands("As a managed plugin")
    (remove,) = commands("Removing the managed plugin")
    build, _, create = make.partition("\n")
    assert build.startswith("make plugin ")
    either.run("sh", "-ec", f"{cloned}python3 -m venv .venv; .venv/bin/pip install .", timeout=300)
    managed = ManagedPlugin(either)
    managed.install()

    either.run("sh", "-ec", create)
    assert reaches(either, "demo", peer)
    assert reaches(either, "demo2", peer)
    web = ("--network", "demo", "--name", "web", "-p", "8080:80", IMAGE, "sh", "-c", WEB)
    either.docker("run", "-d", *web)
    either.run("sh", "-ec", settings)
    # What docker asks about the plugin is answered, and there is a registry.
    yes = "docker plugin upgrade --grant-all-permissions --skip-remote-check"
    upgrade = upgrade.replace("docker plugin upgrade", yes)
    with serve_plugin(either.netns, managed.build(), tmp_path):
        either.run(
            "sh", "-ec", upgrade.replace("REGISTRY/pynet/pynet:NEXT", REFERENCE), timeout=300
        )
    managed.wait_ready()
    assert "nothing differs" in either.run("sh", "-ec", inside)
    assert http_get(peer.netns, either.address, 8080) == "here"
    either.docker("rm", "-f", "web")
    either.run("sh", "-ec", f"{cloned}{remove.replace('NETWORK...', 'demo demo2')}")

    assert remains(either) == set()
