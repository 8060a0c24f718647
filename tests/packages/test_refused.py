"""What the package needs and does not find, or finds and cannot read: it says so, and changes nothing."""

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import pytest

from tests.lab.clients import http_get
from tests.lab.commands import CommandError, wait_until
from tests.lab.host import IMAGE
from tests.lab.namespace import Peer
from tests.lab.systemd_host import SystemdHost
from tests.packages.conftest import apt, put, remains

Deb = Callable[[int], Path]
STATE: Final = "/var/lib/pynet"
LATER: Final = 99  # version of a database
# On the host: SQLite resolves links, so /proc/PID/root would lead it to this machine's files.
MADE_LATER: Final = f"""
import sqlite3, sys
database = sqlite3.connect(sys.argv[1])
database.execute("PRAGMA user_version = {LATER}")
database.close()
"""
WEB: Final = "echo here >/www/index.html; exec httpd -f -h /www"
STOP: Final = "systemctl stop pynet.socket pynet.service"
START: Final = "systemctl start pynet.socket pynet.service"


@pytest.fixture
def used(machine: SystemdHost, peer: Peer, deb: Deb) -> Iterator[SystemdHost]:
    """A host with the package, and a container that another machine asks."""
    apt(machine, "install", put(machine, deb(2)))
    machine.docker("network", "create", "-d", "pynet", "--ipam-driver", "pynet", "lan")
    web = ("--network", "lan", "--name", "web", "-p", "8080:80", IMAGE, "sh", "-c", WEB)
    machine.docker("run", "-d", *web)
    wait_until(lambda: answers(machine, peer), "the published port")
    yield machine
    machine.run("sh", "-ec", START)  # if the test failed before it did
    machine.docker("rm", "-f", "web")
    machine.docker("network", "rm", "lan")
    apt(machine, "purge", "pynet")
    assert remains(machine) == set()


def answers(host: SystemdHost, peer: Peer) -> bool:
    try:
        return http_get(peer.netns, host.address, 8080) == "here"
    except OSError:
        return False


def is_well(host: SystemdHost) -> bool:
    done = subprocess.run(host.enter("pynet", "status"), capture_output=True, check=False)
    return done.returncode == 0


def refused(host: SystemdHost, *argv: str) -> str:
    """Run what fails, and return what it said."""
    with pytest.raises(CommandError) as raised:
        host.run(*argv)
    return raised.value.output


@pytest.mark.parametrize(
    ("file", "reason"),
    [
        ("pynet.db", f"was written by a newer pynet (format {LATER}, this one reads "),
        ("ipam.db", f"has version {LATER} and this program knows "),
    ],
)
def test_a_state_of_a_later_version(
    used: SystemdHost, peer: Peer, deb: Deb, file: str, reason: str
) -> None:
    """An earlier package is installed, says why it does not serve, and goes on with a backup."""
    used.run("pynet", "backup", "/root/before.tar")
    used.run("sh", "-ec", STOP)
    path = used.path(f"{STATE}/{file}")
    used.run("python3", "-c", MADE_LATER, f"{STATE}/{file}")
    written, rules = path.read_bytes(), used.run("nft", "--stateless", "list", "ruleset")

    said = apt(used, "install", "--allow-downgrades", put(used, deb(1)))
    assert f"{STATE}/{file} {reason}" in " ".join(said.split())  # dpkg's terminal is narrow
    assert f"{STATE}/{file} {reason}" in refused(used, "pynet", "status")
    create = ("docker", "network", "create", "-d", "pynet", "other")
    assert f"{STATE}/{file} {reason}" in refused(used, *create)
    told = refused(used, "sh", "-c", "apt-get -y purge pynet 2>&1")
    assert "Docker uses networks of pynet: lan; remove them with `docker network rm`" in told
    assert f"{STATE}/{file} {reason}" in " ".join(told.split())  # which is why they cannot be
    assert answers(used, peer)
    assert used.run("nft", "--stateless", "list", "ruleset") == rules
    used.run("sh", "-ec", STOP)
    assert path.read_bytes() == written

    used.run("sh", "-ec", f"pynet restore /root/before.tar; {START}")
    wait_until(lambda: is_well(used), "pynet")
    assert answers(used, peer)


def test_a_later_state_without_networks(machine: SystemdHost, deb: Deb) -> None:
    """Purging says what to do with it, and that is enough."""
    apt(machine, "install", put(machine, deb(1)))
    machine.run("sh", "-ec", STOP)
    machine.run("python3", "-c", MADE_LATER, f"{STATE}/pynet.db")
    machine.run("sh", "-ec", START)

    told = refused(machine, "sh", "-c", "apt-get -y purge pynet 2>&1")
    assert "pynet: not removed. the state /var/lib/pynet/pynet.db was written by a newer" in told
    assert f"to remove pynet all the same, move {STATE}/pynet.db to another folder first" in told

    machine.run("mv", f"{STATE}/pynet.db", "/root/kept.db")
    apt(machine, "purge", "pynet")
    assert remains(machine) == set()


def test_without_nftables(machine: SystemdHost, deb: Deb) -> None:
    """apt and dpkg name the library that is missing; without the command `nft` pynet works."""
    apt(machine, "remove", "nftables")
    apt(machine, "install", put(machine, deb(1)))
    assert "nothing differs" in machine.run("pynet", "status")
    apt(machine, "purge", "pynet")
    assert remains(machine) == set()

    apt(machine, "remove", "libnftables1")
    package = put(machine, deb(1))
    said = refused(machine, "apt-get", "-y", "install", package)
    assert "pynet : Depends: libnftables1" in said
    assert remains(machine) == set()
    said = refused(machine, "dpkg", "--install", package)
    assert "pynet depends on libnftables1" in said
    assert "inactive" in refused(machine, "systemctl", "is-active", "pynet.service")
    apt(machine, "purge", "pynet")

    assert remains(machine) == set()
