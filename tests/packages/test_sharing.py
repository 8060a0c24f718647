"""The beginning of docs/reference/cluster.md, run as it is printed: three bare hosts, and one network."""

import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final
from uuid import uuid4

import pytest

from tests.lab.commands import run, wait_until
from tests.lab.debian import CACHE, locked
from tests.lab.host import IMAGE
from tests.lab.installed import REPOSITORY
from tests.lab.lab import Lab
from tests.lab.systemd_host import SystemdHost
from tests.packages.conftest import apt, put

PAGE: Final = REPOSITORY / "docs/reference/cluster.md"
HOSTS: Final = 3
FIRST: Final = "host0$ "
EVERY: Final = "every host$ "


def commands(number: int) -> dict[str, str]:
    """What the page's block says for the first host, and for every one."""
    block = re.findall(r"^```\n(.*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL)[number]
    lines = block.replace("\\\n", " ").splitlines()
    said = {
        prompt: "\n".join(
            line.removeprefix(prompt).partition(" # ")[0]
            for line in lines
            if line.startswith(prompt)
        )
        for prompt in (FIRST, EVERY)
    }
    # The lab has no mirror of Debian, and one image.
    said[FIRST] = said[FIRST].replace("apt install", "apt-get install -y")
    said[EVERY] = said[EVERY].replace(" IMAGE", f" {IMAGE} sleep 3600")
    return said


def _etcd() -> Path:
    """Debian's package, for hosts that reach no mirror."""
    with locked("etcd"):
        folder = CACHE / "etcd"
        folder.mkdir(exist_ok=True)
        if not list(folder.glob("etcd-server_*.deb")):
            subprocess.run(["apt-get", "download", "etcd-server"], cwd=folder, check=True)
    (found,) = folder.glob("etcd-server_*.deb")
    return found


@pytest.fixture
def hosts(deb: Callable[[int], Path]) -> Iterator[list[SystemdHost]]:
    """Three, each with pynet's package; the first has the address that the page names."""
    with Lab() as lab:
        for number in range(1, HOSTS + 1):
            host = SystemdHost(lab.run, lab.fabric, number)
            lab.hosts.append(host)
            host.boot()
            host.run("hostname", host.name)
            host.path("/etc/machine-id").write_text(f"{uuid4().hex}\n")
            apt(host, "install", put(host, deb(1)))
        yield [host for host in lab.hosts if isinstance(host, SystemdHost)]


def _address(host: SystemdHost) -> str:
    (container,) = host.docker("ps", "-q").split()
    shown = "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}"
    return host.docker("inspect", "-f", shown, container).strip()


def test_from_bare_hosts_to_a_network(hosts: list[SystemdHost]) -> None:
    """Of which no two containers have the same address, and all reach each other."""
    (lan, overlay), first = (commands(number) for number in range(2)), hosts[0]
    package = put(first, _etcd())
    first.run("sh", "-ec", lan[FIRST].replace("etcd-server", package), timeout=300)
    for host in hosts:
        host.run("sh", "-ec", lan[EVERY])

    addresses = [_address(host) for host in hosts]
    assert len(set(addresses)) == HOSTS
    for host in hosts:
        (container,) = host.docker("ps", "-q").split()
        for address in addresses:
            host.docker("exec", container, "ping", "-c1", "-W3", address)
        host.run("sh", "-ec", overlay[EVERY])
    shown = first.run("pynet", "cluster")
    assert shown.count("\tyes\t") == HOSTS
    for host in hosts:
        host.docker("run", "-d", "--name=over", "--network=app", IMAGE, "sleep", "3600")
    own = "{{.NetworkSettings.Networks.app.IPAddress}}"
    over = [host.docker("inspect", "-f", own, "over").strip() for host in hosts]
    assert len(set(over)) == HOSTS
    for address in over:
        wait_until(lambda: _reaches(first, address), f"{address} to answer")  # noqa: B023


def _reaches(host: SystemdHost, address: str) -> bool:
    return "1 packets received" in run(
        host.enter("sh", "-c", f"docker exec over ping -c1 -W2 {address} || true")
    )
